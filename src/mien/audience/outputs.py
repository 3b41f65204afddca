"""Files of a measurement: what each one is, its ending says; what was measured so far is on the disk at
any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from mien.audience.result import CHANGE_COLUMNS, Audience, Window, change_rows, columns, facts, window_row
from mien.core.atomic import atomic_write, check_writable, sync_file, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import Labels
from mien.core.names import json_text
from mien.core.output_names import refuse_sources

ENDINGS = (".csv", ".json", ".html", ".png")
_NEEDS = {".html": ("Reports", "jinja2"), ".png": ("Charts", "matplotlib")}


@dataclass(frozen=True)
class AudienceOutputSpec:
    """What a measurement writes.

    Args:
        files: ``.csv`` (windows), ``.json`` (everything), ``.html`` (a report), ``.png`` (a chart).
        changes: ``.csv`` of the changes at key points; None: not written.

    Raises:
        InputError: An ending is unknown, or two files are the same.

    >>> spec = AudienceOutputSpec((Path("talk.csv"), Path("talk.html")), changes=Path("changes.csv"))
    >>> [path.name for path in spec.all], spec.partial.name
    (['talk.csv', 'talk.html', 'changes.csv'], 'talk.partial.csv')
    """

    files: tuple[Path, ...] = ()
    changes: Path | None = None

    def __post_init__(self) -> None:
        for path in self.files:
            if path.suffix.lower() not in ENDINGS:
                raise InputError(
                    f"expected files ending in {', '.join(ENDINGS)}; got {path}: give another name with -o"
                )
        if self.changes is not None and self.changes.suffix.lower() != ".csv":
            raise InputError(
                f"expected a table of changes ending in .csv; got {self.changes}: give another name with --changes"
            )
        if len({path.absolute() for path in self.all}) < len(self.all):
            raise InputError("expected a file for each output; got the same one twice: give another name")

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return self.files if self.changes is None else (*self.files, self.changes)

    @property
    def partial(self) -> Path | None:
        """Where windows are kept while it is measured; None where nothing is written."""
        return self.all[0].with_suffix(".partial.csv") if self.all else None

    def check(self, sources: Sequence[object]) -> None:
        """See whether all of it can be written, before hours that end in it.

        Raises:
            InputError: A place is one of the sources, cannot be written to, or holds what an earlier measurement
                could not finish.
            MissingExtraError: What a file needs is not installed.
        """
        refuse_sources(self.all, sources, "-o or --changes")
        for path in self.all:
            check_writable(path)
        if self.partial is not None and self.partial.exists():
            raise InputError(
                f"{self.partial} keeps what a measurement that was cut off had measured: rename or delete it, or give another file"
            )
        for ending, (part, package) in _NEEDS.items():
            if any(path.suffix.lower() == ending for path in self.files) and find_spec(package) is None:
                raise MissingExtraError(part, "report", package)

    def write(self, audience: Audience) -> list[Path]:
        """Write every file, each whole or not at all.

        Raises:
            InputError: A file cannot be written.
        """
        for path in self.files:
            _WRITERS[path.suffix.lower()](path, audience)
        if self.changes is not None:
            _write_table(self.changes, CHANGE_COLUMNS, change_rows(audience.changes))
        return list(self.all)


class PartialResultWriter:
    """Keeps every window on the disk as soon as it is over; whatever happens then, nothing that was measured
    is lost.

    Leaving the block well removes the file, because by then the results are written; an exception leaves it.

    Args:
        path: The file, CSV; None keeps nothing.
        labels: Expressions that are told apart.

    >>> import tempfile
    >>> from mien.core.labels import EXPRESSIONS
    >>> path = Path(tempfile.mkdtemp(), "talk.partial.csv")
    >>> with PartialResultWriter(path, EXPRESSIONS) as partial:
    ...     partial.add([Window(0.0, 10.0, "too_few", samples=10)])
    ...     print(path.exists())
    True
    >>> path.exists()
    False
    """

    def __init__(self, path: Path | None, labels: Labels) -> None:
        self.path, self._labels = path, labels
        self._file: TextIO | None = None

    def add(self, windows: Sequence[Window]) -> None:
        """Keep windows; the file is made with the first one."""
        if self.path is None or not windows:
            return
        with translate_os_errors(self.path):
            new = self._file is None
            if self._file is None:
                self._file = open(self.path, "x", encoding="utf-8", newline="")  # noqa: SIM115
            csv_writer(self._file, columns(self._labels), header=new)(
                _flat(window_row(window, self._labels)) for window in windows
            )
            sync_file(self._file)

    def __enter__(self) -> PartialResultWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None or self.path is None:
            return
        with suppress(OSError):
            self._file.close()
        if error is None:
            self.path.unlink(missing_ok=True)
        else:
            error.add_note(f"{self.path} keeps what was measured")


def write_rows(file: TextIO, audience: Audience, form: str) -> None:
    """Windows as CSV, or everything as JSON, into an open file.

    >>> import io
    >>> from mien.audience.options import AudienceOptions
    >>> from mien.core.labels import EXPRESSIONS
    >>> file = io.StringIO()
    >>> window = Window(0.0, 10.0, "too_few", samples=10)
    >>> write_rows(file, Audience("talk.mp4", EXPRESSIONS, AudienceOptions(), (window,)), "csv")
    >>> file.getvalue().splitlines()[1][:20]
    '0.0,10.0,too_few,10,'
    """
    if form == "json":
        file.write(f"{json_text(facts(audience), file, 1)}\n")
    else:
        csv_writer(file, columns(audience.labels))(
            _flat(window_row(window, audience.labels)) for window in audience.windows
        )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Times without the noise of their sums."""
    return {**row, "start": round(row["start"], 3), "end": round(row["end"], 3)}


def _write_table(path: Path, names: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        csv_writer(file, names)(rows)


def _write_text(path: Path, audience: Audience) -> None:
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        write_rows(file, audience, path.suffix.lower()[1:])


def _write_report(path: Path, audience: Audience) -> None:
    from mien.audience.report import write_report

    write_report(path, audience)


def _write_chart(path: Path, audience: Audience) -> None:
    from mien.audience.charts import write_chart

    write_chart(path, audience)


_WRITERS: dict[str, Callable[[Path, Audience], None]] = {
    ".csv": _write_text,
    ".json": _write_text,
    ".html": _write_report,
    ".png": _write_chart,
}
