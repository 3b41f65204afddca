"""Who takes part: the faces of several moments shared out among as few people as were seen at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien import boxes as box_arithmetic
from mien.faces import Faces
from mien.track.assignment import assign

Floats = NDArray[np.float64]

_SAME = 0.5
"""Boxes of one moment that share more than this of the smaller one are one face."""
_NEAR = 1.5
"""A face this far from where it was, in its own sizes, is still the same one; in a gallery the next tile is farther away."""
_ANYWHERE = 1e3
"""Cost of any pair at most: whoever moved, moved."""
LEAST_SEEN = 0.2
"""Share of the samples in which a participant must have been read; what is met less often is mostly no face."""


@dataclass(frozen=True, eq=False)
class Sample:
    """What was seen at one moment.

    Args:
        time: Seconds.
        faces: With ``probs``.
        blank: Whether the picture is of one colour, as that of a screen that sleeps.

    >>> Sample(0.0, Faces.empty()).blank
    False
    """

    time: float
    faces: Faces
    blank: bool = False


@dataclass(frozen=True, eq=False)
class Participants:
    """People of a stretch of time, each once; they have no names, no order that means anything, and never leave the memory.

    Args:
        probs: ``(n, k)`` mean probabilities of each one's sightings.
        boxes: ``(n, 4)`` px, where each one was when most were seen.
        sightings: ``(n,)`` how often each one was read.
        samples: Moments that were looked at.
    """

    probs: Floats
    boxes: NDArray[np.float32]
    sightings: NDArray[np.int64]
    samples: int

    def __len__(self) -> int:
        return len(self.probs)


def participants(samples: Sequence[Sample]) -> Participants:
    """Share the faces of a stretch of time out among people.

    There are as many people as faces at the moment with the most of them, so nobody counts twice who moves, vanishes and comes back elsewhere.
    From that moment on, backwards and forwards, every face goes to whoever was nearest, and to anyone left where nobody was near. Position is
    all that is used; who somebody is, is not computed. Whoever was read in less than a fifth of the moments is left out.

    Args:
        samples: In order of time. Neither the order of the faces in one matters, nor that a face stands there twice.

    >>> from mien.labels import Labels
    >>> seen = lambda *rows: Faces([[x, 0, x + 10, 10] for x, _ in rows], [1] * len(rows), [0] * len(rows), [0] * len(rows),
    ...     probs=[[p, 1 - p] for _, p in rows], labels=Labels(("happy", "sad")))
    >>> people = participants([Sample(0, seen((0, 1.0))), Sample(1, seen((50, 0.0), (2, 0.5)))])
    >>> sorted(people.probs[:, 0].tolist()), people.sightings.tolist()
    ([0.0, 0.75], [2, 1])
    """
    seen = [_distinct(sample.faces) for sample in samples if not sample.blank]
    counts = [len(faces) for faces in seen]
    if not any(counts):
        return Participants(np.empty((0, 0)), np.empty((0, 4), np.float32), np.empty(0, np.int64), len(seen))
    most = int(np.argmax(counts))
    sums, sightings = np.asarray(seen[most].probs, np.float64), np.ones(counts[most], np.int64)
    for course in (seen[most + 1 :], seen[:most][::-1]):
        places = seen[most].boxes
        for faces in course:
            places = places.copy()
            for seat, face in shared_out(places, faces.boxes):
                sums[seat] += faces.probs[face]  # type: ignore[index]
                sightings[seat] += 1
                places[seat] = faces.boxes[face]
    known = sightings >= LEAST_SEEN * len(seen)
    return Participants((sums / sightings[:, None])[known], seen[most].boxes[known], sightings[known], len(seen))


def shared_out(places: NDArray[np.float32], boxes: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs of a place and a face: the nearest first, then anyone left with anyone left."""
    distance = _distance(places, boxes)
    pairs = assign(np.where(distance <= _NEAR, distance, np.inf), _ANYWHERE)
    free = np.setdiff1d(np.arange(len(places)), [place for place, _ in pairs])
    left = np.setdiff1d(np.arange(len(boxes)), [face for _, face in pairs])
    moved = assign(np.minimum(distance[np.ix_(free, left)], _ANYWHERE / 2), _ANYWHERE)
    return [*pairs, *((int(free[place]), int(left[face])) for place, face in moved)]


def paired(first: NDArray[np.float32], second: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Boxes of two stretches that stand near each other."""
    distance = _distance(first, second)
    return assign(np.where(distance <= _NEAR, distance, np.inf), _ANYWHERE)


def _distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """Of the centres of every two boxes, in units of their size."""
    one, other = (_centres(boxes) for boxes in (first, second))
    sizes = np.sqrt(np.maximum((box_arithmetic.area(first)[:, None] + box_arithmetic.area(second)[None]) / 2, 1e-6))
    return np.asarray(np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)) / sizes, np.float64)


def _centres(boxes: NDArray[np.float32]) -> Floats:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float64)


def _distinct(faces: Faces) -> Faces:
    """Each face once, in an order that is the same however they came."""
    assert faces.probs is not None
    ordered = faces[np.lexsort((*faces.probs.T, *faces.boxes.T, -faces.scores))]
    kept = box_arithmetic.suppress(ordered.boxes, ordered.scores, _SAME, "smaller")
    return ordered[np.sort(kept)]
