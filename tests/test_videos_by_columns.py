"""Parquet is read by its columns; what comes out is what the rows one by one say."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.core.measures import MEASURES
from mien.outputs.tables import open_table, read_videos
from mien.video.results import VideoResult

polars = pytest.importorskip("polars", reason="polars is not installed: pip install 'mien[data]'")

from mien.outputs.tables.parquet import parquet_parts  # noqa: E402


def video(source: str, frames: int, seed: int, **left_out: bool) -> VideoResult:
    """Two people, one of them away in every third frame, nobody in every seventh; ``tracks``, ``smoothed`` and ``landmarks``
    may be left out.
    """
    random = np.random.default_rng(seed)
    seen = [frame for frame in range(frames) for person in (1, 2) if frame % 7 and (person == 1 or frame % 3)]
    n, k = len(seen), len(EXPRESSIONS)
    probs, smoothed = random.dirichlet(np.ones(k), n), random.dirichlet(np.ones(k), n)
    measures = random.normal(size=(n, len(MEASURES)))
    measures[::4, 3] = np.nan
    faces = Faces(
        np.sort(random.uniform(0, 500, (n, 4)), axis=1)[:, [0, 1, 2, 3]],
        random.random(n),
        seen,
        np.array(seen) / 25,
        tracks=None if left_out.get("tracks") else random.integers(1, 3, n),
        probs=probs,
        smoothed_probs=None if left_out.get("smoothed") else smoothed,
        smoothed_emotion_ids=None if left_out.get("smoothed") else smoothed.argmax(axis=1),
        measures=None if left_out.get("landmarks") else measures,
        measure_reasons=None if left_out.get("landmarks") else random.integers(0, 5, n),
        talking=None if left_out.get("landmarks") else random.integers(-1, 2, n),
        labels=EXPRESSIONS,
    )
    return VideoResult(source, faces, np.arange(frames), np.arange(frames) / 25)


def saved(
    folder: Path, videos: list[VideoResult], landmarks: bool = True
) -> tuple[list[VideoResult], list[VideoResult]]:
    """What is read of Parquet, and of the same rows as JSON Lines."""
    for form in ("parquet", "jsonl"):
        with open_table(folder / f"rows.{form}", form, EXPRESSIONS, landmarks=landmarks) as write:
            for one in videos:
                write(one.rows())
    return list(read_videos(folder / "rows.parquet")), list(read_videos(folder / "rows.jsonl"))


def assert_same(found: list[VideoResult], expected: list[VideoResult]) -> None:
    assert [one.source for one in found] == [one.source for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.frames, other.frames)
        assert np.allclose(one.times, other.times)
        assert [(each.frame, each.time, str(each.error)) for each in one.failures] == [
            (each.frame, each.time, str(each.error)) for each in other.failures
        ]
        for each in fields(Faces):
            mine, theirs = getattr(one.faces, each.name), getattr(other.faces, each.name)
            if isinstance(theirs, np.ndarray):
                assert np.allclose(mine, theirs, atol=1e-4, equal_nan=True), each.name
            else:
                assert mine == theirs, each.name


@pytest.mark.parametrize(
    "left_out", [{}, {"tracks": True, "smoothed": True}, {"smoothed": True}, {"landmarks": True}]
)
def test_columns_and_rows_give_the_same(tmp_path: Path, left_out: dict[str, bool]) -> None:
    videos = [video(f"{n}.mp4", frames, n, **left_out) for n, frames in enumerate((300, 3, 1, 150, 2, 2))]
    assert_same(*saved(tmp_path, videos, not left_out.get("landmarks")))


def test_what_was_not_read_stays_in_its_place(tmp_path: Path) -> None:
    one = video("a.mp4", 200, 1)
    lost = tuple(
        FrameResult("a.mp4", frame, frame / 25, Faces.empty(EXPRESSIONS), MediaError("damaged"))
        for frame in (50, 51)
    )
    kept = ~np.isin(one.frames, [50, 51])
    faces = one.faces[~np.isin(one.faces.frames, [50, 51])]
    broken = VideoResult("a.mp4", faces, one.frames[kept], one.times[kept], lost)
    unopened = VideoResult(
        "b.mp4",
        Faces.empty(EXPRESSIONS),
        np.arange(0),
        np.zeros(0),
        (FrameResult("b.mp4", None, None, Faces.empty(), MediaError("empty")),),
    )
    found, expected = saved(tmp_path, [broken, unopened, video("c.mp4", 200, 2)])
    assert len(found[0].failures) == 2
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("status", "fase", "line 151: expected a status"),
        ("happy", None, "line 151: expected numbers"),
        ("frame", 3, "in the order of its frames; 3 follows"),
    ],
)
def test_what_is_unusual_is_told_by_its_line(
    tmp_path: Path, column: str, value: object, message: str
) -> None:
    everywhere = replace(video("a.mp4", 200, 1), faces=video("a.mp4", 200, 1).faces.largest())
    saved(tmp_path, [everywhere])
    table = polars.read_parquet(tmp_path / "rows.parquet")
    place = polars.int_range(len(table)) == 150
    changed = polars.when(place).then(polars.lit(value)).otherwise(polars.col(column))
    table.with_columns(changed.cast(table.schema[column]).alias(column)).write_parquet(
        tmp_path / "rows.parquet"
    )
    with pytest.raises(InputError, match=message):
        list(read_videos(tmp_path / "rows.parquet"))


@pytest.mark.parametrize("group", [1, 7, 40, 1000])
def test_no_source_is_in_two_parts(tmp_path: Path, group: int) -> None:
    lengths = [1, 1, 12, 1, 30, 2, 2, 9, 1, 1]
    saved(tmp_path, [video(f"{n}.mp4", frames, n) for n, frames in enumerate(lengths)])
    whole = polars.read_parquet(tmp_path / "rows.parquet")
    parts = list(parquet_parts(tmp_path / "rows.parquet", group, alone=9))
    assert polars.concat(parts).equals(whole)
    sources = [source for part in parts for source in part["source"].unique().to_list()]
    assert len(sources) == len({*sources}) == len(lengths)
    counts = dict(whole["source"].value_counts().iter_rows())
    assert all(
        part["source"].n_unique() == 1 for part in parts if max(counts[name] for name in part["source"]) >= 9
    )
