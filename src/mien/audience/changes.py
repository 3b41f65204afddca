"""Before and after a moment: how a group changed, and how sure that is; worked out as soon as the stretch
after each key point is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from mien.audience.figures import published
from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample, Participants, paired, participants
from mien.audience.result import Change, Shift
from mien.core.labels import Labels
from mien.metrics.sentiment import SENTIMENTS

Floats = NDArray[np.float64]

BLOCK = 10.0
"""Seconds that are drawn together: what somebody shows now is much like what the same person showed a moment
ago."""
LEAST_CHANGE = 0.1
"""A smaller change of a share is not told as one, however sure it is."""
_WITHOUT_ONE = 1 / 3
"""So much of a change must be left without any one person, or it is that person's."""
_STILL_THERE = 0.75
"""Where fewer stand where somebody stood, the tiles have been laid out anew."""
_LEAST_SD = 0.005
"""Images that never change make no interval of no width."""
_DRAWS = (2_000, 10_000)
"""How often is drawn, by the level: the ends of an interval rest on the draws beyond them."""


@dataclass(eq=False)
class Sides:
    """What was seen before and after a moment.

    Args:
        start: Seconds at which "before" begins.
        time: Seconds of the moment.
        end: Seconds at which "after" is over.
    """

    start: float
    time: float
    end: float
    before: list[AudienceSample] = field(default_factory=list)
    after: list[AudienceSample] = field(default_factory=list)

    def add(self, sample: AudienceSample) -> None:
        """Take a sample, if it belongs here."""
        if self.start <= sample.time < self.time:
            self.before.append(sample)
        elif self.time <= sample.time < self.end:
            self.after.append(sample)


def sides(times: Sequence[float], span: float) -> list[Sides]:
    """For each moment its stretches of at most ``span`` seconds, which end at the moments beside it.

    >>> [(each.start, each.time, each.end) for each in sides([10.0, 50.0, 60.0], 30)]
    [(-20.0, 10.0, 40.0), (20.0, 50.0, 60.0), (50.0, 60.0, 90.0)]
    """
    edges = [-inf, *times, inf]
    found = []
    for (before, time), after in zip(pairwise(edges[:-1]), edges[2:], strict=True):
        found.append(Sides(max(before, time - span), time, min(after, time + span)))
    return found


@dataclass(frozen=True, eq=False)
class Difference:
    """How a group changed.

    Args:
        before: ``(k,)`` mean probabilities.
        after: ``(k,)``.
        reach: ``(k,)`` half the width of the interval of the change.
        common: ``(k,)`` whether the change is there without any one person too.
    """

    before: Floats
    after: Floats
    reach: Floats
    common: NDArray[np.bool_]

    @property
    def change(self) -> Floats:
        """``(k,)`` after less before."""
        return self.after - self.before


def both(before: Participants, after: Participants, least: int) -> tuple[Participants, Participants]:
    """Those who were read on both sides, as far as their place tells; all, where too many have moved or fewer
    than ``least`` are left.

    So a camera that goes dark takes its person out of both means, and is no change.
    """
    pairs = paired(before.boxes, after.boxes)
    if len(pairs) < max(least, _STILL_THERE * min(len(before), len(after))):
        return before, after
    return before.some([one for one, _ in pairs]), after.some([other for _, other in pairs])


def difference(
    before: Participants, after: Participants, *, interval: float, level: float, chance: np.random.Generator
) -> Difference:
    """Compare two stretches of time.

    The interval says how far the change could be from what this audience shows in such stretches: each
    participant's blocks of 10 s are drawn anew with replacement (a block bootstrap: Künsch, The jackknife and
    the bootstrap for general stationary observations, 1989), widened for there being few of them (Rao and Wu,
    Resampling inference with complex survey data, 1988). All classes hold together at ``level``, by the
    greatest standardised deviation (Romano and Wolf, Stepwise multiple testing as formalized data snooping,
    2005).

    Args:
        before: At least two.
        after: At least two.
        interval: Seconds between two samples.
        level: For all classes together, such as 0.95.
        chance: Source of randomness.
    """
    draws = int(np.clip(20 / (1 - level), *_DRAWS))
    drawn = _drawn(after, interval, draws, chance) - _drawn(before, interval, draws, chance)
    one, other = before.probs.mean(axis=0), after.probs.mean(axis=0)
    deviations = drawn - (other - one)
    spread = np.maximum(deviations.std(axis=0), _LEAST_SD)
    widest = np.quantile(np.abs(deviations / spread).max(axis=1), level)
    return Difference(one, other, widest * spread, _common(before, after))


def _drawn(people: Participants, interval: float, draws: int, chance: np.random.Generator) -> Floats:
    """``(draws, k)`` means of the group, each person's blocks drawn anew."""
    moments = len(people.course)
    count = max(2, round(moments * interval / BLOCK))
    block = np.arange(moments) * count // moments
    seen = np.stack([people.seen[block == number].sum(axis=0) for number in range(count)])
    sums = np.stack([np.nansum(people.course[block == number], axis=0) for number in range(count)])
    times = chance.multinomial(count, np.full(count, 1 / count), (draws, len(people)))
    weights = np.einsum("rnb,bn->rn", times, seen)
    means = np.einsum("rnb,bnk->rnk", times, sums) / np.maximum(weights, 1)[:, :, None]
    means = np.where(weights[:, :, None] > 0, means, people.probs)
    blocks = (seen > 0).sum(axis=0)
    wider = np.sqrt(blocks / np.maximum(blocks - 1, 1))[:, None]
    return np.asarray((people.probs + (means - people.probs) * wider).mean(axis=1))


def _common(before: Participants, after: Participants) -> NDArray[np.bool_]:
    """Whether a change is left without any one person (a jackknife over people)."""
    change = after.probs.mean(axis=0) - before.probs.mean(axis=0)
    pairs = dict(paired(before.boxes, after.boxes))
    alone = [(None, other) for other in range(len(after)) if other not in pairs.values()]
    left = [
        _without(after, other) - _without(before, one)
        for one, other in [*((one, pairs.get(one)) for one in range(len(before))), *alone]
    ]
    return np.asarray((np.array(left) * np.sign(change)).min(axis=0) >= _WITHOUT_ONE * np.abs(change))


def _without(people: Participants, one: int | None) -> Floats:
    return np.asarray((people.probs if one is None else np.delete(people.probs, one, axis=0)).mean(axis=0))


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
        shifts = self._shifts(self._labels, before, after)
        sentiment = None
        if not self._options.mapping.unknown(self._labels):
            mapping = self._options.mapping.matrix(self._labels)
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
    told = round(after - before, 2)
    # Ends are rounded as shares are; the change as it is told must lie between them.
    low, high = min(low, told), max(high, told)
    # By the interval as it is told: whoever reads it sees why.
    clear = abs(change) >= LEAST_CHANGE and (low > 0 or high < 0) and bool(found.common[column])
    return Shift(before, after, told, low, high, clear)
