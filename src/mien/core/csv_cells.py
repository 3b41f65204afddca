"""Cells of CSV: text that a spreadsheet would take for a formula is written so that it does not, and read
back."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from mien.core.names import printable

Write = Callable[[Iterable[dict[str, Any]]], None]
"""Takes rows, and writes them."""

PATHS = ("source", "file")
"""Columns with paths of files."""

_SIGNS = tuple("=+-@\t\r'")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_PATH_FORMULA = re.compile(r"[=+\-@]")
_NO_FORMULA = re.compile(r"[+-]|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
"""A number, or a sign alone, as standard input is called."""


def cell(value: Any, path: bool = False) -> Any:
    """A value as it is written: text that begins with ``=``, ``+``, ``-`` or ``@`` gets ``./`` before it
    where it is a path, so that it still names its file, and ``'`` elsewhere. Numbers stay as they are.

    >>> cell("=1+1.png", path=True), cell("@SUM(A1)"), cell("-0.5"), cell(-0.5), cell("-"), cell("a.png")
    ('./=1+1.png', "'@SUM(A1)", '-0.5', -0.5, '-', 'a.png')
    """
    if not isinstance(value, str) or (value[:1] not in _SIGNS and value.isprintable()):
        return value
    text = printable(value)
    if _NO_FORMULA.fullmatch(text):
        return text
    if path:
        return f"./{text}" if _PATH_FORMULA.match(text) else text
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str, path: bool = False) -> str:
    """What `cell` has made this text of.

    >>> plain("./=1+1.png", path=True), plain("'@SUM(A1)"), plain("'tis"), plain("-0.5")
    ('=1+1.png', '@SUM(A1)', "'tis", '-0.5')
    """
    if path:
        return text[2:] if text.startswith("./") and _PATH_FORMULA.match(text[2:]) else text
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def delimiter(line: str) -> str:
    """What is between the cells of a line of a table: spreadsheets of some countries write semicolons, others tabs.

    >>> delimiter("file;participant;age"), delimiter("source")
    (';', ',')
    """
    return max(",;\t", key=line.count)


def csv_writer(
    file: TextIO, keys: Sequence[str], header: bool = True
) -> Callable[[Iterable[Mapping[str, Any]]], None]:
    """Something that takes rows and writes them to an open file as CSV, after a header.

    Args:
        file: Opened with ``newline=""``.
        keys: The columns; a row without one has an empty cell there.
        header: Whether their names are written first.
    """
    table = csv.writer(file, lineterminator="\n")
    if header:
        table.writerow([cell(key) for key in keys])
    columns = [(key, key in PATHS) for key in keys]

    def line(row: Mapping[str, Any]) -> list[Any]:
        values = ((row.get(key), path) for key, path in columns)
        return [cell(value, path) if isinstance(value, str) else value for value, path in values]

    return lambda rows: table.writerows(map(line, rows))
