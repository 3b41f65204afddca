"""Labelled faces in memory: honest cuts, targets, votes."""

from __future__ import annotations

import numpy as np
import pytest

from mien import InputError
from mien.data import FaceDataset, clean_training, leak_free

NAMES = (
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


def votes(**given: int) -> list[int]:
    return [given.get(name, 0) for name in NAMES]


def dataset(splits: list[str], values: list[int], tags: list[list[int]]) -> FaceDataset:
    """Images that are alike where their numbers are; 0 is blank."""
    images = np.zeros((len(values), 48, 48), np.uint8)
    for row, number in enumerate(values):
        images[row, :, :24] = number
    n = len(values)
    return FaceDataset(images, np.arange(n) % 7, np.array(tags), np.array(splits), np.arange(n))


def test_the_clean_track_has_no_copies_blanks_or_other_things() -> None:
    sure = votes(happiness=10)
    data = dataset(
        ["Training"] * 4 + ["PublicTest", "PrivateTest"],
        [1, 2, 0, 3, 2, 9],
        [sure, sure, sure, votes(nf=9, fear=1), sure, sure],
    )
    assert clean_training(data).rows.tolist() == [0]
    assert leak_free(data, "PrivateTest").rows.tolist() == [5]
    assert len(leak_free(data, "PublicTest")) == 0
    with pytest.raises(InputError, match="'Test'"):
        data.split("Test")


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (votes(happiness=6, neutral=4), "happy"),
        (votes(happiness=5, neutral=5), None),  # no majority
        (
            votes(happiness=5, neutral=1, fear=1, sadness=1, anger=1, disgust=1),
            "happy",
        ),  # single votes are noise
        (votes(happiness=1), None),
        (votes(unknown=7, sadness=3), None),
        (votes(nf=10), None),
        (votes(contempt=8), "contempt"),
    ],
)
def test_the_majority_rule(tags: list[int], name: str | None) -> None:
    from mien.core.labels import EXPRESSIONS, FERPLUS

    data = dataset(["Training"], [1], [tags])
    [column] = data.ferplus_majority()
    assert (FERPLUS[column] if column >= 0 else None) == name
    [seven] = data.seven_class_majority()
    assert (EXPRESSIONS[seven] if seven >= 0 else None) == (None if name == "contempt" else name)


def test_vote_shares_are_a_distribution_or_nothing() -> None:
    shares = dataset(
        ["Training"] * 2, [1, 2], [votes(happiness=3, neutral=1, unknown=6), votes(nf=10)]
    ).vote_shares()
    assert shares.sum(axis=1).tolist() == [1, 0]


def test_the_real_data_set(fer2013: FaceDataset) -> None:
    data = fer2013
    assert len(data) == 35_887
    assert [len(data.split(name)) for name in ("Training", "PublicTest", "PrivateTest")] == [
        28_709,
        3_589,
        3_589,
    ]
    assert [
        int((data.split(name).ferplus_majority() >= 0).sum())
        for name in ("Training", "PublicTest", "PrivateTest")
    ] == [25_060, 3_199, 3_153]
    assert [3_589 - len(leak_free(data, name)) for name in ("PublicTest", "PrivateTest")] == [280, 288]
    assert not clean_training(data).copied_from(data.split("PrivateTest")).any()
