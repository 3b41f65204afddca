"""Data sets as folders of images: a folder per class, perhaps in a folder per split, and perhaps metadata of each
image, as in Hugging Face's ``ImageFolder``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_folder, translate_os_errors
from mien.core.errors import InputError
from mien.core.output_names import storable
from mien.core.progress import ProgressCallback, no_progress
from mien.data.builder import DatasetBuilder, LabelledSample, ReadOptions
from mien.data.dataset import VOTES, FaceDataset
from mien.data.images import content_of, pixels, png_bytes
from mien.data.label_names import KNOWN, SPLIT_NAMES, in_order, require_class, split_named
from mien.data.metadata import metadata_in, read_described

_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pgm"}


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
    split: str | None
    colour: bool

    def read(self) -> LabelledSample:
        image = pixels(content_of(self.file), str(self.file), self.colour)
        path = self.file.relative_to(self.root).as_posix()
        return LabelledSample(str(self.file), image, self.label, self.split, path=path)


def read_folders(path: Path, terms: ReadOptions) -> DatasetBuilder:
    """Read class folders, with or without a level of splits above them, or images that metadata describe.

    Raises:
        InputError: A folder is neither class nor split or is empty, metadata and folders do not agree, or an image cannot
            be used.
    """
    if tables := metadata_in(path):
        return read_described(path, tables, _images_in(path), terms)
    images = [image for split, level in _levels(path) for image in _class_files(path, level, split, terms)]
    gathering = DatasetBuilder(path, terms, in_order((image.label for image in images), terms.own))
    for image in terms.track(images, f"reading {path.name}", len(images)):
        gathering.add(image.read)
    return gathering


def _levels(path: Path) -> list[tuple[str | None, Path]]:
    """Folders that hold class folders, each with the word for the split that it stands for."""
    inner = folders_in(path)
    levels: list[tuple[str | None, Path]] = [(each.name, each) for each in inner if split_named(each.name)]
    if not levels:
        return [(None, path)]
    other = [each for each in inner if not split_named(each.name)]
    if other:
        splits = "train, validation, test, PublicTest, PrivateTest"
        raise InputError(
            f"{other[0]}: expected a split ({splits}) as the other folders in {path}: rename it or move it away"
        )
    return levels


def _class_files(root: Path, level: Path, split: str | None, terms: ReadOptions) -> Iterator[_Listed]:
    folders = folders_in(level)
    if not folders:
        known = ", ".join(dict.fromkeys((*KNOWN, *terms.own)))
        raise InputError(
            f"{level}: expected a folder for each class ({known}); there is none: sort the images into such folders"
        )
    for folder in folders:
        name = require_class(folder.name, str(folder), terms.own)
        files = _images_in(folder)
        if not files:
            terms.refuse(
                InputError(
                    f"{folder}: expected images of the class {name}; the folder has none: add some or delete it"
                )
            )
        yield from (_Listed(root, file, name, split, terms.colour) for file in files)


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _IMAGES and not file.name.startswith(".") and file.is_file()
    )


def write_folders(data: FaceDataset, path: Path, track: ProgressCallback = no_progress) -> None:
    """Write a data set as Hugging Face's ``ImageFolder``: PNG files in class folders within split folders, and in
    each of these a ``metadata.jsonl`` with labels, rows, votes and further columns.

    Raises:
        InputError: The folder is there already and not empty, cannot be written to, or a class has no
            image.
    """
    data.require_every_class(str(path))
    with atomic_folder(path) as aside, translate_os_errors(path), ExitStack() as opened:
        tables: dict[str, Any] = {}
        for at, image in enumerate(track(data.images, f"writing {path.name}", len(data))):
            split, label = str(data.splits[at]), data.labels[data.expressions[at]]
            folder = aside / SPLIT_NAMES[split]
            file = folder / storable(label) / f"face{at:07d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png_bytes(image))
            if split not in tables:
                tables[split] = opened.enter_context(
                    open(folder / "metadata.jsonl", "w", encoding="utf-8", newline="\n")
                )
            line = {"file_name": file.relative_to(folder).as_posix(), "label": label, **_described(data, at)}
            tables[split].write(json.dumps(line, ensure_ascii=False) + "\n")


def _described(data: FaceDataset, at: int) -> dict[str, Any]:
    """What a folder cannot tell of an image."""
    votes = [] if data.votes is None else data.votes[at].tolist()
    return {
        "row": int(data.rows[at]),
        **{f"votes_{name}": count for name, count in zip(VOTES, votes, strict=False)},
        **{name: str(column[at]) for name, column in data.columns.items()},
    }
