"""Small data sets for tests, and files of them in every form."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.labels import EXPRESSIONS, Labels
from mien.data import VOTES, FaceDataset

SPLITS = ("Training", "Training", "Training", "PublicTest", "PrivateTest")


def small_dataset(
    n: int = 14,
    *,
    labels: Labels = EXPRESSIONS,
    side: int = 6,
    votes: bool = True,
    seed: int = 0,
    columns: Mapping[str, NDArray[np.str_]] | None = None,
) -> FaceDataset:
    """Noise of every class in turn, rows numbered with gaps."""
    random = np.random.default_rng(seed)
    return FaceDataset(
        images=random.integers(0, 256, (n, side, side), dtype=np.uint8),
        expressions=np.arange(n) % len(labels),
        votes=random.integers(0, 11, (n, len(VOTES))) if votes else None,
        splits=np.array([SPLITS[row % len(SPLITS)] for row in range(n)]),
        rows=np.arange(n) * 3 + 1,
        labels=labels,
        columns=columns or {},
    )


def same(first: FaceDataset, second: FaceDataset) -> bool:
    """Whether two sets hold the same rows in the same order."""
    columns: list[tuple[Any, Any]] = [
        (first.images, second.images),
        (first.expressions, second.expressions),
        (first.splits, second.splits),
        (first.rows, second.rows),
    ]
    if (first.votes is None) != (second.votes is None) or first.labels != second.labels:
        return False
    if list(first.columns) != list(second.columns):
        return False
    columns += [(first.columns[name], second.columns[name]) for name in first.columns]
    columns += [] if first.votes is None or second.votes is None else [(first.votes, second.votes)]
    return all(np.array_equal(one, other) for one, other in columns)


def pixels(count: int, value: int = 7) -> str:
    return " ".join([str(value)] * count)


def write_csv(
    path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = ("emotion", "pixels", "Usage")
) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def seven_rows(count: int = 16) -> list[list[object]]:
    """One row for each of Kaggle's numbers, gray values 0 to 6."""
    return [
        [number, pixels(count, number), "Training" if number < 5 else "PrivateTest"] for number in range(7)
    ]


def write_image(path: Path, value: int = 100, side: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), value).save(path)
    return path
