"""What Hugging Face's `datasets` writes, mien reads, and the other way round."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import InputError
from mien.core.labels import Labels
from mien.data import FaceDataset, audit, open_dataset, write_dataset
from tests.data.making_data import same, small_dataset, write_image

polars = pytest.importorskip("polars", reason="polars is not installed: pip install 'mien[data]'")

HUB_SPLITS = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def told(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as found:
        open_dataset(path, **options)
    message = str(found.value)
    assert "\n" not in message
    return message


def by_split(data: FaceDataset) -> FaceDataset:
    """The same rows, split by split."""
    return data.take(np.concatenate([np.flatnonzero(data.splits == split) for split in HUB_SPLITS.values()]))


def persons(n: int) -> dict[str, Any]:
    return {"person": np.array([str(row // 3) for row in range(n)]), "day": np.array(["2026-11-30"] * n)}


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The real library, which may neither ask the network nor leave anything in the home folder."""
    home = tmp_path_factory.mktemp("hub")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip(
        "datasets", reason="datasets is not installed: pip install 'mien[dev]' brings it"
    )
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(home / "datasets"))
    datasets.disable_progress_bars()
    return datasets


@pytest.mark.integration
class TestWithTheLibrary:
    """`datasets` as it is on PyPI."""

    def test_it_loads_what_mien_writes(self, hub: Any, tmp_path: Path) -> None:
        data = small_dataset(70, columns=persons(70))
        write_dataset(data, tmp_path / "folder")
        write_dataset(data, tmp_path / "parquet" / "{split}.parquet")
        for form in ("folder", "parquet"):
            loaded = hub.load_dataset(str(tmp_path / form))
            assert set(loaded) == set(HUB_SPLITS)
            for hub_split, split in HUB_SPLITS.items():
                part, rows = data.split(split), loaded[hub_split]
                order = np.argsort(rows["row"])
                assert np.array_equal(np.array(rows["row"])[order], part.rows)
                images = np.stack([np.array(rows[int(at)]["image"]) for at in order])
                assert np.array_equal(images, part.images)
                assert [rows["person"][at] for at in order] == part.column("person").tolist()
                assert part.votes is not None
                assert np.array_equal(np.array(rows["votes_neutral"])[order], part.votes[:, 0])
                labels = [rows["label"][at] for at in order]
                if form == "parquet":
                    assert rows.features["label"].names == list(data.labels)
                    labels = rows.features["label"].int2str(labels)
                assert labels == part.names()

    @pytest.mark.parametrize("shards", [1, 2])
    def test_mien_reads_what_it_writes(self, hub: Any, tmp_path: Path, shards: int) -> None:
        data = small_dataset(35, columns=persons(35))
        features = hub.Features(
            {
                "image": hub.Image(),
                "label": hub.ClassLabel(
                    names=["sad", "Happiness", "anger", "fear", "neutral", "disgust", "surprise"]
                ),
                "person": hub.Value("string"),
                "row": hub.Value("int64"),
            }
        )
        numbers = {"sad": 0, "happy": 1, "angry": 2, "fear": 3, "neutral": 4, "disgust": 5, "surprise": 6}
        for hub_split, split in HUB_SPLITS.items():
            part = data.split(split)
            made = hub.Dataset.from_dict(
                {
                    "image": [Image.fromarray(image) for image in part.images],
                    "label": [numbers[name] for name in part.names()],
                    "person": part.column("person").tolist(),
                    "row": part.rows.tolist(),
                },
                features=features,
            )
            for shard in range(shards):
                (tmp_path / "data").mkdir(exist_ok=True)
                made.shard(shards, shard).to_parquet(
                    tmp_path / "data" / f"{hub_split}-{shard:05d}-of-{shards:05d}.parquet"
                )
        read = open_dataset(tmp_path)
        read = read.take(np.argsort(read.rows))
        assert np.array_equal(read.images, data.images)
        assert read.names() == data.names()
        assert read.splits.tolist() == data.splits.tolist()
        assert read.column("person").tolist() == data.column("person").tolist()
        if shards > 1:
            (tmp_path / "data" / "train-00001-of-00002.parquet").unlink()
            assert "expected 2 files train-*-of-00002.parquet; number 00001 is missing" in told(tmp_path)

    def test_there_and_back(self, hub: Any, tmp_path: Path) -> None:
        """From mien to `datasets`, which writes it anew, and back."""
        data = small_dataset(21, votes=True, columns=persons(21))
        write_dataset(data, tmp_path / "ours" / "{split}.parquet")
        for split, rows in hub.load_dataset(str(tmp_path / "ours")).items():
            rows.to_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
        for file in (tmp_path / "ours").iterdir():
            file.unlink()
        (tmp_path / "ours").rmdir()
        read = open_dataset(tmp_path)
        assert same(by_split(read), by_split(data))


def test_a_file_for_each_split_gives_back_what_went_in(tmp_path: Path) -> None:
    data = small_dataset(21, columns=persons(21))
    write_dataset(data, tmp_path / "{split}.parquet")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "README.md",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]
    assert same(by_split(open_dataset(tmp_path)), by_split(data))
    with pytest.raises(InputError, match="is there already"):
        write_dataset(data, tmp_path / "{split}.parquet")


def test_an_image_folder_is_as_it_was(tmp_path: Path) -> None:
    data = small_dataset(21, columns=persons(21))
    write_dataset(data, tmp_path / "faces")
    read = open_dataset(tmp_path / "faces")
    assert same(read, data)
    line = json.loads((tmp_path / "faces/train/metadata.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (
        line.items()
        >= {"file_name": "angry/face0000000.png", "label": "angry", "row": 1, "person": "0"}.items()
    )


def write_metadata(folder: Path, rows: list[dict[str, Any]], kind: str = "csv", **words: Any) -> None:
    if kind == "jsonl":
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    elif kind == "parquet":
        polars.DataFrame(rows).write_parquet(folder / "metadata.parquet", **words)
    else:
        with open(folder / "metadata.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def flat(folder: Path, names: tuple[str, ...] = ("a.png", "b.png", "c.png")) -> list[dict[str, Any]]:
    for place, name in enumerate(names):
        write_image(folder / name, 10 * place)
    return [
        {"file_name": name, "label": label, "person": place, "weight": 2.0}
        for place, (name, label) in enumerate(zip(names, ("happy", "Sadness", "anger"), strict=True))
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("around", ["", "train", "data/validation"])
def test_images_with_metadata_beside_them(tmp_path: Path, kind: str, around: str) -> None:
    rows = flat(tmp_path / around)
    write_metadata(tmp_path / around, rows, kind)
    data = open_dataset(tmp_path)
    assert data.names() == ["happy", "sad", "angry"]
    assert data.images[:, 0, 0].tolist() == [0, 10, 20]
    assert set(data.splits.tolist()) == {"PublicTest" if "validation" in around else "Training"}
    assert data.column("person").tolist() == ["0", "1", "2"]
    assert data.column("weight").tolist() == (["2.0"] * 3 if kind == "csv" else ["2"] * 3)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_images_that_stand_twice_are_told_in_one_line(tmp_path: Path, kind: str) -> None:
    """The first row of each counts, whatever the others say."""
    rows = flat(tmp_path)
    again = [{**rows[0], "label": "sad"}, {**rows[0], "file_name": "./a.png"}, rows[2]]
    write_metadata(tmp_path, [*rows, *again], kind)
    line = f"metadata.{kind}, row 4: expected one row for each image; got another for "
    assert line in told(tmp_path)
    problems: list[str] = []
    assert open_dataset(tmp_path, problems=problems).names() == ["happy", "sad", "angry"]
    [problem] = problems
    assert problem.endswith(f"{line}{tmp_path / 'a.png'} and for 1 more: delete one")


def test_two_descriptions_of_one_folder_are_told_in_one_line(tmp_path: Path) -> None:
    for kind in ("csv", "jsonl"):
        write_metadata(tmp_path, flat(tmp_path), kind)
    problems: list[str] = []
    assert len(open_dataset(tmp_path, problems=problems)) == 3
    [problem] = problems
    assert "metadata.jsonl, row 1: expected one row for each image; got another for " in problem


def test_labels_of_folders_with_metadata_that_have_none(tmp_path: Path) -> None:
    for name in ("test/happy/a.png", "test/sad/b.png"):
        write_image(tmp_path / name)
    write_metadata(
        tmp_path,
        [{"file_name": "test/happy/a.png", "person": "x"}, {"file_name": "test/sad/b.png", "person": "y"}],
    )
    data = open_dataset(tmp_path)
    assert data.names() == ["happy", "sad"]
    assert data.splits.tolist() == ["PrivateTest"] * 2
    assert data.column("person").tolist() == ["x", "y"]


def test_numbers_in_metadata(tmp_path: Path) -> None:
    rows = [{**row, "label": place} for place, row in enumerate(flat(tmp_path))]
    write_metadata(tmp_path, rows)
    assert "column label holds numbers, and the file does not say what they mean" in told(tmp_path)
    assert open_dataset(tmp_path, labels=["sad", "fear", "happy"]).names() == ["sad", "fear", "happy"]
    assert "expected a label from 0 to 1; got 2" in told(tmp_path, labels=["sad", "fear"])
    (tmp_path / "metadata.csv").unlink()
    names = {"info": {"features": {"label": {"names": ["fear", "anger", "sad"], "_type": "ClassLabel"}}}}
    write_metadata(tmp_path, rows, "parquet", metadata={"huggingface": json.dumps(names)})
    assert open_dataset(tmp_path).names() == ["fear", "angry", "sad"]


def bad_rows() -> Iterator[tuple[str, dict[str, Any], str]]:
    for name, message in {
        "../secret.png": "expected the name of a file in .*; got '../secret.png': name it from that folder on",
        "x/../../secret.png": "name it from that folder on",
        "..\\secret.png": "name it from that folder on",
        "/etc/hostname": "name it from that folder on",
        "C:\\secret.png": "name it from that folder on",
        "": "got '': name it from that folder on",
        "https://example.org/a.png?token=hidden": r"got the address https://example\.org/a\.png.*, and nothing is fetched: download the image",
        "file:///etc/hostname": "nothing is fetched",
        "none.png": r"expected the image .*none\.png; got No such file or directory",
        "b.png": r"expected one row for each image; got another for .*b\.png: delete one",
    }.items():
        yield f"the name {name}", {"file_name": name}, message
    yield "a label of none", {"label": ""}, "expected a label; got none"
    yield "another row", {"row": "first"}, "expected a whole number in the column row; got 'first'"
    yield "some votes", {"votes_neutral": "1"}, "expected all ten votes or none; got 1"
    yield "a split of none", {"split": "holiday"}, "expected a split out of .*; got 'holiday'"


@pytest.mark.parametrize(("change", "message"), [pytest.param(*rest, id=name) for name, *rest in bad_rows()])
def test_rows_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """One line for each, and an audit goes on without them."""
    write_image(tmp_path / "secret.png")
    folder = tmp_path / "faces"
    rows = flat(folder)
    empty = dict.fromkeys(change, "")
    write_metadata(
        folder,
        [rows[0], rows[1], {**empty, **rows[2], **change}]
        if change.get("file_name") == "b.png"
        else [{**empty, **rows[0]}, {**empty, **rows[1]}, {**empty, **rows[2], **change}],
    )
    with pytest.raises(InputError, match=message) as found:
        open_dataset(folder)
    assert "hidden" not in str(found.value)
    problems: list[str] = []
    assert len(open_dataset(folder, problems=problems)) == 2
    assert [problem.count("\n") for problem in problems] == [0] * len(problems)


def test_metadata_that_cannot_be_read(tmp_path: Path) -> None:
    rows = flat(tmp_path)
    for name, content, message in [
        ("metadata.jsonl", '{"file_name": "a.png"', "expected metadata of images; got"),
        ("metadata.jsonl", '["a.png"]', "got no object of JSON in line 1"),
        ("metadata.csv", "file_name,label\na.png,happy,7\n", "got another number of columns in line 2"),
        ("metadata.csv", "name,label\na.png,happy\n", "expected a column file_name; got name, label"),
        ("metadata.csv", "", "expected a column file_name; got nothing"),
        (
            "metadata.csv",
            "file_name\na.png\nb.png\nc.png\n",
            "expected a column label, or a folder for each class",
        ),
        ("metadata.parquet", "PAR1", "expected a whole Parquet file"),
    ]:
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert message in told(tmp_path), content
        (tmp_path / name).unlink()
    write_metadata(tmp_path, rows[:2])
    assert f"{tmp_path / 'c.png'}: expected an image that metadata.csv describes" in told(tmp_path)


def test_images_that_a_parquet_file_only_names(tmp_path: Path) -> None:
    for place, name in enumerate(("a.png", "b.png")):
        write_image(tmp_path / "images" / name, 10 * place)
    labels = ["happy", "sad"]

    def named(*names: str) -> Path:
        path = tmp_path / "faces.parquet"
        images = [{"bytes": None, "path": name} for name in names]
        kind = polars.Struct({"bytes": polars.Binary, "path": polars.String})
        polars.DataFrame({"image": polars.Series(images, dtype=kind), "label": labels}).write_parquet(path)
        return path

    assert open_dataset(named("images/a.png", "images/b.png")).images[:, 0, 0].tolist() == [0, 10]
    assert "nothing is fetched: download the image" in told(
        named("images/a.png", "https://example.org/b.png")
    )
    assert "name it from that folder on" in told(named("images/a.png", "../b.png"))
    assert "No such file" in told(named("images/a.png", "images/c.png"))
    os.mkfifo(tmp_path / "images/pipe.png")
    assert "no plain file" in told(named("images/a.png", "images/pipe.png"))


def test_several_labels_for_one_image_are_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("L", (6, 6)).save(content, "PNG")
    table = polars.DataFrame({"image": [content.getvalue()] * 2, "label": [[0], [0, 1]]})
    table.write_parquet(tmp_path / "faces.parquet")
    assert "expected one label for each image in the column label; got List(Int64)" in told(
        tmp_path / "faces.parquet"
    )


def test_an_image_in_two_splits_is_found(tmp_path: Path) -> None:
    data = small_dataset(21, labels=Labels(("happy", "sad")))
    twice = data.take(np.array([*range(21), 0]))
    twice.splits[-1] = "PrivateTest"
    write_dataset(twice, tmp_path / "faces")
    found = audit(open_dataset(tmp_path / "faces"), []).facts(())
    assert found["leaks"]["test"] == ["test/happy/face0000021.png"]
    assert len(audit(open_dataset(tmp_path / "faces"), []).clean()) == 21


def images_and(folder: Path, *lines: str) -> Path:
    """Two images and what a file of metadata says of them."""
    folder.mkdir()
    for name in ("a.png", "b.png"):
        write_image(folder / name)
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


GOOD = '{"file_name": "a.png", "label": "happy"}'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r'{"file_name": "b\u0000.png", "label": "sad"}', "row 2: expected the name of a file"),
        (r'{"file_name": "\ud800.png", "label": "sad"}', "row 2: expected the name of a file"),
        ('{"file_name": ' + "[" * 100_000, "expected metadata of images"),
        (
            '{"file_name": "b.png", "label": "sad", "row": 1e999}',
            "a whole number in the column row; got 'inf'",
        ),
        (
            '{"file_name": "b.png", "label": "sad", "row": 1' + "0" * 30 + "}",
            "a whole number in the column row",
        ),
    ],
)
def test_lines_that_nobody_meant(tmp_path: Path, line: str, words: str) -> None:
    message = told(images_and(tmp_path / "faces", GOOD, line))
    assert words in message
    assert message.isprintable()


@pytest.mark.parametrize("names", [None, 7, "happy", {"0": "happy"}])
def test_names_of_numbers_that_are_no_list(tmp_path: Path, names: Any) -> None:
    features = {"info": {"features": {"label": {"names": names}}}}
    table = polars.DataFrame({"image": [b"..."], "label": [0]})
    for stated in (json.dumps(features), "[" * 100_000):
        table.write_parquet(tmp_path / "faces.parquet", metadata={"huggingface": stated})
        assert "the file does not say what they mean" in told(tmp_path / "faces.parquet")
