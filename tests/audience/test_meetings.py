"""Meetings rendered to a script, measured by the command."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mien import Pipeline
from mien.cli.app import app

pytest.importorskip("benchmarks", reason="benchmarks are not part of a source distribution")

from benchmarks.lib.meetings import Cast, Meeting, Participant, Point
from benchmarks.studies.audience import Perfect

SMILE, STERN = 0, 1
OFF = (22.0, 40.0)


@pytest.fixture(scope="module")
def cast(pipeline: Pipeline, astronaut: np.ndarray, grace_hopper: np.ndarray) -> Cast:
    """Two faces that wheels carry, framed as those of FER-2013 are."""
    cuts = []
    for image in (astronaut, grace_hopper):
        [faces] = pipeline([image])
        square = pipeline.classifier.crop.squares(faces.largest().boxes)[0]
        cuts.append(
            np.asarray(
                Image.fromarray(image).convert("L").resize((48, 48), Image.Resampling.BILINEAR, box=square)
            )
        )
    return Cast(np.stack(cuts), np.array(["happy", "neutral"]))


def _meeting(cast: Cast, smiling: int, others: int, off: int) -> Meeting:
    """At 20 s some begin to smile; at 22 s some cameras go off, of those who do not."""
    begin = [
        Participant(((0.0, (STERN,)), (20.0, (SMILE,))), named=number % 2 == 0, room=number)
        for number in range(smiling)
    ]
    stay = [Participant(((0.0, (STERN,)),), off=(OFF,) if number < off else ()) for number in range(others)]
    return Meeting(
        cast,
        (*begin, *stay),
        (Point(20.0, "a joke", ("neutral", "happy", smiling / (smiling + others))),),
        40.0,
        seed=3,
    )


def _measured(meeting: Meeting, folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Windows and changes, as the command writes them."""
    path = meeting.write(folder, rate=0.5)
    files = [
        "-o",
        str(folder / "windows.csv"),
        "--changes",
        str(folder / "changes.csv"),
        "--key-points",
        str(folder / "points.csv"),
    ]
    done = CliRunner().invoke(
        app, ["audience", str(path), "--consented", "--quiet", "--interval", "2", "--threads", "1", *files]
    )
    assert done.exit_code == 0, done.output
    tables = []
    for name in ("windows.csv", "changes.csv"):
        with open(folder / name, encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    return tables[0], tables[1]


def test_a_scripted_change_is_found_and_shares_are_those_of_perfect_images(
    cast: Cast, tmp_path: Path
) -> None:
    meeting = _meeting(cast, smiling=3, others=3, off=1)
    windows, changes = _measured(meeting, tmp_path)
    perfect = Perfect(cast)
    assert [(window["status"], window["participants"]) for window in windows] == [("reported", "6")] * 3 + [
        ("reported", "5")
    ]
    for window in windows:
        true = perfect.people(meeting, float(window["start"]), float(window["end"])).mean(axis=0)
        assert np.abs(np.array([float(window[name]) for name in perfect.labels]) - true).max() < 0.1
    clear = {
        change["name"] for change in changes if change["of"] == "expression" and change["clear"] == "True"
    }
    assert "happy" in clear
    happy = next(change for change in changes if change["name"] == "happy")
    assert float(happy["low"]) > 0


def test_cameras_that_go_off_end_the_figures_of_a_small_meeting(cast: Cast, tmp_path: Path) -> None:
    windows, changes = _measured(_meeting(cast, smiling=2, others=2, off=1), tmp_path)
    assert [window["status"] for window in windows] == ["reported", "reported", "reported", "too_few"]
    assert not any(
        value for name, value in windows[3].items() if name not in ("start", "end", "status", "samples")
    )
    assert len(changes) >= 1


def test_the_script_is_what_lies_beside_the_video(cast: Cast, tmp_path: Path) -> None:
    meeting = _meeting(cast, smiling=3, others=3, off=1)
    meeting.write(tmp_path, rate=0.1)
    with open(tmp_path / "truth.csv", encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    assert len(truth) == 40 * 6
    assert {row["shows"] for row in truth if row["participant"] == "1" and float(row["time"]) >= 20} == {
        "happy"
    }
    assert {float(row["time"]) for row in truth if row["shows"] == "off"} == set(np.arange(OFF[0], OFF[1]))
    assert (tmp_path / "points.csv").read_text(encoding="utf-8").splitlines() == ["time,label", "20,a joke"]
