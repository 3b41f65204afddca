"""What is shown, what is uncertain and every share of time: table of people, report, timeline, JSON and
CSV say the same of one video.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien.core.drawn_face import draw_portrait
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import UNCERTAIN, Labels
from mien.media import VideoWriter
from mien.video.summary import Overview
from tests.commands import run_mien

FRAMES, STEP = 120, 0.125


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
                index * STEP,
            )
    return place


@pytest.fixture(scope="module", params=[None, "median"])
def run(
    request: pytest.FixtureRequest, restless: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, float]:
    """A run of the command with every output, with a threshold that some moments miss."""
    folder = tmp_path_factory.mktemp("run")
    smoothing = mien.Smoothing(baseline=request.param)
    [plain] = mien.analyze(restless, smoothing=smoothing, threads=1)
    below = round(float(np.quantile(plain.faces.confidence, 0.4)), 3)
    outputs = [
        part
        for name in ("rows.json", "rows.csv", "page.html", "cues.vtt")
        for part in ("-o", str(folder / name))
    ]
    asked = [] if request.param is None else ["--baseline", request.param]
    people = ["--people", folder / "people.csv"]
    done = run_mien("analyze", restless, *outputs, *people, *asked, "--min-confidence", below)
    assert done.returncode == 0, done.stderr
    (folder / "table.txt").write_text(done.stdout)
    return folder, below


def of_time(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Share of the time of each label shown, counted by hand: a face stands up to the next one."""
    seen = [(float(row["time"]), row["label"]) for row in rows if row["status"] == "face"]
    lasting = np.diff([*(time for time, _ in seen), seen[-1][0] + STEP])
    assert lasting.max() <= 1, "away, not missed"
    shares: dict[str, float] = {}
    for (_, shown), seconds in zip(seen, lasting, strict=True):
        shares[shown] = shares.get(shown, 0.0) + float(seconds / lasting.sum())
    return shares


@pytest.mark.integration
def test_every_output_says_the_same_of_one_person(run: tuple[Path, float]) -> None:
    folder, below = run
    rows = json.loads((folder / "rows.json").read_text())
    rows = rows["rows"] if isinstance(rows, dict) else rows
    assert {row["track"] for row in rows if row["status"] == "face"} == {1}
    right = of_time(rows)
    assert 0.05 < right[UNCERTAIN] < 0.95
    with open(folder / "rows.csv", encoding="utf-8-sig", newline="") as file:
        assert of_time(list(csv.DictReader(file))) == pytest.approx(right)
    with open(folder / "people.csv", encoding="utf-8-sig", newline="") as file:
        [person] = csv.DictReader(file)
    assert float(person["uncertain"]) == pytest.approx(right[UNCERTAIN], abs=1e-4)
    for name, share in right.items():
        if name != UNCERTAIN:
            assert float(person[f"share_{name}"]) == pytest.approx(share, abs=1e-4)
    for row in rows:
        if row["status"] == "face":
            assert (row["label"] == UNCERTAIN) == (row["smoothed_probs"][row["smoothed_emotion"]] < below)
    page = (folder / "page.html").read_text(encoding="utf-8")
    for name, share in right.items():
        assert f"{name} {share:.0%}" in (folder / "table.txt").read_text()
        assert f"{100 * share:.0f} %" in page
    [hatched] = re.findall(r'"unsure": ?"([^"]*)"', page)
    assert np.mean(np.frombuffer(base64.b64decode(hatched), np.uint8)) == pytest.approx(
        right[UNCERTAIN], abs=0.15
    )


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
    assert (course.unsure * course.faces).sum() / course.faces.sum() == pytest.approx(0.5)
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
