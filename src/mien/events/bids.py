"""``events.tsv`` of BIDS (https://bids-specification.readthedocs.io): onset, duration, trial_type; n/a where a value is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.events.cells import cell_at, first_column, rows
from mien.events.event import Event
from mien.events.file import EventFile
from mien.events.table import LABELS, SUBJECTS, TIERS, EventColumns, events_of_row

_LABELS = ("trial type", "event type", "value", "stim file", *LABELS)


def recognised(file: EventFile) -> bool:
    """Whether the name ends as BIDS asks, or the header is that of one."""
    header = file.text.partition("\n")[0].strip().split("\t")
    return file.path.name.lower().endswith("_events.tsv") or {"onset", "duration"} <= {*header}


def events(file: EventFile) -> Iterator[Event]:
    """A stretch for each row that lasts, a moment for one of 0 s or of unknown duration.

    Raises:
        InputError: Onset or duration is missing, or is no number.
    """
    lines = rows(file, ("onset", "duration"))
    header = next(lines, (0, []))[1]
    start, duration = first_column(header, ("onset",)), first_column(header, ("duration",))
    if start is None or duration is None:
        names = ", ".join(cell[:30] for cell in header[:5])
        raise InputError(
            f"{file.path}: expected the columns onset and duration of BIDS; got {quoted(names)}: name the columns so, or the file otherwise"
        )
    label = first_column(header, _LABELS)
    columns = EventColumns(
        start, None, duration, label, first_column(header, SUBJECTS), first_column(header, TIERS)
    )
    yield from file.usable(lambda line: _event(file, *line, columns), lines)


def _event(file: EventFile, line: int, row: Sequence[str], columns: EventColumns) -> Iterator[Event]:
    if cell_at(row, columns.duration).startswith("-"):
        raise InputError(
            f"{file.where(line)}: expected a duration from 0 s on; got {cell_at(row, columns.duration)[:40]!r}: correct the line"
        )
    yield from events_of_row(file, line, row, columns)
