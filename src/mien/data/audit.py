"""What is wrong with a data set, and the part of it that is honest to learn from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import SPLITS, TRAINING, FaceDataset
from mien.data.near_duplicates import LIKENESS, Pairs, near_copies
from mien.data.splitting import groups_in_both

ALSO = ("repeats", "contradictions")
"""What a clean training split may leave out besides copies of test images, blanks and images of no
face."""


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Rows of a data set that also stand in another one.

    Args:
        images: How many images the other one has.
        exact: ``(n,)`` mask of exact copies.
        near: ``(n,)`` mask of those that are near copies only.
    """

    images: int
    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings in a data set. Masks are ``(n,)``, one value for each of its rows.

    Args:
        data: The images that could be read.
        unreadable: What was wrong with each of the others.
        groups: ``(n,)`` int, the same for exact copies.
        near: Pairs of near copies as positions in ``data``; of exact copies, the first stands for all.
        by: A further column of ``data`` whose values should stand in one split each, such as ``person``.
        elsewhere: Rows that are exact, or else near, copies of an image of another data set; None where
            none was given.

    >>> from mien.data import audit
    >>> faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    >>> faces[2] = faces[0]
    >>> splits = np.array(["Training", "Training", "PublicTest"])
    >>> found = audit(FaceDataset(faces, np.array([3, 4, 3]), None, splits, np.arange(3)))
    >>> found.copies.tolist()
    [True, False, True]
    """

    data: FaceDataset
    unreadable: Sequence[str]
    groups: NDArray[np.int64]
    near: Pairs
    by: str | None = None
    elsewhere: Elsewhere | None = None

    @cached_property
    def training(self) -> NDArray[np.bool_]:
        return np.asarray(self.data.splits == TRAINING)

    @cached_property
    def copies(self) -> NDArray[np.bool_]:
        """Rows that have an exact copy."""
        return np.asarray(np.bincount(self.groups)[self.groups] > 1)

    @cached_property
    def repeats(self) -> NDArray[np.bool_]:
        """Rows of Training that have an exact copy before them in Training."""
        places = np.flatnonzero(self.training)
        _, firsts = np.unique(self.groups[places], return_index=True)
        found = self.training.copy()
        found[places[firsts]] = False
        return found

    @cached_property
    def contradictions(self) -> NDArray[np.bool_]:
        """Rows whose exact copies bear another label."""
        n = int(self.groups.max()) + 1
        low, high = np.full(n, len(self.data.labels)), np.full(n, -1)
        np.minimum.at(low, self.groups, self.data.expressions)
        np.maximum.at(high, self.groups, self.data.expressions)
        return np.asarray((low != high)[self.groups])

    @cached_property
    def leaks(self) -> NDArray[np.bool_]:
        """Rows of Training that are exact copies of an image of another split, and those images."""
        inside = np.isin(self.groups, self.groups[self.training])
        outside = np.isin(self.groups, self.groups[~self.training])
        return inside & outside

    @cached_property
    def near_leaks(self) -> NDArray[np.bool_]:
        """Rows of Training that are near, but not exact, copies of an image of another split, and those
        images."""
        found = np.zeros(len(self.data), np.bool_)
        for one, other in self._near_groups():
            for here, there in ((one, other), (other, one)):
                learned, held = here[self.training[here]], there[~self.training[there]]
                if len(learned) and len(held):
                    found[learned] = found[held] = True
        return found & ~self.leaks

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Rows with a value of the column ``by`` that stands in more than one split."""
        if self.by is None:
            return np.zeros(len(self.data), np.bool_)
        return np.isin(self.data.column(self.by), groups_in_both(self.data, self.by))

    def _near_groups(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        order = np.argsort(self.groups, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1)
        return [
            (members[self.groups[one]], members[self.groups[other]])
            for one, other in zip(self.near.first, self.near.second, strict=True)
        ]

    def dropped(self, also: Collection[str] = ()) -> NDArray[np.bool_]:
        """Rows of Training that `clean` leaves out.

        Raises:
            InputError: ``also`` names something else than `ALSO`.
        """
        unknown = set(also) - set(ALSO)
        if unknown:
            raise InputError(f"expected some of {', '.join(ALSO)}; got {', '.join(sorted(unknown))}")
        wrong = self.leaks | self.near_leaks | self.shared | self.data.blank | self.data.not_a_face
        if self.elsewhere is not None:
            wrong = wrong | self.elsewhere.exact | self.elsewhere.near
        if "repeats" in also:
            wrong = wrong | self.repeats
        if "contradictions" in also:
            wrong = wrong | self.contradictions
        return wrong & self.training

    def clean(self, also: Collection[str] = ()) -> FaceDataset:
        """The data set without what should not be learned from; the other splits stay whole.

        Out of Training go exact and near copies of images of the other splits, images with a value of the
        column ``by`` that stands in another split, copies of images of the other data set, blanks, and what most
        annotators called not a face.

        Args:
            also: What else goes: exact ``repeats`` within Training, all but the first; images whose copies
                contradict them.
        """
        return self.data.take(~self.dropped(also))

    def facts(self, also: Collection[str] = ()) -> dict[str, Any]:
        """Everything that was found, ready for JSON. An image is told by its file name, or by its row where
        it has none."""
        data, dropped = self.data, self.dropped(also)
        return {
            "images": len(data),
            "splits": {
                data.split_name(name): int((data.splits == name).sum())
                for name in SPLITS
                if (data.splits == name).any()
            },
            "unreadable": list(self.unreadable),
            "blank": self._told(data.blank),
            "not_a_face": self._told(data.not_a_face),
            "distinct": int(self.groups.max()) + 1,
            "exact_copies": {
                "rows": int(self.copies.sum()),
                "groups": len(np.unique(self.groups[self.copies])),
                "repeats_in_training": int(self.repeats.sum()),
                "between": self._between(),
            },
            "contradictions": {
                "groups": len(np.unique(self.groups[self.contradictions])),
                "rows": self._told(self.contradictions),
            },
            "near_copies": self._near_copies(),
            "leaks": self._by_split(self.leaks),
            "near_leaks": self._by_split(self.near_leaks),
            "by": self._by(),
            "against": self._against(),
            "clean": {
                "also_without": sorted(also),
                "dropped": self._told(dropped),
                "training": int((self.training & ~dropped).sum()),
            },
        }

    def _near_copies(self) -> dict[str, Any]:
        near, labels = self.near, self.data.expressions
        columns = zip(near.first, near.second, near.likeness, near.mirrored, strict=True)
        return {
            "likeness": LIKENESS,
            "pairs": len(near),
            "mirrored": int(near.mirrored.sum()),
            "of_another_label": int((labels[near.first] != labels[near.second]).sum()),
            "between": self._near_between(),
            "list": [
                {
                    "images": [self._name(first), self._name(second)],
                    "likeness": round(float(likeness), 4),
                    "mirrored": bool(mirrored),
                }
                for first, second, likeness, mirrored in columns
            ],
        }

    def _by_split(self, chosen: NDArray[np.bool_]) -> dict[str, Any]:
        """Chosen images of the training set, then of each test set that the data has."""
        data = self.data
        tests = [name for name in SPLITS if name != TRAINING and (data.splits == name).any()]
        told = {data.split_name(name): self._told(chosen & (data.splits == name)) for name in tests}
        return {"training": self._told(chosen & self.training), **told}

    def _by(self) -> dict[str, Any] | None:
        """Values of the column that stand in more than one split, and their images."""
        if self.by is None:
            return None
        values = self.data.column(self.by)
        return {
            "column": self.by,
            "values": len(np.setdiff1d(values, [""])),
            "without": int((values == "").sum()),
            "in_several_splits": list(groups_in_both(self.data, self.by)),
            "rows": self._told(self.shared),
        }

    def _against(self) -> dict[str, Any] | None:
        """Images that also stand in the other data set."""
        if self.elsewhere is None:
            return None
        return {
            "images": self.elsewhere.images,
            "exact": self._told(self.elsewhere.exact),
            "near": self._told(self.elsewhere.near),
        }

    def _name(self, position: int) -> str | int:
        return int(self.data.rows[position]) if self.data.paths is None else str(self.data.paths[position])

    def _told(self, mask: NDArray[np.bool_]) -> list[str | int]:
        return [self._name(position) for position in np.flatnonzero(mask).tolist()]

    def _between(self) -> dict[str, int]:
        """Images of the second split that have an exact copy in the first; within one split, those that
        repeat an earlier one."""
        found = {}
        names = [name for name in SPLITS if (self.data.splits == name).any()]
        for at, one in enumerate(names):
            groups = self.groups[self.data.splits == one]
            called = self.data.split_name(one)
            found[f"{called} in itself"] = len(groups) - len(np.unique(groups))
            for other in names[at + 1 :]:
                found[f"{self.data.split_name(other)} in {called}"] = int(
                    np.isin(self.groups[self.data.splits == other], groups).sum()
                )
        return found

    def _near_between(self) -> dict[str, int]:
        one, other = self.data.splits[self.near.first], self.data.splits[self.near.second]
        names = [name for name in SPLITS if (self.data.splits == name).any()]
        return {
            f"{self.data.split_name(second)} and {self.data.split_name(first)}": int(
                (((one == first) & (other == second)) | ((one == second) & (other == first))).sum()
            )
            for at, first in enumerate(names)
            for second in names[at:]
        }


def audit(
    data: FaceDataset,
    unreadable: Sequence[str] = (),
    track: ProgressCallback = no_progress,
    by: str | None = None,
    against: FaceDataset | None = None,
) -> Audit:
    """Look for everything that makes a data set dishonest to learn from.

    Args:
        data: Images.
        unreadable: Problems that `open_dataset` put down while reading them.
        track: Shows how far the search for near copies is.
        by: A further column whose values should stand in one split each, such as ``person``.
        against: Another data set, whose images should not stand in this one's Training: the tests of what both
            train together, or of a network that learned elsewhere.

    Raises:
        InputError: There is no such column.

    >>> images = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> images[3] = images[0]
    >>> splits = np.array(["Training", "Training", "Training", "PrivateTest"])
    >>> found = audit(FaceDataset(images, np.array([0, 1, 2, 3]), None, splits, np.arange(4)))
    >>> found.leaks.tolist(), found.clean().rows.tolist()
    ([True, False, False, True], [1, 2, 3])
    """
    if by is not None:
        data.column(by)
    _, groups = np.unique(data.digests, return_inverse=True)
    distinct = _distinct(data)
    pairs = near_copies(data.images[distinct], track)
    near = Pairs(distinct[pairs.first], distinct[pairs.second], pairs.likeness, pairs.mirrored)
    elsewhere = None if against is None else _elsewhere(data, against, track)
    return Audit(data, unreadable, groups.astype(np.int64), near, by, elsewhere)


def _elsewhere(data: FaceDataset, other: FaceDataset, track: ProgressCallback) -> Elsewhere:
    """Exact and near copies, mirrored or not; images of other sizes are compared at one."""
    if data.images.shape[1:] != other.images.shape[1:]:
        raise InputError(
            f"expected both data sets in images of one size; got {_size(data)} and {_size(other)}: bring them to one with --size"
        )
    exact = data.copied_from(other) & ~data.blank
    here, there = np.flatnonzero(~exact & ~data.blank), _distinct(other)
    pairs = near_copies(np.concatenate([data.images[here], other.images[there]]), track)
    across = (pairs.first < len(here)) & (pairs.second >= len(here))
    near = np.zeros(len(data), np.bool_)
    near[here[pairs.first[across]]] = True
    return Elsewhere(len(other), exact, near)


def _distinct(data: FaceDataset) -> NDArray[np.int64]:
    """The first of each image that is not blank, in order."""
    _, firsts = np.unique(data.digests, return_index=True)
    return np.sort(firsts[~data.blank[firsts]])


def _size(data: FaceDataset) -> str:
    return "x".join(map(str, data.images.shape[:0:-1]))
