"""Rows on their way from a file into a data set: each one checked against those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.labels import Labels
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import ALL, FIELD_NAMES, TRAINING, VOTES, FaceDataset
from mien.data.images import central, resized
from mien.data.label_names import in_order, require_split

Item = TypeVar("Item")

LONGEST_TEXT = 200
"""Characters of a value in a further column; a column with a longer one is left out."""


@dataclass(frozen=True)
class ReadOptions:
    """How a data set is to be read.

    Args:
        labels: Classes in the order of the numbers in the file, where the file does not name them; they may have
            others than mien knows.
        size: Side in px that every image is brought to; None keeps images as they are.
        center_crop: Share of each image's sides, at its centre, that is kept before that; above 0, up to 1.
        colour: Images are RGB instead of gray; gray ones get three equal channels.
        problems: A list for the rows that cannot be used; None makes the first one an error.
        track: Shows how far it is.
    """

    labels: Labels | None = None
    size: int | None = None
    problems: list[str] | None = None
    track: ProgressCallback = no_progress
    center_crop: float = 1.0
    colour: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise InputError(f"expected a size of at least 1 px; got {self.size}")
        if not 0 < self.center_crop <= 1:
            raise InputError(
                f"expected a share of the sides to keep (center_crop) above 0 and up to 1; got {self.center_crop}"
            )

    @property
    def own(self) -> Sequence[str]:
        """Classes that data may have besides those that mien knows."""
        return self.labels or ()

    def brought(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image cut and resized; a gray one with three equal channels where colours are asked for."""
        if self.colour and image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        middle = central(image, self.center_crop)
        return middle if self.size is None else resized(middle, self.size)

    def refuse(self, error: InputError) -> None:
        """Write a row's error down, or raise it."""
        if self.problems is None:
            raise error
        self.problems.append(str(error))


@dataclass
class DatasetBuilder:
    """Collects rows and makes a data set of them.

    Args:
        path: What is read, for messages.
        terms: How.
        classes: Classes of the file where it states them, also those without any row; None takes those that
            come.
    """

    path: Path
    terms: ReadOptions
    classes: Sequence[str] | None = None
    _images: list[NDArray[np.uint8]] = field(default_factory=list)
    _labels: list[str] = field(default_factory=list)
    _splits: list[str] = field(default_factory=list)
    _split_names: dict[str, str] = field(default_factory=dict)
    _rows: list[int] = field(default_factory=list)
    _votes: list[Sequence[int]] = field(default_factory=list)
    _paths: list[str] = field(default_factory=list)
    _columns: list[Mapping[str, str]] = field(default_factory=list)

    def add(self, read: Callable[[], LabelledSample]) -> None:
        """Take one row, or refuse it as the terms say.

        Raises:
            InputError: The row cannot be used, and the terms make that an error.
        """
        try:
            sample = read()
            image = self.terms.brought(sample.image)
            split = TRAINING if sample.split is None else require_split(sample.split, sample.where)
            if self._images and image.shape != self._images[0].shape:
                sizes = (
                    f"expected {_size(self._images[0])} pixels as in the images before it; got {_size(image)}"
                )
                raise InputError(
                    f"{sample.where}: {sizes}: bring all to one size with --size {self._images[0].shape[0]}"
                )
        except InputError as error:
            self.terms.refuse(error)
            return
        self._images.append(image)
        self._labels.append(sample.label)
        self._splits.append(split)
        if sample.split is not None:
            self._split_names.setdefault(split, sample.split.strip())
        self._rows.append(len(self._rows) if sample.row is None else sample.row)
        if sample.votes is not None:
            self._votes.append(sample.votes)
        if sample.path is not None:
            self._paths.append(sample.path)
        self._columns.append(sample.columns)

    def finish(self) -> FaceDataset:
        """The rows as a data set.

        Raises:
            InputError: There are fewer than two classes or fewer images than classes.
        """
        names = tuple(self.classes) if self.classes is not None else in_order(self._labels, self.terms.own)
        n = len(self._images)
        if n == 0:
            raise InputError(
                f"{self.path}: expected labelled images; there is none that can be read: mien data audit lists what is wrong"
            )
        if len(names) < 2:
            raise InputError(
                f"{self.path}: expected images of at least two classes; got only {', '.join(names)}: add another class"
            )
        if n < len(names):
            raise InputError(
                f"{self.path}: expected at least one image for each of {counted(len(names), 'class', 'classes')}; got {n}: add images"
            )
        said = {} if self.terms.labels is None else self.terms.labels.entries
        labels = Labels(names, entries={name: entry for name, entry in said.items() if name in names})
        columns = {name: column for column, name in enumerate(names)}
        return FaceDataset(
            images=np.stack(self._images),
            expressions=np.array([columns[label] for label in self._labels], np.int64),
            votes=np.array(self._votes, np.int64).reshape(n, len(VOTES)) if len(self._votes) == n else None,
            splits=np.array(self._splits, np.str_),
            rows=np.array(self._rows, np.int64),
            labels=labels,
            paths=np.array(self._paths, np.str_) if len(self._paths) == n else None,
            columns=self._further(),
            split_names=self._called(),
        )

    def _called(self) -> dict[str, str]:
        """What the data set calls its splits, in the field's words where it has none."""
        if not self._split_names:
            return {**FIELD_NAMES, TRAINING: ALL}
        if all(split == name for split, name in self._split_names.items()):
            return {}
        return {**FIELD_NAMES, **self._split_names}

    def _further(self) -> dict[str, NDArray[np.str_]]:
        """Columns that any row has, in the order in which they came; long texts are no columns to sort by."""
        names = {name: None for row in self._columns for name in row}
        texts = {name: [row.get(name, "") for row in self._columns] for name in names}
        return {
            name: np.array(values, np.str_)
            for name, values in texts.items()
            if max(map(len, values)) <= LONGEST_TEXT
        }


@dataclass(frozen=True)
class LabelledSample:
    """One row as a file has it.

    Args:
        where: File and row, for messages.
        image: ``(h, w)`` uint8, gray, or ``(h, w, 3)`` RGB.
        label: Mien's word for the class.
        split: The data set's own word for the split; None where it says nothing of one.
        row: Row in the original file, or None for the next one.
        votes: Ten counts in the order of ``VOTES``.
        path: The image's own file name.
        columns: What else the file says of it, as text, by the names of its columns.
    """

    where: str
    image: NDArray[np.uint8]
    label: str
    split: str | None
    row: int | None = None
    votes: Sequence[int] | None = None
    path: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
