"""Data sets in Parquet, with images as Hugging Face's ``Image`` feature stores them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.core.atomic import atomic_folder, atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.formatting import counted
from mien.core.labels import canonical_label
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import OWN_COLUMNS, SPLITS, VOTES, FaceDataset
from mien.data.images import content_of, file_named, pixels, png_bytes
from mien.data.label_names import (
    LABEL_COLUMNS,
    SPLIT_COLUMNS,
    SPLIT_NAMES,
    class_named,
    column_named,
    in_order,
    require_class,
    split_named,
)

if TYPE_CHECKING:
    import polars

PER_SPLIT = "{split}.parquet"
"""Name of an output that becomes a folder with a file for each split."""

_SHARD = re.compile(r"(.*)-(\d+)-of-(\d+)\D*")


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Parquet data sets", "data", "polars") from None
    return polars


def shards_in(path: Path) -> list[Path]:
    """Parquet files in a folder, in the order of their names: those that hold a data set, not what is hidden and no
    ``metadata.parquet``, which describes images beside it.

    Raises:
        InputError: Of files that say how many they are (``train-00000-of-00002.parquet``), one is not there.
    """
    inner = [file.relative_to(path) for file in path.rglob("*.parquet")]
    files = sorted(
        path / file
        for file in inner
        if file.name != "metadata.parquet" and not any(part.startswith(".") for part in file.parts)
    )
    there: dict[tuple[Path, str, str], set[int]] = {}
    for file in files:
        if shard := _SHARD.fullmatch(file.stem):
            there.setdefault((file.parent, shard[1], shard[3]), set()).add(int(shard[2]))
    for (folder, name, count), numbers in there.items():
        if absent := sorted(set(range(int(count))) - numbers):
            raise InputError(
                f"{folder}: expected {counted(int(count), 'file')} {name}-*-of-{count}.parquet; number "
                f"{absent[0]:0{len(count)}} is missing: fetch it too"
            )
    return files


def read_table(file: Path) -> tuple[polars.DataFrame, dict[str, str]]:
    """A Parquet file and the words beside its columns.

    Raises:
        InputError: It is no whole Parquet file.
        MissingExtraError: polars is not installed.
    """
    polars = _polars()
    try:
        return polars.read_parquet(file), polars.read_parquet_metadata(file)
    except (OSError, polars.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: expected a whole Parquet file; got {reason}: fetch it again") from None


def read_parquet(files: Sequence[Path], path: Path, terms: ReadOptions) -> DatasetBuilder:
    """Read one file, or the shards of one data set.

    Args:
        files: Shards in order; one without a column ``usage`` or ``split`` tells its split by its name
            (``train-00000-of-00001.parquet``).
        path: What was asked for, for messages.
        terms: How to read.

    Raises:
        InputError: A column is missing, labels are numbers without names, or a row cannot be used.
        MissingExtraError: polars is not installed.
    """
    gathering = DatasetBuilder(path, terms)
    numbered: set[str] = set()
    for file in files:
        reader = _FileReader(file, terms)
        numbered |= set(reader.names or ())
        for position in terms.track(range(len(reader)), f"reading {file.name}", len(reader)):
            gathering.add(partial(reader.read, position))
    if numbered:
        gathering.classes = in_order(numbered, (*terms.own, *sorted(numbered)))
    elif terms.labels is not None:
        gathering.classes = in_order(terms.labels, terms.own)
    return gathering


class _FileReader:
    """The columns of one file as plain lists."""

    def __init__(self, file: Path, terms: ReadOptions) -> None:
        self.file, self.terms = file, terms
        table, metadata = read_table(file)
        self.contents = _images(table, file)
        self.names: tuple[str, ...] | None = None
        self.labels = self._labels(table, metadata, terms)
        self.splits = self._splits(table)
        self.rows: list[int] | None = _whole(table, "row", file)
        votes = [_whole(table, f"votes_{name}", file) for name in VOTES]
        there = [column for column in votes if column is not None]
        if there and len(there) < len(VOTES):
            absent = [f"votes_{name}" for name, column in zip(VOTES, votes, strict=True) if column is None]
            raise InputError(
                f"{file}: expected all ten columns of votes or none; missing {', '.join(absent)}: drop the others or add them"
            )
        self.votes = list(zip(*there, strict=True)) if there else None
        known = {column_named(table.columns, LABEL_COLUMNS), column_named(table.columns, SPLIT_COLUMNS)}
        self.columns = {
            name.strip(): _texts(table[name])
            for name in table.columns
            if name not in known and name.strip().lower() not in OWN_COLUMNS and _is_plain(table.schema[name])
        }

    def __len__(self) -> int:
        return len(self.contents)

    def read(self, position: int) -> LabelledSample:
        row = position if self.rows is None else self.rows[position]
        where = f"{self.file}, row {row}"
        content, label = self._content(position, where), self.labels[position]
        if label is None:
            raise InputError(f"{where}: expected a label; got none: fill it in or delete the row")
        return LabelledSample(
            where=where,
            image=pixels(content, where, self.terms.colour),
            label=self._named(label, where),
            split=None if self.splits is None else str(self.splits[position]),
            row=None if self.rows is None else row,
            votes=None if self.votes is None else self.votes[position],
            columns={name: column[position] for name, column in self.columns.items()},
        )

    def _content(self, position: int, where: str) -> bytes:
        content, name = self.contents[position]
        if content is not None:
            return content
        if not name:
            raise InputError(
                f"{where}: expected the bytes of an image; got none: store images inside the file"
            )
        return content_of(file_named(name, self.file.parent, where), where)

    def _named(self, label: str | int, where: str) -> str:
        if isinstance(label, str):
            return require_class(label, where, self.terms.own)
        assert self.names is not None
        if not 0 <= label < len(self.names):
            raise InputError(
                f"{where}: expected a label from 0 to {len(self.names) - 1}; got {label}: correct or delete the row"
            )
        return self.names[label]

    def _labels(self, table: polars.DataFrame, metadata: dict[str, str], terms: ReadOptions) -> list[Any]:
        name = column_named(table.columns, LABEL_COLUMNS)
        if name is None:
            raise InputError(
                f"{self.file}: expected a column label; got {', '.join(table.columns)}: name it so"
            )
        kind = table.schema[name]
        if kind.is_integer():
            self.names = names_of_numbers(self.file, name, metadata, terms)
            return list(table[name].to_list())
        if not _is_plain(kind):
            raise InputError(
                f"{self.file}: expected one label for each image in the column {name}; got {kind}: keep one of them"
            )
        return list(table[name].cast(_polars().String).to_list())

    def _splits(self, table: polars.DataFrame) -> list[str] | None:
        name = column_named(table.columns, SPLIT_COLUMNS)
        if name is not None:
            return list(table[name].cast(_polars().String).to_list())
        words = (self.file.name.split("-")[0].split(".")[0], self.file.parent.name)
        split = next((word for word in words if split_named(word)), None)
        return None if split is None else [split] * table.height


def _whole(table: polars.DataFrame, name: str, file: Path) -> list[int] | None:
    if name not in table.columns:
        return None
    if not table.schema[name].is_integer() or table[name].null_count():
        raise InputError(
            f"{file}: expected whole numbers in the column {name}; got {table.schema[name]} with {table[name].null_count()} empty ones: fill it"
        )
    return list(table[name].to_list())


def _is_plain(kind: Any) -> bool:
    return bool(kind != _polars().Binary and kind != _polars().Object and not kind.is_nested())


def _texts(column: polars.Series) -> list[str]:
    """A column as text, empty where it has no value. Whole numbers that were stored as broken ones, as pandas
    does beside missing values, are written without a point."""
    polars = _polars()
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.drop_nulls()
        if ((whole == whole.round()) & (whole.abs() < 2**53)).all():
            column = column.cast(polars.Int64)
    return list(column.cast(polars.String).fill_null("").str.strip_chars().to_list())


def _images(table: polars.DataFrame, file: Path) -> list[tuple[bytes | None, str | None]]:
    """Contents of the first column that holds images, by its type, or else the names of their files."""
    polars = _polars()
    for name, kind in table.schema.items():
        if kind == polars.Binary:
            return [(content, None) for content in table[name].to_list()]
        if isinstance(kind, polars.Struct) and any(
            field.name == "bytes" and field.dtype == polars.Binary for field in kind.fields
        ):
            return [(one and one["bytes"], one and one.get("path")) for one in table[name].to_list()]
    raise InputError(
        f"{file}: expected a column with images (image: {{bytes, path}}); got {', '.join(table.columns) or 'none'}: name the file of images"
    )


def names_of_numbers(
    file: Path, column: str, metadata: dict[str, str], terms: ReadOptions
) -> tuple[str, ...]:
    """What the numbers of a column of labels mean.

    Raises:
        InputError: Neither the file nor the terms say it, or one class has two numbers.
    """
    words = tuple(terms.labels) if terms.labels is not None else _stated_names(metadata, column)
    if words is None:
        raise InputError(
            f"{file}: column {column} holds numbers, and the file does not say what they mean: "
            "give the classes in their order with --labels angry,disgust,..."
        )
    names = tuple(class_named(word) or canonical_label(word) for word in words)
    if len(set(names)) < len(names):
        raise InputError(
            f"{file}, names of column {column}: expected distinct classes; got {', '.join(words)}: give others with --labels"
        )
    return names


def _stated_names(metadata: dict[str, str], column: str) -> tuple[str, ...] | None:
    """Class names that ``datasets`` wrote beside the data."""
    try:
        names = json.loads(metadata["huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def write_parquet(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as one file of Parquet that ``datasets`` and mien open alike: images as PNG, labels as
    numbers with their names, the split as a column.

    Raises:
        InputError: The place cannot be written to.
        MissingExtraError: polars is not installed.
    """
    packed = _packed(data, path.name, track)
    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_bytes(packed)


def write_parquet_folder(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as a folder that is a data set of Hugging Face as it is: a file for each split, and a
    ``README.md`` that names them.

    Args:
        data: What to write.
        path: The new folder, and in it `PER_SPLIT`.
        track: Shows how far the writing is.

    Raises:
        InputError: The folder is there already and not empty, or cannot be written to.
        MissingExtraError: polars is not installed.
    """
    folder = path.parent
    names = [name for name in SPLITS if (data.splits == name).any()]
    files = {name: f"{SPLIT_NAMES[name]}.parquet" for name in names}
    with atomic_folder(folder) as aside, translate_os_errors(folder):
        for name, file in files.items():
            (aside / file).write_bytes(_packed(data.split(name), file, track, split=False))
        splits = "".join(
            f"  - split: {SPLIT_NAMES[name]}\n    path: {file}\n" for name, file in files.items()
        )
        (aside / "README.md").write_text(_README.format(splits=splits), encoding="utf-8", newline="\n")


_README = """---
configs:
- config_name: default
  data_files:
{splits}---
"""


def _packed(data: FaceDataset, name: str, track: ProgressCallback, *, split: bool = True) -> bytes:
    """Parquet, with what ``datasets`` wants to know of its columns."""
    polars = _polars()
    names = [f"row{row:07d}.png" for row in data.rows.tolist()] if data.paths is None else data.paths.tolist()
    images = track(zip(data.images, names, strict=True), f"writing {name}", len(data))
    columns: dict[str, Any] = {
        "row": polars.Series(data.rows, dtype=polars.Int64),
        "image": polars.Series(
            list(_stored(images)), dtype=polars.Struct({"bytes": polars.Binary, "path": polars.String})
        ),
        "label": polars.Series(data.expressions, dtype=polars.Int64),
    }
    if split and data.divided:
        names = [data.split_name(split) for split in data.splits.tolist()]
        columns["usage"] = polars.Series(names, dtype=polars.String)
    if data.votes is not None:
        columns |= {
            f"votes_{name}": polars.Series(data.votes[:, place], dtype=polars.Int64)
            for place, name in enumerate(VOTES)
        }
    columns |= {
        name: polars.Series(values.tolist(), dtype=polars.String) for name, values in data.columns.items()
    }
    features: dict[str, Any] = {
        name: {"dtype": str(series.dtype).lower(), "_type": "Value"} for name, series in columns.items()
    }
    features |= {"image": {"_type": "Image"}, "label": {"names": list(data.labels), "_type": "ClassLabel"}}
    stated = {"huggingface": json.dumps({"info": {"features": features}})}
    # Through memory: on a full disk, polars tells of a file "out of specification".
    packed = io.BytesIO()
    polars.DataFrame(columns).write_parquet(packed, metadata=stated)
    # Beside polars' own ARROW:schema, pyarrow and so `datasets` pass over what the file says of its columns. Its key,
    # the last one of the file, gets another name: readers then go by the schema of Parquet.
    before, _, after = packed.getvalue().rpartition(b"ARROW:schema")
    return before + b"polar:schema" + after


def _stored(images: Any) -> Iterator[dict[str, Any]]:
    for image, name in images:
        yield {"bytes": png_bytes(image), "path": name}
