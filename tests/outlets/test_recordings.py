"""Recordings of what is watched: whole, readable at any moment, and read again to the same rows."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import mien
from mien import InputError, Pipeline, Session
from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.events import read_events
from mien.media import open_media
from mien.media.live import LiveFrame, LiveOptions, open_live
from mien.media.recorded_video import RecordedVideo
from mien.outlets import recording
from mien.outlets.base import StreamFacts
from mien.outlets.group import Outlets
from mien.outlets.recording import Recording, size_of
from mien.tracking.options import Tracking
from mien.video.live import watch
from tests.media.making_media import corner, noisy
from tests.waiting import until

FACTS = StreamFacts("live:clip.mp4", EXPRESSIONS)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("size", [(96, 64), (97, 65), (1280, 720)])
def test_what_is_read_is_what_was_stored(size: tuple[int, int], tmp_path: Path) -> None:
    path, times = tmp_path / "video.mp4", [0.0, 0.033, 0.0661, 0.0661, 1.5, 1.52, 4.0]
    video = RecordedVideo(path, *size)
    given = [video.write(noisy(number, *size), time) for number, time in enumerate(times)]
    video.close()
    read = [frame for frame in open_media(path) if isinstance(frame, Frame)]
    assert [frame.time for frame in read] == [time for _, time in given]
    assert [frame.time for frame in read] == pytest.approx(times, abs=2e-5)
    for frame, (image, _) in zip(read, given, strict=True):
        assert np.array_equal(frame.image, image)


def test_it_looks_as_it_came(tmp_path: Path) -> None:
    video = RecordedVideo(tmp_path / "video.mp4", 64, 48)
    stored, _ = video.write(corner(), 0.0)
    larger, _ = video.write(corner(128, 96), 0.1)
    video.close()
    assert np.abs(stored.astype(int) - corner()).mean() < 4
    assert larger.shape == (48, 64, 3), "a source that came back in another size"
    assert np.abs(larger.astype(int) - corner()).mean() < 6


def record(path: Path, folder: Path, pipeline: Pipeline, *, mark: int | None = None) -> list[dict[str, Any]]:
    """Watch and record a video; gives the rows of what was watched."""
    facts = StreamFacts("live:clip.mp4", pipeline.labels, pipeline.mesh is not None)
    rows: list[dict[str, Any]] = []
    with (
        Outlets([], Recording(folder, facts, {"detector": "mtcnn"})) as outlets,
        open_live(f"live:{path}", LiveOptions(drop=False)) as source,
    ):
        for number, watched in enumerate(watch(source, Session(pipeline), None, outlets.through)):
            outlets.send(watched)
            frame, faces, _ = watched
            rows += FrameResult("video.mp4", frame.index, frame.time, faces).rows()
            if number == mark:
                outlets.mark("here")
    return rows


def replayed(folder: Path, pipeline: Pipeline) -> list[dict[str, Any]]:
    """The rows of a recording, watched again."""
    with open_live(f"live:{folder / 'video.mp4'}", LiveOptions(drop=False)) as source:
        watched = [(frame, faces) for frame, faces, _ in watch(source, Session(pipeline))]
    return [
        row
        for frame, faces in watched
        for row in FrameResult("video.mp4", frame.index, frame.time, faces).rows()
    ]


@pytest.mark.parametrize("landmarks", [False, True])
def test_a_recording_read_again_gives_the_same_rows(
    landmarks: bool, movie: Callable[..., Path], tmp_path: Path
) -> None:
    """All rows with all their columns: every number to the last bit."""
    pipeline = Pipeline(landmarks=landmarks)
    rows = record(movie(12, nobody=range(4, 7)), tmp_path / "rec", pipeline)
    assert {row["status"] for row in rows} == {"face", "no_face"}
    again = replayed(tmp_path / "rec", pipeline)
    assert json.dumps(again) == json.dumps(rows)
    stored = lines(tmp_path / "rec" / "rows.jsonl")
    assert [row["time"] for row in stored] == pytest.approx([row["time"] for row in rows])
    assert [row["emotion"] for row in stored] == [row["emotion"] for row in rows]


def test_analyze_reads_the_frames_of_a_recording_as_they_were_read(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    """What is of one frame alone; what is smoothed knows what comes after, too."""
    rows = record(movie(10, nobody=range(4, 6)), tmp_path / "rec", pipeline)
    read = list(
        mien.analyze(tmp_path / "rec" / "video.mp4", pipeline=pipeline, tracking=Tracking(cuts=True)).rows()
    )
    own = ("frame", "time", "status", "track", "box", "detection_score", "emotion", "confidence", "probs")
    assert [[row[name] for name in own] for row in read] == [[row[name] for name in own] for row in rows]


def test_moments_and_settings_are_kept(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    folder = tmp_path / "rec"
    rows = record(movie(8), folder, pipeline, mark=5)
    [event], remarks = read_events(folder / "events.csv")
    assert (event.label, remarks) == ("here", [])
    assert rows[-1]["time"] >= event.start - 0.2
    assert event.start >= 0.5
    settings = json.loads((folder / "settings.json").read_text())
    assert (settings["source"], settings["detector"]) == ("live:clip.mp4", "mtcnn")
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.csv",
        "rows.jsonl",
        "settings.json",
        "video.mp4",
    ]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="expected a new or an empty folder"):
        Recording(tmp_path, FACTS, {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def frames(count: int) -> Iterator[LiveFrame]:
    for number in range(count):
        yield LiveFrame(number, 5 + number / 10, noisy(number), time.monotonic())


def test_at_its_limit_it_ends_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recording, "_EVERY", 0.0)
    told: list[str] = []
    kept = Recording(tmp_path / "rec", FACTS, {}, limit=40_000, tell=told.append)
    stored = [kept.store(frame) for frame in frames(120)]
    kept.close()
    [line] = told
    assert "recording ended, watching goes on" in line
    assert "limit" in line
    assert not kept.cut_short, "the limit was asked for"
    assert [frame.index for frame in stored] == list(range(120))
    assert [frame.time for frame in stored] == pytest.approx([number / 10 for number in range(120)], abs=1e-4)
    read = list(open_media(tmp_path / "rec" / "video.mp4"))
    assert 1 < len(read) < 120
    assert (tmp_path / "rec" / "video.mp4").stat().st_size < 80_000


def test_a_disk_that_is_nearly_full_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recording, "_EVERY", 0.0)
    told: list[str] = []
    kept = Recording(tmp_path / "rec", FACTS, {}, tell=told.append)
    [first, *_] = frames(1)
    kept.store(first)
    monkeypatch.setattr(recording, "_LEAST_FREE", 10**18)
    kept.store(first)
    kept.close()
    assert "free on the disk" in told[0]
    assert kept.cut_short
    with pytest.raises(InputError, match="free on the disk"):
        Recording(tmp_path / "other", FACTS, {})


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "10XB", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a size"):
        size_of(text)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mien", "watch", *map(str, words)]


def seen(folder: Path) -> int:
    rows = folder / "rows.jsonl"
    return len(rows.read_text().splitlines()) if rows.exists() else 0


@pytest.mark.integration
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_is_left_can_be_played_and_read(
    how: signal.Signals, movie: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "rec"
    with subprocess.Popen(
        command(f"live:{movie(300, nobody=range(0))}", "--record", folder, "--threads", 1),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        until(lambda: seen(folder) > 25, 120)
        process.send_signal(how)
        said = process.communicate(timeout=60)[1]
    assert "records to" in said
    assert "people can be recognised in it" in said
    video = list(open_media(folder / "video.mp4"))
    assert all(isinstance(frame, Frame) for frame in video)
    rows = lines(folder / "rows.jsonl")
    lost = 10 if how is signal.SIGKILL else 0
    assert len(rows) - lost <= len(video) <= len(rows) + 1
    with av.open(str(folder / "video.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert json.loads((folder / "settings.json").read_text())["largest"] is False
    assert (folder / "events.csv").read_text() == "time,label\n"


@pytest.mark.integration
def test_a_key_marks_the_moment(movie: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(ours)
    with subprocess.Popen(
        command(f"live:{movie(300, nobody=range(0))}", "--record", folder, "--threads", 1),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: seen(folder) > 5, 120)
        os.write(ours, b"a")
        until(lambda: len((folder / "events.csv").read_text().splitlines()) == 2, 30)
        os.write(ours, b" ")
        until(lambda: len((folder / "events.csv").read_text().splitlines()) == 3, 30)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    events, _ = read_events(folder / "events.csv")
    assert [event.label for event in events] == ["a", "marker"]
    assert 0 < events[0].start <= events[1].start
    assert "press a key to mark a moment" in said
    assert termios.tcgetattr(ours) == before, "the terminal is as it was"
    os.close(ours)
    os.close(theirs)


def test_nothing_is_stored_unless_it_is_asked_for(
    tmp_path: Path, movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    outlets = Outlets([])
    [frame] = frames(1)
    assert outlets.through(frame) is frame
    assert len(outlets) == 0
