"""The course of a video in a bounded number of steps, however long it is: what charts and reports
draw."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.core.frame_result import FrameResult
from mien.core.labels import Labels

FINEST = 1 / 32
"""Seconds of the shortest step; longer ones are this times a power of two."""

MOSTLY = 0.5
"""Share of a step from which on charts show all of it as uncertain."""

_LOOKED, _SEEN, _FAILED, _FACES, _UNSURE = range(5)
_COUNTS = 5


@dataclass(frozen=True, eq=False)
class Course:
    """Steps of one length that follow one another, of everybody or of one person.

    Args:
        start: Seconds at which the first step begins.
        step: Seconds that each one lasts.
        faces: ``(n,)`` faces read in each step; 0 where there was none.
        probs: ``(n, k)`` mean probability of each expression, smoothed where that was done; 0 where there was
            no face.
        label_shares: ``(n, k)`` share of the faces whose smoothed emotion was each expression; the most probable one
            where nothing was smoothed. What is missing to 1 was shown as uncertain.
        unsure: ``(n,)`` share of the faces that were uncertain, whether or not that is what was shown
            (`Faces.unsure`).
        looked: ``(n,)`` frames that were looked at.
        seen: ``(n,)`` frames with a face.
        failed: ``(n,)`` notes of what could not be read.
    """

    start: float
    step: float
    faces: NDArray[np.int64]
    probs: NDArray[np.float64]
    label_shares: NDArray[np.float64]
    unsure: NDArray[np.float64]
    looked: NDArray[np.int64]
    seen: NDArray[np.int64]
    failed: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.faces)


@dataclass
class Timeline:
    """Adds up results step by step; where the steps become too many, each two become one.

    Args:
        labels: Expressions that the network tells apart.
        most: Steps that are kept at most.

    Attributes:
        step: Seconds that a step lasts by now.

    >>> from mien.core.faces import Faces
    >>> timeline = Timeline(Labels(("happy", "sad")), most=4)
    >>> for second in range(8):
    ...     timeline.add(FrameResult("a.mp4", second, float(second), Faces.empty()))
    >>> timeline.step, timeline.course().looked.tolist()
    (2.0, [2, 2, 2, 2])
    """

    labels: Labels
    most: int = 720
    step: float = FINEST
    _start: float | None = None
    _last: float = 0.0
    _frames: int = 0
    _all: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    _people: dict[int, dict[int, NDArray[np.float64]]] = field(default_factory=dict)

    @property
    def people(self) -> list[int]:
        """Ids of those who were seen, in order."""
        return sorted(self._people)

    def add(self, result: FrameResult) -> None:
        """Count one frame."""
        if result.time is None:
            return
        if self._start is None:
            self._start = math.floor(result.time / FINEST) * FINEST
        self._last = max(self._last, result.time)
        place = self._place(result.time)
        everybody = self._cell(self._all, place)
        if result.error is not None:
            everybody[_FAILED] += 1
            return
        self._frames += 1
        everybody[_LOOKED] += 1
        everybody[_SEEN] += len(result.faces) > 0
        values = self._values(result)
        everybody += values.sum(axis=0)
        if result.faces.tracks is not None:
            for track, value in zip(result.faces.tracks.tolist(), values, strict=True):
                self._cell(self._people.setdefault(track, {}), place)[:] += value

    def course(self, track: int | None = None, most: int | None = None) -> Course:
        """The steps of everybody, or of one person from the first to the last in which it was seen.

        Args:
            track: Id of a person.
            most: Steps at most; fewer are made by joining.

        A step is never shorter than what lies between two frames, so that none is empty because nothing was
        looked at.
        """
        cells = self._all if track is None else self._people[track]
        joined = 1
        while self._too_fine(joined, most or self.most):
            joined *= 2
        if not cells:
            return self._columns({}, 0, 0, self.step)
        merged = _merged(cells, joined)
        first = 0 if track is None else min(merged)
        return self._columns(merged, first, max(merged) + 1, self.step * joined)

    def _too_fine(self, joined: int, most: int) -> bool:
        length = self._last - (self._start or 0.0)
        between = length / (self._frames - 1) if self._frames > 1 else 0.0
        step = self.step * joined
        return (length / step >= most or step < 1.5 * between) and step < length

    def _columns(self, cells: dict[int, NDArray[np.float64]], first: int, stop: int, step: float) -> Course:
        table = np.zeros((stop - first, _COUNTS + 2 * len(self.labels)))
        for place, cell in cells.items():
            table[place - first] = cell
        counts = table[:, :_COUNTS].astype(np.int64)
        shares = table[:, _COUNTS:] / np.maximum(table[:, _FACES : _FACES + 1], 1)
        probs, label_shares = np.split(shares, 2, axis=1)
        start = (self._start or 0.0) + first * step
        unsure = table[:, _UNSURE] / np.maximum(table[:, _FACES], 1)
        return Course(
            start,
            step,
            counts[:, _FACES],
            probs,
            label_shares,
            unsure,
            counts[:, _LOOKED],
            counts[:, _SEEN],
            counts[:, _FAILED],
        )

    def _values(self, result: FrameResult) -> NDArray[np.float64]:
        """A row for each face."""
        faces, classes = result.faces, len(self.labels)
        values = np.zeros((len(faces), _COUNTS + 2 * classes))
        values[:, _FACES] = 1
        probs = faces.probs if faces.smoothed_probs is None else faces.smoothed_probs
        if probs is not None and len(faces):
            shown, unsure = faces.label_ids, faces.unsure
            assert shown is not None
            assert unsure is not None
            values[:, _UNSURE] = unsure
            sure = np.flatnonzero(shown >= 0)
            values[:, _COUNTS : _COUNTS + classes] = probs
            values[sure, _COUNTS + classes + shown[sure]] = 1
        return values

    def _place(self, time: float) -> int:
        assert self._start is not None
        place = max(0, int((time - self._start) / self.step))
        while place >= self.most:
            self.step *= 2
            self._all = _merged(self._all, 2)
            self._people = {track: _merged(cells, 2) for track, cells in self._people.items()}
            place = max(0, int((time - self._start) / self.step))
        return place

    def _cell(self, cells: dict[int, NDArray[np.float64]], place: int) -> NDArray[np.float64]:
        if place not in cells:
            cells[place] = np.zeros(_COUNTS + 2 * len(self.labels))
        return cells[place]


def _merged(cells: dict[int, NDArray[np.float64]], joined: int) -> dict[int, NDArray[np.float64]]:
    merged: dict[int, NDArray[np.float64]] = {}
    for place, cell in cells.items():
        if place // joined in merged:
            merged[place // joined] += cell
        else:
            merged[place // joined] = cell.copy()
    return merged
