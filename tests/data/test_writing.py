"""Any form to any other and back: nothing is lost, and nothing half-written stays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import InputError
from mien.core.labels import EXPRESSIONS, Labels
from mien.data import FaceDataset, open_dataset, write_dataset
from tests.data.making_data import same, small_dataset

FORMS = ("faces.csv", "faces.csv.gz", "faces.parquet", "faces")

TEXTS = ("", "7", "Zoë", "a, b", 'said "no"', "=1+1", "-", "./x", "two\nlines", "person")


@st.composite
def datasets(draw: st.DrawFn) -> FaceDataset:
    labels = draw(
        st.sampled_from([EXPRESSIONS, Labels(("happy", "sad")), Labels((*EXPRESSIONS, "contempt"))])
    )
    n = draw(st.integers(len(labels), 2 * len(labels)))
    data = small_dataset(
        n,
        labels=labels,
        side=draw(st.integers(2, 9)),
        votes=draw(st.booleans()),
        seed=draw(st.integers(0, 99)),
        columns={
            name: np.array(draw(st.lists(st.sampled_from(TEXTS), min_size=n, max_size=n)))
            for name in draw(st.sets(st.sampled_from(["person", "Age, years", "source", "=kind"])))
        },
    )
    order = np.array(draw(st.permutations(range(n))))
    return data.take(order)


@settings(max_examples=15, deadline=None)
@given(datasets(), st.permutations(FORMS))
def test_every_form_gives_back_what_went_in(data: FaceDataset, forms: list[str]) -> None:
    with TemporaryDirectory() as folder:
        held = data
        for number, form in enumerate(forms):
            place = Path(folder) / str(number)
            place.mkdir()
            write_dataset(held, place / form)
            held = open_dataset(place / form)
            assert same(held, data), forms[: number + 1]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_data_gives_the_same_file(tmp_path: Path, form: str) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_dataset(small_dataset(), tmp_path / name / form)
        files = sorted(file for file in (tmp_path / name).rglob("*") if file.is_file())
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


def test_kaggle_reads_what_we_write(tmp_path: Path) -> None:
    data = small_dataset(7, votes=False)
    plain = FaceDataset(data.images, data.expressions, None, data.splits, np.arange(7))
    write_dataset(plain, tmp_path / "fer2013.csv")
    header, first, *_ = (tmp_path / "fer2013.csv").read_text(encoding="utf-8").splitlines()
    assert header == "emotion,pixels,Usage"
    assert first == f"0,{' '.join(map(str, plain.images[0].ravel()))},Training"


def test_an_image_that_was_moved_or_deleted_by_hand_is_told(tmp_path: Path) -> None:
    """Rows of the metadata say what an image is; without their files they are refused, and the audit goes on."""
    write_dataset(small_dataset(70), tmp_path / "faces")
    train = tmp_path / "faces" / "train"
    first, second, *_ = sorted(train.rglob("*.png"), key=lambda file: file.name)
    first.unlink()
    with pytest.raises(InputError, match=r"metadata\.jsonl, row 1: expected the image .*No such file"):
        open_dataset(tmp_path / "faces")
    second.rename(train / "happy" / second.name)
    problems: list[str] = []
    data = open_dataset(tmp_path / "faces", problems=problems)
    assert data.rows.tolist() == (np.arange(2, 70) * 3 + 1).tolist()
    assert [problem.split(": ")[0].rpartition("/")[2] for problem in problems] == [
        "metadata.jsonl, row 1",
        "metadata.jsonl, row 2",
        second.name,
    ]
    lines = (train / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    moved = lines[1].replace(f"{second.parent.name}/{second.name}", f"happy/{second.name}")
    (train / "metadata.jsonl").write_text("\n".join([moved, *lines[2:]]), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 1: expected the label happy, after the folder .* got disgust"):
        open_dataset(tmp_path / "faces")
    right = moved.replace('"label": "disgust"', '"label": "happy"')
    (train / "metadata.jsonl").write_text("\n".join([right, *lines[2:]]), encoding="utf-8")
    assert open_dataset(tmp_path / "faces").names()[0] == "happy"


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    data = small_dataset()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    wide = FaceDataset(data.images[:, :, :4], data.expressions, data.votes, data.splits, data.rows)
    cases = [
        (data, "faces.xlsx", "expected a name ending in"),
        (data, "full/a/where.parquet", "must be a folder that you may write to"),
        (data, "full/a/where", "must be a folder that you may write to"),
        (data, "full", "is there already"),
        (wide, "wide.csv", "expected square images for CSV"),
        (data.take(data.expressions < 3), "part", "there is none of happy, neutral, sad, surprise"),
    ]
    for faces, name, message in cases:
        with pytest.raises(InputError, match=message):
            write_dataset(faces, tmp_path / name)
    assert os.listdir(tmp_path) == ["full"]
    write_dataset(wide, tmp_path / "wide.parquet")
    write_dataset(wide, tmp_path / "wide")
    assert same(open_dataset(tmp_path / "wide.parquet"), open_dataset(tmp_path / "wide"))


class StopError(Exception):
    pass


@pytest.mark.parametrize("form", FORMS)
def test_a_stopped_writer_leaves_nothing(tmp_path: Path, form: str) -> None:
    def stop(items: Iterable[Any], what: str, total: int | None = None) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number == 5:
                raise StopError
            yield item

    with pytest.raises(StopError):
        write_dataset(small_dataset(), tmp_path / form, stop)
    assert os.listdir(tmp_path) == []


def test_the_real_data_set_round_trips(fer2013: FaceDataset, tmp_path: Path) -> None:
    data = fer2013
    part = data.take(np.arange(0, len(data), 40))
    paths = [tmp_path / form for form in FORMS]
    write_dataset(part, paths[0])
    for source, target in pairwise(paths):
        write_dataset(open_dataset(source), target)
    assert same(open_dataset(paths[-1]), part)
