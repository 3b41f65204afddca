"""mien reads the facial expressions that images and videos show, on your own machine.

mien describes a facial expression, not an emotion that a person feels.

>>> import mien
>>> sorted(set(mien.__all__) - set(dir(mien)))
[]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.core.environment import silence

if TYPE_CHECKING:
    from mien.core.errors import (
        InputError,
        MediaError,
        MienError,
        MissingExtraError,
        NetworkError,
        RecordError,
    )
    from mien.core.face import Face
    from mien.core.faces import Faces
    from mien.core.frame import Frame
    from mien.core.frame_result import FrameResult
    from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
    from mien.inference.asynchronous import AsyncPipeline
    from mien.inference.pipeline import Pipeline
    from mien.media import Sampling
    from mien.tracking.options import Smoothing, Tracking
    from mien.tracking.session import Session
    from mien.video.analyze import analyze
    from mien.video.results import Results, VideoResult

__version__ = "0.2.0"

silence()  # Before anybody, such as a library that mien uses, imports ONNX Runtime.

# Each name is looked up in its module at first use: importing mien loads neither numpy nor any network.
_HOMES = {
    "EXPRESSIONS": "mien.core.labels",
    "FERPLUS": "mien.core.labels",
    "Face": "mien.core.face",
    "Faces": "mien.core.faces",
    "Frame": "mien.core.frame",
    "InputError": "mien.core.errors",
    "Labels": "mien.core.labels",
    "MediaError": "mien.core.errors",
    "MienError": "mien.core.errors",
    "MissingExtraError": "mien.core.errors",
    "NetworkError": "mien.core.errors",
    "AsyncPipeline": "mien.inference.asynchronous",
    "Pipeline": "mien.inference.pipeline",
    "FrameResult": "mien.core.frame_result",
    "RecordError": "mien.core.errors",
    "VideoResult": "mien.video.results",
    "Results": "mien.video.results",
    "Sampling": "mien.media",
    "Session": "mien.tracking.session",
    "Smoothing": "mien.tracking",
    "Tracking": "mien.tracking",
    "analyze": "mien.video.analyze",
}

__all__ = [
    "EXPRESSIONS",
    "FERPLUS",
    "AsyncPipeline",
    "Face",
    "Faces",
    "Frame",
    "FrameResult",
    "InputError",
    "Labels",
    "MediaError",
    "MienError",
    "MissingExtraError",
    "NetworkError",
    "Pipeline",
    "RecordError",
    "Results",
    "Sampling",
    "Session",
    "Smoothing",
    "Tracking",
    "VideoResult",
    "analyze",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
