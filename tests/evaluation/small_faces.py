"""Labelled faces that any subject of these tests can read: the class stands in the first row of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
from mien.data import FaceDataset

_SPLITS = ("Training", "Training", "PublicTest", "PrivateTest")


def marked_faces(
    n: int = 280, *, labels: Labels = EXPRESSIONS, voted: bool = True, side: int = 48, copies: int = 0
) -> FaceDataset:
    """Noise of every class in turn; the first row of pixels says the class. Ten annotators, of whom nine see the
    label.

    So many of PublicTest's images are ``copies`` of Training's.
    """
    random = np.random.default_rng(0)
    expressions = np.arange(n) // len(_SPLITS) % len(labels)
    splits = np.array([_SPLITS[row % len(_SPLITS)] for row in range(n)])
    images = random.integers(0, 256, (n, side, side), dtype=np.uint8)
    images[:, 0, :] = expressions[:, None]
    public = np.flatnonzero(splits == "PublicTest")[:copies]
    images[public] = images[public - 1]
    votes = np.zeros((n, 10), int)
    votes[np.arange(n), [FERPLUS.names.index(labels[column]) for column in expressions]] = 9
    votes[np.arange(n), 8] += 1
    return FaceDataset(images, expressions, votes if voted else None, splits, np.arange(n), labels)


def told(images: NDArray[np.uint8], classes: int = 7, sure: float = 0.9) -> NDArray[np.float64]:
    """``(n, classes)`` probabilities that say the class in the pixels, with the next one as the second
    guess.
    """
    probs = np.full((len(images), classes), 0.02 / (classes - 2))
    column = images[:, 0, 0] % classes
    probs[np.arange(len(images)), column] = sure
    probs[np.arange(len(images)), (column + 1) % classes] = 0.98 - sure
    return probs


def half_right(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Right for every other class; for the others its first guess is the next class and its second the right
    one.
    """
    probs = told(images)
    odd = images[:, 0, 0] % 2 == 1
    probs[odd] = told(images[odd], sure=0.08)
    return probs
