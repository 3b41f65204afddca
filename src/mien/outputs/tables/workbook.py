"""Rows and people as a workbook for spreadsheets, with XlsxWriter, which keeps one row in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from mien import __version__
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.frame_result import flat_keys, flat_row
from mien.core.labels import NOTICE
from mien.core.scratch import scratch_folder
from mien.outputs.base import Extra, Writer
from mien.outputs.tables.persons import person_keys, person_row
from mien.video.runner import AnalyzedFrame
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

MOST_ROWS = 1_048_576
"""Rows of a sheet, with its header: spreadsheets read no more."""
_LONGEST = 32_767
"""Characters of a cell."""
_NESTED = ("box", "probs", "smoothed_probs")
_MADE = datetime(2000, 1, 1)
"""When the workbook was made, which it must say: a date of today would make each run another file."""


class _Table:
    """Rows on a sheet, and on further ones where it is full.

    Args:
        book: The workbook.
        name: Of the first sheet; the next are called ``name 2``, ``name 3`` ...
        keys: Its columns.
        head: How the header looks.
    """

    def __init__(self, book: Any, name: str, keys: Sequence[str], head: Any) -> None:
        self._book, self._name, self._keys, self._head = book, name, keys, head
        self._sheets, self._row = 0, MOST_ROWS
        self._begin()

    @property
    def sheets(self) -> int:
        """How many there are."""
        return self._sheets

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        if self._row >= MOST_ROWS:
            self._begin()
        for column, key in enumerate(self._keys):
            value = row.get(key)
            if isinstance(value, bool):
                self._sheet.write_boolean(self._row, column, value)
            elif isinstance(value, int | float):
                self._sheet.write_number(self._row, column, value)
            elif value not in (None, ""):  # Never as a formula, whatever a name begins with.
                self._sheet.write_string(self._row, column, str(value)[:_LONGEST])
        self._row += 1

    def _begin(self) -> None:
        self._sheets += 1
        name = self._name if self._sheets == 1 else f"{self._name} {self._sheets}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        for column, key in enumerate(self._keys):
            self._sheet.write_string(0, column, key, self._head)
        self._row = 1


class Workbook(Writer):
    """``.xlsx``: a sheet with a row per face, and one with a row per person of all videos."""

    extra = Extra("XLSX files", "xlsx", "xlsxwriter", "XlsxWriter")
    per_video: ClassVar[bool] = False

    def __enter__(self) -> Self:
        self._open = ExitStack()
        [path] = self.places
        book = self._open.enter_context(_open_book(path))
        head = book.add_format({"bold": True})
        labels, landmarks = self.run.labels, self.run.landmarks
        keys = [key for key in flat_keys(labels, landmarks) if key not in _NESTED]
        self._rows = _Table(book, "rows", keys, head)
        self._persons = _Table(book, "persons", person_keys(labels, landmarks), head)
        about = book.add_worksheet("about")
        about.write_string(0, 0, NOTICE)
        about.write_string(1, 0, f"mien {__version__}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        if kind is None:
            self.written += self.places
            if self._rows.sheets > 1:
                self.remarks.append(
                    f"{self.places[0]}: {self._rows.sheets} sheets of rows, as a sheet holds {MOST_ROWS:,}"
                )

    def write(self, frame: AnalyzedFrame) -> None:
        for row in frame.rows:
            self._rows.add(flat_row(row, self.run.labels, self.run.landmarks))

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        for person in () if video is None else video.people:
            assert video is not None
            self._persons.add(person_row(video.source, person, self.run.labels, self.run.landmarks))


@contextmanager
def _open_book(path: Path) -> Iterator[Any]:
    """A workbook that appears under its name when the block ends well.

    Raises:
        MissingExtraError: XlsxWriter is not installed.
        InputError: It cannot be written.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise MissingExtraError("XLSX files", "xlsx", "XlsxWriter") from None
    with atomic_write(path) as aside, translate_os_errors(path), scratch_folder() as folder:
        book = xlsxwriter.Workbook(str(aside), {"constant_memory": True, "tmpdir": str(folder)})
        book.set_properties({"created": _MADE, "comments": NOTICE})
        yield book
        try:
            book.close()
        except xlsxwriter.exceptions.XlsxWriterException as error:
            raise InputError(f"{path}: cannot be written: {error}: make room or give another place") from None
