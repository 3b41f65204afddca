"""Words that data sets use for their classes and splits, and the ones that mien uses."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, Labels, canonical_label
from mien.core.names import quoted
from mien.data.dataset import PRIVATE_TEST, PUBLIC_TEST, TRAINING

KNOWN = (*EXPRESSIONS, "contempt")
"""Every class that mien knows, in the order in which a data set's classes stand."""

KAGGLE = Labels(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"))
"""What the numbers 0 to 6 mean in ``fer2013.csv``; class folders and so `EXPRESSIONS` have another order."""

_SPLITS = {
    "train": TRAINING,
    "training": TRAINING,
    "val": PUBLIC_TEST,
    "valid": PUBLIC_TEST,
    "validation": PUBLIC_TEST,
    "dev": PUBLIC_TEST,
    "publictest": PUBLIC_TEST,
    "test": PRIVATE_TEST,
    "testing": PRIVATE_TEST,
    "privatetest": PRIVATE_TEST,
}
SPLIT_NAMES = {TRAINING: "train", PUBLIC_TEST: "validation", PRIVATE_TEST: "test"}
"""What Hugging Face calls the splits, in names of files and folders."""

LABEL_COLUMNS = ("label", "labels", "emotion", "expression", "class")
SPLIT_COLUMNS = ("usage", "split")

_MISSPELT = {
    "suprise": "surprise",
    "surprize": "surprise",
    "contemptuous": "contempt",
    "neutrality": "neutral",
    "disgusting": "disgust",
}


def class_named(word: str, own: Container[str] = ()) -> str | None:
    """Mien's word for a class, or None where it knows none and it is not among one's own.

    >>> class_named("Happiness"), class_named("suprise"), class_named("bored")
    ('happy', 'surprise', None)
    >>> class_named("Bored", own=["bored", "calm"])
    'bored'
    """
    name = canonical_label(word)
    name = _MISSPELT.get(name, name)
    return name if name in KNOWN or name in own else None


def split_named(word: str) -> str | None:
    """Mien's word for a split, or None where it knows none.

    >>> split_named("train"), split_named("Validation"), split_named("private_test"), split_named("happy")
    ('Training', 'PublicTest', 'PrivateTest', None)
    """
    return _SPLITS.get("".join(letter for letter in word.lower() if letter.isalpha()))


def require_class(word: str, where: str, own: Sequence[str] = ()) -> str:
    """Mien's word for a class.

    Args:
        word: It, or a synonym of it.
        where: For the message.
        own: Classes of one's own besides those that mien knows.

    Raises:
        InputError: The class is not known.
    """
    name = class_named(word, own)
    if name is None:
        known = ", ".join(dict.fromkeys((*KNOWN, *own)))
        raise InputError(
            f"{where}: expected a class out of {known} or a synonym; got {quoted(word)}: rename it, leave it out, or name classes of "
            "your own with --labels"
        )
    return name


def require_split(word: str, where: str) -> str:
    """Mien's word for a split.

    Raises:
        InputError: The split is not known.
    """
    name = split_named(word)
    if name is None:
        raise InputError(
            f"{where}: expected a split out of train, validation, test, Training, PublicTest, PrivateTest; got {quoted(word)}: rename it"
        )
    return name


def column_named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The column that has the first of some names, in any case, or None.

    >>> column_named(["Image", " Emotion"], LABEL_COLUMNS), column_named(["image"], LABEL_COLUMNS)
    (' Emotion', None)
    """
    by_word = {column.strip().lower(): column for column in columns}
    return next((by_word[name] for name in names if name in by_word), None)


def in_order(names: Iterable[str], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Classes in the order of `KNOWN`, then those of one's own in theirs.

    >>> in_order({"sad", "contempt", "happy"})
    ('happy', 'sad', 'contempt')
    """
    found = set(names)
    return tuple(name for name in dict.fromkeys((*KNOWN, *own)) if name in found)
