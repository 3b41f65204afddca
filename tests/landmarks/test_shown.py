"""Landmarks in charts, on terminals, in notebooks and while watching: where they were asked for, and nowhere else."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import EXPRESSIONS, FrameResult, Pipeline, analyze
from mien.cli.analyze_view import Summary
from mien.cli.app import main
from mien.cli.console import Console
from mien.cli.watch_view import Board
from mien.core.errors import NetworkError
from mien.inference import weights
from mien.media.live import LiveFrame, State
from mien.outputs.base import RunContext
from mien.outputs.charts import CHARTS
from mien.plotting import style
from mien.plotting.landmarks import draw_landmarks
from mien.plotting.timeline import write_video_charts
from mien.reports.video import Facts
from mien.video.live import Timing, Watched
from mien.video.results import VideoResult
from mien.video.runner import AnalyzedFrame, VideoOptions
from mien.video.summary import Overview
from tests.landmarks.measured import SHUT, at, measured_result, moving
from tests.test_report import FACTS, talk


def collected(rate: int = 25) -> VideoResult:
    """`moving` as Python has it."""
    results = [measured_result(frame, frame / rate, at(frame / rate)) for frame in range(10 * rate)]
    return VideoResult.collect("talk.mp4", results, EXPRESSIONS)


# Charts


def test_the_chart_of_landmarks_is_written_where_they_were_asked_for(tmp_path: Path) -> None:
    names = ["timeline.png", "persons.png", "landmarks.png"]
    assert list(CHARTS) == names
    assert [path.name for path in write_video_charts(tmp_path / "a", moving(), "talk.mp4")] == names
    assert [path.name for path in write_video_charts(tmp_path / "b", talk(), "talk.mp4")] == names[:2]
    assert [chart.name for chart in collected().plot()] == ["timeline", "persons", "landmarks"]


def lanes_of(path: Path) -> tuple[np.ndarray, list[tuple[int, int]], int, int]:
    """Pixels of a chart, from where to where each lane goes down, and across."""
    with Image.open(path) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    ground = (np.abs(seen - list(bytes.fromhex(style.EMPTY[1:]))).max(axis=2) < 4).astype(int)
    edges = np.diff((ground.mean(axis=1) > 0.3).astype(int), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # A curve, or the line in the middle, may lie on the ground for some rows.
    rows: list[tuple[int, int]] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if rows and start - rows[-1][1] < 12:
            rows[-1] = (rows[-1][0], stop)
        else:
            rows.append((start, stop))
    columns = np.flatnonzero(ground.mean(axis=0) > 0.1)
    return seen, rows, int(columns.min()), int(columns.max())


def test_the_curve_of_the_mouth_is_where_and_as_high_as_it_was(tmp_path: Path) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(250):
        shown = {key: value for key, value in at(frame / 25).items() if key == 1}
        overview.add(measured_result(frame, frame / 25, shown))
    overview.end()
    path = draw_landmarks(tmp_path / "landmarks.png", overview, "a.mp4")
    seen, rows, left, right = lanes_of(path)
    assert len(rows) == 6
    top, bottom = rows[2]
    blue = list(bytes.fromhex(style.series_colour(0)[1:]))
    drawn = np.abs(seen[top - 4 : bottom + 4, left:right] - blue).max(axis=2) < 60
    height = bottom - top

    def level(time: float) -> float:
        """Of the opening of the mouth, from -1 at the bottom to 1 at the top."""
        column = int((right - left) * time / 10.0)
        places = np.flatnonzero(drawn[:, column - 2 : column + 3].any(axis=1))
        return float(1 - 2 * (places.mean() - 4) / height) if len(places) else float("nan")

    assert level(5.5) == pytest.approx(1.0, abs=0.15), "0.2 more, which is as far as the lane goes"
    assert np.isnan(level(3.0)) or level(3.0) == pytest.approx(0, abs=0.1), "the other curve may lie upon it"
    hatched = seen[
        top + 2 : bottom - 2, left + int(0.82 * (right - left)) : left + int(0.88 * (right - left))
    ]
    paper, ground = (hatched > 250).all(axis=2).mean(), (np.abs(hatched - 235).max(axis=2) < 6).mean()
    assert paper > 0.3
    assert ground < 0.1, "nothing could be measured there"


@pytest.mark.parametrize("people", [1, 5])
def test_a_chart_has_those_in_view_longest(people: int, tmp_path: Path) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(40):
        overview.add(measured_result(frame, frame / 10, {track: {} for track in range(1, people + 1)}))
    overview.end()
    chart = draw_landmarks(tmp_path / "landmarks.png", overview, "a.mp4")
    assert len(lanes_of(chart)[1]) == 6 * min(people, 4)


@pytest.mark.parametrize("reason", ["no face seen", "too small", "turned away", "at the edge"])
def test_a_video_in_which_nothing_could_be_measured_has_its_chart(reason: str, tmp_path: Path) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    overview.add(measured_result(0, 0.0, {1: reason}))
    overview.end()
    assert overview.landmarks, "or none is drawn"
    assert lanes_of(draw_landmarks(tmp_path / "landmarks.png", overview, "a.mp4"))[1]


# Terminals and notebooks


def context(landmarks: bool) -> RunContext:
    facts: Facts = FACTS
    mesh: Any = object() if landmarks else None
    return RunContext([], EXPRESSIONS, VideoOptions(), facts, mesh=mesh)


def printed(result: FrameResult | Overview, landmarks: bool, width: int) -> str:
    summary = Summary(context(landmarks))
    if isinstance(result, Overview):
        summary.finish(SimpleNamespace(), result)  # type: ignore[arg-type]
    else:
        summary.write(AnalyzedFrame(0, None, None, result))
    file = io.StringIO()
    summary.show(Console(file=file, width=width, color_system=None))
    return file.getvalue()


def test_the_table_of_images_has_the_head_where_there_is_room() -> None:
    result = measured_result(0, 0.0, {1: {"yaw": -12.4}, 2: "too small", 3: "turned away"})
    wide = printed(result, True, 140).splitlines()
    assert wide[0].split()[-4:] == ["head", "yaw", "pitch", "roll"]
    assert wide[1].rstrip().endswith("-12° -3° 1°")
    assert wide[2].rstrip().endswith("too small")
    assert wide[3].rstrip().endswith("70° 0° 0°"), "whose pose is known"
    narrow = printed(result, True, 70)
    assert "yaw" in narrow.split("no room for:")[1], "it goes before all others"
    assert "box" in narrow.split("no room for:")[0]
    assert "yaw" not in printed(measured_result(0, 0.0, {1: {}}), False, 140)


def test_the_table_of_people_has_blinks_also_of_somebody_alone() -> None:
    lines = printed(moving(), True, 160).splitlines()
    [head] = [line for line in lines if line.startswith("person")]
    rows = lines[lines.index(head) + 1 :][:2]
    assert head.rstrip().endswith("blinks a minute")
    assert [row.split()[-1] for row in rows] == ["20", "0"]
    assert [row.split()[-1] for row in printed(moving(4), True, 160).splitlines() if row.startswith(" ")]
    alone = Overview("a.mp4", EXPRESSIONS)
    for frame in range(100):
        alone.add(measured_result(frame, frame / 25, {1: SHUT if 50 <= frame < 55 else {}}))
    alone.end()
    assert "blinks a minute" in printed(alone, True, 160)
    assert "blinks" not in printed(alone, False, 160)
    assert "no room for: " in printed(alone, True, 60)


def test_notebooks_show_the_head_and_blinks() -> None:
    video = collected()
    people, faces = video.people()._repr_html_(), video.faces._repr_html_()
    assert "<th>blinks a minute</th>" in people
    assert "<td>20</td>" in people
    assert "<th>head yaw pitch roll</th>" in faces
    assert "<td>2° -3° 1°</td>" in faces
    assert "<td>2° -3° 1°</td>" in video.faces[0]._repr_html_()
    plain = VideoResult.collect(
        "a.mp4",
        [FrameResult("a.mp4", 0, 0.0, video.faces[:1].with_columns(measures=None, measure_reasons=None))],
        EXPRESSIONS,
    )
    for shown in (plain.people()._repr_html_(), plain.faces._repr_html_(), plain.people()[0]._repr_html_()):
        assert "blinks" not in shown
        assert "yaw" not in shown


# Watching


def board(landmarks: bool, rate: int, width: int) -> str:
    source = SimpleNamespace(
        name="camera:0", state=State.live, trouble=None, captured=1, skipped=0, counts=lambda: (1, 0)
    )
    view = Board(source, EXPRESSIONS, landmarks)  # type: ignore[arg-type]
    for frame in range(2 * rate):
        time = frame / rate
        shown: dict[str, float] = {"mouth_opening": 0.35, **(SHUT if 1 <= time < 1.2 else {})}
        faces = measured_result(frame, time, {1: shown}).faces
        live = LiveFrame(frame, time, np.zeros((4, 4, 3), np.uint8), captured=0.0)
        view.update(Watched(live, faces, Timing(0, 0, 0)))
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(view)
    return file.getvalue()


def test_the_view_of_a_live_source_has_blinks_and_the_head() -> None:
    shown = board(True, 25, 120).splitlines()
    [head] = [line for line in shown if line.startswith("person")]
    row = shown[shown.index(head) + 1]
    assert head.split()[-7:] == ["blinks", "head", "yaw", "pitch", "roll", "mouth", "opening"]
    assert row.split()[-5:] == ["1", "2°", "-3°", "1°", "0.35"]
    assert board(True, 4, 120).splitlines()[shown.index(head) + 1].split()[-5] == "-", "too slow for blinks"
    assert "blinks" not in board(False, 25, 120)
    assert max(map(len, board(True, 25, 50).splitlines())) <= 50


@pytest.fixture
def without_mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the networks of the landmarks."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for path in weights.FOLDER.glob("*.onnx"):
        if not path.name.startswith("facemesh"):
            (folder / path.name).symlink_to(path)
    monkeypatch.setattr(weights, "FOLDER", folder)


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["mien", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0), *capsys.readouterr()


@pytest.mark.integration
@pytest.mark.usefixtures("without_mesh")
def test_whoever_does_not_ask_opens_nothing_of_the_landmarks(
    movie: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = movie(6, nobody=range(0))
    status, out, _ = run(monkeypatch, capsys, "watch", f"live:{path}", "--format", "jsonl")
    assert status == 0
    [face] = json.loads(out.splitlines()[0])["faces"]
    assert not {"measures", "measures_missing", "mesh"} & set(face)
    written = ["-o", path.with_name("a.html"), "--annotate", path.with_name("seen.mp4")]
    assert run(monkeypatch, capsys, "analyze", path, *written)[0] == 0
    for command in (("watch", f"live:{path}"), ("analyze", path)):
        status, _, err = run(monkeypatch, capsys, *command, "--landmarks")
        assert (status, "facemesh.onnx: this network is missing" in err) == (4, True)


@pytest.fixture
def built() -> None:
    try:
        weights.part_path("facemesh")
    except NetworkError:
        pytest.skip("mien was built without npm, which brings the network of the landmarks")


@pytest.mark.integration
@pytest.mark.usefixtures("built")
def test_lines_of_json_of_a_live_source_have_measures(
    movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("watch", f"live:{movie(6, nobody=range(0))}", "--format", "jsonl", "--landmarks")
    status, out, _ = run(monkeypatch, capsys, *words)
    assert status == 0
    [face] = json.loads(out.splitlines()[-1])["faces"]
    assert face["measures_missing"] is None
    assert face["measures"]["smile"] > 0
    assert abs(face["measures"]["yaw"]) < 15
    assert "mesh" not in face


@pytest.mark.integration
@pytest.mark.usefixtures("built")
def test_a_real_clip_has_all_of_it(shared_media: Path, tmp_path: Path) -> None:
    """Somebody who begins to smile after half a second, and blinks once."""
    [video] = analyze(shared_media / "one_face.mp4", pipeline=Pipeline(threads=1, landmarks=True))
    overview = video.overview()
    assert len(overview.blinks) == 1
    [lanes] = overview.lanes([1]).values()
    curves = {lane.name: lane.curves for lane in lanes}
    course = overview.timeline.course(1)
    early = course.start + course.step * np.arange(len(course)) < 0.4
    late = course.start + course.step * np.arange(len(course)) > 1
    for name in ("opening", "smile"):
        calm, smiling = (np.nanmedian(curves["mouth"][name][chosen]) for chosen in (early, late))
        assert calm < smiling - 0.04, name
    assert write_video_charts(tmp_path, overview, "one_face.mp4")[-1].name == "landmarks.png"
