"""A table of another program: where its header stands, and its cells."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.core.names import quoted
from mien.events.file import parsed_seconds
from mien.outputs.tables.saved_row import SavedRow

_NOTHING = ("", "nan", "na", "n/a", "null", "fit_failed", "find_failed", "unknown", "-")
_ROUNDING = 0.002
_CHUNK = 1 << 20


@dataclass(frozen=True)
class ProgramTable:
    """A table of another program.

    Args:
        path: The file.
        program: What wrote it.
        read: What makes rows of it.
        encoding: Of its text.
        delimiter: Between its cells.
        header: Names of its columns.
        line: The line of the header, from 1 on.
        preamble: The cells of the lines above.
        remarks: What a person should know, a line each; reading adds to it.
    """

    path: Path
    program: str
    read: Callable[[ProgramTable], Iterator[SavedRow]]
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    line: int
    preamble: tuple[tuple[str, ...], ...]
    remarks: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[SavedRow]:
        """Its rows as mien's."""
        return self.read(self)

    def lines(self) -> Iterator[ProgramLine]:
        """The lines below the header that hold something.

        Raises:
            InputError: One is broken.
        """
        columns = {name: place for place, name in reversed([*enumerate(self.header)])}
        with open(self.path, encoding=self.encoding, newline="") as file:
            for _ in range(self.line):
                file.readline()
            reader = csv.reader(file, delimiter=self.delimiter)
            try:
                for cells in reader:
                    if any(cell.strip() for cell in cells):
                        yield ProgramLine(self, self.line + reader.line_num, columns, cells)
            except csv.Error as error:
                raise InputError(
                    f"{self.path}, line {self.line + reader.line_num}: expected a table of {self.program}; got {error}: export it again"
                ) from None

    def said(self, *names: str) -> str:
        """What the lines above the header say under one of some names, such as ``Filename``; empty where none does."""
        said = {cells[0].strip("#: ").lower(): cells[1].strip() for cells in self.preamble if len(cells) > 1}
        return next((said[name] for name in names if said.get(name)), "")

    def leaves_out(self, used: Sequence[str]) -> None:
        """Remark on the columns that rows have no place for."""
        others = [name for name in dict.fromkeys(self.header) if name and name not in used]
        if others:
            shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
            self.remarks.append(f"{self.path}, of {self.program}: rows have no place for {shown}: left out")


@dataclass(frozen=True, slots=True)
class ProgramLine:
    """One line of such a table.

    Args:
        table: The table.
        number: Its number in the file, from 1 on.
        columns: Where each column stands.
        cells: What it holds.
    """

    table: ProgramTable
    number: int
    columns: Mapping[str, int]
    cells: Sequence[str]

    def text(self, name: str) -> str:
        """A cell; empty where there is no such column, or the line ends before it."""
        place = self.columns.get(name)
        return self.cells[place].strip() if place is not None and place < len(self.cells) else ""

    def number_of(self, name: str) -> float | None:
        """A cell as a number, with a decimal point or comma; None where the program says that there is none.

        Raises:
            InputError: It is neither.
        """
        text = self.text(name)
        if text.lower() in _NOTHING:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            raise self.error(name, "a number") from None
        return value if math.isfinite(value) else None

    def seconds(self, name: str) -> float:
        """A cell as a time.

        Raises:
            InputError: It is none.
        """
        found = parsed_seconds(self.text(name))
        if found is None:
            raise self.error(name, "a time")
        return found

    def error(self, name: str, wanted: str) -> InputError:
        """That a cell is not what was wanted."""
        where = f"{self.table.path}, line {self.number}"
        return InputError(
            f"{where}: expected {wanted} as {name} of {self.table.program}; got {quoted(self.text(name))}: export it again"
        )


@dataclass(frozen=True)
class Expressions:
    """The columns of a program that tell expressions.

    Args:
        columns: Their names in the table.
        full: The value that stands for fully there.

    Attributes:
        labels: Mien's names for them, and neutral at the end where the program has none.

    >>> Expressions(("Anger", "Joy"), 100).labels.names
    ('angry', 'happy', 'neutral')
    """

    columns: tuple[str, ...]
    full: float = 1.0

    @property
    def labels(self) -> Labels:
        own = Labels(self.columns)
        return own if "neutral" in own else Labels((*own, "neutral"))

    def shares(self, line: ProgramLine) -> list[float] | None:
        """The shares of the labels in one line, which add up to 1; None where it has no values.

        Programs measure each expression by itself, so that several may be strong at once, or none: their values are divided by
        their sum. Where a program does not measure neutral, it is what the strongest expression leaves.
        """
        values = [line.number_of(name) for name in self.columns]
        if all(value is None for value in values):
            return None
        parts = [max(0.0, (value or 0.0) / self.full) for value in values]
        if len(parts) < len(self.labels):
            parts.append(max(0.0, 1 - max(parts)))
        total = sum(parts)
        if total <= 0:
            return [float(name == "neutral") for name in self.labels]
        return parts if abs(total - 1) <= _ROUNDING else [part / total for part in parts]


def last_part(name: str) -> str:
    r"""The last part of a path as any system writes it.

    >>> last_part("C:\\videos\\talk.mp4"), last_part("talk.mp4")
    ('talk.mp4', 'talk.mp4')
    """
    return re.split(r"[\\/]", name)[-1]


def encoding_of(path: Path) -> str:
    """How a file of text is written: UTF-8, UTF-16, or else as Windows writes western languages.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(2)
            if start in (b"\xff\xfe", b"\xfe\xff"):
                return "utf-16"
            decoder = codecs.getincrementaldecoder("utf-8")()
            part = start
            while part:
                decoder.decode(part)
                part = file.read(_CHUNK)
            decoder.decode(b"", final=True)
    except OSError as error:
        raise InputError(f"expected a table of rows; {path}: {error.strerror}: check the path") from None
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
