"""Saying *uncertain*: one threshold, wherever an expression is shown; the raw answer stays beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mien
from mien import InputError, Pipeline
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import DEFAULT_MIN_CONFIDENCE, UNCERTAIN, Labels
from mien.inference.card import read_card
from mien.inference.weights import network_path
from mien.media.draw import draw
from mien.tracking.segments import segments
from mien.tracking.smoothing_online import OnlineSmoother
from mien.video.summary import Overview

LABELS = Labels(("sad", "happy"), min_confidence=0.7)


def followed(time: float, happy: float, labels: Labels = LABELS) -> FrameResult:
    faces = Faces([[0, 0, 40, 50]], [1], [0], [time], tracks=[1], probs=[[1 - happy, happy]], labels=labels)
    return FrameResult("a.mp4", round(time * 10), time, faces)


def test_what_is_shown_beside_what_is_best() -> None:
    faces = Faces(
        [[0, 0, 1, 1]] * 3,
        [1] * 3,
        [0] * 3,
        [0] * 3,
        probs=[[0.4, 0.6], [0.3, 0.7], [0.95, 0.05]],
        labels=LABELS,
    )
    assert [(face.emotion, face.label) for face in faces] == [
        ("happy", UNCERTAIN),
        ("happy", "happy"),
        ("sad", "sad"),
    ]
    everything = faces.with_columns(labels=Labels(LABELS.names))
    assert [face.label for face in everything] == ["happy", "happy", "sad"]
    assert everything.labels == faces.labels, "the same classes"
    assert Faces([[0, 0, 1, 1]], [1], [0], [0]).label_ids is None
    assert next(iter(Faces([[0, 0, 1, 1]], [1], [0], [0]))).label is None


def test_the_steady_label_is_judged_by_the_smoothed_probability() -> None:
    faces = Faces(
        [[0, 0, 1, 1]],
        [1],
        [0],
        [0],
        probs=[[0.1, 0.9]],
        smoothed_probs=[[0.45, 0.55]],
        smoothed_emotion_ids=[1],
        labels=LABELS,
    )
    [face] = faces
    assert (face.emotion, face.smoothed_emotion, face.label) == ("happy", "happy", UNCERTAIN)
    smoother = OnlineSmoother(LABELS)
    assert [next(iter(smoother.update(followed(0.1 * step, 0.55).faces))).label for step in range(3)] == [
        UNCERTAIN
    ] * 3


@pytest.mark.parametrize("below", [-0.1, 1.1])
def test_thresholds_are_probabilities(below: float) -> None:
    with pytest.raises(
        InputError, match="expected a probability from 0 to 1 below which answers are uncertain"
    ):
        Pipeline("whole", min_confidence=below, threads=1)


def test_stretches_shares_people_and_the_timeline_agree() -> None:
    results = [followed(0.5 * step, happy) for step, happy in enumerate((0.9, 0.9, 0.6, 0.6, 0.2, 0.9))]
    found = [(segment.label, segment.start, segment.end) for segment in segments(results)]
    assert found == [("happy", 0.0, 1.0), (UNCERTAIN, 1.0, 2.0), ("sad", 2.0, 2.5), ("happy", 2.5, 3.0)]
    overview = Overview("a.mp4", LABELS)
    for result in results:
        overview.add(result)
    overview.end()
    [person] = overview.people
    assert person.uncertain == pytest.approx(1 / 3)
    assert sum(person.shares.values()) == pytest.approx(2 / 3)
    assert (person.mostly, person.dwells["happy"].count) == ("happy", 2)
    assert overview.shares() == pytest.approx({"happy": 1 / 2, UNCERTAIN: 1 / 3, "sad": 1 / 6})
    assert overview.timeline.course(1).label_shares.sum() == 2
    assert [segment.confidence for segment in overview.segments][1] == pytest.approx(0.6)


def test_somebody_who_is_uncertain_throughout_has_a_report_and_charts(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    from mien.plotting.timeline import write_video_charts
    from mien.reports.video import Facts, write_report

    overview = Overview("a.mp4", LABELS)
    for step in range(6):
        overview.add(followed(0.5 * step, 0.6))
    overview.end()
    assert overview.people[0].mostly == UNCERTAIN
    assert overview.shares() == {UNCERTAIN: 1.0}
    write_report(
        tmp_path / "report.html",
        overview,
        Facts("a", [], read_card(network_path("small")), "expression", "0"),
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "uncertain: below 70 %" in page
    assert '"uncertain": {"colour": "#9aa0a6", "name": "uncertain"}' in page
    assert "uncertain <b>100 %</b>" in page
    assert len(write_video_charts(tmp_path / "charts", overview, "a")) == 2


def test_a_drawn_box_says_uncertain(portrait: np.ndarray) -> None:
    box = [[60, 60, 160, 180]]
    sure, unsure = (
        draw(portrait, Faces(box, [1], [0], [0], probs=[[1 - happy, happy]], labels=LABELS))
        for happy in (0.9, 0.6)
    )
    assert not np.array_equal(sure, unsure)
    assert (unsure == np.array([0x9A, 0xA0, 0xA6])).all(axis=2).sum() > 100


def test_a_whole_run_drops_nothing(movie: Callable[..., Path], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from mien.cli.app import app

    clip = movie(6)
    told = CliRunner().invoke(
        app,
        [
            "analyze",
            str(clip),
            "-q",
            "--min-confidence",
            "1",
            "--format",
            "jsonl",
            "-o",
            str(tmp_path / "a.srt"),
        ],
    )
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    plain = mien.analyze(clip, threads=1).rows()
    assert [row["emotion"] for row in rows] == [row["emotion"] for row in plain]
    assert {row["label"] for row in rows if row["status"] == "face"} == {UNCERTAIN}
    assert {row["label"] for row in plain if row["status"] == "face"} == {
        row["smoothed_emotion"] for row in plain if row["status"] == "face"
    }
    assert UNCERTAIN in (tmp_path / "a.srt").read_text(encoding="utf-8")


def test_images_too(portrait: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image
    from typer.testing import CliRunner

    from mien.cli.app import app

    Image.fromarray(portrait).save(tmp_path / "a.png")
    told = CliRunner().invoke(
        app, ["analyze", str(tmp_path / "a.png"), "-q", "--min-confidence", "1", "--format", "csv"]
    )
    [row] = csv.DictReader(told.stdout.splitlines())
    assert (row["label"], row["emotion"]) == (
        UNCERTAIN,
        mien.analyze(portrait, threads=1).rows()[0]["emotion"],
    )
    assert (
        UNCERTAIN
        in CliRunner().invoke(app, ["analyze", str(tmp_path / "a.png"), "--min-confidence", "1"]).stdout
    )


def test_without_being_asked_for_nothing_is_uncertain_but_moments_are_counted() -> None:
    assert Labels(("sad", "happy")).min_confidence is None
    assert Labels(("sad", "happy")).uncertainty_threshold == DEFAULT_MIN_CONFIDENCE == 0.5
