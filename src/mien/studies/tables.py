"""The tables of a study: a long one, with a row for each signal of each event, and a wide one, with a row for each
participant."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import csv_writer, delimiter, plain
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.names import quoted
from mien.studies.event_measures import EventMeasure, EventWindow
from mien.studies.recordings import PARTICIPANT

LONG, WIDE = "long.csv", "wide.csv"
_PLACES = ("recording", "event", "number", "start", "end", "baseline_start", "baseline_end")
_COLUMNS = (*_PLACES, *EventMeasure._fields)
_WIDE_STATISTICS = ("mean", "change")


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One signal of one participant in one window.

    Args:
        fields: Participant, condition and so on.
        recording: The file.
        window: Where it was measured, on the session's clock.
        measure: What came out.
    """

    fields: Mapping[str, str]
    recording: str
    window: EventWindow
    measure: EventMeasure

    @property
    def participant(self) -> str:
        return self.fields[PARTICIPANT]

    def level(self, name: str) -> str:
        """The value of a field, or the label of the event for ``event``; empty where it has none."""
        return self.window.event if name == "event" else self.fields.get(name, "")

    def cells(self) -> dict[str, Any]:
        """By the names of the columns of the long table."""
        window = self.window
        base = window.baseline or (math.nan, math.nan)
        places = (self.recording, window.event, window.number, window.start, window.end, *base)
        numbers = dict(zip(_COLUMNS, (*places, *self.measure), strict=True))
        return {**self.fields, **{name: _short(value) for name, value in numbers.items()}}


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 6) if math.isfinite(value) else None


def write_long(path: Path, rows: Sequence[StudyRow], fields: Sequence[str]) -> None:
    """Write the long table; it appears whole.

    Raises:
        InputError: It cannot be written.
    """
    write_table(path, [*fields, *_COLUMNS], (row.cells() for row in rows))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table as CSV; it appears whole.

    Raises:
        InputError: It cannot be written.
    """
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        csv_writer(file, columns)(rows)


def read_long(path: Path) -> tuple[list[StudyRow], tuple[str, ...], list[str]]:
    """A long table, perhaps edited by hand.

    Returns:
        Its rows, the names of its fields, and which lines were left out and why.

    Raises:
        InputError: It cannot be read, lacks a column, or has no row that can be used.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            between = delimiter(file.readline())
            file.seek(0)
            table = csv.reader(file, delimiter=between, strict=True)
            lines = [(table.line_num, line) for line in table if any(map(str.strip, line))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected the table {LONG} of a study; got {error}: give the folder of mien study run"
        ) from None
    header = [plain(name.strip()) for name in (lines[0][1] if lines else [])]
    missing = [name for name in (PARTICIPANT, *_COLUMNS) if name not in header]
    if missing:
        raise InputError(
            f"{path}: expected the columns of a study's {LONG}; there is no {', '.join(missing)}: keep the header as it was"
        )
    fields = tuple(name for name in header if name not in _COLUMNS and name)
    rows: dict[tuple[object, ...], StudyRow] = {}
    problems: list[str] = []
    for number, line in lines[1:]:
        try:
            if len(line) != len(header):
                raise ValueError(f"expected {counted(len(header), 'cell')} as in the header; got {len(line)}")
            row = _row(dict(zip(header, line, strict=True)), fields)
            key = (
                row.recording,
                *row.fields.values(),
                row.window.event,
                row.window.number,
                row.measure.measure,
            )
            if key in rows:
                raise ValueError("it repeats a line before")
            rows[key] = row
        except ValueError as error:
            problems.append(f"{path.name}, line {number}: left out: {error}")
    if not rows:
        first = problems[0] if problems else "it ends after the header"
        raise InputError(f"{path}: expected the rows of a study's {LONG}; got none that can be used: {first}")
    return list(rows.values()), fields, problems


def _row(cells: Mapping[str, str], fields: Sequence[str]) -> StudyRow:
    if not cells[PARTICIPANT].strip():
        raise ValueError("it has no participant")
    numbers = {
        name: _number(cells[name], name) for name in _COLUMNS if name not in ("recording", "event", "measure")
    }
    base = numbers["baseline_start"], numbers["baseline_end"]
    window = EventWindow(
        plain(cells["event"]),
        0 if math.isnan(numbers["number"]) else int(numbers["number"]),
        numbers["start"],
        numbers["start"],
        numbers["end"],
        None if math.isnan(base[0]) else base,
    )
    measure = EventMeasure(cells["measure"].strip(), *(numbers[name] for name in EventMeasure._fields[1:]))
    values = {name: plain(cells[name].strip()) for name in fields}
    return StudyRow(values, plain(cells["recording"], path=True), window, measure)


def _number(text: str, name: str) -> float:
    try:
        value = float(text.strip().replace(",", ".")) if text.strip() else math.nan
    except ValueError:
        raise ValueError(f"expected a number as {name}; got {quoted(text)}") from None
    if math.isinf(value):
        raise ValueError(f"expected a number as {name}; got {quoted(text)}")
    return value


def participant_means(
    rows: Iterable[StudyRow], by: Sequence[str], statistic: str
) -> dict[tuple[str, ...], dict[str, float]]:
    """The mean of a statistic over the events of each participant, each event counting the same.

    Args:
        rows: Of one signal, say.
        by: Names of fields, or ``event``: what is told apart.
        statistic: One of `mien.studies.event_measures.STATISTICS`.

    Returns:
        By the levels of ``by``, in the order in which they come, by participant; who has no value is not there.
    """
    gathered: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for row in rows:
        cell = gathered.setdefault(tuple(row.level(name) for name in by), {})
        value = getattr(row.measure, statistic)
        if not math.isnan(value):
            cell.setdefault(row.participant, []).append(value)
    return {
        levels: {participant: float(np.mean(values)) for participant, values in cell.items()}
        for levels, cell in gathered.items()
    }


def constant_fields(rows: Sequence[StudyRow], fields: Sequence[str]) -> list[str]:
    """The fields, but for the participant, that have one value for each participant, such as a group."""
    values: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name in fields:
            values.setdefault((row.participant, name), set()).add(row.fields.get(name, ""))
    varying = {name for (_, name), found in values.items() if len(found) > 1}
    return [name for name in fields if name != PARTICIPANT and name not in varying]


def write_wide(path: Path, rows: Sequence[StudyRow], fields: Sequence[str]) -> None:
    """Write the wide table: a row for each participant, a column for each signal under each combination of what varies within
    participants: its mean, and with ``_change`` how much it is above the baseline. Names are of letters, digits and ``_``.

    Raises:
        InputError: It cannot be written.
    """
    constant = constant_fields(rows, fields)
    varying = [name for name in (*fields, "event") if name not in (PARTICIPANT, *constant)]
    varying = [name for name in varying if len({row.level(name) for row in rows}) > 1]
    people: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = {PARTICIPANT: row.participant, **{name: row.fields.get(name, "") for name in constant}}
        people.setdefault(row.participant, known)
    columns: list[str] = []
    for name, values in _wide_columns(rows, varying):
        columns.append(name)
        for participant, value in values.items():
            people[participant][name] = _short(value)
    write_table(path, [PARTICIPANT, *constant, *columns], people.values())


def _wide_columns(rows: Sequence[StudyRow], varying: Sequence[str]) -> Iterator[tuple[str, dict[str, float]]]:
    by_measure: dict[str, list[StudyRow]] = {}
    for row in rows:
        by_measure.setdefault(row.measure.measure, []).append(row)
    used: Counter[str] = Counter()
    for statistic in _WIDE_STATISTICS:
        for measure, own in by_measure.items():
            for levels, values in participant_means(own, varying, statistic).items():
                if values:
                    suffix = () if statistic == "mean" else (statistic,)
                    name = re.sub(r"\W+", "_", "_".join((*filter(None, levels), measure, *suffix)))
                    used[name] += 1
                    yield (name if used[name] == 1 else f"{name}_{used[name]}"), values
