"""Lists of files as people write and export them: a path a line, or columns parted by commas, semicolons
or tabs."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mien.core.errors import InputError

_PATHS = ("path", "file", "filename", "file_name", "image", "source")
_LABELS = ("label", "emotion", "expression", "class")
_SEPARATORS = ",;\t|"
_LINE_END = re.compile("\r\n|\r|\n")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
} | {codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class ListLine:
    """A file of a list.

    Args:
        path: As it stands there.
        label: The word beside it; None where there is no column of labels, or nothing in it.
        number: Of the line, 1-based.
    """

    path: str
    label: str | None
    number: int


def read_list(path: Path) -> list[ListLine]:
    """The lines of a list; those without a path are left out.

    Args:
        path: ``.txt``: a path a line, in the bytes of the file's name, as ``find`` writes it. ``.csv`` and
            ``.tsv``: a header with a column ``path``, perhaps one ``label``; what parts the columns is seen
            from the header. UTF-8, or any other with a byte order mark.

    Raises:
        InputError: It cannot be read, is empty, or has no such column.
    """
    plain = path.suffix.lower() == ".txt"
    text = _text(path, "surrogateescape" if plain else "strict")
    if plain:
        lines = [
            ListLine(line.strip(), None, number)
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
    else:
        try:
            lines = list(_table(path, text))
        except csv.Error as error:
            raise InputError(f"{path}: expected text in columns; got {error}: is it a CSV file?") from None
    if not lines:
        raise InputError(f"{path}: expected a list of files, one a line; it is empty: add some")
    return lines


def _text(path: Path, errors: str) -> str:
    try:
        stored = path.read_bytes()
        encoding = next((name for mark, name in _MARKS.items() if stored.startswith(mark)), "utf-8")
        return stored.decode(encoding, errors if encoding == "utf-8" else "strict")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected a list of files as text in UTF-8; got {error}: give another one"
        ) from None


def _table(path: Path, text: str) -> Iterator[ListLine]:
    first, *rest = _LINE_END.split(text, maxsplit=1)
    skipped = 0
    if first.strip().lower().startswith("sep=") and any(rest):  # A line for Excel alone.
        text, skipped = rest[0], 1
    separator, names = _header(path, _LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0])
    where = next(names[name] for name in _PATHS if name in names)
    label = next((names[name] for name in _LABELS if name in names), None)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = next(row for row in table if row)
    for row in table:
        if len(row) > len(header) and any(row[len(header) :]):
            place = f"{path}, line {table.line_num + skipped}"
            raise InputError(
                f"{place}: expected {len(header)} columns as in the header; got {len(row)}: put names with {separator!r} into quotation marks"
            )
        if len(row) > where and row[where].strip():
            word = row[label].strip() if label is not None and len(row) > label else ""
            yield ListLine(row[where].strip(), word or None, table.line_num + skipped)


def _header(path: Path, line: str) -> tuple[str, dict[str, int]]:
    """What parts the columns, and the number of each by its name in small letters."""
    # Not strict: what is in quotation marks between semicolons is no fault of a comma.
    headers = [(separator, next(csv.reader([line], delimiter=separator), [])) for separator in _SEPARATORS]
    for separator, names in headers:
        numbers = {name.strip().lower(): number for number, name in reversed(list(enumerate(names)))}
        if any(name in numbers for name in _PATHS):
            return separator, numbers
    names = max((names for _, names in headers), key=len)
    raise InputError(f"{path}: expected a column path; got {', '.join(names) or 'nothing'}: name it so")
