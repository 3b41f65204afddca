"""Results call the splits of a data set as its own files do, or as the field does; FER-2013 keeps its names."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.data import FaceDataset, audit, open_dataset, split_anew, statistics, write_dataset
from mien.evaluation import EvaluateOptions, evaluate
from tests.data.making_data import small_dataset, write_csv, write_image
from tests.evaluation.small_faces import half_right, marked_faces


def folders(path: Path, *splits: str) -> FaceDataset:
    """Class folders, below folders that are called as splits where there are any."""
    for number, split in enumerate(splits or ("",)):
        for at, name in enumerate(("happy", "sad")):
            write_image(path / split / name / "face.png", side=4 + number + 2 * at)
    return open_dataset(path, size=4)


def called(data: FaceDataset) -> list[str]:
    """What results call its splits."""
    named = list(statistics(data)["splits"])
    assert list(audit(data).facts()["splits"]) == named
    return named


@pytest.mark.parametrize(
    ("splits", "names"),
    [
        ((), ["all"]),
        (("train", "val", "test"), ["train", "val", "test"]),
        (("Validation", "TRAIN"), ["TRAIN", "Validation"]),
        (("Training", "PublicTest", "PrivateTest"), ["Training", "PublicTest", "PrivateTest"]),
    ],
)
def test_folders(splits: tuple[str, ...], names: list[str], tmp_path: Path) -> None:
    data = folders(tmp_path / "faces", *splits)
    assert called(data) == names
    for form in ("faces.parquet", "faces.csv"):
        write_dataset(data, tmp_path / form)
        assert called(open_dataset(tmp_path / form)) == names


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a split out of test, train; got 'validation'"):
        folders(tmp_path, "train", "test").split("PublicTest")


def test_tables_without_splits_and_with_some_of_them(tmp_path: Path) -> None:
    rows = [["happy", "1 2 3 4"], ["sad", "5 6 7 8"]]
    assert called(open_dataset(write_csv(tmp_path / "faces.csv", rows, ("emotion", "pixels")))) == ["all"]
    assert called(open_dataset(write_csv(tmp_path / "train.csv", rows, ("emotion", "pixels")))) == ["train"]
    lines = ["file_name,label,split", "a.png,happy,", "b.png,sad,dev"]
    (tmp_path / "described").mkdir()
    (tmp_path / "described" / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    for name in ("a.png", "b.png"):
        write_image(tmp_path / "described" / name, side=4)
    assert called(open_dataset(tmp_path / "described")) == ["training", "dev"]


def test_what_mien_divides_is_called_as_in_the_field(tmp_path: Path) -> None:
    dealt = split_anew(small_dataset(28), 0.5, 0)
    assert called(dealt) == ["training", "validation"]
    write_dataset(dealt, tmp_path / "dealt.parquet")
    assert called(open_dataset(tmp_path / "dealt.parquet")) == ["training", "validation"]


def test_an_evaluation_says_the_same(tmp_path: Path) -> None:
    write_dataset(marked_faces(56, voted=False), tmp_path / "faces")
    data = open_dataset(tmp_path / "faces")
    found = evaluate(half_right, data, EvaluateOptions(with_training=True))
    assert found.facts()["split"] == found.split == "validation"
    assert repr(found).startswith("Evaluation(half_right on validation of data")
    assert found.training_split == "train"
    alone = evaluate(half_right, data, EvaluateOptions(split="train"))
    assert any(remark.startswith("this is train: the figures say nothing") for remark in alone.remarks)
    csv = ((tmp_path / "faces.csv"), ("emotion", "pixels"))
    rows = [[data.names()[at], " ".join(map(str, data.images[at].ravel()))] for at in range(len(data))]
    undivided = evaluate(half_right, open_dataset(write_csv(csv[0], rows, csv[1])))
    assert (undivided.split, undivided.whole.n, undivided.leak_free) == ("all", 56, None)
    assert any(remark.startswith("the data is not divided: the figures") for remark in undivided.remarks)
