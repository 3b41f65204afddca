"""A new split of a data set: a share of every class to learn from, the rest held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset


def split_anew(
    data: FaceDataset, share: float, seed: int, *, held_out: str = PUBLIC_TEST, scatter: bool = False
) -> FaceDataset:
    """Deal all rows out anew, class by class, by chance that a seed fixes.

    Exact copies stay on one side, so that the new split does not leak; the share of a class can therefore
    miss by a few images.

    Args:
        data: Images; the splits that they have are forgotten.
        share: Part of every class that becomes Training, above 0 and below 1.
        seed: The same seed gives the same split.
        held_out: Split of the rest.
        scatter: Deal copies out like other images, as the papers do.

    Returns:
        The same rows in the same order, with new ``splits``.

    Raises:
        InputError: The share is not between 0 and 1, or a class is too small to stand on both sides.

    >>> images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(4, axis=1)
    >>> data = FaceDataset(images, np.arange(20) % 2, None, np.full(20, "Training"), np.arange(20))
    >>> anew = split_anew(data, 0.8, seed=0)
    >>> anew.split("Training").counts()[:2].tolist(), anew.split("PublicTest").counts()[:2].tolist()
    ([8, 8], [2, 2])
    """
    if not 0 < share < 1:
        raise InputError(f"expected a share above 0 and below 1; got {share}")
    if held_out == TRAINING:
        raise InputError("expected PublicTest or PrivateTest for the part that is held out; got Training")
    units = np.arange(len(data)) if scatter else np.unique(data.digests, return_inverse=True)[1]
    # A copy goes where the first of its kind goes, whatever its label.
    _, firsts = np.unique(units, return_index=True)
    sizes = np.bincount(units)
    chosen = np.zeros(len(firsts), np.bool_)
    random = np.random.default_rng(seed)
    for column in range(len(data.labels)):
        chosen |= _dealt(np.flatnonzero(data.expressions[firsts] == column), sizes, share, random)
    splits = np.where(chosen[units], TRAINING, held_out)
    for name in (TRAINING, held_out):
        missing = set(np.flatnonzero(data.counts())) - set(data.expressions[splits == name].tolist())
        if missing:
            small = ", ".join(data.labels[int(column)] for column in sorted(missing))
            raise InputError(
                f"expected enough images of every class for both sides; {name} gets none of {small}: add images or change the share"
            )
    return replace(data, splits=splits)


def folds(data: FaceDataset, count: int) -> NDArray[np.int64]:
    """Deal images into folds by their digests: an image is in the same fold wherever it stands, and its
    exact copies are with it.

    Args:
        data: Images.
        count: How many folds.

    Returns:
        ``(n,)`` fold of each image, from 0.

    >>> images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(4, axis=1)
    >>> data = FaceDataset(images, np.arange(20) % 2, None, np.full(20, "Training"), np.arange(20))
    >>> folds(data, 4).tolist()
    [0, 0, 0, 2, 1, 1, 2, 0, 3, 3, 1, 1, 2, 0, 3, 3, 2, 1, 0, 1]
    >>> bool((folds(data.take(np.array([7, 3])), 4) == folds(data, 4)[[7, 3]]).all())
    True
    """
    return np.array([int(digest[:8], 16) % count for digest in data.digests.tolist()], np.int64)


def _dealt(
    units: NDArray[np.int64], sizes: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask of the units of one class that become Training: shuffled, taken until the share is full."""
    chosen = np.zeros(len(sizes), np.bool_)
    order = random.permutation(units)
    filled = np.cumsum(sizes[order])
    if len(order):
        chosen[order[filled <= round(share * filled[-1])]] = True
    return chosen
