"""What a worker does with a shard: the rows of ``mien analyze``, whatever is among its images."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import Pipeline, analyze
from mien.batch.isolation import Caution, Heartbeat, ShardReader
from mien.batch.output import write_shard
from mien.batch.shard import FilePart, Shard
from mien.core.formatting import precise
from mien.core.frame_result import flat_row
from mien.video.runner import VideoOptions
from tests.batch.batch_runs import Rows, batch, csv_rows, mien, rows_of
from tests.batch.broken_files import broken_files


@pytest.fixture(scope="module")
def whole() -> Any:
    return Pipeline("whole", threads=1)


def shard_of(sources: Any, start: Any = 0, label: Any = None) -> Any:
    parts = [FilePart(str(source), str(source), label) for source in sources]
    return Shard(0, tuple((start + place, part) for place, part in enumerate(parts)))


def read(pipeline: Any, sources: Any, caution: Any = None, watch: Any = None) -> Any:
    reader = ShardReader(pipeline, VideoOptions(), watch)
    return [
        {**row, "item": item.position}
        for item, result in reader.read(shard_of(sources), caution)
        for row in result.rows()
    ]


def without(rows: Any, *keys: Any) -> Any:
    return [{key: value for key, value in row.items() if key not in keys} for row in rows]


def test_rows_are_those_of_analyze(
    tmp_path: Path, pipeline: Any, portrait: Any, astronaut: Any, movie: Any
) -> None:
    sources = [
        tmp_path / "portrait.png",
        tmp_path / "gray.png",
        movie(14, name="a.mp4"),
        tmp_path / "astronaut.jpg",
        tmp_path / "none.png",
    ]
    for place, image in zip(sources, (portrait, np.full_like(portrait, 128), None, astronaut), strict=False):
        if image is not None:
            Image.fromarray(image).save(place)
    expected = analyze([str(source) for source in sources], pipeline=pipeline).rows()
    rows = read(pipeline, sources)
    assert without(rows, "item") == expected
    assert [row["item"] for row in rows] == [0, 1, *[2] * 14, 3, 4]
    assert {row["status"] for row in rows} == {"face", "no_face", "error"}
    assert any(row["track"] for row in rows)
    assert read(pipeline, sources, Caution(alone=True)) == rows


def test_twenty_kinds_of_broken_files_are_rows_and_the_others_are_as_without_them(
    tmp_path: Path, crops: Path, whole: Any
) -> None:
    good = sorted(crops.rglob("*.png"))[:20]
    sources: list[Path] = []
    for number, (name, content) in enumerate(broken_files().items()):
        (tmp_path / name).write_bytes(content)
        sources += [good[number], tmp_path / name]
    watch = Heartbeat()
    rows = read(whole, sources, watch=watch)
    assert [row["item"] for row in rows] == list(range(40))
    assert without(rows[::2], "item") == without(read(whole, good), "item")
    assert all(
        row["status"] == "error" and row["error"].startswith(str(source))
        for row, source in zip(rows[1::2], sources[1::2], strict=True)
    )
    assert all("\n" not in row["error"] for row in rows[1::2])
    assert (watch.standing.items, watch.standing.failed) == (40, 20)


def test_refused_items_are_rows_and_are_not_opened(crops: Path, whole: Any) -> None:
    sources = sorted(crops.rglob("*.png"))[:3]
    rows = read(
        whole, [sources[0], Path("/no/such.png"), sources[2]], Caution(True, ((1, "killed its reader"),))
    )
    assert [row["status"] for row in rows] == ["face", "error", "face"]
    assert rows[1]["error"] == "/no/such.png: killed its reader"


def test_an_image_that_a_network_cannot_digest_takes_no_other_with_it(
    crops: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = sorted(crops.rglob("*.png"))[:5]
    expected = read(whole, sources)
    bad = np.asarray(Image.open(sources[2]).convert("RGB"))

    class Choking:
        labels = whole.labels

        def __call__(self, frames: Any) -> Any:
            if any((frame.image == bad).all() for frame in frames):
                raise MemoryError("too large")
            return whole(frames)

    rows = read(Choking(), sources)
    assert rows[2]["status"] == "error"
    assert "too large" in rows[2]["error"]
    assert rows[:2] + rows[3:] == expected[:2] + expected[3:]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_forms_hold_the_same(tmp_path: Path, crops: Path, whole: Any, form: Any) -> None:
    import json

    import polars

    sources = [str(path) for path in sorted(crops.rglob("*.png"))[:4]] + ["/no/such.png"]
    place = tmp_path / f"shard.{form}"
    reader = ShardReader(whole, VideoOptions())
    counts = write_shard(place, reader, shard_of(sources, 10, "sad"), labelled=True)
    assert counts == {"items": 5, "rows": 5, "faces": 4, "errors": 1}
    flat = [flat_row(row, whole.labels) for row in read(whole, sources)]
    if form == "parquet":
        table = polars.read_parquet(place)
        rows = table.to_dicts()
        assert table.columns[0] == "item"
        assert table.columns[-1] == "reference"
    else:
        rows = (
            csv_rows(place)
            if form == "csv"
            else [json.loads(line) for line in place.read_text().splitlines()]
        )
    assert [int(row["item"]) for row in rows] == list(range(10, 15))
    assert {row["reference"] for row in rows} == {"sad"}
    assert [row["source"] for row in rows] == sources
    for row, known in zip(rows[:4], flat, strict=False):
        assert row["emotion"] == known["emotion"]
        assert float(row["confidence"]) == pytest.approx(known["confidence"], abs=1e-6)
    assert "no such" not in rows[4]["error"]
    assert rows[4]["error"].startswith("/no/such.png: expected a file")
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


@pytest.mark.integration
def test_table_has_the_columns_of_analyze(tmp_path: Path, crops: Path) -> None:
    import polars

    source = sorted(crops.rglob("*.png"))[0]
    assert mien(*batch(source, tmp_path / "out")).returncode == 0
    assert mien("analyze", source, "--detector", "whole", "-o", tmp_path / "a.parquet", "-q").returncode == 0
    shard, plain = (
        polars.read_parquet(tmp_path / "out" / "shard-0000000.parquet"),
        polars.read_parquet(tmp_path / "a.parquet"),
    )
    assert shard.columns == ["item", *plain.columns]
    assert shard.drop("item").equals(plain)


@pytest.mark.integration
def test_labels_are_held_against_answers_in_the_order_of_the_input(
    tmp_path: Path, crops: Path, undisturbed: Rows
) -> None:
    out = tmp_path / "out"
    extra = tmp_path / "in"
    shutil.copytree(crops, extra)
    (extra / "Contempt").mkdir()
    shutil.copy(next(crops.rglob("*.png")), extra / "Contempt" / "x.png")
    (extra / "sad" / "zz.png").write_bytes(b"")
    done = mien(*batch(extra, out))
    assert done.returncode == 3, done.stderr
    rows = {row["source"]: row for row in rows_of(out)}
    predictions = csv_rows(out / "predictions.csv")
    assert [int(row["item"]) for row in predictions] == list(range(42))
    for row in predictions:
        assert row["predicted"] == (rows[row["source"]]["emotion"] or "")
        assert row["reference"] == rows[row["source"]]["reference"]
        assert row["right"] == str(int(row["reference"] == row["predicted"]))
    judged = [row for row in predictions if row["reference"] != "contempt" and row["predicted"]]
    right = sum(row["right"] == "1" for row in judged)
    assert f"accuracy {precise(right / 40, 2)}" in done.stdout
    assert "contempt (1)" in done.stderr
    assert "1 more have a label, but no face was read" in done.stdout
    matrix = csv_rows(out / "confusion.csv")
    assert sum(int(value) for row in matrix for key, value in row.items() if key != "reference") == 40
    assert sum(int(row[row["reference"]]) for row in matrix) == right
    assert (out / "confusion.png").stat().st_size > 1000
