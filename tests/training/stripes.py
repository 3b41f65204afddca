"""Faces for tests of training: stripes and squares that any network tells apart, and a training on them that
tests kill.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.data import FaceDataset
from mien.training.recipe import Recipe, Schedule

RECIPE = Recipe(
    name="tiny",
    options={"widths": [4, 8], "blocks": 1},
    epochs=3,
    batch=16,
    schedule=Schedule("one-cycle", warmup=0.1),
    precision="32",
)


def stripes(n: int = 280, *, voted: bool = True) -> FaceDataset:
    """Seven classes, told apart by the direction and the width of stripes, in turn."""
    random = np.random.default_rng(0)
    expressions = np.arange(n) % 7
    lines = [np.tile((np.arange(48) // width % 2 * 160).astype(np.uint8), (48, 1)) for width in (3, 6, 9, 12)]
    kinds = [*lines, *(line.T for line in lines)][:7]
    images = np.stack([kinds[label] for label in expressions]) + random.integers(
        0, 60, (n, 48, 48), dtype=np.uint8
    )
    votes = np.zeros((n, 10), int)
    votes[np.arange(n), np.array([4, 5, 6, 1, 0, 3, 2])[expressions]] = (
        10  # the order of FER+: neutral, happiness, ...
    )
    splits = np.array(
        ["Training"] * (n * 4 // 7) + ["PublicTest"] * (n // 7) + ["PrivateTest"] * (n - n * 4 // 7 - n // 7)
    )
    return FaceDataset(images, expressions, votes if voted else None, splits, np.arange(n))


def train_alone(folder: Path, recipe: Recipe) -> None:
    """Train in a process of its own."""
    import warnings

    from mien.training.run import Hardware, train

    warnings.simplefilter("ignore")
    train(stripes(), recipe, folder, hardware=Hardware(accelerator="cpu", threads=1))
