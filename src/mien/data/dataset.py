"""A set of labelled face pictures in memory, and the cuts of it that are honest to train and to test on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels import EXPRESSIONS, FERPLUS, Labels

TRAINING, PUBLIC_TEST, PRIVATE_TEST = "Training", "PublicTest", "PrivateTest"


@dataclass(frozen=True)
class FaceDataset:
    """Gray face pictures with what was said about them, one row per picture.

    Args:
        images: ``(n, h, w)`` uint8, gray.
        expressions: ``(n,)`` column of ``labels`` that the FER-2013 label names.
        votes: ``(n, 10)`` how many taggers of FER+ said each of ``FERPLUS``, then *unknown*, then *not a face*.
        splits: ``(n,)`` name of the split of each row.
        rows: ``(n,)`` row in the original file, for messages and for joining.
        labels: What the values of ``expressions`` mean.

    >>> import numpy as np
    >>> images = np.zeros((2, 48, 48), np.uint8); images[1] = 9
    >>> data = FaceDataset(images, np.array([3, 4]), np.zeros((2, 10), int), np.array(["Training", "PrivateTest"]), np.arange(2))
    >>> len(data), len(data.split("Training")), data.blank.tolist()
    (2, 1, [True, True])
    """

    images: NDArray[np.uint8]
    expressions: NDArray[np.int64]
    votes: NDArray[np.int64]
    splits: NDArray[np.str_]
    rows: NDArray[np.int64]
    labels: Labels = EXPRESSIONS

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self) if field.name != "labels"}
        if len(lengths) > 1:
            raise InputError(f"expected columns of one length; got lengths {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> FaceDataset:
        """The rows of a mask or of a list of positions."""
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "labels"}
        return FaceDataset(**{name: column[keep] for name, column in columns.items()}, labels=self.labels)

    def split(self, name: str) -> FaceDataset:
        """The rows of one split.

        Raises:
            InputError: No row belongs to a split of that name.
        """
        keep = self.splits == name
        if not keep.any():
            raise InputError(f"expected a split out of {sorted(set(self.splits.tolist()))}; got {name!r}")
        return self.take(keep)

    @property
    def digests(self) -> NDArray[np.str_]:
        """SHA-1 of the pixels of each picture: equal for exact copies."""
        return np.array([hashlib.sha1(image.tobytes()).hexdigest() for image in self.images], dtype=np.str_)

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which pictures have one value everywhere."""
        flat = self.images.reshape(len(self), -1)
        return np.asarray(flat.min(axis=1) == flat.max(axis=1))

    @property
    def not_a_face(self) -> NDArray[np.bool_]:
        """Which pictures most taggers of FER+ called *not a face*."""
        return np.asarray((self.votes.argmax(axis=1) == self.votes.shape[1] - 1) & (self.votes.sum(axis=1) > 0))

    def copied_from(self, other: FaceDataset) -> NDArray[np.bool_]:
        """Which pictures are exact copies of a picture of another set."""
        return np.isin(self.digests, other.digests)

    def vote_shares(self) -> NDArray[np.float32]:
        """``(n, 8)`` shares of the ``FERPLUS`` votes; a row without any such vote is all zeros."""
        votes = self.votes[:, : len(FERPLUS)].astype(np.float32)
        return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1), np.float32)

    def ferplus_majority(self) -> NDArray[np.int64]:
        """``(n,)`` column of ``FERPLUS`` under the majority rule of Barsoum et al. 2016, or -1 where the row is dropped.

        A single vote counts as noise and is taken away; a class then needs more than half of the votes that are left;
        rows whose winner is *unknown* or *not a face*, or that have no winner, are dropped.
        """
        votes = np.where(self.votes == 1, 0, self.votes)
        winner = votes.argmax(axis=1)
        clear = votes.max(axis=1) > 0.5 * votes.sum(axis=1)
        return np.where(clear & (winner < len(FERPLUS)), winner, -1)

    def seven_class_majority(self) -> NDArray[np.int64]:
        """``(n,)`` column of ``labels`` that `ferplus_majority` names, or -1 where it is dropped or names another class."""
        columns = [self.labels.names.index(name) if name in self.labels.names else -1 for name in FERPLUS]
        return np.array([*columns, -1])[self.ferplus_majority()]


def clean_training(data: FaceDataset) -> FaceDataset:
    """The training split without copies of any test picture, without blanks and without not-a-face."""
    training = data.split(TRAINING)
    tests = data.take(data.splits != TRAINING)
    return training.take(~(training.copied_from(tests) | training.blank | training.not_a_face))


def leak_free(data: FaceDataset, name: str) -> FaceDataset:
    """A test split without the pictures that also stand in the training split."""
    test = data.split(name)
    return test.take(~test.copied_from(data.split(TRAINING)))
