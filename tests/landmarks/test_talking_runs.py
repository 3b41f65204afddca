"""Talk in whole runs: columns, people, remarks, and a run that goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.core.errors import InputError, NetworkError
from mien.core.labels import EXPRESSIONS
from mien.core.measures import MEASURES
from mien.inference import pipeline as pipelines
from mien.inference.landmarks import measures
from mien.inference.weights import part_path
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.talking import mark_talking
from mien.video.checkpoint import CheckpointStore, Chunk
from tests.commands import run_mien
from tests.tracking.test_talk_marks import film, opening_at, speech

pytestmark = pytest.mark.integration


@pytest.fixture
def clip(movie: Callable[..., Path]) -> Path:
    try:
        part_path("facemesh")
    except NetworkError:
        pytest.skip("mien was built without npm, which brings the networks of the landmarks")
    return movie(90, nobody=range(0), rate=15)


def test_the_command_line(clip: Path, tmp_path: Path) -> None:
    files = (
        "-o",
        tmp_path / "rows.csv",
        "-o",
        tmp_path / "rows.jsonl",
        "--persons",
        tmp_path / "persons.csv",
    )
    done = run_mien("analyze", clip, "--talking", "skip", *files)
    assert done.returncode == 0, done.stderr
    assert "landmarks are found, for --talking" in done.stderr
    assert "s of talk are left out of" in done.stderr
    [video] = mien.analyze(clip, talking="skip")
    told = [row["talking"] for row in video.rows()]
    assert False in told
    with open(tmp_path / "rows.csv", newline="") as file:
        assert [row["talking"] for row in csv.DictReader(file)] == [
            "" if value is None else str(value) for value in told
        ]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["talking"] for row in rows] == told
    with open(tmp_path / "persons.csv", newline="") as file:
        table = [(float(row["talking"]), float(row["left_out"])) for row in csv.DictReader(file)]
    people = video.people()
    assert table == [(round(person.talking or 0, 6), round(person.left_out, 3)) for person in people]
    assert run_mien("analyze", clip, "--talking", "leave").returncode == 2


def test_a_mouth_that_talks_is_left_out(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame by frame another opening, in place of that of the drawn mouth."""
    opening, real = list(MEASURES).index("mouth_opening"), measures.measured

    def talking(image, faces, mesh, scores):  # type: ignore[no-untyped-def]
        found = real(image, faces, mesh, scores)
        values = found.measures.copy()
        values[:, opening] = [opening_at(4.5)(time) if 2 <= time < 4 else 0.02 for time in found.times]
        return found.with_columns(measures=values)

    monkeypatch.setattr(pipelines, "measured", talking)
    [marked] = mien.analyze(clip, talking="mark", threads=1)
    [skipped] = mien.analyze(clip, talking="skip", threads=1)
    [person], [rest] = marked.people(), skipped.people()
    assert person.left_out == 0
    assert 0.25 < (person.talking or 0) < 0.35
    assert rest.left_out == pytest.approx((person.talking or 0) * person.seconds, rel=0.05)
    assert sum(segment.seconds for segment in skipped.segments()) == pytest.approx(
        rest.seconds - rest.left_out
    )
    told = [row["talking"] for row in marked.rows()]
    assert told[:20] == [False] * 20
    assert told == [row["talking"] for row in skipped.rows()], "rows stay"


def test_without_landmarks_it_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="landmarks=True"):
        mien.analyze(np.zeros((64, 64, 3), np.uint8), pipeline=mien.Pipeline(threads=1), talking="mark")


@pytest.mark.parametrize("cuts", [(), (40, 41, 100), tuple(range(10, 180, 10))])
def test_a_run_in_pieces_marks_the_same(cuts: tuple[int, ...], tmp_path: Path) -> None:
    results = list(film(speech, 6.0))
    with CheckpointStore(tmp_path / "rows.csv.checkpoint", {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        for start, end in zip((0, *cuts), (*cuts, len(results)), strict=True):
            record.add(Chunk(results[start:end], last=end == len(results)))
        again = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        found = list(mark_talking(smooth_offline(again.results(), Smoothing(), EXPRESSIONS)))
    whole = list(mark_talking(smooth_offline(results, Smoothing(), EXPRESSIONS)))
    for one, other in zip(found, whole, strict=True):
        assert one.faces.talking is not None
        assert one.faces.talking.tolist() == other.faces.talking.tolist()
    assert any(one.faces.talking[0] == 1 for one in found)
