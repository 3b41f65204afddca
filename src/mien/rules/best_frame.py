"""The best frame of a moment: sharp, and with everybody turned to the camera."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.core.faces import Faces
from mien.inference.crop import crop_resize
from mien.rules.features import frontalness

Kept = TypeVar("Kept")

_SIDE = 128  # px to which faces are brought, so that near and far ones compare.


def sharpness(image: NDArray[np.uint8], boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """How sharp each face is: the variance of its Laplacian (Pech-Pacheco et al., ICPR 2000), at one size for
    all faces.

    Args:
        image: ``(h, w, 3)`` uint8, RGB.
        boxes: ``(n, 4)`` px.

    Returns:
        ``(n,)``, 0 or more; it compares frames of the same people.

    >>> image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> soft = (image // 2 + np.roll(image, 1, axis=1) // 2).astype(np.uint8)
    >>> box = np.array([[8, 8, 56, 56]])
    >>> bool(sharpness(image, box) > sharpness(soft, box))
    True
    """
    faces = crop_resize(image, boxes, _SIDE, gray=True).astype(np.float32)
    middle = faces[:, 1:-1, 1:-1]
    curved = faces[:, :-2, 1:-1] + faces[:, 2:, 1:-1] + faces[:, 1:-1, :-2] + faces[:, 1:-1, 2:] - 4 * middle
    return np.asarray(curved.var(axis=(1, 2)), np.float64)


class BestFrame(Generic[Kept]):
    """Keeps the best frame of those that it is shown; one at a time, so that memory does not grow.

    The worst face decides, for nobody should be blurred or look away: a frame counts as much as the product
    of sharpness and frontalness (`mien.rules.features.frontalness`, where the detector gives points) of the
    face for which it is lowest. Frames with more faces come before frames with fewer.

    >>> moment = BestFrame()
    >>> moment.add("nobody", np.zeros((48, 48, 3), np.uint8), Faces.empty())
    >>> moment.take(), moment.take()
    ('nobody', None)
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the frame."""
        self._best: Kept | None = None
        self._worth = (-1, 0.0)

    def add(self, kept: Kept, image: NDArray[np.uint8], faces: Faces) -> None:
        """Show it a frame.

        Args:
            kept: What `take` gives if this frame is the best.
            image: Its image.
            faces: In it.
        """
        worth = (len(faces), _worth(image, faces))
        if worth > self._worth:
            self._best, self._worth = kept, worth

    def take(self) -> Kept | None:
        """The best frame since the last call, or None."""
        best = self._best
        self.clear()
        return best


def _worth(image: NDArray[np.uint8], faces: Faces) -> float:
    if not len(faces):
        return 0.0
    sharp = sharpness(image, faces.boxes)
    return float((sharp if faces.landmarks is None else sharp * frontalness(faces.landmarks)).min())
