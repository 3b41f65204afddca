"""Labelled faces: honest cuts, and errors that name file and row."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import InputError
from mien.data import FaceDataset, load_fer2013
from mien.data.dataset import clean_training, leak_free

NAMES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")


def votes(**given: int) -> list[int]:
    return [given.get(name, 0) for name in NAMES]


def dataset(splits: list[str], images: list[int], tags: list[list[int]]) -> FaceDataset:
    """Pictures that are alike where their numbers are; 0 is blank."""
    pictures = np.zeros((len(images), 48, 48), np.uint8)
    for row, number in enumerate(images):
        pictures[row, :, :24] = number
    n = len(images)
    return FaceDataset(pictures, np.arange(n) % 7, np.array(tags), np.array(splits), np.arange(n))


def test_the_clean_track_has_no_copies_blanks_or_other_things() -> None:
    sure = votes(happiness=10)
    data = dataset(["Training"] * 4 + ["PublicTest", "PrivateTest"], [1, 2, 0, 3, 2, 9], [sure, sure, sure, votes(nf=9, fear=1), sure, sure])
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
        (votes(happiness=5, neutral=1, fear=1, sadness=1, anger=1, disgust=1), "happy"),  # single votes are noise
        (votes(happiness=1), None),
        (votes(unknown=7, sadness=3), None),
        (votes(nf=10), None),
        (votes(contempt=8), "contempt"),
    ],
)
def test_the_majority_rule(tags: list[int], name: str | None) -> None:
    from mien.labels import EXPRESSIONS, FERPLUS

    data = dataset(["Training"], [1], [tags])
    [column] = data.ferplus_majority()
    assert (FERPLUS[column] if column >= 0 else None) == name
    [seven] = data.seven_class_majority()
    assert (EXPRESSIONS[seven] if seven >= 0 else None) == (None if name == "contempt" else name)


def test_vote_shares_are_a_distribution_or_nothing() -> None:
    shares = dataset(["Training"] * 2, [1, 2], [votes(happiness=3, neutral=1, unknown=6), votes(nf=10)]).vote_shares()
    assert shares.sum(axis=1).tolist() == [1, 0]


def write_parquet(path: Path, **changes: object) -> Path:
    import polars

    def webp(size: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (size, size), "#808080").save(file, "WEBP", lossless=True)
        return file.getvalue()

    columns: dict[str, object] = {
        "row": [0, 1],
        "image": [{"bytes": webp(48), "path": "a"}, {"bytes": changes.pop("bytes", None) or webp(48), "path": "b"}],
        "label": ["angry", "happy"],
        "usage": ["Training", "PrivateTest"],
        **{f"votes_{name}": [1, 2] for name in NAMES},
    }
    columns |= changes
    polars.DataFrame({name: column for name, column in columns.items() if column is not None}).write_parquet(path)
    return path


def test_parquet_is_read(tmp_path: Path) -> None:
    data = load_fer2013(write_parquet(tmp_path / "fer.parquet"))
    assert (len(data), data.images.shape, data.images[0, 0, 0]) == (2, (2, 48, 48), 128)
    assert data.labels[data.expressions[1]] == "happy"


def test_bad_parquet_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("L", (40, 48)).save(file, "WEBP")
    cases = {
        r"row 1: expected 48x48 pixels; got 40x48": {"bytes": file.getvalue()},
        r"row 1: expected a picture": {"bytes": b"nothing"},
        r"expected one of .*; got 'bored'": {"label": ["angry", "bored"]},
        r"expected the columns votes_fear": {"votes_fear": None},
    }
    for number, (message, changes) in enumerate(cases.items()):
        with pytest.raises(InputError, match=message):
            load_fer2013(write_parquet(tmp_path / f"{number}.parquet", **changes))
    with pytest.raises(InputError, match="is not there"):
        load_fer2013(tmp_path / "none.parquet")


def test_the_real_data_set(shared_fer2013: Path) -> None:
    data = load_fer2013(shared_fer2013)
    assert len(data) == 35_887
    assert [len(data.split(name)) for name in ("Training", "PublicTest", "PrivateTest")] == [28_709, 3_589, 3_589]
    assert [int((data.split(name).ferplus_majority() >= 0).sum()) for name in ("Training", "PublicTest", "PrivateTest")] == [25_060, 3_199, 3_153]
    assert [3_589 - len(leak_free(data, name)) for name in ("PublicTest", "PrivateTest")] == [280, 288]
    assert not clean_training(data).copied_from(data.split("PrivateTest")).any()
