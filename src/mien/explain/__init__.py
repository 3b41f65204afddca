"""What a network looks at: kernels, feature maps, Grad-CAM, guided backpropagation and occlusion, as numbers
and as PNG sheets.

``explain`` writes the sheets of one image; ``open_explained`` opens a network, and the functions beside it
give the numbers. mien describes a facial expression, not an emotion that a person feels. All of this
says what a network did with one image, not why a face looks as it does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.explain.attribution import gradcam, guided_backpropagation, occlusion
    from mien.explain.base import ExplainableModel
    from mien.explain.crops import Crop, crops_of
    from mien.explain.run import KINDS, ExplainOptions, SheetFile, drawable, explain, open_explained

_HOMES = {
    "KINDS": "mien.explain.run",
    "ExplainOptions": "mien.explain.run",
    "Crop": "mien.explain.crops",
    "ExplainableModel": "mien.explain.base",
    "SheetFile": "mien.explain.run",
    "crops_of": "mien.explain.crops",
    "drawable": "mien.explain.run",
    "explain": "mien.explain.run",
    "gradcam": "mien.explain.attribution",
    "guided_backpropagation": "mien.explain.attribution",
    "occlusion": "mien.explain.attribution",
    "open_explained": "mien.explain.run",
}

__all__ = [
    "KINDS",
    "Crop",
    "ExplainOptions",
    "ExplainableModel",
    "SheetFile",
    "crops_of",
    "drawable",
    "explain",
    "gradcam",
    "guided_backpropagation",
    "occlusion",
    "open_explained",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien.explain' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
