"""Arithmetic on bounding boxes: ``(n, 4)`` arrays of ``x1, y1, x2, y2`` in pixels, the corner of the
image at 0, 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float32]

_BLOCK = 256


def area(boxes: ArrayLike) -> NDArray[np.float32]:
    """``(n,)`` area of each box in px².

    >>> area([[0, 0, 2, 3]]).tolist()
    [6.0]
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def clip(boxes: ArrayLike, width: int, height: int) -> Boxes:
    """The part of each box that lies inside an image.

    >>> clip([[-5, 2, 30, 8]], width=20, height=10).tolist()
    [[0.0, 2.0, 20.0, 8.0]]
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def overlap(first: ArrayLike, second: ArrayLike, over: str = "union") -> NDArray[np.float32]:
    """``(n, m)`` intersection of every pair of boxes, as a share of their union or of the smaller one.

    Args:
        first: ``(n, 4)``.
        second: ``(m, 4)``.
        over: ``union`` (intersection over union) or ``smaller``.

    >>> overlap([[0, 0, 2, 2]], [[0, 0, 2, 1], [5, 5, 6, 6]]).tolist()
    [[0.5, 0.0]]
    >>> overlap([[0, 0, 2, 2]], [[0, 0, 2, 1]], over="smaller").tolist()
    [[1.0]]
    """
    a = np.asarray(first, np.float32).reshape(-1, 1, 4)
    b = np.asarray(second, np.float32).reshape(1, -1, 4)
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    shared = sides[..., 0] * sides[..., 1]
    of_a, of_b = area(a)[:, None], area(b)[None, :]
    whole = np.minimum(of_a, of_b) if over == "smaller" else of_a + of_b - shared
    return np.asarray(shared / np.maximum(whole, np.finfo(np.float32).tiny))


def suppress(boxes: ArrayLike, scores: ArrayLike, limit: float, over: str = "union") -> NDArray[np.int64]:
    """Positions that greedy non-maximum suppression keeps, best score first.

    Args:
        boxes: ``(n, 4)``.
        scores: ``(n,)``.
        limit: A box that overlaps a better one by more than this is dropped.
        over: As in `overlap`.

    >>> suppress([[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]], [0.8, 0.9, 0.5], limit=0.5).tolist()
    [1, 2]
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    order = np.argsort(-np.asarray(scores), kind="stable")
    if len(order) < 2:
        return np.asarray(order, np.int64)
    kept = np.empty(0, np.int64)
    # In blocks: one table of overlaps for many boxes is much faster than a row at a time, and a whole table
    # could fill the memory.
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if kept.size:
            block = block[(overlap(boxes[block], boxes[kept], over) <= limit).all(axis=1)]
        too_near = np.triu(overlap(boxes[block], boxes[block], over) > limit, 1)
        alive = np.ones(len(block), bool)
        for row in np.flatnonzero(too_near.any(axis=1)).tolist():
            if alive[row]:
                alive[too_near[row]] = False
        kept = np.concatenate([kept, block[alive]])
    return kept
