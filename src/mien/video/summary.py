"""A video in short: what was looked at, where nobody was seen, who was there and what their faces
showed when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.spacing import length_of
from mien.tracking.blinks import Blink, Blinks
from mien.tracking.persons import People, PersonSummary, talking_remarks
from mien.tracking.segments import FrameSpan, FrameSpans, Segment, Segmenter
from mien.video.curves import Lane, lanes
from mien.video.timeline import Timeline

_SHORTEST_GAP = 1.0
_MOST_GAPS = 200
_MOST_FAILURES = 20
_ONE_TALK = 0.5
"""Seconds between two stretches of talk that are shown as one."""


@dataclass(frozen=True)
class Gap:
    """A stretch in which frames were looked at and nobody was seen.

    Args:
        start: Seconds of its first frame.
        end: Seconds of the first frame after it.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Overview:
    """Adds up the results of one video; memory grows with the people in it and their changes, not with
    its frames.

    Args:
        source: Name of the video.
        labels: Expressions that the network tells apart.
        duration: Seconds that its header promises, or None.
        gap: Seconds; a person not seen for longer was away.
        whole: Whether the video was read to its end; else the run was stopped on the way.
        skip_talking: Whether shares, means, segments and the timeline leave out stretches in which somebody talks.

    Attributes:
        frames: Frames that were looked at.
        with_face: Those of them with a face.
        failed: Notes of what could not be read; one may stand for a stretch.
        failures: The first of them, in words.
        most: Most faces in one frame.
        timeline: What was shown when.
        gaps: Stretches of a second or more without a face, in order; the longest two hundred.
        people: Who was seen, in order of ids, once `end` was called; nobody where nothing was tracked.
        segments: Stretches in which a person shows one expression, in order of time, once `end` was called.
        blinks: Of everybody, in order of time; none where landmarks were not asked for.
        talks: Start and end in seconds of the stretches in which each person talks, by track, in order of time.
        landmarks: Whether they were asked for, as far as faces were seen.

    >>> from mien.core.faces import Faces
    >>> from mien.core.labels import EXPRESSIONS
    >>> overview = Overview("a.mp4", EXPRESSIONS)
    >>> for second in range(4):
    ...     overview.add(FrameResult("a.mp4", second, float(second), Faces.empty(EXPRESSIONS)))
    >>> overview.end()
    >>> overview.frames, overview.length, overview.gaps
    (4, 4.0, [Gap(start=0.0, end=4.0)])
    """

    source: str
    labels: Labels
    duration: float | None = None
    gap: float = 1.0
    whole: bool = True
    skip_talking: bool = False
    frames: int = 0
    with_face: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    most: int = 0
    gaps: list[Gap] = field(default_factory=list)
    people: list[PersonSummary] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    blinks: list[Blink] = field(default_factory=list)
    talks: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    landmarks: bool = False
    timeline: Timeline = field(init=False)
    _first: float | None = None
    _last: float = 0.0
    _empty_since: float | None = None

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.labels)
        self._spans = FrameSpans(self.gap)
        self._people = People(self.labels, self.skip_talking)
        self._segmenter = Segmenter(self.gap, self.skip_talking)
        self._blinks = Blinks(self.gap)

    def add(self, result: FrameResult) -> None:
        """Count one frame."""
        spans = self._spans.update(result)
        self.timeline.add(result, self._counted(spans))
        if result.error is not None:
            self.failed += 1
            if len(self.failures) < _MOST_FAILURES:
                self.failures.append(str(result.error))
            return
        time = result.time or 0.0
        self._first = time if self._first is None else self._first
        self._last = max(self._last, time)
        self.frames += 1
        self.with_face += len(result.faces) > 0
        self.most = max(self.most, len(result.faces))
        self.blinks += self._blinks.update(result.faces)
        self.landmarks |= result.faces.measures is not None
        followed = not len(result.faces) or result.faces.tracks is not None
        self._add_up(spans, self._segmenter.update(result) if followed else [])
        if not len(result.faces):
            self._empty_since = time if self._empty_since is None else self._empty_since
        elif self._empty_since is not None:
            self._note_gap(time)

    def end(self) -> None:
        """Close what is still open; to be called once, after the last frame."""
        if self._empty_since is not None:
            self._note_gap(self.start + self.length)
        spans = self._spans.close()
        self.timeline.add_spans(self._counted(spans))
        self._add_up(spans, self._segmenter.close())
        self.people = [self._with_blinks(person) for person in self._people.summaries()]
        self.segments.sort(key=lambda segment: (segment.start, segment.track))

    @property
    def start(self) -> float:
        """Seconds of the first frame that was looked at."""
        return self._first or 0.0

    @property
    def length(self) -> float:
        """Seconds from the first frame to the end of the last (`mien.core.spacing.length_of`)."""
        return length_of(self.start, self._last, self.frames)

    @property
    def followed(self) -> bool:
        """Whether people were followed, and so their expressions smoothed."""
        return bool(self.timeline.people)

    @property
    def series(self) -> str:
        """What shares count, in words."""
        return "smoothed emotion" if self.followed else "most probable expression of each frame"

    def shares(self) -> dict[str, float]:
        """Share of the time in view in which each label was shown, or that it is uncertain, all people together,
        greatest first (`People.shares`); empty where no face was seen."""
        return self._people.shares()

    def lanes(self, tracks: Iterable[int], most: int | None = None) -> dict[int, list[Lane]]:
        """What moves in people's faces over time (`mien.video.curves.lanes`), once `end` was called."""
        return lanes(self, tracks, most)

    def blinks_by_person(self) -> dict[int, list[Blink]]:
        """The blinks of each person whose blinks could be counted, in order of time; once `end` was called."""
        return {
            person.track: [blink for blink in self.blinks if blink.track == person.track]
            for person in self.people
            if person.blinks is not None
        }

    @property
    def talking(self) -> float | None:
        """Share of the time, of all people together, in which they talked, where that could be told; None where it never
        could."""
        return self._people.talking

    def remarks(self) -> list[str]:
        """What a reader should know of talk that was left out."""
        return talking_remarks(self.source, self._people)

    def _counted(self, spans: list[FrameSpan]) -> list[FrameSpan]:
        """Those that the timeline shows."""
        return [span for span in spans if not (self.skip_talking and span.talking is True)]

    def _with_blinks(self, person: PersonSummary) -> PersonSummary:
        rate = self._blinks.per_minute(person.track)
        count = None if rate is None else self._blinks.counts[person.track]
        return replace(person, blinks=count, blinks_per_minute=rate)

    def _add_up(self, spans: list[FrameSpan], segments: list[Segment]) -> None:
        self._people.add(spans, segments)
        for span in spans:
            if span.talking and span.track is not None:
                own = self.talks.setdefault(span.track, [])
                start = own.pop()[0] if own and span.start - own[-1][1] < _ONE_TALK else span.start
                own.append((start, span.end))
        self.segments += segments

    def _note_gap(self, end: float) -> None:
        assert self._empty_since is not None
        gap, self._empty_since = Gap(self._empty_since, end), None
        if gap.seconds < _SHORTEST_GAP:
            return
        self.gaps.append(gap)
        if len(self.gaps) > _MOST_GAPS:
            self.gaps.remove(min(self.gaps, key=lambda gap: gap.seconds))
