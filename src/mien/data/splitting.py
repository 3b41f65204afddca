"""A new split of a data set: a share of every class to learn from, the rest held out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.data.dataset import FIELD_NAMES, PUBLIC_TEST, TRAINING, FaceDataset

_ROUNDS = 4
"""How often each group is asked for its side."""


def split_anew(
    data: FaceDataset,
    share: float,
    seed: int,
    *,
    held_out: str = PUBLIC_TEST,
    scatter: bool = False,
    by: str | None = None,
) -> FaceDataset:
    """Deal all rows out anew, class by class, by chance that a seed fixes.

    Exact copies stay on one side, so that the new split does not leak, and so do all images with one value in
    the column ``by``; the share of a class can therefore miss by a few images.

    Args:
        data: Images; the splits that they have are forgotten.
        share: Part of every class to learn from, above 0 and below 1.
        seed: The same seed gives the same split.
        held_out: Split of the rest.
        scatter: Deal copies out like other images, as the papers do.
        by: A further column of the data, such as ``person``; rows without a value go on their own.

    Returns:
        The same rows in the same order, with new ``splits``, which are called as in the field.

    Raises:
        InputError: The share is not between 0 and 1, there is no such column, or a class is too small to
            stand on both sides.

    >>> images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(4, axis=1)
    >>> data = FaceDataset(images, np.arange(20) % 2, None, np.full(20, "Training"), np.arange(20))
    >>> anew = split_anew(data, 0.8, seed=0)
    >>> anew.split("Training").counts()[:2].tolist(), anew.split("PublicTest").counts()[:2].tolist()
    ([8, 8], [2, 2])
    """
    if not 0 < share < 1:
        raise InputError(f"expected a share above 0 and below 1; got {share}")
    if held_out == TRAINING:
        raise InputError("expected validation or test for the part that is held out; got training")
    units = np.arange(len(data)) if scatter else _numbered(data.digests)
    random = np.random.default_rng(seed)
    if by is None:
        chosen = _dealt_images(data, units, share, random)
    else:
        units = joined(units, data.column(by))
        chosen = _dealt_groups(data, units, share, random)
    splits = np.where(chosen[units], TRAINING, held_out)
    for name in (TRAINING, held_out):
        missing = set(np.flatnonzero(data.counts())) - set(data.expressions[splits == name].tolist())
        if missing:
            small = ", ".join(data.labels[int(column)] for column in sorted(missing))
            more = "images" if by is None else f"images of another {by}"
            raise InputError(
                f"expected enough images of every class for both sides; {FIELD_NAMES[name]} gets none of {small}: add {more} or change the share"
            )
    return replace(data, splits=splits, split_names=FIELD_NAMES)


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


def groups_in_both(data: FaceDataset, by: str) -> tuple[str, ...]:
    """Values of a further column that stand in more than one split, in order: people, say, whom a network
    would learn from and be judged by.

    Raises:
        InputError: There is no such column.

    >>> images = np.arange(4, dtype=np.uint8)[:, None, None].repeat(4, axis=1)
    >>> splits, people = np.array(["Training", "Training", "PublicTest", "PublicTest"]), np.array(["7", "8", "8", ""])
    >>> groups_in_both(FaceDataset(images, np.arange(4), None, splits, np.arange(4), columns={"person": people}), "person")
    ('8',)
    """
    values = data.column(by)
    pairs = {
        (value, split) for value, split in zip(values.tolist(), data.splits.tolist(), strict=True) if value
    }
    often = Counter(value for value, _ in pairs)
    return tuple(sorted(value for value, count in often.items() if count > 1))


def _numbered(values: NDArray[Any]) -> NDArray[np.int64]:
    """``(n,)`` the same number for equal values."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def joined(units: NDArray[np.int64], values: NDArray[np.str_]) -> NDArray[np.int64]:
    """``(n,)`` numbers, the same for rows that a chain of equal units and equal values connects; the empty
    value connects nothing.

    >>> joined(np.array([0, 1, 1, 2, 3]), np.array(["a", "a", "b", "", ""])).tolist()
    [0, 0, 0, 1, 2]
    """
    groups = _numbered(values)
    without = values == ""
    groups[without] = groups.max() + 1 + np.arange(without.sum())
    while True:  # Each turn carries the smallest number one step further along every chain.
        lowest = _lowest(_lowest(units, groups), units)
        if (lowest == units).all():
            return _numbered(units)
        units = lowest


def _lowest(numbers: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(n,)`` the smallest number in the group of each row."""
    lowest = np.full(groups.max() + 1, numbers.max(), np.int64)
    np.minimum.at(lowest, groups, numbers)
    return lowest[groups]


def _dealt_images(
    data: FaceDataset, units: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask of the units that become Training, class by class. A copy goes where the first of its kind goes,
    whatever its label."""
    _, firsts = np.unique(units, return_index=True)
    sizes = np.bincount(units)
    chosen = np.zeros(len(firsts), np.bool_)
    for column in range(len(data.labels)):
        chosen |= _dealt(np.flatnonzero(data.expressions[firsts] == column), sizes, share, random)
    return chosen


def _dealt_groups(
    data: FaceDataset, units: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask of the units that become Training, where a unit may have images of several classes.

    In an order of chance, those with the largest parts of a class first, each unit goes to the side that brings the shares of all
    classes nearer to what was asked for; then each is asked again, now that all others have their place.
    """
    counts = np.zeros((units.max() + 1, len(data.labels)))
    np.add.at(counts, (units, data.expressions), 1)
    parts = counts / np.maximum(data.counts(), 1)
    order = random.permutation(len(counts))
    order = order[np.argsort(-parts[order].max(axis=1), kind="stable")]
    beyond = np.zeros_like(parts)  # What each unit adds to Training beyond the share that is wanted.
    total = np.zeros(len(data.labels))
    for unit in np.tile(order, _ROUNDS):
        rest = total - beyond[unit]
        inside, outside = (1 - share) * parts[unit], -share * parts[unit]
        nearer = ((rest + inside) ** 2).sum() <= ((rest + outside) ** 2).sum()
        beyond[unit] = inside if nearer else outside
        total = rest + beyond[unit]
    return np.asarray(beyond.sum(axis=1) > 0)


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
