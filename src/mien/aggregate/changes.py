"""Before and after a moment: how a group changed, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from mien.aggregate.participants import Sample


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
    before: list[Sample] = field(default_factory=list)
    after: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
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
