"""What is shown, what is uncertain and every share of time: table of people, report, timeline, JSON and
CSV say the same of one video.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import mien
from mien.core.drawn_face import draw_portrait
from mien.core.faces import Faces
from mien.core.formatting import percent, percents
from mien.core.frame_result import FrameResult
from mien.core.labels import UNCERTAIN, Labels
from mien.media import VideoWriter
from mien.video.summary import Overview
from tests.commands import run_mien

FRAMES, STEP = 120, 0.125


def moment(index: int) -> float:
    """Seconds of a frame: in the second half they come twice as fast."""
    return STEP * (index if index < FRAMES / 2 else (index + FRAMES / 2) / 2)


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that is read differently from time to time, as grain and light change."""
    place, chance = tmp_path_factory.mktemp("restless") / "restless.mp4", np.random.default_rng(3)
    face = draw_portrait(160).astype(float)
    with VideoWriter(place, face.shape[1], face.shape[0], rate=1 / STEP) as movie:
        for index in range(FRAMES):
            grain = 35 * abs(np.sin(index / 9))
            movie.write(
                np.clip(
                    face * (0.6 + 0.4 * np.cos(index / 17)) + chance.normal(0, grain, face.shape), 0, 255
                ).astype(np.uint8),
                moment(index),
            )
    return place


class Run:
    """A run of the command with every output, with a threshold that some moments miss."""

    def __init__(self, folder: Path, video: Path, baseline: Literal["median"] | None) -> None:
        [plain] = mien.analyze(video, smoothing=mien.Smoothing(baseline=baseline), threads=1)
        self.below = round(float(np.quantile(plain.faces.label_confidence, 0.4)), 3)
        named = ("rows.json", "rows.csv", "page.html", "cues.vtt")
        outputs = [part for name in named for part in ("-o", folder / name)]
        asked = ["--baseline", baseline] if baseline else []
        others = ["--persons", folder / "persons.csv", "--plots", folder / "charts"]
        done = run_mien("analyze", video, *outputs, *others, *asked, "--min-confidence", self.below)
        assert done.returncode == 0, done.stderr
        self.table = done.stdout
        self.rows = [row for row in json.loads((folder / "rows.json").read_text()) if row["status"] == "face"]
        assert {row["track"] for row in self.rows} == {1}
        [self.person] = self.read(folder / "persons.csv")
        self.cells = [row for row in self.read(folder / "rows.csv") if row["status"] == "face"]
        self.page = (folder / "page.html").read_text(encoding="utf-8")
        self.cues = (folder / "cues.vtt").read_text(encoding="utf-8")
        self.charts = folder / "charts"

    @staticmethod
    def read(path: Path) -> list[dict[str, str]]:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def mean(self, value: Callable[[dict[str, Any]], float]) -> float:
        """A mean by time, counted by hand: a face stands up to the next one."""
        times = [float(row["time"]) for row in self.rows]
        lasting = np.diff([*times, 2 * times[-1] - times[-2]])
        assert lasting.max() <= 1, "away, not missed"
        return float(np.average([value(row) for row in self.rows], weights=lasting))

    def shares(self) -> dict[str, float]:
        labels = {row["label"] for row in self.rows}
        return {name: self.mean(lambda row, name=name: row["label"] == name) for name in labels}  # type: ignore[misc]

    def data(self) -> dict[str, Any]:
        """What the script of the report draws."""
        [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', self.page, re.DOTALL)
        return dict(json.loads(text))


@pytest.fixture(scope="module", params=[None, "median"])
def run(request: pytest.FixtureRequest, restless: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("run"), restless, request.param)


@pytest.mark.integration
def test_the_table_of_people_and_the_rows_say_the_same(run: Run) -> None:
    right = run.shares()
    assert 0.05 < right[UNCERTAIN] < 0.95
    for row, cells in zip(run.rows, run.cells, strict=True):
        assert row["label_confidence"] == row["smoothed_probs"][row["smoothed_emotion"]]
        assert row["confidence"] == row["probs"][row["emotion"]] == max(row["probs"].values())
        assert (row["label"] == UNCERTAIN) == (row["label_confidence"] < run.below)
        assert (cells["label"], float(cells["label_confidence"])) == (row["label"], row["label_confidence"])
    assert float(run.person["uncertain"]) == pytest.approx(right[UNCERTAIN], abs=1e-4)
    assert float(run.person["confidence"]) == pytest.approx(
        run.mean(lambda row: row["label_confidence"]), abs=1e-4
    )
    for name in mien.EXPRESSIONS:
        assert float(run.person[f"share_{name}"]) == pytest.approx(right.get(name, 0), abs=1e-4)
        assert float(run.person[f"mean_{name}"]) == pytest.approx(
            run.mean(lambda row, name=name: row["smoothed_probs"][name]),  # type: ignore[misc]
            abs=1e-4,
        )


@pytest.mark.integration
def test_the_terminal_and_the_report_print_these_shares(run: Run) -> None:
    right = dict(sorted(run.shares().items(), key=lambda pair: -pair[1]))
    texts = percents(right)
    assert sum(int(text.rstrip(" %")) for text in texts.values()) == 100
    for name, text in texts.items():
        assert f"{name} {text}" in run.table
        assert f"{name} <b>{text}</b>" in run.page
        assert f'title="{name} {text}"' in run.page
    most = next(iter(right))
    assert f'"value">{most}</span>' in run.page
    assert f"{texts[most]} of the time in view" in run.page
    for column in ("confidence", "uncertain"):
        assert f'class="number">{percent(float(run.person[column]))}</td>' in run.page


@pytest.mark.integration
def test_charts_and_subtitles_draw_these_shares(run: Run) -> None:
    right = run.shares()
    [lane] = run.data()["people"]
    bytes_of = {
        name: np.frombuffer(base64.b64decode(lane[name]), np.uint8)
        for name in ("labels", "uncertain", "probs")
    }
    names = [*(label["name"] for label in run.data()["labels"]), UNCERTAIN]
    drawn = bytes_of["labels"][bytes_of["labels"] != 255]
    for name in names:  # Of each step, which may hold several frames, the label shown longest.
        assert np.mean(drawn == names.index(name)) == pytest.approx(right.get(name, 0), abs=0.1)
    assert bytes_of["uncertain"].mean() / 250 == pytest.approx(right[UNCERTAIN], abs=0.01)
    means = bytes_of["probs"].reshape(-1, len(names) - 1).mean(axis=0) / 250
    assert means == pytest.approx([float(run.person[f"mean_{name}"]) for name in names[:-1]], abs=0.01)
    shown: dict[str, float] = {}
    for start, end, label in re.findall(r"00:00:([\d.]+) --> 00:00:([\d.]+)\n(\w+)", run.cues):
        shown[label] = shown.get(label, 0) + float(end) - float(start)
    assert {name: seconds / sum(shown.values()) for name, seconds in shown.items()} == pytest.approx(
        right, abs=1e-3
    )


@pytest.mark.integration
def test_the_chart_of_people_has_bars_of_these_lengths(run: Run) -> None:
    from PIL import Image, ImageColor

    chart = np.asarray(Image.open(run.charts / "persons.png").convert("RGB"))
    right, lengths = run.shares(), {}
    for name in right:
        same = (chart == ImageColor.getrgb(mien.EXPRESSIONS.colour(name))).all(axis=2)
        row = same[same.sum(axis=1).argmax()]
        lengths[name] = int(row.sum())
    whole = sum(lengths.values())
    assert {name: length / whole for name, length in lengths.items()} == pytest.approx(right, abs=0.02)


def test_a_step_of_a_chart_that_was_uncertain_for_a_part_of_its_time_counts_for_that_part() -> None:
    # A long video, whose steps hold many frames each, one in five of them uncertain.
    labels = Labels(("sad", "happy"))
    overview = Overview("a.mp4", labels)
    for index in range(4_000):
        row = [[0.45, 0.55]] if index % 5 else [[0.52, 0.48]]
        smoothed = {"smoothed_probs": row, "smoothed_emotion_ids": [1]}
        faces = Faces([[0, 0, 40, 50]], [1], [index], [index / 10], tracks=[1], probs=row, labels=labels)
        overview.add(FrameResult("a.mp4", index, index / 10, faces.with_columns(**smoothed)))
    overview.end()
    [person], course = overview.people, overview.timeline.course(1)
    assert len(course) <= overview.timeline.most
    assert person.uncertain == pytest.approx(0.2)
    assert course.uncertain[:-1] == pytest.approx(0.2, abs=0.05)
    assert np.average(course.uncertain, weights=course.seconds) == pytest.approx(person.uncertain)
    assert course.seconds.sum() == pytest.approx(person.seconds)


@pytest.mark.parametrize("followed", [True, False])
def test_everybody_together_is_counted_by_time_followed_or_not(followed: bool) -> None:
    labels = Labels(("sad", "happy"), min_confidence=0.5)
    overview = Overview("a.mp4", labels)
    for index, (time, count) in enumerate([(0.0, 2), (1.0, 1), (1.5, 0), (2.0, 2), (2.25, 2), (2.5, 2)]):
        rows = [[0.1, 0.9], [0.7, 0.3]][:count]
        faces = Faces(
            np.tile([0, 0, 40, 50], (count, 1)),
            [1] * count,
            [index] * count,
            [time] * count,
            tracks=[1, 2][:count] if followed else None,
            probs=np.reshape(rows, (-1, 2)),
            labels=labels,
        )
        overview.add(FrameResult("a.mp4", index, time, faces))
    overview.end()
    # Who was followed is in view from 0 to 2.75 s, also where they were missed; faces alone only where seen.
    happy, sad = (2.75, 2.75) if followed else (1 + 0.5 + 0.75, 1 + 0.75)
    assert overview.shares() == pytest.approx({"happy": happy / (happy + sad), "sad": sad / (happy + sad)})
    course = overview.timeline.course()
    assert course.seconds @ course.label_shares == pytest.approx([sad, happy])
    assert overview.series.startswith("smoothed emotion" if followed else "most probable expression")


@pytest.mark.parametrize(
    ("smoothed", "label", "caption"),
    [
        ([0.1, 0.9], "happy", "happy 90 %"),
        ([0.7, 0.3], "happy", "happy"),
        ([0.6, 0.4], "sad", "sad 60 %"),
    ],
)
def test_no_lone_number_stands_beside_a_label_that_this_moment_denies(
    smoothed: list[float], label: str, caption: str
) -> None:
    labels = Labels(("sad", "happy"))
    [face] = Faces(
        [[0, 0, 40, 50]],
        [1],
        [0],
        [0.0],
        tracks=[1],
        probs=[[0.2, 0.8]],
        smoothed_probs=[smoothed],
        smoothed_emotion_ids=[labels.index(label)],
        labels=labels,
    )
    assert (face.emotion, face.confidence) == ("happy", pytest.approx(0.8))
    assert (face.label, face.caption) == (label, caption)
    assert face.label_confidence == pytest.approx(smoothed[labels.index(label)])


def test_a_label_that_is_steady_and_not_the_best_is_judged_by_its_own_probability() -> None:
    labels = Labels(("sad", "happy"))
    overview = Overview("a.mp4", labels)
    for index in range(8):
        row = [[0.1, 0.9]] if index < 4 else [[0.55, 0.45]]
        faces = Faces(
            [[0, 0, 40, 50]],
            [1],
            [index],
            [index / 4],
            tracks=[1],
            probs=row,
            smoothed_probs=row,
            smoothed_emotion_ids=[1],
            labels=labels,
        )
        overview.add(FrameResult("a.mp4", index, index / 4, faces))
    overview.end()
    [person] = overview.people
    course = overview.timeline.course(1)
    assert person.uncertain == pytest.approx(0.5)
    assert (course.uncertain * course.seconds).sum() / course.seconds.sum() == pytest.approx(0.5)
    assert person.confidence == pytest.approx((0.9 + 0.45) / 2)
    assert overview.shares() == {"happy": 1.0}


def test_shares_of_everybody_go_by_time_as_those_of_each_person_do() -> None:
    labels = Labels(("sad", "happy"))
    overview = Overview("a.mp4", labels)
    for index, time in enumerate([0.0, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0]):
        row = [[0.1, 0.9]] if time < 2 else [[0.9, 0.1]]
        overview.add(
            FrameResult(
                "a.mp4",
                index,
                time,
                Faces([[0, 0, 40, 50]], [1], [index], [time], tracks=[1], probs=row, labels=labels),
            )
        )
    overview.end()
    [person] = overview.people
    assert overview.shares() == pytest.approx({"sad": 2.5 / 4.5, "happy": 2 / 4.5})
    assert overview.shares() == pytest.approx(person.shares)


def test_printed_shares_of_an_audience_add_up() -> None:
    from rich.console import Console

    from mien.audience.report import _window
    from mien.audience.result import Window
    from mien.cli.audience_view import _bars

    thirds = dict.fromkeys(("sad", "happy", "neutral"), 1 / 3)
    window = Window(0.0, 10.0, "reported", 10, 8, thirds, thirds, 0.5, 1.0)
    assert sorted(_window(window)["shares"]) == ["33 %", "33 %", "34 %"]
    console = Console(width=80)
    with console.capture() as shown:
        console.print(_bars(thirds, Labels(("sad", "happy", "neutral"))))
    assert sum(map(int, re.findall(r"(\d+) %", shown.get()))) == 100
