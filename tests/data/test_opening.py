"""Data sets of every form, as they are found in the wild, through `open_dataset`."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from mien import InputError
from mien.data import VOTES, FaceDataset, load_fer2013, open_dataset
from tests.data.making_data import pixels, seven_rows, write_csv, write_image

KAGGLE = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def is_the_seven(data: FaceDataset) -> bool:
    splits = ["Training"] * 5 + ["PrivateTest"] * 2
    return (
        data.names() == KAGGLE
        and data.images[:, 0, 0].tolist() == list(range(7))
        and data.splits.tolist() == splits
    )


def test_kaggle_numbers_have_their_own_order(tmp_path: Path) -> None:
    data = open_dataset(write_csv(tmp_path / "fer2013.csv", seven_rows()))
    assert is_the_seven(data)
    assert data.images.shape == (7, 4, 4)
    assert data.expressions.tolist() == [0, 1, 2, 3, 5, 6, 4]
    assert data.targets.argmax(axis=1).tolist() == data.expressions.tolist()
    assert data.targets.sum(axis=1).tolist() == [1] * 7
    assert data.votes is None
    assert not data.not_a_face.any()
    with pytest.raises(InputError, match="join them with"):
        data.vote_shares()


def test_packed_csv(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "fer2013.csv", seven_rows())
    content = plain.read_bytes()
    (tmp_path / "fer.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "named_wrongly").write_bytes(gzip.compress(content))
    with tarfile.open(tmp_path / "fer2013.tar.gz", "w:gz") as archive:
        archive.add(plain, "fer2013/fer2013.csv")
        member = tarfile.TarInfo("fer2013/README")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    with zipfile.ZipFile(tmp_path / "contest.zip", "w") as bundle:  # as the contest hands it out
        bundle.writestr("example_submission.csv", "emotion\n3\n")
        bundle.writestr(
            "icml_face_data.csv", content.replace(b"emotion,pixels,Usage", b"emotion, pixels, Usage")
        )
        bundle.writestr("test.csv", f"pixels\n{pixels(16)}\n")
        bundle.writestr("train.csv", f"emotion,pixels\n0,{pixels(16)}\n")
    for name in ("fer.csv.gz", "named_wrongly", "fer2013.tar.gz", "contest.zip"):
        assert is_the_seven(open_dataset(tmp_path / name)), name


def test_later_column_names_and_orders(tmp_path: Path) -> None:
    rows = [[usage, image, label] for label, image, usage in seven_rows()]
    assert is_the_seven(
        open_dataset(
            write_csv(tmp_path / "icml_face_data.csv", rows, ("\ufeff Usage", " pixels", " Emotion"))
        )
    )


def test_train_and_test_tables_in_a_folder(tmp_path: Path) -> None:
    rows = [row[:2] for row in seven_rows()]
    write_csv(tmp_path / "train.csv", rows[:5], ("emotion", "pixels"))
    write_csv(tmp_path / "test.csv", rows[5:], ("emotion", "pixels"))
    write_csv(tmp_path / "example_submission.csv", [[3]], ("emotion",))
    data = open_dataset(tmp_path)
    assert sorted(zip(data.names(), data.splits.tolist(), strict=True)) == sorted(
        zip(KAGGLE, ["Training"] * 5 + ["PrivateTest"] * 2, strict=True)
    )


def test_class_folders_and_their_synonyms(tmp_path: Path) -> None:
    for value, name in enumerate(("Anger", "Happiness", "sadness", "suprise")):
        write_image(tmp_path / name / "b.png", value)
    write_image(tmp_path / "Anger" / "deeper" / "a.jpg", 9)
    (tmp_path / "Anger" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    data = open_dataset(tmp_path)
    assert data.labels.names == ("angry", "happy", "sad", "surprise")
    assert data.names() == ["angry", "angry", "happy", "sad", "surprise"]
    assert data.splits.tolist() == ["Training"] * 5
    assert data.paths is not None
    assert data.paths.tolist()[:2] == ["Anger/b.png", "Anger/deeper/a.jpg"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_folders_of_splits(tmp_path: Path, wrapped: bool) -> None:
    root = tmp_path / "archive" if wrapped else tmp_path
    for split in ("train", "validation", "PrivateTest"):
        for name in ("happy", "sad", "contempt"):
            write_image(root / split / name / f"{name}.png")
    data = open_dataset(tmp_path)
    assert data.labels.names == ("happy", "sad", "contempt")
    assert sorted(set(data.splits.tolist())) == ["PrivateTest", "PublicTest", "Training"]
    assert len(data.split("PublicTest")) == 3


def encoded(value: int, form: str = "WEBP", side: int = 6) -> dict[str, object]:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (value, value, value)).save(file, form, lossless=True)
    return {"bytes": file.getvalue(), "path": None}


def stated(*names: str) -> dict[str, str]:
    return {
        "huggingface": json.dumps(
            {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        )
    }


def test_parquet_with_words(tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    votes = {f"votes_{name}": [place, 0] for place, name in enumerate(VOTES)}
    columns = {
        "row": [5, 9],
        "image": [encoded(3), encoded(250, "PNG")],
        "label": ["anger", "happy"],
        "usage": ["Training", "PrivateTest"],
        **votes,
    }
    polars.DataFrame(columns).write_parquet(path)
    data = open_dataset(path)
    assert (data.images[:, 0, 0].tolist(), data.rows.tolist(), data.names()) == (
        [3, 250],
        [5, 9],
        ["angry", "happy"],
    )
    assert data.votes is not None
    assert data.votes[0].tolist() == list(range(10))
    with pytest.raises(InputError, match="seven classes"):
        load_fer2013(path)


def test_shards_as_hugging_face_keeps_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for split, labels in (("test", [1, 0]), ("train", [0, 1, 1])):
        table = polars.DataFrame({"image": [encoded(40 + label) for label in labels], "label": labels})
        table.write_parquet(folder / f"{split}-00000-of-00001.parquet", metadata=stated("happy", "anger"))
    data = open_dataset(tmp_path)
    assert data.labels.names == ("angry", "happy")
    assert data.names() == ["angry", "happy", "happy", "angry", "angry"]
    assert data.splits.tolist() == ["PrivateTest"] * 2 + ["Training"] * 3
    assert data.images[:, 0, 0].tolist() == [41, 40, 40, 41, 41]


def test_numbers_without_names_ask_for_them(tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    polars.DataFrame({"image": [encoded(1), encoded(2)], "label": [0, 1]}).write_parquet(path)
    with pytest.raises(
        InputError, match=r"does not say what they mean: give the classes in their order with --labels"
    ):
        open_dataset(path)
    assert open_dataset(path, labels=["sad", "fear"]).names() == ["sad", "fear"]
    assert open_dataset(path, labels=["sad", "bored"]).names() == ["sad", "bored"]


def votes_csv(path: Path, splits: list[str]) -> Path:
    header = (
        "Usage",
        "Image name",
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    )
    return write_csv(
        path, [[split, "", row, *([0] * 8), 10 - row] for row, split in enumerate(splits)], header
    )


def test_votes_join_by_row(tmp_path: Path) -> None:
    splits = ["Training"] * 5 + ["PrivateTest"] * 2
    faces = write_csv(tmp_path / "fer2013.csv", seven_rows())
    data = open_dataset(faces, votes=votes_csv(tmp_path / "fer2013new.csv", splits))
    assert data.votes is not None
    assert data.votes[:, 0].tolist() == list(range(7))
    assert data.not_a_face.tolist() == [True] * 5 + [False] * 2
    part = write_csv(
        tmp_path / "part.csv",
        [[*row, 2 * place] for place, row in enumerate(seven_rows()[:3])],
        ("emotion", "pixels", "Usage", "row"),
    )
    with pytest.raises(InputError, match="at least one image for each"):
        open_dataset(part)
    for name, wrong, message in (
        ("short", splits[:-1], "expected votes for each of 7 images; got 6 rows"),
        ("long", [*splits, "PrivateTest"], "expected votes for each of 7 images; got 8 rows"),
        (
            "other",
            ["PublicTest", *splits[1:]],
            "row 0: expected the split Training as the image has; got PublicTest",
        ),
    ):
        with pytest.raises(InputError, match=message):
            open_dataset(faces, votes=votes_csv(tmp_path / f"{name}.csv", wrong))
    with pytest.raises(InputError, match="expected the columns neutral"):
        open_dataset(faces, votes=write_csv(tmp_path / "none.csv", [], ("Usage",)))


def test_images_are_brought_to_one_size_when_asked(tmp_path: Path) -> None:
    write_image(tmp_path / "happy" / "a.png", side=6)
    write_image(tmp_path / "sad" / "a.png", side=9)
    assert open_dataset(tmp_path, size=8).images.shape == (2, 8, 8)


def test_colour_and_turned_images(tmp_path: Path) -> None:
    write_image(tmp_path / "happy" / "gray.png", 77)
    turned = Image.new("RGB", (6, 6), "#ffffff")
    turned.paste((0, 0, 0), (0, 0, 6, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # upright after a quarter turn clockwise
    (tmp_path / "sad").mkdir()
    turned.save(tmp_path / "sad" / "a.jpg", exif=exif, quality=95)
    data = open_dataset(tmp_path)
    assert data.images[0].tolist() == [[77] * 6] * 6
    assert data.images[1][0, 0] > 200
    assert data.images[1][0, 5] < 50


def test_the_real_data_set(fer2013: FaceDataset) -> None:
    data = fer2013
    assert len(data) == 35_887
    assert data.counts().tolist() == [4953, 547, 5121, 8989, 6198, 6077, 4002]
    assert len(np.unique(data.digests)) == 34_035
    assert int(data.blank.sum()) == 13
    assert int(data.not_a_face.sum()) == 177
