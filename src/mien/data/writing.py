"""One way out: a data set in the form that a file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mien.core.atomic import require_new_folder, try_place
from mien.core.errors import InputError
from mien.core.progress import ProgressCallback, no_progress
from mien.data.class_folders import write_folders
from mien.data.dataset import FaceDataset
from mien.data.kaggle import write_kaggle
from mien.data.parquet import write_parquet


def write_dataset(data: FaceDataset, path: str | Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set so that `open_dataset` gives the same pixels, labels, splits, rows and votes again.

    Args:
        data: What to write.
        path: A name ending in ``.parquet``, ``.csv`` or ``.csv.gz``; one without an ending becomes a folder
            of class folders.
        track: Shows how far the writing is.

    Raises:
        InputError: The ending is not known, the form cannot hold the data, or the place cannot be written to.
        MissingExtraError: Parquet was asked for and polars is not installed.
    """
    path = Path(path)
    form_of(path)(data, path, track)


def require_place(path: Path) -> None:
    """Make sure that a data set can be written to a place, before long work.

    Raises:
        InputError: The ending is not known, or something stands in the way.
    """
    if form_of(path) is write_folders:
        require_new_folder(path)
    else:
        try_place(path)


class Write(Protocol):
    def __call__(self, data: FaceDataset, path: Path, track: ProgressCallback = ...) -> None: ...


def form_of(path: Path) -> Write:
    """What writes the form that a name asks for.

    Raises:
        InputError: The ending is not known.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        return write_parquet
    if name.endswith((".csv", ".csv.gz")):
        return write_kaggle
    if not path.suffix:
        return write_folders
    raise InputError(
        f"expected a name ending in .parquet, .csv or .csv.gz, or a folder's name without an ending; got {path}"
    )
