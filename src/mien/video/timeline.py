"""The course of a video in a bounded number of steps, however long it is: what charts and reports
draw."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.measures import MEASURES, REASONS
from mien.tracking.segments import FrameSpan

FINEST = 1 / 32
"""Seconds of the shortest step; longer ones are this times a power of two."""

_LOOKED, _SEEN, _FAILED, _SECONDS, _UNCERTAIN = range(5)
_COUNTS = 5


@dataclass(frozen=True, eq=False)
class Course:
    """Steps of one length that follow one another, of everybody or of one person. All means and shares are by
    time, so that they add up to those of `mien.tracking.persons.PersonSummary`.

    Args:
        start: Seconds at which the first step begins.
        step: Seconds that each one lasts.
        seconds: ``(n,)`` time in view of all faces in each step together; 0 where there was none.
        probs: ``(n, k)`` mean probability of each expression, smoothed where that was done; 0 where there was
            no face.
        label_shares: ``(n, k)`` share of that time in which each expression was shown. What is missing to 1 was
            shown as uncertain.
        uncertain: ``(n,)`` share of that time that was uncertain, whether or not that is what was shown
            (`Faces.uncertain`).
        looked: ``(n,)`` frames that were looked at.
        seen: ``(n,)`` frames with a face.
        failed: ``(n,)`` notes of what could not be read.
        measures: ``(n, m)`` mean of what landmarks measure (`mien.core.measures.MEASURES`), NaN where there is none.
        measure_reasons: ``(n,)`` why there is none, or not all of it, for the longest part of the time in which that
            was so: places in `mien.core.measures.REASONS`, 0 where nothing is missing.
    """

    start: float
    step: float
    seconds: NDArray[np.float64]
    probs: NDArray[np.float64]
    label_shares: NDArray[np.float64]
    uncertain: NDArray[np.float64]
    looked: NDArray[np.int64]
    seen: NDArray[np.int64]
    failed: NDArray[np.int64]
    measures: NDArray[np.float64]
    measure_reasons: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def label_ids(self) -> NDArray[np.int64]:
        """``(n,)`` column of the label shown longest in each step, -1 for uncertain; of no meaning where there
        was no face."""
        rest = 1 - self.label_shares.sum(axis=1)
        best = self.label_shares.argmax(axis=1)
        return np.where(self.label_shares.max(axis=1) >= rest, best, -1)


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

    @cached_property
    def _width(self) -> int:
        return _COUNTS + 2 * len(self.labels) + 2 * len(MEASURES) + len(REASONS)

    def add(self, result: FrameResult, spans: Iterable[FrameSpan] = ()) -> None:
        """Count one frame, and what is now known to be over (`mien.tracking.segments.FrameSpans`)."""
        if result.time is not None:
            self._count(result, result.time)
        self.add_spans(spans)

    def add_spans(self, spans: Iterable[FrameSpan]) -> None:
        """Count what faces showed."""
        for span in spans:
            self._add_span(span)

    def _count(self, result: FrameResult, time: float) -> None:
        if self._start is None:
            self._start = math.floor(time / FINEST) * FINEST
        self._last = max(self._last, time)
        place = self._place(time)
        cell = self._cell(self._all, place)
        if result.error is not None:
            cell[_FAILED] += 1
            return
        self._frames += 1
        cell[_LOOKED] += 1
        cell[_SEEN] += len(result.faces) > 0
        for track in [] if result.faces.tracks is None else result.faces.tracks.tolist():
            self._people.setdefault(track, {})

    def _add_span(self, span: FrameSpan) -> None:
        assert self._start is not None
        final = self._place(span.end)  # First: it may make steps longer.
        first = self._place(span.start)
        edges = [self._start + place * self.step for place in range(first + 1, final + 1)]
        value = self._value(span)
        cells = [self._all] if span.track is None else [self._all, self._people.setdefault(span.track, {})]
        for place, (start, end) in enumerate(pairwise([span.start, *edges, span.end]), first):
            weight = max(end - start, 0.0 if place > first else 1e-9)
            if weight:
                added = weight * value
                for table in cells:
                    self._cell(table, place)[_SECONDS:] += added

    def _value(self, span: FrameSpan) -> NDArray[np.float64]:
        """What is added for each second of a face, from `_SECONDS` on."""
        shown = np.zeros(len(self.labels))
        if span.label >= 0:
            shown[span.label] = 1
        measures = np.full(len(MEASURES), np.nan) if span.measures is None else span.measures
        there = np.isfinite(measures)
        missing = np.arange(len(REASONS)) == span.measure_reason
        return np.concatenate(
            [[1.0, span.uncertain], span.probs, shown, there, np.where(there, measures, 0.0), missing]
        )

    def course(self, track: int | None = None, most: int | None = None) -> Course:
        """The steps of everybody, or of one person from the first to the last in which they were in view.

        Args:
            track: Id of a person.
            most: Steps at most; fewer are made by joining.

        A step is never shorter than what lies between two frames, so that none is empty because nothing was
        looked at. For the same reason the last step is the one in which the last frame begins, and has the time that
        the frame lasts beyond it.
        """
        cells = self._all if track is None else self._people[track]
        joined = 1
        while self._too_fine(joined, most or self.most):
            joined *= 2
        if not cells:
            return self._columns({}, 0, 0, self.step)
        merged = _merged(cells, joined, last=self._place(self._last) // joined)
        first = 0 if track is None else min(merged)
        return self._columns(merged, first, max(merged) + 1, self.step * joined)

    def _too_fine(self, joined: int, most: int) -> bool:
        length = self._last - (self._start or 0.0)
        between = length / (self._frames - 1) if self._frames > 1 else 0.0
        step = self.step * joined
        return (length / step >= most or step < 1.5 * between) and step < length

    def _columns(self, cells: dict[int, NDArray[np.float64]], first: int, stop: int, step: float) -> Course:
        table = np.zeros((stop - first, self._width))
        for place, cell in cells.items():
            table[place - first] = cell
        seconds = table[:, _SECONDS]
        ends = np.cumsum([1 + 2 * len(self.labels), len(MEASURES), len(MEASURES)])
        shown, known, sums, missing = np.split(table[:, _UNCERTAIN:], ends, axis=1)
        means = shown / np.where(seconds > 0, seconds, 1)[:, None]
        probs, label_shares = np.split(means[:, 1:], 2, axis=1)
        measures = np.where(known > 0, sums / np.where(known > 0, known, 1), np.nan)
        missing[:, 0] = 0
        looked, seen, failed = table[:, [_LOOKED, _SEEN, _FAILED]].astype(np.int64).T
        start = (self._start or 0.0) + first * step
        return Course(
            start,
            step,
            seconds,
            probs,
            label_shares,
            means[:, 0],
            looked,
            seen,
            failed,
            measures,
            missing.argmax(axis=1),
        )

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
        cell = cells.get(place)
        if cell is None:
            cell = cells[place] = np.zeros(self._width)
        return cell


def _merged(
    cells: dict[int, NDArray[np.float64]], joined: int, last: int | None = None
) -> dict[int, NDArray[np.float64]]:
    """Each so many steps as one; what comes after the last one is added to it."""
    merged: dict[int, NDArray[np.float64]] = {}
    for place, cell in cells.items():
        target = place // joined if last is None else min(place // joined, last)
        if target in merged:
            merged[target] += cell
        else:
            merged[target] = cell.copy()
    return merged
