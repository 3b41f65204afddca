"""Which stretches of a recording are measured: around its events, with the stretches that they are compared with."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mien.core.arguments import check_fields
from mien.core.errors import InputError
from mien.events import Event
from mien.studies.event_measures import EventWindow
from mien.studies.recordings import StudyRecording

WHOLE = "whole"
"""The event of a recording without events, which begins and ends with it."""
MOMENT = 5.0
"""Seconds that are measured after an event without an end, unless told otherwise."""
Span = tuple[float, float]


@dataclass(frozen=True)
class WindowRule:
    """How windows lie around events.

    Args:
        window: Seconds from the beginning of an event at which its window begins and ends; None: from its beginning to its end,
            or for `MOMENT` seconds where it has none.
        baseline: The same of its baseline; or the label of events that are baselines: each event is compared with the last one
            that began before it, or else with the first; None: none.

    Raises:
        InputError: A window ends before it begins, or a time is endless.
    """

    window: Span | None = None
    baseline: Span | str | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        for span in (self.window, self.baseline):
            if isinstance(span, tuple) and not all(map(math.isfinite, span)):
                raise InputError(f"expected a window in seconds; got {span[0]:g}:{span[1]:g}: write numbers")
            if isinstance(span, tuple) and span[0] >= span[1]:
                raise InputError(
                    f"expected a window that ends after it begins; got {span[0]:g}:{span[1]:g}: exchange them"
                )


def parse_span(text: str) -> Span | None:
    """Two times, as options give them; None where it is something else.

    >>> parse_span("-2:0"), parse_span("rest")
    ((-2.0, 0.0), None)
    """
    first, colon, second = text.partition(":")
    try:
        return (float(first), float(second)) if colon else None
    except ValueError:
        return None


def lay_windows(
    recording: StudyRecording, lasts: Span, events: Sequence[Event] | None, rule: WindowRule, file: str = ""
) -> tuple[list[EventWindow], list[str]]:
    """The windows of a recording in order of time, and what is amiss with them, a line each.

    Args:
        recording: Whose clock the windows are on; its ``offset`` is taken off the times of events.
        lasts: Its first and last second that count.
        events: On the session's clock, in order of time; None: it has none, and is one event as a whole.
        rule: Where windows lie.
        file: Name of the file of the events, for what is told.

    >>> recording = StudyRecording("a.mp4", "a.mp4", {"participant": "p1"})
    >>> events = [Event(1.0, None, "joke", line=2), Event(70.0, None, "joke", line=3)]
    >>> [window], [problem] = lay_windows(recording, (0.0, 60.0), events, WindowRule((0, 4), (-1, 0)))
    >>> window
    EventWindow(event='joke', number=1, zero=1.0, start=1.0, end=5.0, baseline=(0.0, 1.0))
    >>> problem
    'a.mp4: line 3, joke at 70 s: outside the recording, which ends at 60 s: left out'
    """
    if events is None:
        events = [Event(lasts[0] + recording.offset, lasts[1] + recording.offset, WHOLE)]
    moved = [_on_clock(event, recording.offset) for event in events]
    rest = [event for event in moved if event.label == rule.baseline]
    problems = []
    if isinstance(rule.baseline, str) and not rest:
        problems.append(
            f"{recording.file}: no event {rule.baseline} to be a baseline: what changes is not known there"
        )
    windows: list[EventWindow] = []
    counts: Counter[str] = Counter()
    for event in (event for event in moved if event.label != rule.baseline):
        window = _window(event, counts[event.label] + 1, rest, rule)
        said = f"{recording.file}: {_named(event, file)}"
        if window.start >= lasts[1] or window.end <= lasts[0]:
            problems.append(f"{said}: outside the recording, which {_told(lasts, window)}: left out")
            continue
        problems += [f"{said}: {what}" for what in _beyond(window, lasts)]
        counts[event.label] += 1
        windows.append(window)
    return windows, problems + _overlaps(recording, windows)


def _on_clock(event: Event, offset: float) -> Event:
    end = None if event.end is None else event.end - offset
    label = event.label or "event"
    return Event(event.start - offset, end, label, event.tier, event.subject, event.line)


def _window(event: Event, number: int, rest: Sequence[Event], rule: WindowRule) -> EventWindow:
    end = event.start + MOMENT if event.end is None else event.end
    span = (event.start, end)
    if rule.window is not None:
        span = event.start + rule.window[0], event.start + rule.window[1]
    return EventWindow(event.label, number, event.start, *span, _baseline(event, rest, rule))


def _baseline(event: Event, rest: Sequence[Event], rule: WindowRule) -> Span | None:
    if isinstance(rule.baseline, tuple):
        return event.start + rule.baseline[0], event.start + rule.baseline[1]
    if not rest:
        return None
    before = bisect_right(rest, event.start, key=lambda other: other.start)
    chosen = rest[max(before - 1, 0)]
    return chosen.start, chosen.start + MOMENT if chosen.end is None else chosen.end


def _named(event: Event, file: str) -> str:
    line = "" if event.line is None else f"line {event.line}"
    return ", ".join(filter(None, (file, line, f"{event.label} at {event.start:g} s")))


def _told(lasts: Span, window: EventWindow) -> str:
    return f"ends at {lasts[1]:g} s" if window.start >= lasts[1] else f"begins at {lasts[0]:g} s"


def _beyond(window: EventWindow, lasts: Span) -> list[str]:
    """What of a window, or of its baseline, the recording does not have."""
    told = []
    missing = max(0.0, lasts[0] - window.start) + max(0.0, window.end - lasts[1])
    if missing > 0.05 * (window.end - window.start):
        told.append(f"{missing:.3g} s of its {window.end - window.start:.3g} s are not in the recording")
    if window.baseline is not None and (window.baseline[1] <= lasts[0] or window.baseline[0] >= lasts[1]):
        told.append("its baseline is not in the recording: what changes is not known")
    return told


def _overlaps(recording: StudyRecording, windows: Sequence[EventWindow]) -> list[str]:
    """Windows that share time with the next, or whose baseline does with the one before."""
    ordered = sorted(windows, key=lambda window: window.start)
    shared = [(one, other) for one, other in pairwise(ordered) if other.start < one.end - 1e-6]
    disturbed = [
        (one, other)
        for one, other in pairwise(ordered)
        if other.baseline is not None
        and other.baseline[0] < one.end - 1e-6
        and one.start < other.baseline[1] - 1e-6
    ]
    told = []
    for pairs, what in (
        (shared, "windows that begin before the one before has ended"),
        (disturbed, "baselines that lie in the window of the event before"),
    ):
        if pairs:
            one, other = pairs[0]
            first = f"{other.event} at {other.zero:g} s after {one.event} at {one.zero:g} s"
            told.append(f"{recording.file}: {what}: {len(pairs)}, first {first}: each is measured as it is")
    return told
