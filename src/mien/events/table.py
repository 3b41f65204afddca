"""CSV and its relatives: an event a line, or a sample a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.events.cells import cell_at, first_column, plain_name, rows
from mien.events.event import Event
from mien.events.file import MISSING, EventFile, parsed_seconds
from mien.events.samples import as_stretches, look_sampled

STARTS = ("time", "start", "begin", "onset", "from", "seconds", "t", "start time", "begin time", "timestamp")
ENDS = ("end", "stop", "offset", "to", "until", "end time", "stop time")
DURATIONS = ("duration", "length", "dur")
LABELS: tuple[str, ...] = (
    "label",
    "trial type",
    "event",
    "name",
    "annotation",
    "text",
    "code",
    "behavior",
    "behaviour",
    "marker",
)
LABELS += ("expression", "emotion", "value", "title", "description")
SUBJECTS = ("subject", "person", "participant", "who", "speaker", "track")
TIERS = ("tier", "channel", "category")
_NAMES = {*STARTS, *ENDS, *DURATIONS, *LABELS, *SUBJECTS, *TIERS}


@dataclass(frozen=True)
class EventColumns:
    """Where a table has what an event is made of, by position; None where it has no such column.

    Args:
        start: Of the beginning.
        end: Of the end.
        duration: Of the seconds that it lasts, where there is no end.
        label: Of the label.
        subject: Of whom it is about.
        tier: Of its tier.
        units: Seconds that a number stands for, by position, where that is not one.
    """

    start: int
    end: int | None = None
    duration: int | None = None
    label: int | None = None
    subject: int | None = None
    tier: int | None = None
    units: dict[int, float] | None = None

    @staticmethod
    def named(header: Sequence[str]) -> EventColumns | None:
        """Those of a header; None where no column is called a time.

        >>> EventColumns.named(["who", "onset (ms)", "what"])
        EventColumns(start=1, end=None, duration=None, label=2, subject=0, tier=None, units={1: 0.001})
        """
        start = first_column(header, STARTS)
        if start is None:
            return None
        others = [first_column(header, names) for names in (ENDS, DURATIONS, LABELS, SUBJECTS, TIERS)]
        end, duration, label, subject, tier = others
        if label is None:
            used = {start, *others}
            label = next((place for place in range(len(header)) if place not in used), None)
        units = {place: plain_name(cell)[1] for place, cell in enumerate(header)}
        units = {place: unit for place, unit in units.items() if unit != 1.0}
        return EventColumns(start, end, duration, label, subject, tier, units or None)


def events(file: EventFile) -> Iterator[Event]:
    """The events of a table; of samples, a stretch for each run of one label.

    Raises:
        InputError: There is no column of times, or a time is none.
    """
    if "-->" in file.text:
        raise InputError(
            f"{file.path}: expected events as CSV or WebVTT; got subtitles without the line WEBVTT at the beginning: add it, or save as CSV"
        )
    found = list(_read(file))
    if file.samples or (file.samples is None and look_sampled(found)):
        return as_stretches(found, file)
    return iter(found)


def _read(file: EventFile) -> Iterator[Event]:
    lines = rows(file, _NAMES)
    line, first = next(lines, (0, []))
    if not first:
        return
    if parsed_seconds(first[0]) is None:
        columns = EventColumns.named(first)
        if columns is None:
            names = ", ".join(cell[:30] for cell in first[:5])
            raise InputError(
                f"{file.path}: expected events with the header time,label or start,end,label; got {quoted(names)}: name the column of times time"
            )
    else:
        stretches = len(first) > 2 and parsed_seconds(first[1]) is not None
        columns = EventColumns(0, end=1, label=2) if stretches else EventColumns(0, label=1)
        lines = chain([(line, first)], lines)
    yield from file.usable(lambda line: events_of_row(file, *line, columns), lines)


def events_of_row(file: EventFile, line: int, row: Sequence[str], columns: EventColumns) -> Iterator[Event]:
    """The event of a line, or none with a remark where its time is said not to be known.

    Raises:
        InputError: A time is none, or the end comes before the beginning.
    """
    start_text = cell_at(row, columns.start)
    label = cell_at(row, columns.label)
    if start_text.lower() in MISSING:
        file.remarks.append(f"{file.where(line)}: {label[:40] or 'an event'} has no time and is left out")
        return
    start = _seconds(file, line, start_text, columns, columns.start)
    end = _end(file, line, row, columns, start)
    yield Event(
        start,
        end,
        _said(label),
        _said(cell_at(row, columns.tier)),
        _said(cell_at(row, columns.subject)),
        line,
    )


def _end(file: EventFile, line: int, row: Sequence[str], columns: EventColumns, start: float) -> float | None:
    for place, origin in ((columns.end, 0.0), (columns.duration, start)):
        text = cell_at(row, place)
        if place is not None and text and text.lower() not in MISSING:
            return file.ended(start, origin + _seconds(file, line, text, columns, place), line)
    return None


def _seconds(file: EventFile, line: int, text: str, columns: EventColumns, place: int) -> float:
    seconds = file.seconds(text, line)
    unit = (columns.units or {}).get(place, 1.0)
    return seconds if ":" in text else seconds * unit


def _said(text: str) -> str:
    """A cell in one line; empty where it says that it is not known."""
    return "" if text.lower() == MISSING[0] else " ".join(text.split())
