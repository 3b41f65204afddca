"""What every detector checks about the pictures that it is handed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError


def checked(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The pictures as a list of contiguous arrays.

    Raises:
        InputError: A picture is not ``(h, w, 3)`` uint8 with at least one pixel.

    >>> import numpy as np
    >>> checked([np.zeros((4, 5), np.uint8)])
    Traceback (most recent call last):
    ...
    mien.errors.InputError: expected pictures as (h, w, 3) uint8 RGB; got (4, 5) uint8 at position 0
    """
    for position, image in enumerate(images):
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            array = np.asarray(image)
            raise InputError(f"expected pictures as (h, w, 3) uint8 RGB; got {array.shape} {array.dtype} at position {position}")
    return [np.ascontiguousarray(image) for image in images]
