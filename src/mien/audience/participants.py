"""Who takes part: the faces of several moments shared out among as few people as were seen at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core import boxes as box_arithmetic
from mien.core.assignment import assign
from mien.core.faces import Faces

Floats = NDArray[np.float64]

_SAME = 0.5
"""Boxes of one moment that share more than this of the smaller one are one face."""
_NEAR = 1.5
"""A face this far from where it was, in its own sizes, is still the same one; in a gallery the next tile is
farther away."""
_ANYWHERE = 1e3
"""Cost of any pair at most: whoever moved, moved."""
LEAST_SEEN = 0.2
"""Share of the samples in which a participant must have been read; what is met less often is mostly no
face."""


@dataclass(frozen=True, eq=False)
class AudienceSample:
    """What was seen at one moment.

    Args:
        time: Seconds.
        faces: With ``probs``.
        blank: Whether the image is of one colour, as that of a screen that sleeps.

    >>> AudienceSample(0.0, Faces.empty()).blank
    False
    """

    time: float
    faces: Faces
    blank: bool = False


@dataclass(frozen=True, eq=False)
class Participants:
    """People of a stretch of time, each once; they have no names, no order that means anything, and never
    leave the memory.

    Args:
        course: ``(s, n, k)`` probabilities that each of n people showed at each of s moments; NaN where
            somebody was not read.
        boxes: ``(n, 4)`` px, where each one was when most were seen.

    >>> len(Participants(np.full((3, 2, 7), np.nan), np.zeros((2, 4), np.float32)))
    2
    """

    course: Floats
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.course.shape[1])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """``(s, n)`` who was read when."""
        return np.asarray(~np.isnan(self.course[:, :, 0]))

    @property
    def probs(self) -> Floats:
        """``(n, k)`` mean probabilities of each one's frames."""
        return np.asarray(np.nansum(self.course, axis=0) / self.seen.sum(axis=0)[:, None])

    def some(self, which: Sequence[int]) -> Participants:
        """Those at some positions."""
        return Participants(self.course[:, which], self.boxes[which])

    def summed(self, weights: Floats) -> Participants:
        """The same people with probabilities of other classes, by ``(k, j)`` weights."""
        return Participants(self.course @ weights, self.boxes)


def participants(samples: Sequence[AudienceSample]) -> Participants:
    """Share the faces of a stretch of time out among people.

    There are as many people as faces at the moment with the most of them, so nobody counts twice who moves,
    vanishes and comes back elsewhere. From that moment on, backwards and forwards, every face goes to whoever
    was nearest, and to anyone left where nobody was near. Position is all that is used; who somebody is, is
    not computed. Whoever was read in less than a fifth of the moments is left out.

    Args:
        samples: In order of time. Neither the order of the faces in one matters, nor that a face stands there
            twice.

    >>> from mien.core.labels import Labels
    >>> seen = lambda *rows: Faces([[x, 0, x + 10, 10] for x, _ in rows], [1] * len(rows), [0] * len(rows), [0] * len(rows),
    ...     probs=[[p, 1 - p] for _, p in rows], labels=Labels(("happy", "sad")))
    >>> people = participants([AudienceSample(0, seen((0, 1.0))), AudienceSample(1, seen((50, 0.0), (2, 0.5)))])
    >>> sorted(people.probs[:, 0].tolist()), people.seen.sum(axis=0).tolist()
    ([0.0, 0.75], [2, 1])
    """
    seen = [_distinct(sample.faces) for sample in samples if not sample.blank]
    counts = [len(faces) for faces in seen]
    if not any(counts):
        return Participants(np.empty((len(seen), 0, 1)), np.empty((0, 4), np.float32))
    most = int(np.argmax(counts))
    course = np.full((len(seen), counts[most], np.asarray(seen[most].probs).shape[1]), np.nan)
    for moments in (range(most, len(seen)), range(most - 1, -1, -1)):
        places = seen[most].boxes.copy()
        for moment in moments:
            faces = seen[moment]
            for seat, face in shared_out(places, faces.boxes):
                course[moment, seat] = np.asarray(faces.probs)[face]
                places[seat] = faces.boxes[face]
    known = (~np.isnan(course[:, :, 0])).sum(axis=0) >= LEAST_SEEN * len(seen)
    return Participants(course[:, known], seen[most].boxes[known])


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
    sizes = np.sqrt(
        np.maximum((box_arithmetic.area(first)[:, None] + box_arithmetic.area(second)[None]) / 2, 1e-6)
    )
    return np.asarray(np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)) / sizes, np.float64)


def _centres(boxes: NDArray[np.float32]) -> Floats:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float64)


def _distinct(faces: Faces) -> Faces:
    """Each face once, in an order that is the same however they came."""
    assert faces.probs is not None
    ordered = faces[np.lexsort((*faces.probs.T, *faces.boxes.T, -faces.detection_scores))]
    kept = box_arithmetic.suppress(ordered.boxes, ordered.detection_scores, _SAME, "smaller")
    return ordered[np.sort(kept)]
