"""What is to be read, in which order, with which labels, cut into which shards."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mien.batch.inputs import open_input
from mien.batch.layout import laid_out
from mien.batch.shard import FilePart, Item
from mien.core.errors import InputError, MediaError, MissingExtraError
from mien.core.labels import Labels


def items(found: Any, size: Any = 1000) -> Any:
    return [item for shard in shards(found.portions(size), size) for item in shard.items()]


def shards(parts: Any, size: Any) -> Any:
    return laid_out({}, parts, size).shards


def png(value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((48, 48), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_class_folders_are_labels_by_any_word_for_them(crops: Path) -> None:
    found = open_input(str(crops))
    assert found.labelled
    assert found.count == 40
    labels = [item.label for item in items(found)]
    assert [labels.count(name) for name in ("happy", "sad", "surprise", None)] == [14, 13, 13, 0]
    assert all(Path(item.source).parent.name.lower().startswith(item.label) for item in items(found))


def test_one_folder_of_that_name_is_chance_and_files_outside_have_no_label(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "a.png").write_bytes(png())
    (tmp_path / "b.png").write_bytes(png())
    assert not open_input(str(tmp_path)).labelled
    (tmp_path / "test" / "fear").mkdir(parents=True)
    (tmp_path / "test" / "fear" / "c.png").write_bytes(png())
    found = open_input(str(tmp_path))
    assert {Path(item.source).name: item.label for item in items(found)} == {
        "a.png": "happy",
        "b.png": None,
        "c.png": "fear",
    }
    assert "1 file lies in no folder that is named after an expression" in found.remarks[0]


def test_lists_count_paths_from_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b.png\n\n/abs/a.png\n")
    assert [item.source for item in items(open_input(str(tmp_path / "list.txt")))] == ["b.png", "/abs/a.png"]
    assert [part.place for part in open_input(str(tmp_path / "list.txt")).parts] == [
        str(tmp_path / "b.png"),
        "/abs/a.png",
    ]
    (tmp_path / "list.csv").write_text(
        "\ufeffName,File,Emotion\n1,x.png,Anger\n2,y.png,bored\n", encoding="utf-8"
    )
    assert [
        (Path(item.source).name, item.label) for item in items(open_input(str(tmp_path / "list.csv")))
    ] == [("x.png", "angry"), ("y.png", None)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "there is none of this name"),
        ("empty.txt", b"\n", "it is empty"),
        ("bytes.txt", b"\xff\xfe\x00", "text in UTF-8"),
        ("columns.csv", b"a,b\n1,2\n", "expected a column path; got a, b"),
        ("broken.parquet", b"PAR1 no", "expected a whole Parquet file"),
        ("remote.txt", b"s3://bucket/a.png\n", "give --allow-remote"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_input(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="none lie in it"):
        open_input(str(tmp_path))


def test_parquet_of_two_forms(tmp_path: Path) -> None:
    polars.DataFrame(
        {"id": ["a", "b", "c"], "bytes": [png(1), b"", None], "emotion": ["joy", "sad", "bored"]}
    ).write_parquet(tmp_path / "1.parquet")
    stored = polars.DataFrame({"image": [{"bytes": png(2), "path": "x.png"}], "label": ["angry"]})
    stored.write_parquet(tmp_path / "2.parquet")
    found = open_input(str(tmp_path))
    assert found.count == 4
    assert found.labelled
    got = items(found, 2)
    assert [(item.position, item.source, item.label) for item in got[:3]] == [
        (0, "a", "happy"),
        (1, "b", "sad"),
        (2, "c", None),
    ]
    assert (got[3].position, got[3].source, got[3].label) == (3, f"{tmp_path / '2.parquet'}, row 0", "angry")
    assert [shard.count for shard in shards(found.portions(2), 2)] == [2, 2]
    with pytest.raises(MediaError, match="empty"):
        got[1].open()


def test_numbers_are_labels_only_where_their_meaning_is_told(tmp_path: Path) -> None:
    from mien.data import FaceDataset
    from mien.data.parquet import write_parquet

    polars.DataFrame({"image": [png()], "label": [3]}).write_parquet(tmp_path / "bare.parquet")
    assert not open_input(str(tmp_path / "bare.parquet")).labelled
    data = FaceDataset(
        images=np.zeros((2, 48, 48), np.uint8),
        expressions=np.array([1, 0]),
        votes=None,
        splits=np.array(["Training"] * 2),
        rows=np.arange(2),
        labels=Labels(("fear", "happy")),
    )
    write_parquet(data, tmp_path / "told.parquet")
    assert [item.label for item in items(open_input(str(tmp_path / "told.parquet")))] == ["happy", "fear"]


def test_addresses_are_read_by_fsspec_where_that_is_allowed(crops: Path) -> None:
    with pytest.raises(InputError, match="give --allow-remote"):
        open_input(f"file://{crops}")
    found = open_input(f"file://{crops}", remote=True)
    assert found.count == 40
    first = items(found)[0]
    assert first.source.startswith("file://")
    assert first.label == "happy"
    assert first.open().head(4) == b"\x89PNG"
    with pytest.raises(MediaError, match="expected a file that fsspec can read") as caught:
        Item(0, "no such", place="file:///no/such.png").open()
    assert caught.value.kind == "missing"


def test_fsspec_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[ray\]'"):
        open_input("s3://bucket", remote=True)


def test_videos_weigh_what_they_take(tmp_path: Path) -> None:
    sources = []
    for name, size in (("a.png", 10), ("b.mp4", 250_000), ("c.png", 10), ("d.mp4", 5_000_000), ("e.png", 10)):
        (tmp_path / name).write_bytes(bytes(size))
        sources.append(str(tmp_path / name))
    found = shards([FilePart(source, source) for source in sources], 8)
    assert [[Path(part.source).name[0] for _, part in shard.parts] for shard in found] == [
        ["a", "b", "c"],
        ["d"],
        ["e"],
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["png", "mp4"]), min_size=1, max_size=40), st.integers(1, 12))
def test_shards_hold_every_item_once_and_in_order(endings: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = [f"{folder}/{number}.{ending}" for number, ending in enumerate(endings)]
        found = shards([FilePart(source, source) for source in sources], size)
    assert [shard.number for shard in found] == list(range(len(found)))
    assert [item.source for shard in found for item in shard.items()] == sources
    assert [item.position for shard in found for item in shard.items()] == list(range(len(sources)))
    assert all(1 <= shard.count <= size for shard in found)


def test_digest_tells_inputs_apart(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png())
    first = laid_out({}, open_input(str(tmp_path)).parts, 10)
    assert first.sha256 == laid_out({}, open_input(str(tmp_path)).parts, 10).sha256
    (tmp_path / "b.png").write_bytes(png() + b"more")
    assert first.sha256 != laid_out({}, open_input(str(tmp_path)).parts, 10).sha256


def test_an_output_inside_the_input_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "outer.png").write_bytes(png())
    (tmp_path / "out" / "confusion.png").write_bytes(png())
    for output in (tmp_path / "out", tmp_path / "link" / ".." / "out"):
        assert [Path(item.source).name for item in items(open_input(str(tmp_path), output=output))] == [
            "outer.png"
        ]
    assert open_input(str(tmp_path), output=tmp_path.parent / "elsewhere").count == 2
