"""The command as a person calls it, over rendered galleries."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien import Pipeline
from mien.audience.measuring import measure
from mien.audience.options import AudienceOptions
from mien.core.errors import InputError, MediaError
from mien.core.frame import Frame
from mien.core.labels import NOTICE
from mien.media import VideoWriter
from tests.commands import run_mien

pytestmark = pytest.mark.integration

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "mien", "audience"]


@pytest.fixture
def mien(tmp_path: Path) -> Run:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = run_mien("audience", *arguments, cwd=tmp_path, env={"COLUMNS": "140"})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def gallery(portrait: np.ndarray, people: int) -> np.ndarray:
    """Six tiles, so many of them with a face."""
    tiles = [portrait if number < people else np.full_like(portrait, 40) for number in range(6)]
    return np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])[::2, ::2]


@pytest.fixture
def meeting(tmp_path: Path, portrait: np.ndarray) -> Callable[..., Path]:
    """Makes a video: how many people are seen in each second."""

    def make(counts: list[int], name: str = "meeting.mp4") -> Path:
        path = tmp_path / name
        with VideoWriter(path, 360, 240, rate=1) as writer:
            for second, count in enumerate(counts):
                writer.write(gallery(portrait, count), second)
        return path

    return make


def test_it_does_not_start_without_consent(mien: Run, meeting: Callable[..., Path], tmp_path: Path) -> None:
    meeting([6, 6])
    done = mien("meeting.mp4", "-o", "out.csv")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    for word in ("--consented", "forbidden", "work", "education", "AI Act"):
        assert word in done.stderr
    assert not done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["meeting.mp4"]


def test_a_video_from_end_to_end(mien: Run, meeting: Callable[..., Path], tmp_path: Path) -> None:
    meeting([6] * 10 + [5] * 10 + [2] * 15)
    (tmp_path / "points.csv").write_text(
        "time,label\n20,They leave\n10,Hello\n99,Goodbye\n", encoding="utf-8"
    )
    done = mien(
        "meeting.mp4",
        "--consented",
        "--key-points",
        "points.csv",
        "-o",
        "out.csv",
        "-o",
        "out.html",
        "-o",
        "out.json",
        "--changes",
        "ch.csv",
    )
    assert done.returncode == 0, done.stderr
    assert "put in order" in done.stderr
    assert "wrote out.html" in done.stderr
    assert NOTICE in done.stdout
    assert "shares are rounded, more coarsely the fewer people there are" in done.stdout
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["start"], row["end"], row["status"], row["participants"]) for row in rows] == [
        ("0.0", "10.0", "reported", "6"),
        ("10.0", "20.0", "reported", "5"),
        ("20.0", "30.0", "too_few", ""),
        ("30.0", "35.0", "too_few", ""),
    ]
    assert [row["key_points"] for row in rows] == ["", "Hello", "They leave", ""]
    facts = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [point["status"] for point in facts["key_points"]] == ["measured", "too_few", "not_reached"]
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert NOTICE in page
    assert "AI Act" in page
    assert "http" not in page.replace("http-equiv", "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "meeting.mp4",
        "points.csv",
        "out.csv",
        "out.html",
        "out.json",
        "ch.csv",
    }
    again = mien("meeting.mp4", "--consented", "--quiet", "--format", "csv", "--key-points", "points.csv")
    assert again.stdout == (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_one_participant_only(mien: Run, meeting: Callable[..., Path]) -> None:
    done = mien(meeting([1] * 12), "--consented")
    assert done.returncode == 0
    assert "no figures" in done.stdout
    assert "%" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["nowhere.mp4"], 1, "expected a file"),
        (["photo.png"], 2, "mien analyze reads it"),
        (["meeting.mp4", "--min-group", "3"], 2, "4 or more"),
        (["meeting.mp4", "--quorum", "most"], 2, "expected --quorum"),
        (["meeting.mp4", "--key-points", "points.txt"], 2, "header time,label"),
        (["meeting.mp4", "-o", "out.xlsx"], 2, "ending in .csv"),
        (["meeting.mp4", "-o", "meeting.mp4/where.csv"], 2, "folder that you may write to"),
        (["meeting.mp4", "-o", "meeting.csv", "--changes", "meeting.csv"], 2, "twice"),
        (["screen:here"], 2, "screen:"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    mien: Run, meeting: Callable[..., Path], tmp_path: Path, arguments: list[str], status: int, word: str
) -> None:
    from PIL import Image

    meeting([6])
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "points.txt").write_text("first we talk about prices", encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    done = mien(*arguments, "--consented")
    assert done.returncode == status, done.stderr
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == before


def _started(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A measurement that has completed a window."""
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--consented"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until, partial = time.monotonic() + 60, tmp_path / "out.partial.csv"
    # Its first line may be there before its first window.
    while (
        not (partial.exists() and partial.read_text(encoding="utf-8").count("\n") > 1)
        and time.monotonic() < until
    ):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def test_ctrl_c_ends_a_live_measurement_with_its_report(meeting: Callable[..., Path], tmp_path: Path) -> None:
    meeting([6] * 120)
    process = _started(
        tmp_path, "live:meeting.mp4", "--interval", "1", "--window", "2", "-o", "out.csv", "-o", "out.html"
    )
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopped by hand" in err
    assert "wrote out.html" in err
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0]["status"] == "reported"
    assert rows[0]["participants"] == "6"
    assert "stopped by hand" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert not (tmp_path / "out.partial.csv").exists()


def test_a_measurement_that_is_killed_leaves_its_windows(
    mien: Run, meeting: Callable[..., Path], tmp_path: Path
) -> None:
    meeting([6] * 120)
    process = _started(tmp_path, "live:meeting.mp4", "--window", "2", "-o", "out.csv")
    process.kill()
    process.communicate()
    kept = list(csv.DictReader((tmp_path / "out.partial.csv").read_text(encoding="utf-8").splitlines()))
    assert kept[0]["participants"] == "6"
    done = mien("meeting.mp4", "--consented", "-o", "out.csv")
    assert done.returncode == 2
    assert "out.partial.csv keeps" in done.stderr


# --- in Python


def test_a_screen_that_locks_and_changes_size(portrait: np.ndarray, pipeline: Pipeline) -> None:
    small, large = gallery(portrait, 6), np.kron(gallery(portrait, 5), np.ones((2, 2, 1), np.uint8))
    images = [*[small] * 5, *[np.zeros_like(small)] * 5, *[large] * 5, *[small[:120]] * 5]
    audience = measure(
        (Frame(n, float(n), image) for n, image in enumerate(images)),
        AudienceOptions(window=5),
        pipeline=pipeline,
    )
    told = [(window.status, window.participants) for window in audience.windows]
    assert told == [("reported", 6), ("blank", None), ("reported", 5), ("too_few", None)]


def test_frames_that_come_more_often_are_looked_at_as_often_as_asked(
    portrait: np.ndarray, pipeline: Pipeline
) -> None:
    image = gallery(portrait, 6)
    audience = measure(
        (Frame(n, n / 10, image) for n in range(40)), AudienceOptions(interval=1, window=2), pipeline=pipeline
    )
    assert [(window.samples, window.participants) for window in audience.windows] == [(2, 6), (2, 6)]
    short = measure(
        (Frame(n, n / 10, image) for n in range(40)), AudienceOptions(duration=2), pipeline=pipeline
    )
    assert [window.samples for window in short.windows] == [2]


def test_a_source_that_is_lost_and_an_interruption_keep_what_was_measured(
    portrait: np.ndarray, pipeline: Pipeline
) -> None:
    image = gallery(portrait, 6)

    def frames(error: BaseException):  # type: ignore[no-untyped-def]
        for number in range(5):
            yield Frame(number, float(number), image)
        raise error

    lost = measure(frames(MediaError("the cable is out")), pipeline=pipeline)
    assert (lost.finished, lost.stopped, lost.windows[0].participants) == (False, False, 6)
    assert "the cable is out" in lost.remarks[0]
    stopped = measure(frames(KeyboardInterrupt()), pipeline=pipeline)
    assert (stopped.finished, stopped.stopped, stopped.windows[0].participants) == (False, True, 6)


def test_sources_that_are_none(pipeline: Pipeline) -> None:
    with pytest.raises(MediaError, match="got none"):
        measure(iter([]), pipeline=pipeline)
    with pytest.raises(InputError, match="got an image"):
        measure(np.zeros((40, 40, 3), np.uint8), pipeline=pipeline)


def test_a_video_that_ends_early_says_so(tmp_path: Path, portrait: np.ndarray, pipeline: Pipeline) -> None:
    path, chance = tmp_path / "meeting.mp4", np.random.default_rng(0)
    with VideoWriter(path, 360, 240, rate=1) as writer:
        for second in range(30):
            image = gallery(portrait, 5)
            image[120:, 240:] = chance.integers(0, 256, (120, 120, 3), np.uint8)
            writer.write(image, second)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    audience = measure(path, pipeline=pipeline)
    assert not audience.finished
    assert any("truncated" in remark for remark in audience.remarks)
    assert audience.windows[0].participants == 5
    assert audience.length < 25


def test_it_lasts_no_longer_than_there_was_something_to_look_at(
    movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    clip = movie(24)
    assert measure(clip, pipeline=pipeline).length == pytest.approx(2.4)
    assert measure(clip, AudienceOptions(end=1.5), pipeline=pipeline).length == pytest.approx(1.5)
    short = measure(clip, AudienceOptions(duration=1.5), pipeline=pipeline)
    assert short.length == short.windows[-1].end == pytest.approx(1.5)
