"""Images as a detector takes them, and the record that it gives for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces


def checked(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The images as a list of contiguous arrays.

    Raises:
        InputError: An image is not ``(h, w, 3)`` uint8 with at least one pixel.

    >>> import numpy as np
    >>> checked([np.zeros((4, 5), np.uint8)])
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected images as (h, w, 3) uint8 RGB; got (4, 5) uint8 at position 0
    """
    for position, image in enumerate(images):
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
            or 0 in image.shape
        ):
            array = np.asarray(image)
            raise InputError(
                f"expected images as (h, w, 3) uint8 RGB; got {array.shape} {array.dtype} at position {position}"
            )
    return [np.ascontiguousarray(image) for image in images]


def found(boxes: ArrayLike, scores: ArrayLike, points: ArrayLike | None = None) -> Faces:
    """Faces in one image, with frame and time 0, which are the caller's to fill in.

    >>> found([[0, 0, 2, 3]], [0.9]).frames.tolist()
    [0]
    """
    boxes = np.asarray(boxes, np.float32)
    return Faces(
        boxes=boxes,
        detection_scores=np.asarray(scores, np.float32),
        frames=np.zeros(len(boxes), np.int64),
        times=np.zeros(len(boxes)),
        landmarks=None if points is None else np.asarray(points, np.float32),
    )
