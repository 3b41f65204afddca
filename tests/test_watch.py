"""Live sources watched, from Python and as a person calls `mien watch`."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from mien import Pipeline
from mien.cli.app import main
from mien.core.faces import Faces
from mien.core.labels import NOTICE
from mien.media.live import LiveFrame, LiveOptions, open_live
from mien.tracking.session import Session
from mien.video.live import Meter, Timing, watch

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """The command, in this process."""
    kept = {stop: signal.getsignal(stop) for stop in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mien", "watch", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    yield called
    for stop, handler in kept.items():
        signal.signal(stop, handler)


# From Python


def test_people_are_followed_and_timed(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    with open_live(f"live:{movie(12, nobody=range(4, 7))}", LiveOptions(drop=False)) as source:
        watched = list(watch(source, Session(pipeline)))
    assert [frame.index for frame, _, _ in watched] == list(range(12))
    assert [len(faces) for _, faces, _ in watched] == [
        0 if index in range(4, 7) else 1 for index in range(12)
    ]
    assert {face.track for _, faces, _ in watched for face in faces} == {1}
    assert all(
        face.smoothed_probs is not None and face.smoothed_emotion is not None
        for _, faces, _ in watched
        for face in faces
    )
    for frame, faces, timing in watched:
        assert timing.captured == frame.captured <= timing.taken <= timing.read
        assert all(face.time == frame.time for face in faces)


class SlowSession(Session):
    """A session that takes its time."""

    def update(self, frames: list[LiveFrame]) -> list[Faces]:  # type: ignore[override]
        time.sleep(0.15)
        return [Faces.empty(self.labels) for _ in frames]


def test_a_slow_session_reads_the_newest_frame_and_counts_the_rest(
    movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    with open_live(f"live:{movie(30, rate=30)}") as source:
        before = source.captured
        meter, ages, readings = Meter(source), [], []
        after = source.captured
        for _, _, timing in watch(source, SlowSession(pipeline)):
            meter.count(timing)
            ages.append(timing.taken - timing.captured)
            readings.append(timing.read - timing.taken)
        rates = meter.rates()
    assert meter.read + source.skipped == source.captured == 30
    assert source.skipped > 15
    assert median(ages) < median(readings), "older than the reading of one frame"
    assert rates.median is not None
    assert rates.slow is not None
    assert 0.15 <= rates.median <= rates.slow
    # Frames that had come before the counting began were read or passed over in it.
    early = (rates.read + rates.skipped - rates.captured) * meter.read / rates.read
    assert before - 1e-6 <= early <= after + 1e-6


def test_watching_ends_in_time_though_nothing_comes(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    with open_live(f"live:{movie(4, rate=0.1)}") as source:
        began = time.monotonic()
        watched = list(watch(source, Session(pipeline), seconds=0.4))
    assert [frame.index for frame, _, _ in watched] == [0]
    assert time.monotonic() - began < 9.5, "the next frame comes after 10 s"


def test_rates_without_frames(movie: Callable[..., Path]) -> None:
    with open_live(f"live:{movie(4, rate=0.5)}") as source:
        rates = Meter(source).rates()
    assert (rates.read, rates.median, rates.slow) == (0, None, None)
    assert Timing(1.0, 2.0, 4.0).latency == 3


def test_the_example_of_the_page_runs(
    movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(movie(4, name="talk.mp4").parent)
    [example] = re.findall(
        r"```python\n(.*?)```",
        (Path(__file__).parents[1] / "docs" / "live.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    exec(example, {})
    *frames, counts = capsys.readouterr().out.splitlines()
    assert len(frames) >= 1
    assert re.fullmatch(r"4 \d ended", counts)


# As a command


def test_lines_and_a_summary(run: Run, movie: Callable[..., Path]) -> None:
    status, out, err = run(f"live:{movie(30, nobody=range(10, 20))}")
    assert status == 0
    lines = out.splitlines()
    assert re.fullmatch(r" +\d+\.\d\d s  person 1: \w+", lines[0])
    assert any(line.endswith("s  nobody") for line in lines)
    assert "30 frames came" in out
    assert re.search(r"from frame to result: half within \d+ ms, 95 in 100 within \d+ ms", out)
    assert "1 person: ●" in out
    assert NOTICE in out
    assert err == ""


def test_json_lines(run: Run, movie: Callable[..., Path]) -> None:
    path = movie(20, nobody=range(0))
    status, out, err = run(f"live:{path}", "--format", "jsonl", "--fps", 5)
    assert status == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) >= 3
    assert tuple(rows[0]) == ("source", "frame", "time", "latency", "skipped", "faces")
    assert rows[0]["source"] == f"live:{path}"
    assert all(row["frame"] % 2 == 0 and row["time"] == row["frame"] / 10 for row in rows)
    [face] = rows[-1]["faces"]
    assert (face["frame"], face["time"], face["track"]) == (rows[-1]["frame"], rows[-1]["time"], 1)
    assert face["smoothed_probs"][face["smoothed_emotion"]] > 0
    [seconds] = re.findall(r": (\d+\.\d) s, 20 frames came", err)
    last = rows[-1][
        "time"
    ]  # The same as of `mien analyze`: by the stream's clock, to the end of the last frame.
    assert seconds == f"{last + last / (len(rows) - 1):.1f}"


def test_quiet_says_nothing(run: Run, movie: Callable[..., Path]) -> None:
    assert run(f"live:{movie(5)}", "-q") == (0, "", "")


def test_for_so_long(run: Run, movie: Callable[..., Path]) -> None:
    status, out, _ = run(f"live:{movie(400)}", "--duration", 1)
    assert status == 0
    [seconds] = re.findall(r": (\d+\.\d) s, \d+ frames? came", out)
    assert 0 < float(seconds) < 30, "the video would take forty"


@pytest.mark.integration
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_hand_it_sums_up(movie: Callable[..., Path], stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "mien", "watch", f"live:{movie(300, rate=1)}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # It is under way.
    process.send_signal(stop)
    out, err = process.communicate(timeout=100)  # The video would take five minutes.
    assert (process.returncode, err) == (0, "")
    assert re.search(r" (1 frame|\d+ frames) came, ", out)
    assert NOTICE in out


@pytest.mark.integration
def test_a_view_on_a_terminal(movie: Callable[..., Path], tmp_path: Path) -> None:
    path = movie(20)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "110", "LINES": "30"}
    command = [sys.executable, "-m", "mien", "watch", f"live:{path}"]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment, cwd=tmp_path
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so at the end of a terminal.
                break
            shown += part
        assert process.wait(30) == 0
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    for expected in (
        "person",
        "probability",
        "a second come",
        "passed over",
        "live",
        "━",
        "nobody in view",
        "20 frames came",
    ):
        assert expected in text, expected
    assert NOTICE in text


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("camera:9", 1, "there is none of this number or name"),
        ("rtsp://anna:secret@127.0.0.1:1/x", 1, "nothing listens there"),
        ("live:nothing.mp4", 1, "there is none of this name"),
        ("holiday.mp4", 2, "for a file write live:holiday.mp4"),
        ("screen:left", 2, "screen:x,y,width,height in px"),
    ],
)
def test_what_cannot_be_watched(run: Run, source: str, status: int, says: str) -> None:
    came, out, err = run(source)
    assert (came, out) == (status, "")
    assert says in err
    assert "secret" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("--capture-size", "large"), ("--timeout", "0"), ("--capture-fps", "-1"), ("--interval", "0")],
)
def test_impossible_options(run: Run, option: str, value: str) -> None:
    status, _, err = run("camera:0", option, value)
    assert status == 2
    assert "expected" in err
