"""Finding faces in images: one protocol, one convention for boxes, several ways to do it.

The convention: a box reaches from the top of the forehead to the chin and from ear to ear of a frontal face,
so it is higher than wide; it is clipped to the image. A detector that draws its boxes otherwise converts
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core.errors import InputError, MienError
from mien.core.faces import Faces
from mien.core.names import nearest, quoted
from mien.inference.config import DetectorName

DETECTORS: tuple[str, ...] = get_args(DetectorName)
"""Names that `create_detector` knows, the default first."""


_LARGEST_FACE = 1_000_000
"""px of the smallest face to be found; no image is as high."""


@runtime_checkable
class Detector(Protocol):
    """Anything that finds faces in images. The answer for an image does not depend on the others in the
    call. It may have a ``name`` (`detector_name`)."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """Faces of each ``(h, w, 3)`` uint8 RGB image, best first, with frames and times 0."""
        ...


@runtime_checkable
class Refiner(Protocol):
    """A detector that can also confirm faces where they are expected, for much less than finding them."""

    def refine(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[ArrayLike]) -> list[Faces]:
        """For each image a row per box, in order: the refined box and the probability, however low, that it
        holds a face."""
        ...


def detector_name(detector: Detector) -> str:
    """What tables call a detector: its ``name``, or that of its class.

    >>> detector_name(create_detector("whole"))
    'whole'
    """
    return str(getattr(detector, "name", type(detector).__name__))


def create_detector(
    name: str = "mtcnn",
    *,
    min_face: int | None = None,
    min_detection_score: float | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Detector:
    """A detector by its name.

    Args:
        name: ``mtcnn`` (the default), ``blaze`` (faces that fill the frame), ``auto`` (both), ``haar`` (a
            baseline, needs ``mien[haar]``) or ``whole`` (each image is one face).
        min_face: Height in px of the smallest face to be found; the detector's own choice (40) by default.
            ``whole`` has no use for it.
        min_detection_score: Least score, 0 to 1, of a face that counts; the detector's own choice by default:
            0.8 for ``mtcnn`` and 0.6 for ``blaze``, probabilities; every face for ``haar``, whose scores only put faces into an
            order. ``whole`` has none and refuses it.
        threads: Threads that one run of a network may use; ``haar`` and ``whole`` have no use for it.
        device: What runs its networks, ``auto`` or one of `mien.inference.onnx_session.DEVICES`; ``haar`` and
            ``whole`` have no use for it.

    Raises:
        InputError: There is no such detector, or an option is out of range.
        MissingExtraError: It needs a package that is not installed.
        NetworkError: Its networks are missing or damaged.

    >>> len(create_detector("whole").detect([np.zeros((48, 48, 3), np.uint8)])[0])
    1
    >>> create_detector("yolo")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a detector out of mtcnn, blaze, auto, haar, whole; got 'yolo'
    """
    if name not in DETECTORS:
        raise InputError(
            f"expected a detector out of {', '.join(DETECTORS)}; got {quoted(name)}{nearest(name, DETECTORS)}"
        )
    if min_detection_score is not None and not 0 < min_detection_score < 1:
        raise InputError(
            f"min_detection_score: expected a score between 0 and 1, neither of both; got {min_detection_score}: leave it out for the detector's own"
        )
    if min_face is not None and min_face > _LARGEST_FACE:
        raise InputError(f"expected min_face of {_LARGEST_FACE:,} px or less; got {quoted(min_face)}")
    made: Detector = import_module(f"{__name__}.{name}").create(
        40 if min_face is None else min_face, min_detection_score, threads, device
    )
    return made


def availability() -> dict[str, str | None]:
    """For each detector None where it can be used here, else what is wrong and what to do."""
    found: dict[str, str | None] = {}
    for name in DETECTORS:
        try:
            create_detector(name, threads=1)
            found[name] = None
        except MienError as error:
            found[name] = str(error)
    return found
