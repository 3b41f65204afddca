"""Images that are nearly the same: one photo that was cut, shrunk, brightened, marked or mirrored another
way.

Two images are *near copies* when they correlate with at least `LIKENESS` (Pearson) after one of them is
moved by up to 3 of 48 px each way, mirrored or not. Both are softened first (means of 2x2 px), so that the
traces of shrinking and JPEG count less; correlation itself does not see brightness and contrast. Three steps
keep it fast, each on fewer pairs: all pairs at 12x12 px, those that are alike there at 24x24 px moved by up
to 1 px, and those at 48x48 px. How good this is, measured on FER-2013, stands in docs/data.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.progress import ProgressCallback, no_progress
from mien.data.images import resized

LIKENESS = 0.93
"""Correlation from which on two images are near copies."""

_SIDE = 48
_COARSE, _COARSE_LIKENESS = 12, 0.80
_MIDDLE, _MIDDLE_LIKENESS = 24, 0.85
_STRIP, _CHUNK = 512, 4096


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of positions in a set of images.

    Args:
        first, second: ``(p,)`` int positions; ``first < second``.
        likeness: ``(p,)`` correlation, `LIKENESS` to 1.
        mirrored: ``(p,)`` whether one has to be mirrored to be like the other.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    likeness: NDArray[np.float32]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


def near_copies(images: NDArray[np.uint8], track: ProgressCallback = no_progress) -> Pairs:
    """All pairs of near copies.

    Args:
        images: ``(n, h, w)`` gray, distinct and not blank; another size than 48x48 is brought to it first.
        track: Shows how far the search is.

    Returns:
        Pairs in the order of their positions; a pair that is alike both ways counts as not mirrored.
    """
    faces = (
        np.stack([resized(image, _SIDE) for image in images])
        if len(images)
        else np.zeros((0, _SIDE, _SIDE), np.uint8)
    )
    first, second, likeness = _alike(faces, faces, track, "near copies")
    first_m, second_m, likeness_m = _alike(faces, faces[:, :, ::-1], track, "mirrored copies")
    both = np.isin(first_m * len(faces) + second_m, first * len(faces) + second)
    first, second = np.concatenate([first, first_m[~both]]), np.concatenate([second, second_m[~both]])
    mirrored = np.arange(len(first)) >= len(likeness)
    order = np.lexsort((second, first))
    return Pairs(
        first[order], second[order], np.concatenate([likeness, likeness_m[~both]])[order], mirrored[order]
    )


def _alike(
    faces: NDArray[np.uint8], others: NDArray[np.uint8], track: ProgressCallback, what: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    coarse, coarse_others = _standardised(_cells(faces, _COARSE)), _standardised(_cells(others, _COARSE))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = [
        (np.zeros(0, np.int64), np.zeros(0, np.int64))
    ]
    for start in track(range(0, len(faces), _STRIP), what, -(-len(faces) // _STRIP)):
        near = coarse[start : start + _STRIP] @ coarse_others[start:].T >= _COARSE_LIKENESS
        row, column = np.nonzero(near)
        after = column > row
        found.append((row[after] + start, column[after] + start))
    first, second = (np.concatenate(part) for part in zip(*found, strict=True))
    middle = _moved_likeness(_cells(faces, _MIDDLE), _cells(others, _MIDDLE), first, second, 1)
    first, second = first[middle >= _MIDDLE_LIKENESS], second[middle >= _MIDDLE_LIKENESS]
    fine = _moved_likeness(faces, others, first, second, 3, softened=True)
    keep = fine >= LIKENESS
    return first[keep], second[keep], fine[keep]


def _cells(faces: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """``(n, side, side)`` means of square cells."""
    step = _SIDE // side
    return np.asarray(faces.reshape(len(faces), side, step, side, step).mean(axis=(2, 4), dtype=np.float32))


def _standardised(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, pixels)`` of mean 0 and length 1, so that a product of two rows is their correlation."""
    flat = faces.reshape(len(faces), faces.shape[1] * faces.shape[2])
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)


def _softened(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, h, w)`` means of 2x2 px at every place; the last row and column count twice."""
    wide = np.pad(faces, ((0, 0), (0, 1), (0, 1)), "edge")
    return np.asarray((wide[:, :-1, :-1] + wide[:, 1:, :-1] + wide[:, :-1, 1:] + wide[:, 1:, 1:]) / 4)


def _moved_likeness(
    faces: NDArray[np.uint8] | NDArray[np.float32],
    others: NDArray[np.uint8] | NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    reach: int,
    *,
    softened: bool = False,
) -> NDArray[np.float32]:
    """``(p,)`` best correlation of the middle of one image with the other one moved by up to ``reach`` px
    each way."""
    inner = faces.shape[1] - 2 * reach
    step = 2 if softened else 1  # A mean of 2x2 px stands for all four.
    best = np.full(len(first), -1, np.float32)
    for start in range(0, len(first), _CHUNK):
        part = slice(start, start + _CHUNK)
        one, other = faces[first[part]].astype(np.float32), others[second[part]].astype(np.float32)
        if softened:
            one, other = _softened(one), _softened(other)
        middle = _standardised(one[:, reach : reach + inner : step, reach : reach + inner : step])
        for down in range(2 * reach + 1):
            for right in range(2 * reach + 1):
                moved = _standardised(other[:, down : down + inner : step, right : right + inner : step])
                best[part] = np.maximum(best[part], np.einsum("ij,ij->i", middle, moved))
    return best
