"""A study from its recordings to its rows: whom each is of, which stretches count, and what was shown in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.progress import ProgressCallback, no_progress
from mien.events import Event, read_events
from mien.outputs.tables import read_videos
from mien.people import Corrections
from mien.studies.event_measures import EventWindow, measure_window
from mien.studies.recordings import PARTICIPANT, StudyRecording, StudyRecordings, composed
from mien.studies.signals import PersonRule, Signals, read_signals
from mien.studies.tables import StudyRow
from mien.studies.windows import Span, WindowRule, lay_windows
from mien.video.results import VideoResult


@dataclass(frozen=True)
class StudyRules:
    """How a study is measured.

    Args:
        windows: Where windows lie.
        events: File with the events of all recordings, or with fields in braces, of each; None: what the table of recordings
            says, or none.
        tiers: Tiers of events that count; all by default.
        person: Who is the participant where several are in view.
        corrections: Who is who, corrected by hand; None: as tracked.
    """

    windows: WindowRule = field(default_factory=WindowRule)
    events: str | None = None
    tiers: tuple[str, ...] = ()
    person: PersonRule = "longest"
    corrections: Corrections | None = None


@dataclass(frozen=True)
class StudyRecordingFacts:
    """A recording in short.

    Args:
        recording: It.
        seconds: That count.
        coverage: Share of them in which the participant was read, 0 to 1.
        uncertain: Share of the time read in which the expression was uncertain.
        events: Windows that were measured.
    """

    recording: StudyRecording
    seconds: float
    coverage: float
    uncertain: float
    events: int


@dataclass
class Study:
    """What came out.

    Args:
        fields: Names of the fields, participant first.
        rows: Of the long table.
        recordings: That were measured.
        problems: What was left out or is amiss, by name and line.
        remarks: What else is worth knowing.
    """

    fields: tuple[str, ...]
    rows: list[StudyRow] = field(default_factory=list)
    recordings: list[StudyRecordingFacts] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def participants(self) -> list[str]:
        """In the order of the recordings."""
        return list(dict.fromkeys(row.participant for row in self.rows))


def measure_study(
    found: StudyRecordings,
    rules: StudyRules,
    tables: Sequence[Path] | None = None,
    track: ProgressCallback = no_progress,
) -> Study:
    """Measure recording after recording; only one is in memory at a time.

    Args:
        found: The recordings.
        rules: How they are measured.
        tables: With the rows of all recordings; None: each recording is a table itself.
        track: Gets the recordings as they come, a word for what is done and their number, and gives them, as a progress bar
            does.

    Raises:
        InputError: Nothing could be measured.
    """
    study = Study(found.fields, problems=list(found.problems))
    events = _EventFiles(rules)
    participants = _participants(found, rules, tables)
    for recording, video in track(_videos(found, tables, study), "measuring", len(found.recordings) or None):
        try:
            known = video if rules.corrections is None else rules.corrections.apply(video)
            _measure(recording, known, rules, study, events.of(recording, participants))
        except InputError as error:
            study.problems.append(f"{recording.file}: left out: {error}")
    study.remarks += events.remarks
    study.problems += [] if rules.corrections is None else rules.corrections.remarks()
    if not study.rows:
        first = f": {study.problems[0]}" if study.problems else ""
        raise InputError(f"{found.given}: expected recordings with faces; nothing could be measured{first}")
    return study


def _participants(found: StudyRecordings, rules: StudyRules, tables: Sequence[Path] | None) -> set[str]:
    """All participants, as far as events may be about one of them: where rows alone tell who there is, they are gone through
    before."""
    recordings: Iterable[StudyRecording] = found.recordings
    if tables is not None and rules.events is not None and not found.recordings:
        aside = Study(found.fields)  # What is amiss is told when they are measured.
        recordings = [recording for recording, _ in _videos(found, tables, aside)]
    return {recording.fields[PARTICIPANT] for recording in recordings}


def _measure(
    recording: StudyRecording, video: VideoResult, rules: StudyRules, study: Study, events: _OwnEvents
) -> None:
    if not len(video.times):
        why = video.failures[0].error if video.failures else "no frame was read"
        raise InputError(f"it could not be read: {why}")
    signals, remarks = read_signals(video, recording.person or rules.person)
    study.remarks += [*video.remarks, *remarks]
    lasts = _lasts(recording, signals)
    windows, problems = lay_windows(recording, lasts, events.events, rules.windows, events.file)
    study.problems += problems
    for window in windows:
        measures = measure_window(signals, window)
        told = _on_session(window, recording.offset)
        study.rows += [StudyRow(recording.fields, recording.file, told, measure) for measure in measures]
        if window.baseline is not None and all(math.isnan(measure.baseline) for measure in measures):
            named = f"{window.event} at {told.zero:g} s"
            study.problems.append(
                f"{recording.file}: nobody was read in the baseline of {named}: what changes is not known there"
            )
    study.recordings.append(_facts(recording, signals, lasts, len(windows)))
    if video.failures:
        study.problems.append(
            f"{recording.file}: {counted(len(video.failures), 'frame')} could not be read: a gap"
        )
    if not signals.seen.any():
        study.problems.append(f"{recording.file}: nobody was seen in it")


def _on_session(window: EventWindow, offset: float) -> EventWindow:
    """A window on the session's clock."""
    base = None if window.baseline is None else (window.baseline[0] + offset, window.baseline[1] + offset)
    zero, start, end = window.zero + offset, window.start + offset, window.end + offset
    return replace(window, zero=zero, start=start, end=end, baseline=base)


def _lasts(recording: StudyRecording, signals: Signals) -> Span:
    """First and last second of a recording that count."""
    first = float(signals.times[0]) if recording.start is None else recording.start
    end = float((signals.times + signals.lasting).max())
    last = end if recording.end is None else min(recording.end, end)
    if first >= last:
        raise InputError(f"expected a start before {last:g} s, when it ends; got {first:g}: correct it")
    return first, last


def _facts(recording: StudyRecording, signals: Signals, lasts: Span, events: int) -> StudyRecordingFacts:
    inside = (signals.times + signals.lasting > lasts[0]) & (signals.times < lasts[1])
    seconds = signals.lasting[inside & signals.seen]
    unsure = signals.lasting[inside & signals.uncertain]
    read = float(seconds.sum())
    return StudyRecordingFacts(
        recording,
        lasts[1] - lasts[0],
        min(1.0, read / (lasts[1] - lasts[0])),
        float(unsure.sum()) / read if read else float("nan"),
        events,
    )


def _videos(
    found: StudyRecordings, tables: Sequence[Path] | None, study: Study
) -> Iterator[tuple[StudyRecording, VideoResult]]:
    """Each recording with its rows; what has none, or more than one, is told."""
    if tables is None:
        yield from _own_tables(found.recordings, study)
        return
    told: set[str] = set()
    strange: list[str] = []
    for video in _all_videos(tables, study):
        try:
            recording = _recording_of(video.source, found)
        except InputError as error:
            study.problems.append(f"left out: {error}")
            continue
        if recording is None:
            strange.append(video.source)
        elif recording.place in told:
            study.problems.append(
                f"{video.source}: its rows stand in two places: the later ones are left out"
            )
        else:
            told.add(recording.place)
            yield recording, video
    if strange:
        study.problems.append(
            f"{counted(len(strange), 'source of the rows is', 'sources of the rows are')} no recording of "
            f"{found.given}: left out: {', '.join(strange[:3])}"
        )
    study.problems += [
        f"{recording.file}: there are no rows of it"
        for recording in found.recordings
        if recording.place not in told
    ]


def _own_tables(
    recordings: Iterable[StudyRecording], study: Study
) -> Iterator[tuple[StudyRecording, VideoResult]]:
    for recording in recordings:
        try:
            first, *more = read_videos(Path(recording.place))
        except InputError as error:
            study.problems.append(f"left out: {error}")
            continue
        except ValueError:
            study.problems.append(f"{recording.file}: there are no rows in it")
            continue
        if more:
            study.problems.append(
                f"{recording.file}: expected the rows of one recording; it has {1 + len(more)} sources: give it with --rows"
            )
        else:
            yield recording, first


def _all_videos(tables: Sequence[Path], study: Study) -> Iterator[VideoResult]:
    for table in tables:
        try:
            yield from read_videos(table)
        except InputError as error:
            study.problems.append(f"the rest of its rows is left out: {error}")


def _recording_of(source: str, found: StudyRecordings) -> StudyRecording | None:
    """Which recording a source of rows is.

    Raises:
        InputError: Its name fits the pattern in more than one way.
    """
    exact = (one for one in found.recordings if source in (one.file, one.place))
    below = (one for one in found.recordings if source.endswith(f"/{one.file}"))
    if (recording := next(chain(exact, below), None)) is not None:
        return recording
    if found.pattern is None or found.recordings:
        return None
    fields = found.pattern.match(source, anywhere=True)
    return None if fields is None else StudyRecording(source, source, composed(fields))


class _OwnEvents(NamedTuple):
    """The events of a recording, None where none are asked for, and the name of their file."""

    events: list[Event] | None = None
    file: str = ""


class _EventFiles:
    """The events of recordings, each file read once."""

    def __init__(self, rules: StudyRules) -> None:
        self._rules = rules
        self._read: dict[Path, list[Event]] = {}
        self.remarks: list[str] = []

    def of(self, recording: StudyRecording, participants: set[str]) -> _OwnEvents:
        """Those of a recording; what is about another participant is left out.

        Raises:
            InputError: The file cannot be used.
        """
        path = recording.events
        if path is None and self._rules.events is not None:
            path = Path(self._filled(self._rules.events, recording))
        if path is None:
            return _OwnEvents()
        if path not in self._read:
            self._read[path], remarks = read_events(path, tiers=self._rules.tiers)
            self.remarks += remarks
        if not self._read[path]:
            raise InputError(f"{path}: expected events, a time and a label in each line; got none: add them")
        others = participants - {recording.fields[PARTICIPANT]}
        return _OwnEvents([event for event in self._read[path] if event.subject not in others], path.name)

    def _filled(self, pattern: str, recording: StudyRecording) -> str:
        try:
            return pattern.format_map(recording.fields)
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            raise InputError(
                f"{pattern}: expected fields such as {', '.join(recording.fields)}; got {error}: name those of the recordings"
            ) from None
