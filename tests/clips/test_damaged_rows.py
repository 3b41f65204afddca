"""Tables of rows that somebody else has written into: whatever stands in a field, it is read or told in one line."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import EXPRESSIONS, Faces, InputError
from mien.core.frame_result import FrameResult
from mien.core.measures import MEASURES
from mien.outputs.tables import open_table
from mien.outputs.tables.parquet import ALONE
from mien.outputs.tables.saved import read_videos

NASTY: tuple[Any, ...] = (
    None,
    "",
    "x",
    [],
    {},
    [1],
    -1,
    1e30,
    float("inf"),
    float("nan"),
    {"a": 1},
    ["a"] * 7,
)


def row() -> dict[str, Any]:
    face = Faces(
        [[1, 2, 30.5, 40]],
        [0.9],
        [3],
        [0.1],
        tracks=[2],
        probs=[[0, 0, 0, 0.75, 0.25, 0, 0]],
        smoothed_probs=[[0, 0, 0, 0.5, 0.5, 0, 0]],
        smoothed_emotion_ids=[4],
        measures=np.ones((1, len(MEASURES))),
        measure_reasons=[0],
        talking=[1],
        labels=EXPRESSIONS,
    )
    return next(FrameResult("a.mp4", 3, 0.1, face).rows())


def read(path: Path) -> None:
    """Read it, or be told one line that names it."""
    told = ""
    with suppress(InputError):
        try:
            for video in read_videos(path):
                video.people()
        except InputError as error:
            told = str(error)
            raise
    assert "\n" not in told
    assert not told or str(path) in told


@pytest.mark.parametrize("key", row())
def test_any_field_of_json(key: str, tmp_path: Path) -> None:
    for value in NASTY:
        for rows in ([{**row(), key: value}], [row(), {**row(), "frame": 4, key: value}]):
            (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
            (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
            read(tmp_path / "rows.jsonl")
            read(tmp_path / "rows.json")


def test_any_field_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with open_table(path, "csv", EXPRESSIONS, landmarks=True) as write:
        write([row()])
    head, line = csv.reader(path.read_text(encoding="utf-8").splitlines())
    for place in range(len(head)):
        for value in ("", "x", "-1", "1e30", "inf", "nan"):
            with open(path, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([head, [*line[:place], value, *line[place + 1 :]]])
            read(path)


@pytest.mark.parametrize("count", [2, ALONE + 1])
def test_any_column_of_parquet(count: int, tmp_path: Path) -> None:
    """Those of many rows are read by their columns."""
    polars = pytest.importorskip("polars", reason="polars is not installed: pip install 'mien[data]'")
    path = tmp_path / "rows.parquet"
    with open_table(path, "parquet", EXPRESSIONS, landmarks=True) as write:
        write([{**row(), "frame": number, "time": number / 5} for number in range(count)])
    good = polars.read_parquet(path)
    for name in (
        "source",
        "status",
        "frame",
        "track",
        "time",
        "x1",
        "happy",
        "smoothed_emotion",
        "smile",
        "measures_missing",
        "talking",
    ):
        for value in ("x", None, float("nan"), -1, 2**62, [1.0], True, b"\xff"):
            good.with_columns(polars.lit(value).alias(name)).write_parquet(path)
            read(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b"\xff\xfe"),
        ("rows.json", b"[\xff]"),
        ("rows.csv", b"\xff"),
        ("rows.json", b"[" + b'{"a":' * 100_000),
        ("rows.json", b'[{"a": "' + b"x" * 3_000_000),
    ],
)
def test_files_that_are_something_else(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        list(read_videos(tmp_path / name))


def test_numbers_of_other_programs_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "openface.csv"
    for frame, track in (("2" * 30, "0"), ("1", "2" * 30)):
        path.write_text(
            "frame, face_id, timestamp, confidence, success, pose_Rx, pose_Ry, pose_Rz, AU01_r, AU12_r, x_0, y_0, x_1, y_1\n"
            f"{frame}, {track}, 0.000, 0.98, 1, 0.1, 0.1, 0.1, 0.5, 1.0, 10, 10, 60, 70\n",
            encoding="utf-8",
        )
        with pytest.raises(InputError, match=r"openface\.csv: .*expected frames and people by number"):
            list(read_videos(path))


def test_json_that_an_editor_has_saved_with_a_mark(tmp_path: Path) -> None:
    for name, text in (("rows.json", json.dumps([row()])), ("rows.jsonl", json.dumps(row()))):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert [len(video.faces) for video in read_videos(tmp_path / name)] == [1]
