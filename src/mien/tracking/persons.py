"""Each person of a video in numbers: when they were seen, what they showed, for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import counted, percent, percents
from mien.core.labels import UNCERTAIN, Labels
from mien.core.measures import MEASURES
from mien.core.notebook import html_table
from mien.tracking.segments import FrameSpan, Segment

LONG = 3.0
"""Seconds of an expression that became neutral of which a reader is told."""


@dataclass(frozen=True)
class EpisodeStats:
    """Stretches of one label.

    Args:
        count: How many.
        mean: Seconds of one on average; 0 where there is none.
        longest: Seconds of the longest.

    >>> EpisodeStats(count=3, mean=1.5, longest=2.5).longest
    2.5
    """

    count: int
    mean: float
    longest: float


@dataclass(frozen=True)
class MeasureStats:
    """What one person's landmarks measured, over the frames in which they could be measured.

    Args:
        median: The person's usual value: compare others of the same person with it.
        low: A tenth of the values lie below.
        high: A tenth of them lie above.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class PersonSummary:
    """What one person showed; every share and mean is by time, not by frames.

    Args:
        track: Id of the person.
        first: When first seen, s.
        last: When last seen, s: the time of that frame.
        end: When that frame was over, s.
        seconds: For how long in sight.
        frames: In how many frames.
        shares: Share of that time in which each label was shown; the rest was shown as uncertain.
        probs: Mean probability of each expression.
        dwells: Stretches of each label.
        confidence: Mean probability of the label, also where it was shown as uncertain.
        uncertain: Share of the time in which that was below ``labels.uncertainty_threshold``, whether or not that is what was
            shown.
        became_neutral: Seconds in which each other expression was the most probable of the frame alone and
            neutral was shown: what smoothing and a baseline took away. Empty where nothing was.
        valence: Mean of `mien.core.faces.Faces.valence`; None where there is none.
        expressiveness: Mean of `mien.core.faces.Faces.expressiveness`; None where there is none.
        measures: Of landmarks, by name (`mien.core.measures.MEASURES`), where they could be measured; empty where
            they were not asked for.
        blinks: How many; None where the eyes were not seen often enough (`mien.tracking.blinks.Blinks`).
        blinks_per_minute: The same by the time in which the eyes could be seen.
        talking: Share, of the time in which that could be told, in which they talked (`mien.tracking.talking`); None
            where it never could.
        left_out: Seconds of talk that shares, means, stretches and all other figures but `seconds` and `frames` leave
            out.

    >>> from mien.core.faces import Faces
    >>> from mien.core.labels import Labels
    >>> from mien.video.results import VideoResult
    >>> faces = Faces([[0, 0, 40, 50]] * 2, [1, 1], [0, 1], [0.0, 0.2], tracks=[1, 1], probs=[[0.1, 0.9]] * 2, labels=Labels(("sad", "happy")))
    >>> [person] = VideoResult("talk.mp4", faces, np.arange(2), np.array([0.0, 0.2])).people()
    >>> person.track, person.frames, person.shares
    (1, 2, {'sad': 0.0, 'happy': 1.0})
    """

    track: int
    first: float
    last: float
    end: float
    seconds: float
    frames: int
    shares: dict[str, float]
    probs: dict[str, float]
    dwells: dict[str, EpisodeStats]
    confidence: float
    uncertain: float
    became_neutral: dict[str, float]
    valence: float | None = None
    expressiveness: float | None = None
    measures: dict[str, MeasureStats] = field(default_factory=dict)
    blinks: int | None = None
    blinks_per_minute: float | None = None
    talking: float | None = None
    left_out: float = 0.0

    @property
    def mostly(self) -> str:
        """The label shown for the longest time."""
        return next(iter(ranked(self.shares)))

    def __repr__(self) -> str:
        span = f"{self.first:.1f} to {self.end:.1f} s"
        return f"PersonSummary({self.track}, {span}, in view {self.seconds:.1f} s, mostly {self.mostly})"

    def _repr_html_(self) -> str:
        return PersonSummaries([self])._repr_html_()

    def cells(self) -> tuple[str, ...]:
        """What tables for people say about somebody, under `PERSON_TITLES`."""
        shares = ranked(self.shares)
        texts = percents(shares)
        told = ", ".join(f"{name} {texts[name]}" for name in shares if texts[name] != "< 1 %")
        times = (f"{value:.1f} s" for value in (self.first, self.end, self.seconds))
        return (str(self.track), *times, percent(self.confidence), told, self.blink_rate)

    @property
    def blink_rate(self) -> str:
        """Blinks a minute as tables for people have them; ``-`` where they could not be counted."""
        return "-" if self.blinks_per_minute is None else f"{self.blinks_per_minute:.0f}"


PERSON_TITLES = ("person", "from", "to", "in view", "confidence", "of the time in view", "blinks a minute")


class PersonSummaries(list[PersonSummary]):
    """The persons of a video; a list that a notebook shows as a table."""

    def __repr__(self) -> str:
        return f"PersonSummaries({counted(len(self), 'person', 'people')})"

    def _repr_html_(self) -> str:
        # Without landmarks the last column is left out.
        width = len(PERSON_TITLES) - (not any(person.measures for person in self))
        return html_table(PERSON_TITLES[:width], (person.cells()[:width] for person in self), len(self))


def ranked(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares of a time, greatest first: what is missing to 1 was shown as uncertain; what was not shown is
    left out.

    >>> ranked({"sad": 0.25, "happy": 0.5, "angry": 0.0})
    {'happy': 0.5, 'sad': 0.25, 'uncertain': 0.25}
    """
    whole = {**shares, UNCERTAIN: round(1 - sum(shares.values()), 9)}
    return {name: share for name, share in sorted(whole.items(), key=lambda pair: -pair[1]) if share > 0}


def talking_remarks(source: str, people: People) -> list[str]:
    """How much of a video was left out because somebody talked.

    Args:
        source: Name of the video.
        people: Who was in it.
    """
    if not people.skip_talking:
        return []
    seconds, known, seen = people.left_out, people.talking_known, people.seconds
    unknown = seen - known
    said = f"{source}: {seconds:.1f} s of talk are left out of {seen:.1f} s of faces"
    said += f"; of {unknown:.1f} s it could not be told" if unknown >= 0.05 else ""
    gone = ", ".join(map(str, people.nothing_left))
    return [said + (f"; nothing is left of person {gone}" if gone else "")]


def baseline_remarks(source: str, people: Iterable[PersonSummary]) -> list[str]:
    """What a baseline has made neutral for so long that a reader should know: it may have been learned from an
    expression.

    Args:
        source: Name of the video.
        people: Who was in it.
    """
    return [
        f"{source}: person {person.track} looked {name} in single frames for {seconds:.0f} s that are counted as "
        "neutral now: if that was no neutral face, run again without --baseline"
        for person in people
        for name, seconds in person.became_neutral.items()
        if seconds >= LONG
    ]


class People:
    """Adds up what each person of one video showed, and what all of them did; a few numbers per person,
    whatever the length.

    Args:
        labels: Names of the columns of ``probs``.
        skip_talking: Whether spans in which somebody talks count in the time in view alone.

    >>> from mien.core.faces import Faces
    >>> from mien.core.frame_result import FrameResult
    >>> from mien.tracking.segments import FrameSpans
    >>> labels = Labels(("sad", "happy"))
    >>> people, spans = People(labels), FrameSpans()
    >>> for time, happy in [(0.0, 0.75), (0.5, 0.75), (1.0, 0.25)]:
    ...     faces = Faces([[0, 0, 40, 50]], [1], [0], [time], tracks=[1], probs=[[1 - happy, happy]], labels=labels)
    ...     people.add(spans.update(FrameResult("a.mp4", 0, time, faces)))
    >>> people.add(spans.close())
    >>> [person] = people.summaries()
    >>> person.first, person.last, person.end, person.seconds
    (0.0, 1.0, 1.5, 1.5)
    >>> round(person.shares["happy"], 3), people.shares()["happy"] == person.shares["happy"]
    (0.667, True)
    """

    def __init__(self, labels: Labels, skip_talking: bool = False) -> None:
        self.labels, self.skip_talking = labels, skip_talking
        self._sums: dict[int, _Sums] = {}
        self._everybody = _Sums(labels, 0.0)
        self._expressive = [name != "neutral" for name in labels] if "neutral" in labels else None

    def add(self, spans: Iterable[FrameSpan], segments: Iterable[Segment] = ()) -> None:
        """Take in what is now over, each once. Faces that were not followed count for everybody alone."""
        for span in spans:
            skipped = self.skip_talking and span.talking is True
            self._everybody.add(span, skipped)
            if span.track is not None:
                self._sums.setdefault(span.track, _Sums(self.labels, span.start)).add(span, skipped)
        for segment in segments:
            if segment.label != UNCERTAIN:
                self._sums[segment.track].add_segment(self.labels.index(segment.label), segment.seconds)

    def summaries(self) -> list[PersonSummary]:
        """Everyone who was seen, in order of ids, but those of whom nothing is left (`nothing_left`)."""
        return [
            self._person(track, self._sums[track]) for track in sorted(self._sums) if self._sums[track].total
        ]

    @property
    def nothing_left(self) -> list[int]:
        """Ids of those who talked all the time, which was left out."""
        return sorted(track for track, sums in self._sums.items() if not sums.total)

    @property
    def seconds(self) -> float:
        """Time in view of all people together."""
        return self._everybody.seconds

    @property
    def left_out(self) -> float:
        """Seconds of talk of all people together that figures leave out."""
        return self._everybody.left_out

    @property
    def talking_known(self) -> float:
        """Seconds of all people together in which it could be told whether they talk."""
        return self._everybody.talking_known

    @property
    def talking(self) -> float | None:
        """Share of that time in which they talked; None where there is none."""
        return self._everybody.talking_share

    def shares(self) -> dict[str, float]:
        """Share of the time in view in which each label was shown, all people together, greatest first; empty
        where no face was seen."""
        sums = self._everybody
        return ranked(self.labels.as_mapping((sums.shown / sums.total).tolist())) if sums.total else {}

    def _person(self, track: int, sums: _Sums) -> PersonSummary:
        spans, counts, longest = sums.spans.tolist(), sums.counts.tolist(), sums.longest.tolist()
        dwells = {
            name: EpisodeStats(counts[at], spans[at] / counts[at] if counts[at] else 0.0, longest[at])
            for at, name in enumerate(self.labels)
        }
        return PersonSummary(
            track=track,
            first=sums.first,
            last=sums.last,
            end=sums.end,
            seconds=sums.seconds,
            frames=sums.frames,
            shares=dict(self.labels.as_mapping((sums.shown / sums.total).tolist())),
            probs=dict(self.labels.as_mapping((sums.probs / sums.total).tolist())),
            dwells=dwells,
            confidence=sums.confidence / sums.total,
            uncertain=sums.uncertain / sums.total,
            became_neutral={
                name: seconds
                for name, seconds in zip(self.labels, sums.became_neutral.tolist(), strict=True)
                if seconds
            },
            valence=self._mean(self.labels.valences, sums),
            expressiveness=self._mean(self._expressive, sums),
            measures=sums.measures.stats(),
            talking=sums.talking_share,
            left_out=sums.left_out,
        )

    def _mean(self, weights: Sequence[float] | None, sums: _Sums) -> float | None:
        return None if weights is None else float(sums.probs @ np.array(weights) / sums.total)


class _Values:
    """A bounded choice of a person's measures, evenly over the frames: all of them, or every second, fourth ..."""

    MOST = 2048

    def __init__(self) -> None:
        self._kept: list[NDArray[np.float64]] = []
        self._every, self._count = 1, 0

    def add(self, measures: NDArray[np.float64]) -> None:
        if self._count % self._every == 0:
            self._kept.append(measures)
            if len(self._kept) >= self.MOST:
                self._kept, self._every = self._kept[::2], 2 * self._every
        self._count += 1

    def stats(self) -> dict[str, MeasureStats]:
        if not self._kept:
            return {}
        table = np.stack(self._kept)
        known = {name: column[np.isfinite(column)] for name, column in zip(MEASURES, table.T, strict=True)}
        return {
            name: MeasureStats(*map(float, np.percentile(values, (50, 10, 90))))
            for name, values in known.items()
            if len(values)
        }


class _Sums:
    """Seconds, and sums over seconds."""

    def __init__(self, labels: Labels, first: float) -> None:
        classes = len(labels)
        self.first = self.last = self.end = first
        self.seconds = self.total = self.confidence = self.uncertain = 0.0
        self.talking = self.talking_known = self.left_out = 0.0
        self.frames = 0
        self.shown, self.probs, self.became_neutral = np.zeros((3, classes))
        self._neutral = labels.index("neutral") if "neutral" in labels else None
        self.measures = _Values()
        self.counts, self.spans, self.longest = np.zeros(classes, int), np.zeros(classes), np.zeros(classes)

    @property
    def talking_share(self) -> float | None:
        return self.talking / self.talking_known if self.talking_known else None

    def add(self, span: FrameSpan, skipped: bool) -> None:
        """Count a span, or, where it is skipped, its time alone."""
        seconds = span.end - span.start
        weight = span.weight
        self.first, self.last = min(self.first, span.start), max(self.last, span.start)
        self.end = max(self.end, span.end)
        self.frames += 1
        self.seconds += seconds
        if span.talking is not None:
            self.talking_known += weight
            self.talking += weight * span.talking
        if skipped:
            self.left_out += seconds
            return
        self.total += weight
        if span.label >= 0:
            self.shown[span.label] += weight
            if span.label == self._neutral != span.momentary:
                self.became_neutral[span.momentary] += seconds
        if span.measures is not None:
            self.measures.add(span.measures)
        self.probs += weight * span.probs
        self.confidence += weight * span.confidence
        self.uncertain += weight * span.uncertain

    def add_segment(self, column: int, seconds: float) -> None:
        self.counts[column] += 1
        self.spans[column] += seconds
        self.longest[column] = max(self.longest[column], seconds)
