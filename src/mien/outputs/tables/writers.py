"""Tables as files of a run: a row per face in four formats, and a row per person."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import ClassVar, Self, TextIO

from mien.core.csv_cells import Write
from mien.outputs.base import Extra, RunContext, Writer
from mien.outputs.tables.persons import person_row
from mien.outputs.tables.rows import open_persons, open_table, row_writer
from mien.video.runner import AnalyzedFrame
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview


class _Table(Writer):
    """A file that is open from the beginning of the run to its end, and appears whole."""

    per_video: ClassVar[bool] = False

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._write = self._opened(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        if kind is None:
            self.written += self.places

    def _opened(self, stack: ExitStack) -> Write:
        [path] = self.places
        form = path.suffix.lower()[1:]
        return stack.enter_context(open_table(path, form, self.run.labels, self.run.landmarks))


class Rows(_Table):
    """A row per face, per frame without any, and per error, in the format of its ending."""

    def write(self, frame: AnalyzedFrame) -> None:
        self._write(frame.rows)


class Parquet(Rows):
    """The same as Parquet."""

    extra = Extra("Parquet tables", "data", "polars", "polars")


class PersonsTable(_Table):
    """A row per person of all videos, in one of `mien.outputs.tables.TEXT_FORMATS` by its ending."""

    def _opened(self, stack: ExitStack) -> Write:
        [path] = self.places
        form = path.suffix.lower()[1:]
        return stack.enter_context(open_persons(path, form, self.run.labels, self.run.landmarks))

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        if video is not None:
            self._write(
                person_row(video.source, person, self.run.labels, self.run.landmarks)
                for person in video.people
            )


class StreamedRows(Writer):
    """Rows to a stream that is open already, such as standard output, as they come.

    Args:
        file: The stream.
        form: One of `mien.outputs.tables.TEXT_FORMATS`.
        run: What is read.
    """

    per_video: ClassVar[bool] = False

    def __init__(self, file: TextIO, form: str, run: RunContext) -> None:
        super().__init__((), run)
        self._rows = row_writer(file, form, run.labels, landmarks=run.landmarks)

    def __enter__(self) -> Self:
        self._write = self._rows.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.__exit__(kind, error, trace)

    def write(self, frame: AnalyzedFrame) -> None:
        self._write(frame.rows)
