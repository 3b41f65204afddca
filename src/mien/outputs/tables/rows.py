"""Rows written one after the other as they come; the formats that are text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import Write, csv_writer
from mien.core.errors import InputError
from mien.core.frame_result import Row, flat_keys, flat_row
from mien.core.labels import Labels
from mien.core.names import json_text, quoted
from mien.outputs.tables.persons import person_keys

TEXT_FORMATS = ("json", "jsonl", "csv")
FORMATS = (*TEXT_FORMATS, "parquet")


def format_of(path: Path) -> str:
    """The format that a file's name asks for.

    >>> format_of(Path("faces.CSV"))
    'csv'
    """
    name = path.suffix.lower().lstrip(".")
    if name not in FORMATS:
        raise InputError(
            f"expected a table ending in .json, .jsonl, .csv or .parquet; got {path}: give another name"
        )
    return name


@contextmanager
def open_table(path: Path, form: str, labels: Labels, landmarks: bool = False) -> Iterator[Write]:
    """A file for rows that appears under its name only when it is whole.

    Args:
        path: Where the table goes; it is replaced when there is one.
        form: One of `FORMATS`.
        labels: Expressions, for the columns of CSV and Parquet.
        landmarks: Whether there are columns for measures of landmarks.

    Raises:
        InputError: The place cannot be written to.
        MissingExtraError: The format is ``parquet``, and polars is not installed.
    """
    if form == "parquet":
        from mien.outputs.tables.parquet import open_parquet

        with open_parquet(path, labels, landmarks) as write:
            yield write
    else:
        flat = partial(_csv_row, labels=labels, landmarks=landmarks)
        with _open_text(path, form, flat_keys(labels, landmarks), flat) as write:
            yield write


@contextmanager
def open_persons(path: Path, form: str, labels: Labels, landmarks: bool = False) -> Iterator[Write]:
    """A file for the rows of people (`person_row`), in one of `TEXT_FORMATS`; it appears whole."""
    with _open_text(path, form, person_keys(labels, landmarks), dict) as write:
        yield write


@contextmanager
def _open_text(path: Path, form: str, keys: Sequence[str], flat: Callable[[Row], Row]) -> Iterator[Write]:
    opened = ExitStack()
    with atomic_write(path) as aside:
        try:
            file = opened.enter_context(open(aside, "w", encoding="utf-8", newline=""))  # noqa: SIM115
            write = opened.enter_context(_writer(file, form, keys, flat))

            def write_or_tell(rows: Iterable[Row]) -> None:
                with translate_os_errors(path):
                    write(rows)

            yield write_or_tell
        finally:
            with translate_os_errors(path):  # The last of them may be written only now.
                opened.close()


@contextmanager
def row_writer(
    file: TextIO,
    form: str,
    labels: Labels,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    *,
    landmarks: bool = False,
) -> Iterator[Write]:
    """Something that takes rows and writes them to an open text file.

    JSON is one array with a row a line, JSON Lines an object a line. CSV has the same keys, where ``box``,
    ``probs`` and ``smoothed_probs`` hold JSON, followed by the corners of the box and every expression, raw and
    smoothed, as plain numbers for spreadsheets; text in it that would be taken for a formula is written as
    `mien.core.csv_cells` says.

    Args:
        file: Where they go.
        form: One of `TEXT_FORMATS`.
        labels: Expressions that the network tells apart.
        before: Further keys of the rows, which stand before the others.
        after: Further keys, which stand after them.
        landmarks: Whether there are columns for measures of landmarks.

    >>> import sys
    >>> from mien.core.labels import EXPRESSIONS
    >>> with row_writer(sys.stdout, "jsonl", EXPRESSIONS) as write:
    ...     write([{"source": "a.jpg", "status": "no_face"}])
    {"source": "a.jpg", "status": "no_face"}
    """
    keys = [*before, *flat_keys(labels, landmarks), *after]
    with _writer(file, form, keys, partial(_csv_row, labels=labels, landmarks=landmarks)) as write:
        yield write


@contextmanager
def _writer(file: TextIO, form: str, keys: Sequence[str], flat: Callable[[Row], Row]) -> Iterator[Write]:
    if form == "csv":
        table = csv_writer(file, keys)
        yield lambda rows: table(flat(row) for row in rows)
    elif form == "jsonl":
        yield lambda rows: file.writelines(f"{json_text(row, file)}\n" for row in rows)
    elif form == "json":
        lead = "["

        def write(rows: Iterable[Row]) -> None:
            nonlocal lead
            for row in rows:
                file.write(f"{lead}\n{json_text(row, file)}")
                lead = ","

        yield write
        file.write("[]\n" if lead == "[" else "\n]\n")
    else:
        raise InputError(f"expected a format out of {', '.join(TEXT_FORMATS)}; got {quoted(form)}")


def _csv_row(row: Row, labels: Labels, landmarks: bool) -> Row:
    return {
        **flat_row(row, labels, landmarks),
        **{key: row[key] and json_text(row[key]) for key in ("box", "probs", "smoothed_probs")},
    }
