"""What is to be read: a folder with all in it, a list of files, or Parquet with pictures in it; in an order that does not change."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from mien.batch.shard import FileShard, Shard, TableShard
from mien.data.vocabulary import class_named
from mien.errors import InputError, MissingExtraError
from mien.media.folders import PICTURE_SUFFIXES, VIDEO_SUFFIXES, Found, find_sources, natural_key

PER_SHARD = 1000
"""Pictures of a shard by default."""

_BYTES_PER_PICTURE = 50_000
"""A video counts as so many pictures as it has of these: one of 5 MB as 100, one of 1 GB fills its shard."""

_PATHS = ("path", "file", "filename", "file_name", "image", "source")
_LABELS = ("label", "emotion", "expression", "class")


class Input(Protocol):
    """Pictures and videos in order. Made by `open_input`."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def labelled(self) -> bool:
        """Whether something says what they show."""
        ...

    @property
    def remarks(self) -> Sequence[str]:
        """What a person should know of it."""
        ...

    def facts(self) -> dict[str, Any]:
        """What it is, with a digest by which another is told apart; ready for JSON."""
        ...

    def shards(self, size: int) -> Iterator[Shard]:
        """It in shards of so many pictures, always the same ones."""
        ...


@dataclass(frozen=True)
class Files:
    """Files by their paths.

    Args:
        path: What was given.
        kind: ``folder`` or ``list``.
        sources: Paths in order.
        labels: Mien's names of expressions, one per path; None where nothing says so.
        remarks: What a person should know of it.
    """

    path: str
    kind: str
    sources: Sequence[str]
    labels: Sequence[str | None]
    remarks: Sequence[str] = ()
    _sizes: Sequence[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sizes", [_size(source) for source in self.sources])

    @property
    def count(self) -> int:
        return len(self.sources)

    @property
    def labelled(self) -> bool:
        return any(self.labels)

    def facts(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        for source, size, label in zip(self.sources, self._sizes, self.labels, strict=True):
            digest.update(f"{source}\0{size}\0{label or ''}\n".encode("utf-8", "surrogateescape"))
        return {"kind": self.kind, "path": self.path, "count": self.count, "sha256": digest.hexdigest()}

    def shards(self, size: int) -> Iterator[Shard]:
        first, weight, number = 0, 0.0, 0
        for place, source in enumerate(self.sources):
            own = self._weight(source, self._sizes[place])
            if place > first and weight + own > size:
                yield self._shard(number, first, place)
                first, weight, number = place, 0.0, number + 1
            weight += own
        if first < self.count:
            yield self._shard(number, first, self.count)

    def _shard(self, number: int, first: int, end: int) -> FileShard:
        return FileShard(number, first, tuple(self.sources[first:end]), tuple(self.labels[first:end]))

    @staticmethod
    def _weight(source: str, size: int) -> float:
        video = PurePosixPath(source).suffix.lower() in VIDEO_SUFFIXES
        return max(1.0, size / _BYTES_PER_PICTURE) if video else 1.0


@dataclass(frozen=True)
class Tables:
    """Parquet files with pictures in them.

    Args:
        path: What was given.
        files: They, in order, with the number of rows of each.
        labelled: Whether there is a column of labels.
    """

    path: str
    files: Sequence[tuple[Path, int]]
    labelled: bool
    remarks: Sequence[str] = ()

    @property
    def count(self) -> int:
        return sum(rows for _, rows in self.files)

    def facts(self) -> dict[str, Any]:
        names = "".join(f"{file.name}\0{file.stat().st_size}\0{rows}\n" for file, rows in self.files)
        return {"kind": "parquet", "path": self.path, "count": self.count, "sha256": hashlib.sha256(names.encode()).hexdigest()}

    def shards(self, size: int) -> Iterator[Shard]:
        number, before = 0, 0
        for file, rows in self.files:
            for row in range(0, rows, size):
                yield TableShard(number, before + row, file, row, min(size, rows - row))
                number += 1
            before += rows


def open_input(path: str, *, output: Path | None = None, remote: bool = False) -> Input:
    """Find out what there is to read.

    Args:
        path: A folder, searched with all in it; a list of files (``.txt``, a path a line; ``.csv`` with a column ``path``), whose relative
            paths count from the list; a Parquet file, or a folder of such, with a column of bytes (``image``, ``bytes``); or one picture or video.
        output: Where the results go; what lies in there is no input, also where it is a folder of it.
        remote: Allow addresses such as ``s3://bucket/a.jpg``, which fsspec reads.

    Raises:
        InputError: There is nothing to read, or a list is of another form.
        MissingExtraError: It needs polars or fsspec, which is not installed.

    >>> import tempfile
    >>> listed = Path(tempfile.mkdtemp()) / "list.csv"
    >>> _ = listed.write_text("path,label\\na.jpg,Happiness\\nb.jpg,sad\\n")
    >>> found = open_input(str(listed))
    >>> found.count, [item.label for shard in found.shards(10) for item in shard.items()]
    (2, ['happy', 'sad'])
    """
    if "://" in path:
        return _remote(path, allowed=remote)
    place = Path(path)
    if not place.exists():
        raise InputError(f"{path}: expected a folder, a list of files or a Parquet file; there is none of this name: check the path")
    ending = place.suffix.lower()
    if place.is_dir():
        return _folder(place, output)
    if ending in (".txt", ".csv"):
        return _list(place, remote)
    if ending == ".parquet":
        return _tables(place, [place])
    return Files(path, "list", [path], [None])


def _folder(path: Path, output: Path | None) -> Input:
    found = _outside(find_sources([path]), path, output)
    if not found.sources:
        tables = [file for file in found.passed_over if file.suffix.lower() == ".parquet"]
        if tables:
            return _tables(path, tables)
        if not found.unreadable:
            raise InputError(f"{path}: expected pictures or videos; none lie in it: name files whose endings mien does not know in a list")
    sources = [str(source) for source in (*found.sources, *found.unreadable)]
    labels, remarks = _labelled([_class_of(PurePosixPath(source).relative_to(path)) for source in sources])
    if found.passed_over:
        remarks = [f"{len(found.passed_over):,} files passed over: neither picture nor video by name", *remarks]
    return Files(str(path), "folder", sources, labels, remarks)


def _outside(found: Found, path: Path, output: Path | None) -> Found:
    """What was found, without what lies in the output."""
    inner = os.path.relpath(os.path.realpath(output), os.path.realpath(path)) if output is not None else ".."
    if inner.split(os.sep)[0] == "..":
        return found
    within = str(path / inner) + os.sep
    kept = (tuple(one for one in part if not str(one).startswith(within)) for part in (found.sources, found.passed_over, found.unreadable))
    return Found(*kept)  # type: ignore[arg-type]


def _list(path: Path, remote: bool) -> Input:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a list of files as text in UTF-8; got {error}: give another one") from None
    plain = ((line.strip(), None) for line in text.splitlines() if line.strip())
    rows = list(_csv_rows(path, text) if path.suffix.lower() == ".csv" else plain)
    if not rows:
        raise InputError(f"{path}: expected a list of files, one a line; it is empty: add some")
    addresses = [name for name, _ in rows if "://" in name]
    if addresses:
        _require_remote(addresses[0], remote)
    sources = [name if "://" in name else os.path.join(path.parent, name) for name, _ in rows]
    given = [class_named(label) if label else None for _, label in rows]
    labels, remarks = (given, []) if any(given) else _labelled([_class_of(PurePosixPath(name)) for name, _ in rows])
    return Files(str(path), "list", sources, labels, remarks)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, str | None]]:
    try:
        table = csv.DictReader(text.splitlines(), strict=True)
        names = {name.strip().lower(): name for name in table.fieldnames or ()}
        where = next((names[name] for name in _PATHS if name in names), None)
        label = next((names[name] for name in _LABELS if name in names), None)
        if where is None:
            raise InputError(f"{path}: expected a column path; got {', '.join(table.fieldnames or ()) or 'nothing'}: name it so")
        for row in table:
            if row[where]:
                yield row[where].strip(), row[label] if label else None
    except csv.Error as error:
        raise InputError(f"{path}: expected text in columns; got {error}: is it a CSV file?") from None


def _tables(path: Path, files: Sequence[Path]) -> Input:
    from mien.batch.tables import open_table_file

    opened = [open_table_file(file) for file in files]
    return Tables(str(path), [(one.file, one.rows) for one in opened], any(one.label for one in opened))


def _remote(path: str, *, allowed: bool) -> Input:
    _require_remote(path, allowed)
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(path)
        found = system.find(root)
    except Exception as error:  # Every file system of fsspec has errors of its own.
        raise InputError(f"{path}: expected a folder that fsspec can list; got: {' '.join(str(error).split())}: check the address") from None
    names = [name for name in found if PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES]
    if not names:
        raise InputError(f"{path}: expected pictures or videos; none lie there: check the address")
    names.sort(key=lambda name: (natural_key(name), name))
    labels, remarks = _labelled([_class_of(PurePosixPath(os.path.relpath(name, root))) for name in names])
    return Files(path, "folder", [system.unstrip_protocol(name) for name in names], labels, remarks)


def _require_remote(address: str, allowed: bool) -> None:
    if not allowed:
        raise InputError(f"{address}: expected a path; got an address, which mien fetches only when asked to: give --remote")
    try:
        import fsspec  # noqa: F401
    except ImportError:
        raise MissingExtraError("Remote files", "ray", "fsspec") from None


def _class_of(path: PurePosixPath) -> str | None:
    """Mien's name of the expression that the nearest folder around a file is named after."""
    return next((name for folder in reversed(path.parts[:-1]) if (name := class_named(folder))), None)


def _labelled(classes: Sequence[str | None]) -> tuple[Sequence[str | None], list[str]]:
    """The classes where there are two at least, for one folder may be named "happy" by chance."""
    if len({*classes} - {None}) < 2:
        return [None] * len(classes), []
    without = sum(name is None for name in classes)
    return classes, [f"{without:,} files lie in no folder that is named after an expression: they have no label"] if without else []


def _size(source: str) -> int:
    """Bytes of a file; -1 where that is not known."""
    if "://" in source:
        return -1
    try:
        return os.stat(source).st_size
    except (OSError, ValueError):
        return -1
