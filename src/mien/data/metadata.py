"""Metadata of images in a folder, as Hugging Face's ``ImageFolder`` has them: ``metadata.csv``, ``metadata.jsonl`` or
``metadata.parquet`` in the folder or in those of its splits, a row for each image, whose column ``file_name`` says
which."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any

from mien.core.csv_cells import plain
from mien.core.errors import InputError
from mien.core.names import quoted, unreadable
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import OWN_COLUMNS, VOTES
from mien.data.images import content_of, file_named, pixels
from mien.data.label_names import (
    LABEL_COLUMNS,
    SPLIT_COLUMNS,
    class_named,
    column_named,
    in_order,
    require_class,
    require_split,
    split_named,
)
from mien.data.parquet import names_of_numbers, read_table

_FILE = ("file_name",)
_LARGEST = 2**62


def metadata_in(path: Path) -> list[Path]:
    """Metadata files in a folder and in those within it."""
    found = [file for suffix in _READERS for file in path.rglob(f"metadata{suffix}") if file.is_file()]
    return sorted(
        file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def read_described(
    path: Path, tables: Sequence[Path], images: Sequence[Path], terms: ReadOptions
) -> DatasetBuilder:
    """Read images that metadata describe, in the order of the images' names, whatever folders they lie in.

    Args:
        path: The folder of the data set. A folder within it that is called as a split is that split.
        tables: Metadata files, each of the images in its own folder and below.
        images: All images in the folder; one that is not described is refused.
        terms: How to read.

    Raises:
        InputError: A metadata file or a row of it cannot be used.
    """
    rows = [row for table in tables for row in _rows(table, path, terms)]
    known = frozenset(
        name for row in rows if isinstance(row.label, str) and (name := class_named(row.label, terms.own))
    )
    rows.sort(key=lambda row: (row.file_name.replace("\\", "/").rpartition("/")[2], row.table, row.number))
    numbered = {name for row in rows for name in row.names}
    classes = in_order(numbered, (*terms.own, *sorted(numbered)))
    gathering = DatasetBuilder(path, terms, classes or None)
    rows, again = _apart(rows)
    if again:
        more = len({row.place for row in again}) - 1
        others = f" and for {more:,} more" if more else ""
        terms.refuse(
            InputError(
                f"{again[0].where}: expected one row for each image; got another for {again[0].place}{others}: delete one"
            )
        )
    seen: set[Path] = set()
    for row in terms.track(rows, f"reading {path.name}", len(rows)):
        gathering.add(partial(row.read, known, seen))
    for image in images:
        if image not in seen:
            terms.refuse(
                InputError(
                    f"{image}: expected an image that {tables[0].name} describes; it does not: add a row for it, or delete it"
                )
            )
    return gathering


def _apart(rows: Sequence[_Row]) -> tuple[list[_Row], list[_Row]]:
    """The first row of each image, and those after it."""
    first: list[_Row] = []
    again: list[_Row] = []
    seen: set[Path] = set()
    for row in rows:
        (again if row.file_name and row.place in seen else first).append(row)
        seen.add(row.place)
    return first, again


@dataclass(frozen=True)
class _Row:
    """One image as metadata describe it.

    Args:
        table: The metadata file.
        root: The folder of the data set.
        number: Place in the table, from 1.
        values: Its cells by the names of their columns.
        names: Classes by their numbers, where labels are numbers.
        terms: How it is read.
    """

    table: Path
    root: Path
    number: int
    values: Mapping[str, Any]
    names: tuple[str, ...]
    terms: ReadOptions

    @property
    def where(self) -> str:
        return f"{self.table}, row {self.number}"

    @property
    def file_name(self) -> str:
        return str(self._value(_FILE) or "")

    @property
    def place(self) -> Path:
        """Where its image should lie; for nothing but comparisons, as names from outside may lead anywhere."""
        return self.table.parent.joinpath(*PureWindowsPath(self.file_name).parts)

    @property
    def label(self) -> Any:
        return self._value(LABEL_COLUMNS)

    def read(self, known: frozenset[str], seen: set[Path]) -> LabelledSample:
        """The image and what is said of it.

        Args:
            known: Classes of the data set: a folder that is called as one of them says what is in it.
            seen: Files that were read; this one is added.
        """
        file = file_named(self.file_name, self.table.parent, self.where)
        seen.add(file)
        inner = file.relative_to(self.root)
        content = content_of(file, self.where)
        votes = [self._whole(f"votes_{name}") for name in VOTES]
        given = [count for count in votes if count is not None]
        if given and len(given) < len(VOTES):
            raise InputError(
                f"{self.where}: expected all ten votes or none; got {len(given)}: add the others"
            )
        return LabelledSample(
            where=self.where,
            image=pixels(content, str(file), self.terms.colour),
            label=self._class(inner, known),
            split=self._split(inner),
            row=self._whole("row"),
            votes=given or None,
            path=inner.as_posix(),
            columns=self._further(),
        )

    def _value(self, names: Sequence[str]) -> Any:
        column = column_named(self.values, names)
        return None if column is None else self.values[column]

    def _class(self, inner: Path, known: frozenset[str]) -> str:
        folder = next(
            (part for part in reversed(inner.parts[:-1]) if class_named(part, self.terms.own) is not None),
            None,
        )
        if column_named(self.values, LABEL_COLUMNS) is None:
            if folder is None:
                raise InputError(
                    f"{self.where}: expected a column label, or a folder for each class; got {', '.join(self.values)}: add the column"
                )
            return require_class(folder, str(self.root / inner.parent), self.terms.own)
        if self.label is None or self.label == "":
            raise InputError(f"{self.where}: expected a label; got none: fill it in or delete the row")
        name = (
            self._numbered(self.label)
            if self.names
            else require_class(str(self.label), self.where, self.terms.own)
        )
        stated = folder and class_named(folder, self.terms.own)
        if stated in known | set(self.names) and stated != name:
            raise InputError(
                f"{self.where}: expected the label {stated}, after the folder that {inner.name} lies in; got {name}: correct it or move the image"
            )
        return name

    def _numbered(self, label: Any) -> str:
        if not str(label).isdecimal() or int(label) >= len(self.names):
            raise InputError(
                f"{self.where}: expected a label from 0 to {len(self.names) - 1}; got {label}: correct or delete the row"
            )
        return self.names[int(label)]

    def _split(self, inner: Path) -> str | None:
        named = next((part for part in inner.parts[:-1] if split_named(part)), None)
        told = self._value(SPLIT_COLUMNS)
        stated = None if told in (None, "") else str(told)
        if named and stated and split_named(named) != require_split(stated, self.where):
            raise InputError(
                f"{self.where}: expected the split {named}, after the folder that {inner.name} lies in; got {stated}: correct it or move the image"
            )
        return named or stated

    def _whole(self, name: str) -> int | None:
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            number = int(value)
            if abs(number) > _LARGEST:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"{self.where}: expected a whole number in the column {name}; got {quoted(str(value))}: correct it"
            ) from None
        return number

    def _further(self) -> dict[str, str]:
        own = {column_named(self.values, names) for names in (_FILE, LABEL_COLUMNS, SPLIT_COLUMNS)}
        texts = {name.strip(): _text(value) for name, value in self.values.items() if name not in own}
        return {
            name: text for name, text in texts.items() if text is not None and name.lower() not in OWN_COLUMNS
        }


def _rows(table: Path, root: Path, terms: ReadOptions) -> Iterator[_Row]:
    """Rows of a metadata file, whose labels are all words or all numbers."""
    try:
        values, metadata = _READERS[table.suffix](table)
    except InputError:
        raise
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise InputError(
            f"{table}: expected metadata of images; got {unreadable(error)}: mend it or delete it"
        ) from None
    columns = dict.fromkeys(name for row in values for name in row)
    if column_named(columns, _FILE) is None:
        raise InputError(
            f"{table}: expected a column file_name; got {', '.join(columns) or 'nothing'}: name each row's image in it"
        )
    column = column_named(columns, LABEL_COLUMNS)
    labels = [row[column] for row in values if row.get(column) not in (None, "")] if column else []
    numbers = bool(labels) and all(str(label).lstrip("-").isdecimal() for label in labels)
    names = names_of_numbers(table, str(column), metadata, terms) if numbers else ()
    for number, row in enumerate(values, 1):
        yield _Row(table, root, number, row, names, terms)


_Read = Callable[[Path], tuple[list[dict[str, Any]], dict[str, str]]]


def _csv(table: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    with open(table, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"another number of columns in line {reader.line_num}")
            rows.append({plain(name): plain(text) for name, text in row.items()})
    return rows, {}


def _jsonl(table: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    rows = []
    with open(table, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"no object of JSON in line {number}")
                rows.append(row)
    return rows, {}


def _parquet(table: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    columns, metadata = read_table(table)
    return columns.to_dicts(), metadata


_READERS: dict[str, _Read] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}


def _text(value: Any) -> str | None:
    """A value as text, empty where there is none; None of what is no single value. Whole numbers that were stored as
    broken ones are written without a point.

    >>> _text(7.0), _text(None), _text(True), _text(" Ann"), _text([1])
    ('7', '', 'true', 'Ann', None)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict | bytes):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value) if whole else value).strip()
