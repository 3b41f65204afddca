"""Time cut into windows: what falls into each, when it is over, and what has been measured so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mien.audience.changes import Comparing
from mien.audience.figures import published, summarise
from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample, participants
from mien.audience.result import Audience, Window
from mien.core.labels import Labels
from mien.metrics.sentiment import SENTIMENTS


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


class SampleCollector:
    """Takes samples; it keeps those of the window at hand and of key points that are near, and figures of the
    rest.

    Args:
        source: Name of the source.
        labels: Expressions that the network tells apart.
        options: How to measure.
        key_points: In any order.
        length: Seconds after which the source is over, where that is known.
    """

    def __init__(
        self,
        source: str,
        labels: Labels,
        options: AudienceOptions,
        key_points: Sequence[KeyPoint] = (),
        length: float | None = None,
    ) -> None:
        self.source, self.labels, self.options = source, labels, options
        self.key_points = sorted(
            (KeyPoint(point.time + options.offset, point.label) for point in key_points),
            key=lambda point: point.time,
        )
        self.samples = 0
        self.end = 0.0
        self.closed = 0
        self._first: float | None = None
        self._last = min(bound for bound in (length, options.end, math.inf) if bound is not None)
        self._most = 0
        self._windows: list[Window] = []
        self._cutter = Windows(options.window)
        self._comparing = Comparing(labels, options, self.key_points, lambda: options.needed(self._most))

    def over(self, time: float) -> bool:
        """Whether the time that was asked for is over."""
        duration = self.options.duration
        return duration is not None and self._first is not None and time >= self._first + duration

    def add(self, sample: AudienceSample) -> list[Window]:
        """Take a sample; gives the windows that it completes."""
        if self._first is None:
            self._first = sample.time
            self._last = min(self._last, sample.time + (self.options.duration or math.inf))
        self.samples += 1
        # A look stands for the time until the next one, but for none in which there is nothing more to look at.
        self.end = max(self.end, sample.time, min(sample.time + self.options.interval, self._last))
        closed = [self._window(window) for window in self._cutter.add(sample)]
        self._comparing.add(sample)
        self._windows += closed
        self.closed += len(closed)
        return closed

    def close(self, finished: bool, remarks: Iterable[str] = ()) -> Audience:
        """All of it, with the window at hand."""
        self._windows += [self._window(window) for window in self._cutter.close(self.end)]
        length = self.end - (self._first or 0.0)
        changes = self._comparing.close(self.end)
        return Audience(
            self.source,
            self.labels,
            self.options,
            tuple(self._windows),
            changes,
            length,
            finished,
            remarks=tuple(remarks),
        )

    def _window(self, closed: Closed) -> Window:
        labels = tuple(point.label for point in self.key_points if closed.start <= point.time < closed.end)
        looked = len(closed.samples)
        if not looked:
            return Window(closed.start, closed.end, "not_looked", 0, key_points=labels)
        if sum(sample.blank for sample in closed.samples) * 2 > looked:
            return Window(closed.start, closed.end, "blank", looked, key_points=labels)
        people = participants(closed.samples)
        self._most = max(self._most, len(people))
        if len(people) < self.options.needed(self._most):
            return Window(closed.start, closed.end, "too_few", looked, key_points=labels)
        figures = summarise(people)
        n = figures.participants

        def named(names: Labels, values: Sequence[float]) -> dict[str, float]:
            return {name: published(value, n) for name, value in zip(names, values, strict=True)}

        mapping = self.options.mapping
        sentiment = None
        if not mapping.unknown(self.labels):
            sentiment = named(SENTIMENTS, mapping(figures.mean[None], self.labels)[0].tolist())
        return Window(
            closed.start,
            closed.end,
            "reported",
            looked,
            n,
            named(self.labels, figures.mean.tolist()),
            sentiment,
            published(figures.similarity, n),
            round(figures.coverage, 2),
            labels,
        )
