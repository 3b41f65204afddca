"""What is to be read: a folder with all in it, a list of files (a path a line, or a table with columns), or
Parquet with images in it; in an order that does not change."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mien.batch.labels import unknown_labels, unknown_words
from mien.batch.marks import told_mark
from mien.batch.remote import listed, require_fsspec
from mien.batch.shard import FilePart, Part, TablePart
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.masking import masked, source_name
from mien.core.names import existing, printable, spelled
from mien.data.label_names import class_named
from mien.media.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Found, find_sources, natural_key

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
                f"{place}: expected {counted(len(header), 'column')} as in the header; got {len(row)}: put "
                f"names with {separator!r} into quotation marks"
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


@dataclass(frozen=True)
class Input:
    """Images and videos in order. Made by `open_input`.

    Args:
        path: What was given, as it is shown.
        kind: ``folder``, ``list`` or ``parquet``.
        parts: Files, or the rows of Parquet files.
        labelled: Whether something says what they show.
        remarks: What a person should know of it.
    """

    path: str
    kind: str
    parts: Sequence[Part]
    labelled: bool = False
    remarks: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many images and videos there are."""
        return sum(part.count for part in self.parts)

    def facts(self) -> dict[str, Any]:
        """What must stay the same for a run to go on; ready for JSON."""
        return {"kind": self.kind, "path": self.path}

    def portions(self, size: int) -> list[Part]:
        """The parts, none with more than so many images."""
        return [
            portion
            for part in self.parts
            for portion in (_cut(part, size) if isinstance(part, TablePart) else [part])
        ]


def open_input(
    path: str,
    *,
    output: Path | None = None,
    remote: bool = False,
    strict: bool = False,
    own: Sequence[str] = (),
) -> Input:
    r"""Find out what there is to read.

    Args:
        path: A folder, searched with all in it; a list of files (`mien.batch.inputs.read_list`), whose
            relative paths count from the list; a Parquet file, or a folder of such, with a column of bytes
            (``image``, ``bytes``); or one image or video.
        output: Where the results go; what lies in there is no input, also where it is a folder of it.
        remote: Allow addresses such as ``s3://bucket/a.jpg``, which fsspec reads.
        own: Classes of the model, where it has others than mien knows.
        strict: Refuse a list or Parquet with labels that mien does not know. Otherwise they are left out, and
            a remark names them.

    Raises:
        InputError: There is nothing to read, or a list is of another form.
        MissingExtraError: It needs polars or fsspec, which is not installed.

    >>> import tempfile
    >>> listed = Path(tempfile.mkdtemp()) / "list.csv"
    >>> _ = listed.write_text("path;label\na.jpg;Happiness\nb.jpg;hapy\n")
    >>> found = open_input(str(listed))
    >>> [(part.source, part.label) for part in found.parts], found.remarks
    ([('a.jpg', 'happy'), ('b.jpg', None)], ["1 label is not known, left out: 'hapy' (1, first in line 3; did you mean happy?)"])
    """
    if "://" in path:
        return _remote(path, own, allowed=remote)
    place = Path(path)
    if not place.exists():
        name = spelled(source_name(path))
        raise InputError(
            f"{name}: expected a folder, a list of files or a Parquet file; there is none of this name: check the path"
        )
    ending = place.suffix.lower()
    if place.is_dir():
        return _folder(place, output, strict, own)
    if ending in (".txt", ".csv", ".tsv"):
        return _list(place, remote, strict, own)
    if ending == ".parquet":
        return _tables(place, [place], strict, own)
    return Input(spelled(path), "list", [FilePart(spelled(path), path)])


def _folder(path: Path, output: Path | None, strict: bool, own: Sequence[str]) -> Input:
    found = _outside(find_sources([path]), path, output)
    if not found.sources:
        tables = [file for file in found.passed_over if file.suffix.lower() == ".parquet"]
        if tables:
            return _tables(path, tables, strict, own)
        if not found.unreadable:
            raise InputError(
                f"{path}: expected images or videos; none lie in it: name files whose endings mien does not know in a list"
            )
    places = [str(source) for source in (*found.sources, *found.unreadable)]
    labels, remarks = _labelled([_class_of(PurePosixPath(place).relative_to(path), own) for place in places])
    if found.passed_over:
        count = len(found.passed_over)
        remarks = [
            f"{count:,} {'file' if count == 1 else 'files'} passed over: neither image nor video by name",
            *remarks,
        ]
    parts = [FilePart(spelled(place), place, label) for place, label in zip(places, labels, strict=True)]
    return Input(spelled(path), "folder", parts, any(labels), remarks)


def _outside(found: Found, path: Path, output: Path | None) -> Found:
    """What was found, without what lies in the output."""
    inner = os.path.relpath(os.path.realpath(output), os.path.realpath(path)) if output is not None else ".."
    if inner.split(os.sep)[0] == "..":
        return found
    within = str(path / inner) + os.sep
    kept = (
        tuple(one for one in part if not str(one).startswith(within))
        for part in (found.sources, found.passed_over, found.unreadable)
    )
    return Found(*kept)  # type: ignore[arg-type]


def _list(path: Path, remote: bool, strict: bool, own: Sequence[str]) -> Input:
    lines = read_list(path)
    addresses = [line.path for line in lines if "://" in line.path]
    if addresses:
        _require_remote(addresses[0], remote)
    words = [(line.label, f"line {line.number}") for line in lines if line.label is not None]
    if words:
        labels: Sequence[str | None] = [
            class_named(line.label, own) if line.label is not None else None for line in lines
        ]
        remarks = unknown_labels(spelled(path), unknown_words(words, own), strict, own)
    else:
        labels, remarks = _labelled([_class_of(PurePosixPath(line.path), own) for line in lines])
    parts = [_listed(line.path, path.parent, label) for line, label in zip(lines, labels, strict=True)]
    return Input(spelled(path), "list", parts, any(labels), remarks)


def _listed(name: str, folder: Path, label: str | None) -> FilePart:
    """A file as a list names it, which is what tables call it too."""
    address = "://" in name
    return FilePart(
        printable(masked(name) if address else name),
        name if address else existing(os.path.join(folder, name)),
        label,
    )


def _tables(path: Path, files: Sequence[Path], strict: bool, own: Sequence[str]) -> Input:
    from mien.batch.parquet import open_table_file

    classes = tuple(own)
    opened = [open_table_file(file, classes) for file in files]
    remarks = [
        remark for one in opened for remark in unknown_labels(spelled(one.file), one.unknown, strict, own)
    ]
    parts = [TablePart(str(one.file), 0, one.rows, classes) for one in opened if one.rows]
    return Input(spelled(path), "parquet", parts, any(one.label for one in opened), remarks)


def _cut(part: TablePart, size: int) -> list[TablePart]:
    """Rows of a Parquet file in portions."""
    return [replace(part, row=row, count=min(size, part.count - row)) for row in range(0, part.count, size)]


def _remote(path: str, own: Sequence[str], *, allowed: bool) -> Input:
    _require_remote(path, allowed)
    found = [
        one
        for one in listed(path)
        if PurePosixPath(one.name).suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
    ]
    if not found:
        raise InputError(f"{path}: expected images or videos; none lie there: check the address")
    found.sort(key=lambda one: (natural_key(one.name), one.name))
    labels, remarks = _labelled([_class_of(PurePosixPath(one.name), own) for one in found])
    pairs = zip(found, labels, strict=True)
    parts = [
        FilePart(spelled(masked(one.address)), one.address, label, told_mark(one.facts))
        for one, label in pairs
    ]
    return Input(spelled(masked(path)), "folder", parts, any(labels), remarks)


def _require_remote(address: str, allowed: bool) -> None:
    if not allowed:
        raise InputError(
            f"{address}: expected a path; got an address, which mien fetches only when asked to: give --allow-remote"
        )
    require_fsspec()


def _class_of(path: PurePosixPath, own: Sequence[str]) -> str | None:
    """Mien's name of the expression that the nearest folder around a file is named after."""
    return next((name for folder in reversed(path.parts[:-1]) if (name := class_named(folder, own))), None)


def _labelled(classes: Sequence[str | None]) -> tuple[Sequence[str | None], list[str]]:
    """The classes where there are two at least, for one folder may be named "happy" by chance."""
    if len({*classes} - {None}) < 2:
        return [None] * len(classes), []
    without = sum(name is None for name in classes)
    return classes, [
        counted(
            without,
            "file lies in no folder that is named after an expression: it has no label",
            "files lie in no folder that is named after an expression: they have no label",
        )
    ] if without else []
