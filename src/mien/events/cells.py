"""Tables as text, in whatever way their cells are divided."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence

from mien.core.errors import InputError
from mien.events.file import EventFile, parsed_seconds

_DELIMITERS = "\t;,"
_UNIT = re.compile(
    r"^(.*?)[ _]*(?:[(\[](ms|msec|milliseconds|s|sec|secs|seconds)[)\]]|(?<=[ _])(ms|msec|milliseconds|s|sec|secs))$"
)


def rows(file: EventFile, known: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something, with their numbers from 1 on.

    Args:
        file: Whose text is a table.
        known: Names of columns, as `plain_name` has them, by which the mark between cells is known.

    Raises:
        InputError: A cell does not end.
    """
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=_delimiter(file.text, known))
    begun = ended = 0
    try:
        for row in reader:
            begun, ended = ended, reader.line_num
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(
            f"{file.where(reader.line_num)}: expected a table of text; got {error}: correct the line"
        ) from None
    if ended > begun + 1 and _open(file.text, begun):
        raise InputError(
            f"{file.where(begun + 1)}: expected a quotation mark at the end of a cell; got none to the end of the file: close it"
        )


def _open(text: str, begun: int) -> bool:
    """Whether a cell in quotation marks that begins after so many lines goes on to the end of the text."""
    return "".join(io.StringIO(text, newline="").readlines()[begun:]).count('"') % 2 == 1


def _delimiter(text: str, known: Collection[str]) -> str:
    """The mark between cells: one that makes a header or times of the first lines, else the first that is there."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:60]
    for line in lines:
        for mark in _DELIMITERS:
            cells = [cell.strip().strip('"') for cell in line.split(mark)]
            if len(cells) > 1 and (
                parsed_seconds(cells[0]) is not None or {plain_name(cell)[0] for cell in cells} & {*known}
            ):
                return mark
    return next((mark for mark in _DELIMITERS if lines and mark in lines[0]), ",")


def plain_name(cell: str) -> tuple[str, float]:
    """The name of a column without its unit, and how many seconds its unit has.

    >>> plain_name("Start (s)"), plain_name("onset_ms"), plain_name("Begin Time - hh:mm:ss.ms"), plain_name("trial_type")
    (('start', 1.0), ('onset', 0.001), ('begin time', 1.0), ('trial type', 1.0))
    """
    name = cell.strip().lower()
    if " - " in name:  # ELAN writes the form of its times so.
        name, _, form = name.partition(" - ")
        return name.strip(), 0.001 if form.strip() in ("msec", "ms") else 1.0
    found = _UNIT.match(name)
    unit = "s" if found is None else found[2] or found[3]
    name = name if found is None else found[1]
    return " ".join(name.replace("_", " ").split()), 0.001 if unit.startswith("m") else 1.0


def first_column(header: Sequence[str], names: Collection[str]) -> int | None:
    """Where the first of some names stands in a header; None where none does.

    >>> first_column(["Label", "Start (s)"], ["time", "start"])
    1
    """
    plain = [plain_name(cell)[0] for cell in header]
    return next((plain.index(name) for name in names if name in plain), None)


def cell_at(row: Sequence[str], column: int | None) -> str:
    """A cell of a row that may be shorter than others, or of a column that is not there."""
    return row[column] if column is not None and column < len(row) else ""
