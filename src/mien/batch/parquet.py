"""Parquet files with images or videos as bytes in a column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mien.batch.labels import Unknown
from mien.core.errors import InputError, MissingExtraError
from mien.data.label_names import class_named

_CONTENTS = ("image", "bytes", "image", "video", "content", "img")
_NAMES = ("id", "path", "source", "name", "file_name", "filename", "key", "row")
_LABELS = ("label", "labels", "emotion", "expression", "class")


@dataclass(frozen=True)
class TableFile:
    """What is known of one file.

    Args:
        file: Where it lies.
        rows: How many rows it has.
        content: Column with the bytes.
        name: Column by which a row is called; None: by its number.
        label: Column with the label; None where there is none.
        words: Meaning of labels that are numbers.
        unknown: Words of the column of labels that neither mien nor the model knows.
    """

    file: Path
    rows: int
    content: str
    name: str | None
    label: str | None
    words: Sequence[str] = ()
    unknown: Sequence[Unknown] = ()


def open_table_file(file: Path, own: tuple[str, ...] = ()) -> TableFile:
    """Look at the columns of a file.

    Args:
        file: Where it lies.
        own: Classes of the model, where it has others than mien knows.

    Raises:
        InputError: It is not Parquet, or has no column of bytes.
        MissingExtraError: polars is not installed.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise InputError(f"{file}: expected a Parquet file; got: {error.strerror}: check the path") from None
    return _opened(file, own, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _opened(file: Path, own: tuple[str, ...], _size: int, _changed: int) -> TableFile:
    """What is known of a file of this size and date: it is asked for again with every shard."""
    polars = _polars()
    try:
        scan = polars.scan_parquet(file)
        schema = scan.collect_schema()
        rows = scan.select(polars.len()).collect().item()
        words = _words(polars.read_parquet_metadata(file))
    except (OSError, polars.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: expected a whole Parquet file; got {reason}: fetch it again") from None
    holders = [name for name, kind in schema.items() if _holds(kind)]
    by_word = {name.lower(): name for name in schema.names()}
    content = next(
        (by_word[name] for name in _CONTENTS if by_word.get(name) in holders),
        holders[0] if len(holders) == 1 else None,
    )
    if content is None:
        raise InputError(
            f"{file}: expected a column image with the bytes of images; got {', '.join(schema.names())}: name it so"
        )
    name = next((by_word[word] for word in _NAMES if word in by_word and by_word[word] != content), None)
    label = next((by_word[word] for word in _LABELS if word in by_word), None)
    if label is not None and schema[label].is_integer() and label not in words:
        label = None  # Numbers whose meaning nothing tells.
    meaning = words.get(label, ()) if label else ()
    unknown = _unknown(scan, label, meaning, own) if label else ()
    return TableFile(file, rows, content, name, label, meaning, unknown)


def _unknown(scan: Any, label: str, words: Sequence[str], own: Sequence[str]) -> list[Unknown]:
    """Values of the column of labels that are no class."""
    polars = _polars()
    column = scan.select(polars.col(label), polars.int_range(polars.len()).alias("row")).filter(
        polars.col(label).is_not_null()
    )
    values = (
        column.group_by(label).agg(polars.len().alias("count"), polars.col("row").min()).sort("row").collect()
    )
    return [
        Unknown(str(words[value] if words and 0 <= value < len(words) else value), count, f"row {row}")
        for value, count, row in values.rows()
        if _class(value, words, own) is None
    ]


def read_rows(
    file: Path, row: int, count: int, own: tuple[str, ...] = ()
) -> Iterator[tuple[str, bytes, str | None]]:
    """Name, bytes and label of some rows that follow one another.

    Args:
        file: Where they lie.
        row: The first one, 0-based.
        count: How many.
        own: Classes of the model, where it has others than mien knows.

    Raises:
        InputError: The file cannot be read.
    """
    polars, known = _polars(), open_table_file(file, own)
    columns = [column for column in dict.fromkeys((known.content, known.name, known.label)) if column]
    try:
        table = polars.scan_parquet(file).slice(row, count).select(columns).collect()
    except (OSError, polars.exceptions.PolarsError) as error:
        raise InputError(
            f"{file}: expected a whole Parquet file; got {str(error).splitlines()[0]}: fetch it again"
        ) from None
    contents = table[known.content]
    if contents.dtype != polars.Binary:
        contents = contents.struct.field("bytes")
    names = (
        [f"{file}, row {row + place}" for place in range(table.height)]
        if known.name is None
        else table[known.name].cast(polars.String)
    )
    labels: Any = [None] * table.height if known.label is None else table[known.label]
    if known.label and not known.words:
        labels = labels.cast(polars.String)
    for place, (name, content, label) in enumerate(zip(names, contents, labels, strict=True)):
        yield (
            name if name is not None else f"{file}, row {row + place}",
            content or b"",
            _class(label, known.words, own),
        )


def _class(label: Any, words: Sequence[str], own: Sequence[str]) -> str | None:
    if label is None or (words and not 0 <= label < len(words)):
        return None
    return class_named(str(words[label] if words else label), own)


def _holds(kind: Any) -> bool:
    polars = _polars()
    if isinstance(kind, polars.Struct):
        return any(field.name == "bytes" and field.dtype == polars.Binary for field in kind.fields)
    return bool(kind == polars.Binary)


def _words(metadata: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Class names that the library ``datasets`` wrote beside columns of numbers."""
    try:
        features = json.loads(metadata["huggingface"])["info"]["features"]
        return {
            column: tuple(map(str, feature["names"]))
            for column, feature in features.items()
            if "names" in feature
        }
    except (KeyError, TypeError, ValueError):
        return {}


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Parquet files", "data", "polars") from None
    return polars
