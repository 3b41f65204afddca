"""Bad data sets: one line that names file, row and remedy; an audit goes on."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import polars
import pytest
from PIL import Image

from mien import InputError
from mien.data import VOTES, open_dataset
from tests.data.making_data import pixels, seven_rows, write_csv, write_image


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_dataset(path)
    message = str(caught.value)
    assert "\n" not in message
    assert ":" in message
    return message


def test_cells_of_other_tables_stay_as_short_as_they_were(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    open_dataset(write_csv(tmp_path / "fer2013.csv", seven_rows()))
    refused(write_csv(tmp_path / "bad.csv", [*seven_rows(), [3, "", "Training"]]))
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([3, pixels(15), "Training"], "square image, such as 2304 for 48x48; got 15"),
        (
            [3, pixels(9), "Training"],
            "expected 4x4 pixels as in the images before it; got 3x3: bring all to one size with --size 4",
        ),
        ([3, "", "Training"], "got 0: correct or delete"),
        ([3, pixels(15) + " x7", "Training"], "whole numbers with blanks between; got 'x7'"),
        ([3, pixels(15) + " 1.5", "Training"], "got '1.5'"),
        ([3, pixels(15) + " 256", "Training"], "expected pixels from 0 to 255; got 256"),
        ([3, pixels(15) + " -1", "Training"], "expected pixels from 0 to 255; got -1"),
        (
            [7, pixels(16), "Training"],
            "expected a label from 0 to 6 (0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral); got 7",
        ),
        ([-1, pixels(16), "Training"], "got -1"),
        (["bored", pixels(16), "Training"], "contempt or a synonym; got 'bored'"),
        (["", pixels(16), "Training"], "got ''"),
        ([3, pixels(16), "Practice"], "got 'Practice'"),
        ([3, pixels(16)], "expected 3 columns; got 2"),
    ],
)
def test_a_bad_row(tmp_path: Path, row: list[object], message: str) -> None:
    path = write_csv(tmp_path / "fer2013.csv", [*seven_rows(), row])
    told = refused(path)
    assert told.startswith(f"{path}, row 7 (line 9): expected"), told
    assert message in told
    problems: list[str] = []
    assert len(open_dataset(path, problems=problems)) == 7
    assert problems == [told]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (("label", "image", "Usage"), "expected the columns emotion and pixels; got label, image, usage"),
        (("pixels", "Usage", "more"), "expected the columns emotion and pixels; got pixels, usage, more"),
    ],
)
def test_missing_columns(tmp_path: Path, header: tuple[str, ...], message: str) -> None:
    assert message in refused(write_csv(tmp_path / "faces.csv", seven_rows(), header))


def test_files_of_no_known_form(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "notes.txt").write_text("hello\n", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes("emotion,pixels\n0,\xe9\n".encode("latin-1"))
    whole = gzip.compress(write_csv(tmp_path / "a.csv", seven_rows(900)).read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-20])
    (tmp_path / "cut.zip").write_bytes(b"PK\3\4" + bytes(100))
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as bundle:
        bundle.writestr("train/happy/a.png", b"")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1" + bytes(100))
    cases = {
        "empty.csv": "a file of no such form",
        "noise.csv": "a file of no such form",
        "notes.txt": "a file of no such form",
        "latin.csv": "utf-8",
        "cut.csv.gz": "expected a whole archive",
        "cut.zip": "expected a whole archive",
        "images.zip": "unpack it and give the folder",
        "cut.parquet": "expected a whole Parquet file",
        "nowhere.csv": "is not there: check the path",
    }
    for name, message in cases.items():
        told = refused(tmp_path / name)
        assert name in told
        assert message in told


def test_bad_folders(tmp_path: Path) -> None:
    write_image(tmp_path / "a" / "happy" / "1.png")
    write_image(tmp_path / "a" / "bored" / "1.png")
    told = refused(tmp_path / "a")
    assert (
        f"{tmp_path / 'a' / 'bored'}: expected a class out of angry, disgust, fear, happy, neutral, sad, surprise, contempt"
        in told
    )
    write_image(tmp_path / "b" / "happy" / "1.png")
    (tmp_path / "b" / "sad").mkdir()
    assert f"{tmp_path / 'b' / 'sad'}: expected images of the class sad; the folder has none" in refused(
        tmp_path / "b"
    )
    write_image(tmp_path / "c" / "happy" / "1.png")
    assert "at least two classes; got only happy" in refused(tmp_path / "c")
    write_image(tmp_path / "d" / "train" / "happy" / "1.png")
    write_image(tmp_path / "d" / "sad" / "1.png")
    assert f"{tmp_path / 'd' / 'sad'}: expected a split" in refused(tmp_path / "d")
    (tmp_path / "e").mkdir()
    assert "the folder has none of them" in refused(tmp_path / "e")


def test_bad_images(tmp_path: Path) -> None:
    write_image(tmp_path / "happy" / "1.png")
    write_image(tmp_path / "sad" / "1.png")
    whole = (tmp_path / "sad" / "1.png").read_bytes()
    bad = {
        "cut.png": (whole[:-30], "expected an image; got"),
        "empty.png": (b"", "got an empty file"),
        "text.jpg": (b"hello", "bytes of no known image format"),
    }
    for name, (content, message) in bad.items():
        path = tmp_path / "sad" / name
        path.write_bytes(content)
        told = refused(tmp_path)
        assert told.startswith(f"{path}: ")
        assert message in told
        path.unlink()
    Image.new("I;16", (6, 6)).save(tmp_path / "sad" / "deep.png")
    assert "expected an image of 8 bits" in refused(tmp_path)
    (tmp_path / "sad" / "other.png").write_bytes(b"x")
    write_image(tmp_path / "sad" / "wide.png", side=7)
    problems: list[str] = []
    assert len(open_dataset(tmp_path, problems=problems)) == 2
    assert [Path(problem.split(":")[0]).name for problem in problems] == ["deep.png", "other.png", "wide.png"]


def test_fewer_images_than_classes(tmp_path: Path) -> None:
    assert "at least one image for each of 7 classes; got 3" in refused(
        write_csv(tmp_path / "few.csv", seven_rows()[:3])
    )
    data = open_dataset(write_csv(tmp_path / "all.csv", seven_rows()))
    with pytest.raises(
        InputError, match="Training: expected images of every class; there is none of neutral, surprise"
    ):
        data.split("Training").require_every_class("Training")


def test_bad_parquet(tmp_path: Path) -> None:
    def webp(width: int = 6) -> dict[str, object]:
        file = io.BytesIO()
        Image.new("L", (width, 6)).save(file, "WEBP", lossless=True)
        return {"bytes": file.getvalue(), "path": "a"}

    good: dict[str, object] = {
        "image": [webp(), webp()],
        "label": ["angry", "happy"],
        "usage": ["Training", "PrivateTest"],
    }
    cases: dict[str, dict[str, object]] = {
        "row 1: expected 6x6 pixels as in the images before it; got 5x6": {"image": [webp(), webp(5)]},
        "row 1: expected an image; got bytes of no known image format": {
            "image": [webp(), {"bytes": b"nothing", "path": "a"}]
        },
        "row 1: expected the bytes of an image; got none": {"image": [webp(), {"bytes": None, "path": None}]},
        "a; got No such file or directory": {"image": [webp(), {"bytes": None, "path": "a"}]},
        "row 1: expected a class out of": {"label": ["angry", "bored"]},
        "row 1: expected a label; got none": {"label": ["angry", None]},
        "row 1: expected a split": {"usage": ["Training", "Practice"]},
        "expected a column label; got image, usage": {"label": None},
        "expected a column with images (image: {bytes, path}); got label, usage": {"image": None},
        "missing votes_fear": {f"votes_{name}": [1, 2] for name in VOTES if name != "fear"},
        "expected whole numbers in the column row": {"row": ["a", "b"]},
    }
    for number, (message, changes) in enumerate(cases.items()):
        path = tmp_path / f"{number}.parquet"
        columns = {name: column for name, column in {**good, **changes}.items() if column is not None}
        polars.DataFrame(columns).write_parquet(path)
        told = refused(path)
        assert str(path) in told
        assert message in told
