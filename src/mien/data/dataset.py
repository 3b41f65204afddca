"""A set of labelled face images in memory, its parts that are honest to train and to test on, and what it
consists of in numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
from mien.core.names import nearest, quoted

TRAINING, PUBLIC_TEST, PRIVATE_TEST = "Training", "PublicTest", "PrivateTest"
SPLITS = (TRAINING, PUBLIC_TEST, PRIVATE_TEST)
"""To learn from, to choose by, and to be opened once. These are FER-2013's names, by which every data set is asked for them."""
FIELD_NAMES = {TRAINING: "training", PUBLIC_TEST: "validation", PRIVATE_TEST: "test"}
"""What the field calls them."""
ALL = "all"
"""In place of a split: every face once; and what the one split of a data set is called that is not divided."""
_HELD_OUT = 3589
"""Images in PublicTest, and in PrivateTest, of FER-2013."""

VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "nf",
)
"""What an annotator of FER+ could say, in the order of its file; *nf* is *not a face*."""

OWN_COLUMNS = frozenset(
    {
        "file",
        "file_name",
        "row",
        "image",
        "pixels",
        "label",
        "emotion",
        "usage",
        "split",
        *(f"votes_{name}" for name in VOTES),
    }
)
"""Names of the columns that files of data sets have anyway; none of the further ones is called so."""


@dataclass(frozen=True, eq=False)
class FaceDataset:
    """Face images with what was said about them, one row per image.

    Args:
        images: ``(n, h, w)`` uint8, gray; or ``(n, h, w, 3)`` RGB, where they were opened in colour.
        expressions: ``(n,)`` int column of ``labels`` that the label names.
        votes: ``(n, 10)`` int, how many annotators of FER+ said each of `VOTES`, or None where nobody voted.
        splits: ``(n,)`` name of the split of each row, one of `SPLITS`.
        rows: ``(n,)`` int row in the original file, 0-based, for messages and for joining.
        labels: What the values of ``expressions`` mean.
        paths: ``(n,)`` file of each image within its folder, or None where images are not files.
        columns: What else is known of each row, such as ``person``: a name, and ``(n,)`` text; the empty text
            where nothing is.
        split_names: What the data set calls those of `SPLITS` that it has another name for.

    Raises:
        InputError: The columns have different lengths, a value is not a column of ``labels``, or a further
            column is not text or has a name of `OWN_COLUMNS`.

    >>> import numpy as np
    >>> images = np.zeros((2, 48, 48), np.uint8); images[1] = 9
    >>> data = FaceDataset(images, np.array([3, 4]), None, np.array(["Training", "PrivateTest"]), np.arange(2))
    >>> len(data), len(data.split("Training")), data.blank.tolist()
    (2, 1, [True, True])
    >>> data.targets.tolist()
    [[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]]
    """

    images: NDArray[np.uint8]
    expressions: NDArray[np.int64]
    votes: NDArray[np.int64] | None
    splits: NDArray[np.str_]
    rows: NDArray[np.int64]
    labels: Labels = EXPRESSIONS
    paths: NDArray[np.str_] | None = None
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    split_names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_further(self.columns)
        lengths = {len(column) for column in (*self._fixed().values(), *self.columns.values())}
        if len(lengths) > 1:
            raise InputError(f"expected columns of one length; got lengths {sorted(lengths)}")
        wrong = (self.expressions < 0) | (self.expressions >= len(self.labels))
        if wrong.any():
            raise InputError(
                f"expected expressions from 0 to {len(self.labels) - 1}; got {self.expressions[wrong][0]} in row {self.rows[wrong][0]}"
            )

    def _fixed(self) -> dict[str, NDArray[Any]]:
        shared = ("labels", "columns", "split_names")
        names = [field.name for field in fields(self) if field.name not in shared]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __len__(self) -> int:
        return len(self.images)

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> FaceDataset:
        """The rows of a mask or of a list of positions."""
        fixed: dict[str, Any] = {name: column[keep] for name, column in self._fixed().items()}
        return replace(self, **fixed, columns={name: column[keep] for name, column in self.columns.items()})

    def split(self, name: str) -> FaceDataset:
        """The rows of one split.

        Raises:
            InputError: No row belongs to a split of that name.
        """
        keep = self.splits == name
        if not keep.any():
            raise InputError(
                f"expected a split out of {self.named_splits}; got {quoted(self.split_name(name))}"
            )
        return self.take(keep)

    def split_name(self, split: str) -> str:
        """What the data set calls one of `SPLITS`.

        >>> images, names = np.zeros((2, 4, 4), np.uint8), {"Training": "train"}
        >>> own = FaceDataset(images, np.array([3, 4]), None, np.full(2, "Training"), np.arange(2), split_names=names)
        >>> own.split_name("Training"), own.split_name("PublicTest")
        ('train', 'PublicTest')
        """
        return self.split_names.get(split, split)

    @property
    def named_splits(self) -> str:
        """The splits that there are, as the data set calls them, for messages."""
        return ", ".join(sorted(map(self.split_name, set(self.splits.tolist()))))

    @property
    def divided(self) -> bool:
        """Whether the data set says which split its rows are of."""
        return ALL not in self.split_names.values()

    def column(self, name: str) -> NDArray[np.str_]:
        """``(n,)`` text of one of the further columns; empty where a row has no value.

        Raises:
            InputError: There is no such column.

        >>> images = np.zeros((2, 4, 4), np.uint8)
        >>> data = FaceDataset(
        ...     images, np.array([3, 4]), None, np.full(2, "Training"), np.arange(2), columns={"person": np.array(["7", "8"])}
        ... )
        >>> data.column("person").tolist()
        ['7', '8']
        >>> data.column("persons")
        Traceback (most recent call last):
        ...
        mien.core.errors.InputError: expected a column out of person; got 'persons': did you mean person?
        """
        if name in self.columns:
            return self.columns[name]
        if not self.columns:
            raise InputError(
                f"expected a data set with a column {name!r}; it has no further columns: add one to its Parquet or CSV"
            )
        raise InputError(
            f"expected a column out of {', '.join(self.columns)}; got {quoted(name)}{nearest(name, self.columns)}"
        )

    def reordered(self, labels: Labels) -> FaceDataset:
        """The same with its classes in another order.

        Raises:
            InputError: A row has a class that is not among them.

        >>> data = FaceDataset(np.zeros((2, 4, 4), np.uint8), np.array([0, 1]), None, np.full(2, "Training"), np.arange(2), Labels(("sad", "happy")))
        >>> data.reordered(Labels(("happy", "bored", "sad"))).expressions.tolist()
        [2, 0]
        """
        there = {name for name, count in zip(self.labels, self.counts(), strict=True) if count}
        if strange := there - set(labels):
            raise InputError(
                f"expected data with the classes {', '.join(labels)}; got {', '.join(sorted(strange))} too"
            )
        columns = np.array([labels.names.index(name) if name in labels.names else -1 for name in self.labels])
        return replace(self, expressions=columns[self.expressions], labels=labels)

    def names(self) -> list[str]:
        """The label of every row as a word."""
        return [self.labels[column] for column in self.expressions.tolist()]

    def counts(self) -> NDArray[np.int64]:
        """``(k,)`` rows of each class, in the order of ``labels``."""
        return np.bincount(self.expressions, minlength=len(self.labels))

    def require_every_class(self, what: str = "the data set") -> None:
        """Make sure that there is something to learn of every class.

        Args:
            what: Name for the message, such as a path or a split.

        Raises:
            InputError: A class has no image.
        """
        empty = [name for name, count in zip(self.labels, self.counts(), strict=True) if not count]
        if empty:
            raise InputError(
                f"{what}: expected images of every class; there is none of {', '.join(empty)}: add some, or leave the class out"
            )

    @property
    def is_fer2013(self) -> bool:
        """Whether this is FER-2013 as a whole, by the sizes of its test sets; a part of it, or images of
        one's own, is not."""
        return all(int((self.splits == split).sum()) == _HELD_OUT for split in (PUBLIC_TEST, PRIVATE_TEST))

    @property
    def targets(self) -> NDArray[np.float32]:
        """``(n, k)`` distribution over ``labels`` that the label stands for: 1 in its column."""
        return np.eye(len(self.labels), dtype=np.float32)[self.expressions]

    @property
    def digests(self) -> NDArray[np.str_]:
        """SHA-1 of the pixels of each image: equal for exact copies."""
        return np.array([hashlib.sha1(image.tobytes()).hexdigest() for image in self.images], dtype=np.str_)

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which images have one value everywhere."""
        flat = self.images.reshape(len(self), -1)
        return np.asarray(flat.min(axis=1) == flat.max(axis=1))

    @property
    def not_a_face(self) -> NDArray[np.bool_]:
        """Which images most annotators of FER+ called *not a face*; none where nobody voted."""
        if self.votes is None:
            return np.zeros(len(self), np.bool_)
        return np.asarray(
            (self.votes.argmax(axis=1) == self.votes.shape[1] - 1) & (self.votes.sum(axis=1) > 0)
        )

    def copied_from(self, other: FaceDataset) -> NDArray[np.bool_]:
        """Which images are exact copies of an image of another set."""
        return np.isin(self.digests, other.digests)

    def vote_shares(self) -> NDArray[np.float32]:
        """``(n, 8)`` shares of the ``FERPLUS`` votes: the second target. A row without any such vote is all
        zeros.

        Raises:
            InputError: Nobody voted.
        """
        votes = self._voted()[:, : len(FERPLUS)].astype(np.float32)
        return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1), np.float32)

    def ferplus_majority(self) -> NDArray[np.int64]:
        """``(n,)`` column of ``FERPLUS`` under the majority rule of Barsoum et al. 2016, or -1 where the row
        is dropped.

        A single vote counts as noise and is taken away; a class then needs more than half of the votes that
        are left; rows whose winner is *unknown* or *not a face*, or that have no winner, are dropped.

        Raises:
            InputError: Nobody voted.
        """
        given = self._voted()
        votes = np.where(given == 1, 0, given)
        winner = votes.argmax(axis=1)
        clear = votes.max(axis=1) > 0.5 * votes.sum(axis=1)
        return np.where(clear & (winner < len(FERPLUS)), winner, -1)

    def seven_class_majority(self) -> NDArray[np.int64]:
        """``(n,)`` column of ``labels`` that `ferplus_majority` names, or -1 where it is dropped or names
        another class."""
        columns = [self.labels.names.index(name) if name in self.labels.names else -1 for name in FERPLUS]
        return np.array([*columns, -1])[self.ferplus_majority()]

    def _voted(self) -> NDArray[np.int64]:
        if self.votes is None:
            raise InputError(
                "expected a data set with FER+ votes; this one has none: join them with open_dataset(path, votes='fer2013new.csv')"
            )
        return self.votes


def _check_further(columns: Mapping[str, NDArray[Any]]) -> None:
    for name, column in columns.items():
        if not name.strip() or name.strip().lower() in OWN_COLUMNS:
            raise InputError(
                f"expected another name for a further column than {', '.join(sorted(OWN_COLUMNS))}; got {quoted(name)}: rename it"
            )
        if np.ndim(column) != 1 or np.asarray(column).dtype.kind != "U":
            raise InputError(
                f"expected text in the column {name}, one for each row; got {np.asarray(column).dtype} of the shape {np.shape(column)}: "
                "make it text with column.astype(str)"
            )


def clean_training(data: FaceDataset) -> FaceDataset:
    """The training split without copies of any test image, without blanks and without not-a-face.

    >>> faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    >>> faces[2] = faces[0]
    >>> splits = np.array(["Training", "Training", "PublicTest"])
    >>> clean_training(FaceDataset(faces, np.array([3, 4, 3]), None, splits, np.arange(3))).rows.tolist()
    [1]
    """
    training = data.split(TRAINING)
    tests = data.take(data.splits != TRAINING)
    return training.take(~(training.copied_from(tests) | training.blank | training.not_a_face))


def leak_free(data: FaceDataset, name: str) -> FaceDataset:
    """A test split without the images that also stand in the training split.

    >>> faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    >>> faces[2] = faces[0]
    >>> splits = np.array(["Training", "PublicTest", "PublicTest"])
    >>> data = FaceDataset(faces, np.array([3, 4, 3]), None, splits, np.arange(3))
    >>> leak_free(data, "PublicTest").rows.tolist()
    [1]
    """
    test = data.split(name)
    return test.take(~test.copied_from(data.split(TRAINING)))


def imbalance(counts: NDArray[np.int64]) -> float | None:
    """How many times the largest class is as large as the smallest; None where a class has no image.

    >>> imbalance(np.array([40, 10, 20])), imbalance(np.array([3, 0]))
    (4.0, None)
    """
    return round(float(counts.max() / counts.min()), 2) if counts.min() else None


def statistics(data: FaceDataset) -> dict[str, Any]:
    """Counts of a data set, ready for JSON.

    Returns:
        ``images``, ``width`` and ``height`` in px, ``labels``; ``splits``, as the data set calls them, and ``all`` with the count of
        every class, their ``total`` and ``imbalance``; ``votes``, None or the number of rows that were voted
        on and FER+ majority counts of every split.

    >>> faces = np.zeros((3, 48, 48), np.uint8)
    >>> found = statistics(FaceDataset(faces, np.array([3, 3, 4]), None, np.full(3, "Training"), np.arange(3)))
    >>> found["images"], found["all"]["classes"]["happy"]
    (3, 2)
    """
    names = [name for name in SPLITS if (data.splits == name).any()]
    return {
        "images": len(data),
        "width": data.images.shape[2],
        "height": data.images.shape[1],
        "labels": list(data.labels),
        "splits": {data.split_name(name): _counted(data.split(name)) for name in names},
        "all": _counted(data),
        "votes": None if data.votes is None else _voted(data, data.votes, names),
    }


def _counted(data: FaceDataset) -> dict[str, Any]:
    counts = data.counts()
    classes = dict(zip(data.labels, counts.tolist(), strict=True))
    return {"classes": classes, "total": len(data), "imbalance": imbalance(counts)}


def _voted(data: FaceDataset, votes: NDArray[np.int64], names: list[str]) -> dict[str, Any]:
    majority = data.ferplus_majority()
    return {
        "rows": int((votes.sum(axis=1) > 0).sum()),
        "not_a_face": int(data.not_a_face.sum()),
        "majority": {data.split_name(name): _majority(majority[data.splits == name]) for name in names},
    }


def _majority(columns: NDArray[np.int64]) -> dict[str, Any]:
    counts = np.bincount(columns[columns >= 0], minlength=len(FERPLUS))
    return {
        "classes": dict(zip(FERPLUS, counts.tolist(), strict=True)),
        "total": int(counts.sum()),
        "dropped": int((columns < 0).sum()),
    }
