"""Data sets as folders of images: a folder per class, perhaps in a folder per split."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mien.core.atomic import atomic_folder, translate_os_errors
from mien.core.csv_cells import cell, plain
from mien.core.errors import InputError
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import OWN_COLUMNS, TRAINING, VOTES, FaceDataset
from mien.data.images import gray_pixels, png_bytes
from mien.data.label_names import KNOWN, in_order, require_class, split_named

_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pgm"}
ROWS = "rows.csv"
"""File in a folder that mien wrote: which row each image was, the votes on it, and further
columns."""

_HEADER = ["file", "row", *(f"votes_{name}" for name in VOTES)]


def folders_in(path: Path) -> list[Path]:
    """Visible folders in a folder, in order."""
    return sorted(
        inner for inner in path.iterdir() if inner.is_dir() and not inner.name.startswith((".", "__"))
    )


@dataclass(frozen=True)
class _Listed:
    """An image of a class folder, not yet read."""

    root: Path
    file: Path
    label: str
    split: str
    row: int | None = None
    votes: tuple[int, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> LabelledSample:
        try:
            content = self.file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{self.file}: expected an image that you may read; got {error.strerror}: mend it or delete it"
            ) from None
        image = gray_pixels(content, str(self.file))
        return LabelledSample(
            str(self.file),
            image,
            self.label,
            self.split,
            self.row,
            self.votes,
            self.file.relative_to(self.root).as_posix(),
            self.columns,
        )


def read_folders(path: Path, terms: ReadOptions) -> DatasetBuilder:
    """Read class folders, with or without a level of splits above them.

    Raises:
        InputError: A folder is neither class nor split or is empty, or an image cannot be used.
    """
    images = [image for split, level in _levels(path) for image in _class_files(path, level, split, terms)]
    if (path / ROWS).is_file():
        images = _numbered(images, path / ROWS)
    gathering = DatasetBuilder(path, terms, in_order(image.label for image in images))
    for image in terms.track(images, f"reading {path.name}", len(images)):
        gathering.add(image.read)
    return gathering


def _levels(path: Path) -> list[tuple[str, Path]]:
    """Folders that hold class folders, each with the split that it stands for."""
    inner = folders_in(path)
    named = [(split_named(folder.name), folder) for folder in inner]
    levels = [(split, folder) for split, folder in named if split]
    if not levels:
        return [(TRAINING, path)]
    other = [folder for split, folder in named if not split]
    if other:
        splits = "train, validation, test, PublicTest, PrivateTest"
        raise InputError(
            f"{other[0]}: expected a split ({splits}) as the other folders in {path}: rename it or move it away"
        )
    return levels


def _class_files(root: Path, level: Path, split: str, terms: ReadOptions) -> Iterator[_Listed]:
    folders = folders_in(level)
    if not folders:
        raise InputError(
            f"{level}: expected a folder for each class ({', '.join(KNOWN)}); there is none: sort the images into such folders"
        )
    for folder in folders:
        name = require_class(folder.name, str(folder))
        files = sorted(
            file
            for file in folder.rglob("*")
            if file.suffix.lower() in _IMAGES and not file.name.startswith(".") and file.is_file()
        )
        if not files:
            terms.refuse(
                InputError(
                    f"{folder}: expected images of the class {name}; the folder has none: add some or delete it"
                )
            )
        yield from (_Listed(root, file, name, split) for file in files)


def _numbered(images: list[_Listed], table: Path) -> list[_Listed]:
    """Images in the order of `ROWS`, with their rows, votes and further columns; lines whose image is gone
    are passed over."""
    lines: dict[str, tuple[int, list[str]]] = {}
    try:
        with open(table, encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            for place, line in enumerate(reader):
                if len(line) != len(header):
                    raise ValueError(f"{len(line)} columns in line {reader.line_num}")
                lines[line[0]] = place, line[1:]
        width = len(_HEADER) if header[2 : len(_HEADER)] == _HEADER[2:] else 2
        further = header[width:]
        if header[:2] != _HEADER[:2] or OWN_COLUMNS & {name.lower() for name in further}:
            raise ValueError(f"the columns {', '.join(header)}")
        found = {
            name: (place, [int(number) for number in line[: width - 1]], _texts(further, line[width - 1 :]))
            for name, (place, line) in lines.items()
        }
        unlisted = [image.file for image in images if image.file.name not in found]
    except (ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"{table}: expected file names, rows, votes and further columns as mien writes them; got {error}: delete it to read the folders alone"
        ) from None
    if unlisted:
        raise InputError(
            f"{unlisted[0]}: expected an image that {table} lists; it does not: add a line for it, or delete {ROWS}"
        )
    images = sorted(images, key=lambda image: found[image.file.name][0])
    return [
        replace(image, row=row, votes=tuple(votes) or None, columns=columns)
        for image in images
        for _, (row, *votes), columns in [found[image.file.name]]
    ]


def _texts(names: list[str], cells: list[str]) -> dict[str, str]:
    return {plain(name): plain(text) for name, text in zip(names, cells, strict=True)}


def write_folders(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as PNG files in class folders within split folders, with `ROWS` for what folders
    cannot tell.

    Raises:
        InputError: The folder is there already and not empty, cannot be written to, or a class has no
            image.
    """
    data.require_every_class(str(path))
    with (
        atomic_folder(path) as aside,
        translate_os_errors(path),
        open(aside / ROWS, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        names = _HEADER if data.votes is not None else _HEADER[:2]
        table.writerow([*names, *map(cell, data.columns)])
        for at, image in enumerate(track(data.images, f"writing {path.name}", len(data))):
            name = f"face{at:07d}.png"
            folder = aside / str(data.splits[at]) / data.labels[data.expressions[at]]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png_bytes(image))
            votes = [] if data.votes is None else data.votes[at].tolist()
            texts = [cell(str(column[at])) for column in data.columns.values()]
            table.writerow([name, data.rows[at], *votes, *texts])
