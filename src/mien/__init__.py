"""mien reads the facial expressions that pictures and videos show, on your own machine.

What a network reads is the expression on a face, not what the person feels.

>>> import mien
>>> sorted(set(mien.__all__) - set(dir(mien)))
[]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.telemetry import silence

if TYPE_CHECKING:
    from mien.analysis import analyze
    from mien.errors import InputError, MediaError, MienError, MissingExtraError, NetworkError, RecordError
    from mien.faces import Face, Faces
    from mien.frame_result import Reading
    from mien.labels import EXPRESSIONS, FERPLUS, Labels
    from mien.media import Sampling
    from mien.media.frame import Frame
    from mien.pipeline import Pipeline
    from mien.reading import Recording, Results
    from mien.session import Session
    from mien.smooth import Smoothing
    from mien.track import Tracking

__version__ = "0.1.0"

silence()  # Before anybody, such as a library that mien uses, imports ONNX Runtime.

# Each name is looked up in its module at first use: importing mien loads neither numpy nor any network.
_HOMES = {
    "EXPRESSIONS": "mien.labels",
    "FERPLUS": "mien.labels",
    "Face": "mien.faces",
    "Faces": "mien.faces",
    "Frame": "mien.media.frame",
    "InputError": "mien.errors",
    "Labels": "mien.labels",
    "MediaError": "mien.errors",
    "MienError": "mien.errors",
    "MissingExtraError": "mien.errors",
    "NetworkError": "mien.errors",
    "Pipeline": "mien.pipeline",
    "Reading": "mien.frame_result",
    "RecordError": "mien.errors",
    "Recording": "mien.reading",
    "Results": "mien.reading",
    "Sampling": "mien.media",
    "Session": "mien.session",
    "Smoothing": "mien.smooth",
    "Tracking": "mien.track",
    "analyze": "mien.analysis",
}

__all__ = [
    "EXPRESSIONS",
    "FERPLUS",
    "Face",
    "Faces",
    "Frame",
    "InputError",
    "Labels",
    "MediaError",
    "MienError",
    "MissingExtraError",
    "NetworkError",
    "Pipeline",
    "Reading",
    "RecordError",
    "Recording",
    "Results",
    "Sampling",
    "Session",
    "Smoothing",
    "Tracking",
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
