"""Data sets as files: `open_dataset` looks at what a file holds, not at what it is called, and
`write_dataset` writes the form that a name asks for."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Protocol, TextIO, cast

from mien.core.atomic import check_writable, require_new_folder
from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, ReadOptions
from mien.data.dataset import FaceDataset
from mien.data.fer2013 import Columns, read_kaggle, with_votes, write_kaggle
from mien.data.image_folders import folders_in, read_folders, write_folders
from mien.data.label_names import class_named, split_named
from mien.data.metadata import metadata_in
from mien.data.parquet import PER_SPLIT, read_parquet, shards_in, write_parquet, write_parquet_folder

FORMS = "fer2013.csv (also .zip, .gz, .tar.gz), Parquet, or a folder of Parquet files or of images with metadata or in class folders"
_LONGEST_HEADER = 4096


def open_dataset(
    path: str | Path,
    *,
    votes: str | Path | None = None,
    labels: Labels | Sequence[str] | None = None,
    size: int | None = None,
    center_crop: float = 1.0,
    colour: bool = False,
    problems: list[str] | None = None,
    track: ProgressCallback = no_progress,
) -> FaceDataset:
    """Read labelled faces of any known form: Kaggle's CSV, packed or not, Parquet, folders of images.

    Args:
        path: File or folder.
        votes: ``fer2013new.csv`` of FER+, joined by row.
        labels: Classes in the order of the numbers in the file, where it does not name them itself. Classes that mien
            does not know must be among them.
        size: Side in px that every image is brought to; without it images stay as they are and must be of
            one size.
        center_crop: Share of each image's sides, at its centre, that is kept before that, above 0 and up to
            1; for images with room around what a network is to see.
        colour: Read images as RGB, ``(n, h, w, 3)``; gray ones get three equal channels. Without it they are read as
            gray.
        problems: A list; rows that cannot be used are described in it and left out. Without it the first of
            them is an error.
        track: Shows how far it is.

    Returns:
        All rows in the order of the file, of folders in the order of their names.

    Raises:
        InputError: The path, the form or a row cannot be used; the message names file, row and remedy.
        MissingExtraError: Parquet was given and polars is not installed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "faces.csv"
    >>> _ = path.write_text("emotion,pixels\\nhappy,1 2 3 4\\nSadness,5 6 7 8\\n")
    >>> data = open_dataset(path)
    >>> data.images.shape, data.names(), data.targets.tolist()
    ((2, 2, 2), ['happy', 'sad'], [[1.0, 0.0], [0.0, 1.0]])
    """
    path = Path(path)
    order = (
        labels
        if labels is None or isinstance(labels, Labels)
        else Labels(tuple(class_named(word) or word for word in labels))
    )
    terms = ReadOptions(order, size, problems, track, center_crop, colour)
    if not path.exists():
        raise InputError(f"expected a data set; {path} is not there: check the path")
    try:
        data = (_open_folder if path.is_dir() else _open_file)(path, terms).finish()
    except PermissionError as error:
        raise InputError(
            f"{error.filename or path}: expected a data set that you may read; {error.strerror}: change its rights"
        ) from None
    return data if votes is None else with_votes(data, votes)


def load_fer2013(path: str | Path) -> FaceDataset:
    """Read FER-2013 with its FER+ votes, as mien's own networks learn from it.

    Args:
        path: Any form that `open_dataset` reads and that holds votes, such as a Parquet file.

    Raises:
        InputError: The set cannot be read, has no votes, other classes than FER-2013's seven, or not 48x48
            pixels.

    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp(), "mine.csv")
    >>> faces = np.zeros((7, 48, 48), np.uint8)
    >>> write_dataset(FaceDataset(faces, np.arange(7), None, np.full(7, "Training"), np.arange(7)), path)
    >>> load_fer2013(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: ...mine.csv: expected FER-2013 with the votes of FER+; there are none: ...
    """
    data = open_dataset(path)
    if data.labels != EXPRESSIONS:
        raise InputError(
            f"{path}: expected the seven classes {', '.join(EXPRESSIONS)}; got {', '.join(data.labels)}: give FER-2013"
        )
    if data.votes is None:
        raise InputError(
            f"{path}: expected FER-2013 with the votes of FER+; there are none: join them with mien data convert --votes fer2013new.csv"
        )
    if data.images.shape[1:] != (48, 48):
        raise InputError(
            f"{path}: expected 48x48 pixels; got {data.images.shape[2]}x{data.images.shape[1]}: give FER-2013"
        )
    return data


@dataclass(frozen=True)
class _Table:
    """A CSV that lies in a folder or an archive, or is a file of its own."""

    path: Path
    open: Callable[[], IO[bytes]]

    def columns(self) -> Columns:
        with self.text() as text:
            return Columns(next(csv.reader([text.readline(_LONGEST_HEADER)]), []))

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        with self.open() as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
            yield text


def _open_folder(path: Path, terms: ReadOptions) -> DatasetBuilder:
    if shards := shards_in(path):
        return read_parquet(shards, path, terms)
    with _told(path):
        tables = [_Table(file, partial(_bytes, file)) for file in sorted(path.glob("*.csv"))]
        tables = [table for table in tables if table.columns().pixels is not None]
        if tables:
            return _read_tables(tables, path, terms)
    inner = folders_in(path)
    if not inner and not metadata_in(path):
        raise InputError(
            f"{path}: expected {FORMS}; the folder has none of them: give the folder above the class folders"
        )
    [only] = inner if len(inner) == 1 else [None]
    around = only and class_named(only.name, terms.own) is None and split_named(only.name) is None
    if only and around and not metadata_in(path):
        return _open_folder(only, terms)
    return read_folders(path, terms)


def _open_file(path: Path, terms: ReadOptions) -> DatasetBuilder:
    with open(path, "rb") as file:
        start = file.read(_LONGEST_HEADER)
    if start[:4] == b"PAR1":
        return read_parquet([path], path, terms)
    with _told(path), ExitStack() as stack:
        if start[:4] == b"PK\3\4":
            archive = stack.enter_context(zipfile.ZipFile(path))
            tables = [_Table(path / name, partial(archive.open, name)) for name in archive.namelist()]
        elif start[:2] == b"\x1f\x8b" or start[257:262] == b"ustar":
            tables = _packed(path, stack)
        elif b"\0" not in start and b"," in start.partition(b"\n")[0]:
            tables = [_Table(path, partial(_bytes, path))]
            return _read_tables(tables, path, terms)
        else:
            raise InputError(
                f"{path}: expected {FORMS}; got a file of no such form: is it the right one, and whole?"
            )
        tables = [
            table
            for table in tables
            if table.path.suffix.lower() == ".csv" and not table.path.name.startswith(".")
        ]
        if not tables:
            raise InputError(
                f"{path}: expected a CSV in the archive; there is none: unpack it and give the folder"
            )
        return _read_tables(
            [table for table in tables if table.columns().pixels is not None] or tables, path, terms
        )


def _packed(path: Path, stack: ExitStack) -> list[_Table]:
    """The members of a tar archive, or the one file that is gzipped."""
    try:
        archive = stack.enter_context(tarfile.open(path))  # noqa: SIM115
    except tarfile.ReadError:
        return [_Table(path.with_suffix("").with_suffix(".csv"), partial(_unpacked, path))]
    members = [member for member in archive.getmembers() if member.isfile()]
    return [_Table(path / member.name, partial(_extracted, archive, member)) for member in members]


def _bytes(path: Path) -> IO[bytes]:
    return open(path, "rb")


def _unpacked(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb"))


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    assert file is not None
    return file


def _read_tables(tables: list[_Table], path: Path, terms: ReadOptions) -> DatasetBuilder:
    """The one CSV that tells splits; without such a one, those with labels, each of which is a split by its
    name."""
    columns = {table: table.columns() for table in tables}
    labelled = [table for table in tables if not columns[table].missing()]
    whole = [table for table in labelled if columns[table].split is not None]
    if len(whole) > 1:
        raise InputError(
            f"{path}: expected one CSV with a column Usage; got {', '.join(table.path.name for table in whole)}: give one of them"
        )
    gathering: DatasetBuilder | None = None
    for table in whole or labelled or tables[:1]:
        with table.text() as text:
            gathering = read_kaggle(text, table.path, terms, gathering)
    assert gathering is not None
    return gathering


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Damage to an archive in one line."""
    try:
        yield
    except (
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise InputError(
            f"{path}: expected a whole archive without a password; got {error}: fetch it again"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8; got {error}: is it a CSV file?") from None


def write_dataset(data: FaceDataset, path: str | Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set so that `open_dataset` gives the same pixels, labels, splits, rows, votes and
    further columns again.

    Args:
        data: What to write.
        path: A name ending in ``.parquet``, ``.csv`` or ``.csv.gz``; ``FOLDER/{split}.parquet`` becomes a folder with a
            file for each split, a name without an ending a folder of images. Hugging Face's ``datasets`` loads both.
        track: Shows how far the writing is.

    Raises:
        InputError: The ending is not known, the form cannot hold the data, or the place cannot be written to.
        MissingExtraError: Parquet was asked for and polars is not installed.

    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp(), "mine.csv")
    >>> faces = np.zeros((7, 48, 48), np.uint8)
    >>> write_dataset(FaceDataset(faces, np.arange(7), None, np.full(7, "Training"), np.arange(7)), path)
    >>> open_dataset(path).names()[:3]
    ['angry', 'disgust', 'fear']
    """
    path = Path(path)
    form_of(path)(data, path, track)


def require_place(path: Path) -> None:
    """Make sure that a data set can be written to a place, before long work.

    Raises:
        InputError: The ending is not known, or something stands in the way.
    """
    write = form_of(path)
    if write in (write_folders, write_parquet_folder):
        require_new_folder(path if write is write_folders else path.parent)
    else:
        check_writable(path)


class Write(Protocol):
    def __call__(self, data: FaceDataset, path: Path, track: ProgressCallback = ...) -> None: ...


def form_of(path: Path) -> Write:
    """What writes the form that a name asks for.

    Raises:
        InputError: The ending is not known.
    """
    name = path.name.lower()
    if name == PER_SPLIT:
        return write_parquet_folder
    if name.endswith(".parquet"):
        return write_parquet
    if name.endswith((".csv", ".csv.gz")):
        return write_kaggle
    if not path.suffix:
        return write_folders
    raise InputError(
        f"expected a name ending in .parquet, .csv or .csv.gz, FOLDER/{PER_SPLIT}, or a folder's name without an ending; got {path}"
    )
