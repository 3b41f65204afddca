"""Where labels stand beside the boxes they are about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_OTHER, _OWN = 4.0, 1.0
"""What it costs to cover a pixel of another face or label, and one of the face itself."""


def place_labels(
    boxes: ArrayLike, sizes: Sequence[tuple[int, int]], image: tuple[int, int], taken: ArrayLike = ()
) -> list[tuple[int, int]]:
    """A place for each label: above its box where that is free, else below or beside it, else where it covers
    least of other faces, other labels and what is taken. None reaches beyond the image that fits into it.

    Args:
        boxes: ``(n, 4)``, ``x1, y1, x2, y2`` in px.
        sizes: Width and height of each label in px.
        image: Width and height of the image in px.
        taken: ``(m, 4)`` areas that should stay free.

    Returns:
        Left and top of each label in whole px, for sharp letters.

    >>> place_labels([[10, 50, 40, 90], [10, 92, 40, 132]], [(50, 12), (50, 12)], (200, 150))
    [(10, 38), (10, 132)]
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    full = np.asarray(taken, np.float64).reshape(-1, 4)
    places = []
    for number, (box, size) in enumerate(zip(corners, sizes, strict=True)):
        spots = _spots(box, size, image)
        cost = _OWN * _covered(spots, box[None]) + _OTHER * (
            _covered(spots, np.delete(corners, number, axis=0)) + _covered(spots, full)
        )
        best = spots[int(np.argmin(cost))]
        full = np.concatenate([full, best[None]])
        places.append((int(best[0]), int(best[1])))
    return places


def _spots(box: NDArray[np.float64], size: tuple[int, int], image: tuple[int, int]) -> NDArray[np.float64]:
    """Areas where a label may stand, the best first."""
    (x1, y1), (x2, y2) = np.floor(box[:2]), np.ceil(box[2:])
    width, height = size
    corners = np.array(
        [
            (x1, y1 - height),
            (x2 - width, y1 - height),
            (x1, y2),
            (x2 - width, y2),
            (x2, y1),
            (x1 - width, y1),
            (x2, y2 - height),
            (x1 - width, y2 - height),
            (x1, y2 - height),
            (x1, y1),
        ]
    )
    inside = np.maximum(0, np.minimum(corners, np.subtract(image, size)))
    return np.concatenate([inside, inside + size], axis=1)


def _covered(areas: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many px of boxes each area covers."""
    low = np.maximum(areas[:, None, :2], boxes[None, :, :2])
    high = np.minimum(areas[:, None, 2:], boxes[None, :, 2:])
    return np.asarray(np.prod(np.maximum(0, high - low), axis=2).sum(axis=1))
