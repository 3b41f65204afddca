"""Time cut into windows: what falls into each, and when it is over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mien.audience.participants import AudienceSample


@dataclass(frozen=True, eq=False)
class Closed:
    """A window that is over, or a stretch of several in which nothing was looked at.

    Args:
        start: Seconds.
        end: Seconds.
        samples: What was seen in it, in order of time; none where nothing was looked at.
    """

    start: float
    end: float
    samples: tuple[AudienceSample, ...] = ()


class Windows:
    """Collects samples into windows of one length, which start at 0 s; it remembers one window at most.

    Args:
        length: Seconds.

    >>> from mien.core.faces import Faces
    >>> windows = Windows(10)
    >>> [(closed.start, closed.end) for time in (1, 9, 45) for closed in windows.add(AudienceSample(time, Faces.empty()))]
    [(0.0, 10.0), (10.0, 40.0)]
    >>> [(closed.start, closed.end, len(closed.samples)) for closed in windows.close(46.0)]
    [(40.0, 46.0, 1)]
    """

    def __init__(self, length: float) -> None:
        self.length = length
        self._place: int | None = None
        self._samples: list[AudienceSample] = []

    def add(self, sample: AudienceSample) -> Iterator[Closed]:
        """Take a sample; gives the windows that are over with it. A time before the window at hand counts
        into it."""
        place = math.floor(sample.time / self.length)
        if self._place is None:
            self._place = place
        if place > self._place:
            yield self._closed(self._place + 1)
            if place > self._place + 1:
                yield Closed(float((self._place + 1) * self.length), float(place * self.length))
            self._place, self._samples = place, []
        self._samples.append(sample)

    def close(self, end: float) -> Iterator[Closed]:
        """The window at hand, which ends at ``end`` at the latest."""
        if self._place is not None and self._samples:
            closed = self._closed(self._place + 1)
            yield Closed(closed.start, max(closed.start, min(closed.end, end)), closed.samples)
        self._samples = []

    def _closed(self, following: int) -> Closed:
        assert self._place is not None
        return Closed(float(self._place * self.length), float(following * self.length), tuple(self._samples))
