"""Changes at key points, worked out as soon as the stretch after each one is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mien.audience.changes import LEAST_CHANGE, Difference, Sides, both, difference, sides
from mien.audience.figures import published
from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample, Participants, participants
from mien.audience.result import Change, Shift
from mien.core.labels import Labels
from mien.metrics.sentiment import SENTIMENTS

_LEVEL = 0.95
_LEAST_LOOKS = 3


class Comparing:
    """Takes samples; it keeps those near key points that lie ahead or are not long past.

    Args:
        labels: Expressions that the network tells apart.
        options: How to measure.
        key_points: In order of time, on the clock of the source.
        needed: How many people there must be.
    """

    def __init__(
        self,
        labels: Labels,
        options: AudienceOptions,
        key_points: Sequence[KeyPoint],
        needed: Callable[[], int],
    ) -> None:
        self._labels, self._options, self._needed = labels, options, needed
        self._points = list(key_points)
        self._open = sides([point.time for point in key_points], options.context)
        self._changes: list[Change] = []

    def add(self, sample: AudienceSample) -> None:
        """Take a sample."""
        while self._open and self._open[0].end <= sample.time:
            self._settle(reached=True)
        # Those that begin later cannot take it either.
        for each in self._open:
            if each.start > sample.time:
                break
            each.add(sample)

    def close(self, end: float) -> tuple[Change, ...]:
        """All changes, in order of time; measuring ended at ``end``."""
        while self._open:
            self._settle(reached=self._open[0].time < end)
        return tuple(self._changes)

    def _settle(self, reached: bool) -> None:
        point, seen = self._points[len(self._changes)], self._open.pop(0)
        self._changes.append(
            self._change(point, seen) if reached else Change(point.time, point.label, "not_reached")
        )

    def _change(self, point: KeyPoint, seen: Sides) -> Change:
        before, after = participants(seen.before), participants(seen.after)
        if min(len(before.course), len(after.course)) < _LEAST_LOOKS:
            return Change(point.time, point.label, "too_short")
        if min(len(before), len(after)) < self._needed():
            return Change(point.time, point.label, "too_few")
        before, after = both(before, after, self._needed())
        mapping = self._options.mapping.matrix(self._labels)
        shifts = self._shifts(self._labels, before, after)
        sentiment = self._shifts(SENTIMENTS, before.summed(mapping), after.summed(mapping))
        return Change(point.time, point.label, "measured", min(len(before), len(after)), shifts, sentiment)

    def _shifts(self, names: Labels, before: Participants, after: Participants) -> dict[str, Shift]:
        # Every key point could mislead: all of them together shall do so in one measurement of twenty at
        # most.
        level = 1 - (1 - _LEVEL) / len(self._points)
        chance = np.random.default_rng((self._options.seed, len(self._changes)))
        found = difference(before, after, interval=self._options.interval, level=level, chance=chance)
        people = min(len(before), len(after))
        return {name: _shift(found, column, people) for column, name in enumerate(names)}


def _shift(found: Difference, column: int, people: int) -> Shift:
    change, reach = float(found.change[column]), float(found.reach[column])
    before, after = (published(float(side[column]), people) for side in (found.before, found.after))
    low, high = (published(min(1.0, max(-1.0, end)), people) for end in (change - reach, change + reach))
    # By the interval as it is told: whoever reads it sees why.
    clear = abs(change) >= LEAST_CHANGE and (low > 0 or high < 0) and bool(found.common[column])
    return Shift(before, after, round(after - before, 2), low, high, clear)
