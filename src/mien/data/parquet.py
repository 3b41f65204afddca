"""Data sets in Parquet, with images as Hugging Face's ``Image`` feature stores them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import OWN_COLUMNS, TRAINING, VOTES, FaceDataset
from mien.data.images import gray_pixels, png_bytes
from mien.data.label_names import in_order, require_class, require_split, split_named

if TYPE_CHECKING:
    import polars

_LABEL = ("label", "labels", "emotion", "expression", "class")
_SPLIT = ("usage", "split")


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Parquet data sets", "data", "polars") from None
    return polars


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
        gathering.classes = in_order(numbered)
    elif terms.labels is not None:
        gathering.classes = in_order(terms.labels)
    return gathering


class _FileReader:
    """The columns of one file as plain lists."""

    def __init__(self, file: Path, terms: ReadOptions) -> None:
        polars = _polars()
        self.file = file
        try:
            table = polars.read_parquet(file)
            metadata = polars.read_parquet_metadata(file)
        except (OSError, polars.exceptions.PolarsError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{file}: expected a whole Parquet file; got {reason}: fetch it again") from None
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
        known = {_column(table, _LABEL), _column(table, _SPLIT)}
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
        content, label = self.contents[position], self.labels[position]
        if content is None:
            raise InputError(
                f"{where}: expected the bytes of an image; got none: store images inside the file"
            )
        if label is None:
            raise InputError(f"{where}: expected a label; got none: fill it in or delete the row")
        return LabelledSample(
            where=where,
            image=gray_pixels(content, where),
            label=self._named(label, where),
            split=TRAINING if self.splits is None else require_split(str(self.splits[position]), where),
            row=None if self.rows is None else row,
            votes=None if self.votes is None else self.votes[position],
            columns={name: column[position] for name, column in self.columns.items()},
        )

    def _named(self, label: str | int, where: str) -> str:
        if isinstance(label, str):
            return require_class(label, where)
        assert self.names is not None
        if not 0 <= label < len(self.names):
            raise InputError(
                f"{where}: expected a label from 0 to {len(self.names) - 1}; got {label}: correct or delete the row"
            )
        return self.names[label]

    def _labels(self, table: polars.DataFrame, metadata: dict[str, str], terms: ReadOptions) -> list[Any]:
        name = _column(table, _LABEL)
        if name is None:
            raise InputError(
                f"{self.file}: expected a column label; got {', '.join(table.columns)}: name it so"
            )
        if table.schema[name].is_integer():
            words = tuple(terms.labels) if terms.labels is not None else _stated_names(metadata, name)
            if words is None:
                raise InputError(
                    f"{self.file}: column {name} holds numbers, and the file does not say what they mean: "
                    "give the classes in their order with --class-names angry,disgust,..."
                )
            self.names = tuple(require_class(word, f"{self.file}, names of column {name}") for word in words)
            if len(set(self.names)) < len(self.names):
                raise InputError(
                    f"{self.file}, names of column {name}: expected distinct classes; got {', '.join(words)}: give others with --class-names"
                )
            return list(table[name].to_list())
        return list(table[name].cast(_polars().String).to_list())

    def _splits(self, table: polars.DataFrame) -> list[str] | None:
        name = _column(table, _SPLIT)
        if name is not None:
            return list(table[name].cast(_polars().String).to_list())
        split = split_named(self.file.name.split("-")[0].split(".")[0]) or split_named(self.file.parent.name)
        return None if split is None else [split] * table.height


def _column(table: polars.DataFrame, names: Sequence[str]) -> str | None:
    by_word = {column.strip().lower(): column for column in table.columns}
    return next((by_word[name] for name in names if name in by_word), None)


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


def _images(table: polars.DataFrame, file: Path) -> list[bytes | None]:
    """Contents of the first column that holds images, by its type."""
    polars = _polars()
    for name, kind in table.schema.items():
        if kind == polars.Binary:
            return list(table[name].to_list())
        if isinstance(kind, polars.Struct) and any(
            field.name == "bytes" and field.dtype == polars.Binary for field in kind.fields
        ):
            return list(table[name].struct.field("bytes").to_list())
    raise InputError(
        f"{file}: expected a column with images (image: {{bytes, path}}); got {', '.join(table.columns) or 'none'}: name the file of images"
    )


def _stated_names(metadata: dict[str, str], column: str) -> tuple[str, ...] | None:
    """Class names that ``datasets`` wrote beside the data."""
    try:
        names = json.loads(metadata["huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names))


def write_parquet(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as Parquet that ``datasets`` and mien open alike: images as PNG, labels as numbers
    with their names.

    Raises:
        InputError: The place cannot be written to.
        MissingExtraError: polars is not installed.
    """
    polars = _polars()
    names = [f"row{row:07d}.png" for row in data.rows.tolist()] if data.paths is None else data.paths.tolist()
    images = track(zip(data.images, names, strict=True), f"writing {path.name}", len(data))
    columns: dict[str, Any] = {
        "row": polars.Series(data.rows, dtype=polars.Int64),
        "image": polars.Series(
            list(_stored(images)), dtype=polars.Struct({"bytes": polars.Binary, "path": polars.String})
        ),
        "label": polars.Series(data.expressions, dtype=polars.Int64),
        "usage": polars.Series(data.splits.tolist(), dtype=polars.String),
    }
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
    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_bytes(packed.getvalue())


def _stored(images: Any) -> Iterator[dict[str, Any]]:
    for image, name in images:
        yield {"bytes": png_bytes(image), "path": name}
