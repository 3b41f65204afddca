"""RTSP from a real server, GStreamer's, that is killed and comes back."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import LostError
from mien.media.live import LiveOptions, State, open_live
from tests.media.making_media import clip, noisy

pytestmark = pytest.mark.integration

SYSTEM = "/usr/bin/python3"  # The bindings of GStreamer come with the system.
NEEDED = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; Gst.init(None); assert "
    + " and ".join(f"Gst.ElementFactory.find('{name}')" for name in ("qtdemux", "rtph264pay"))
)
RATE, FRAMES = 25, 200


@pytest.fixture(scope="module", autouse=True)
def needs_gstreamer() -> None:
    if (
        not Path(SYSTEM).exists()
        or subprocess.run([SYSTEM, "-c", NEEDED], capture_output=True, check=False).returncode
    ):
        pytest.skip(
            "no GStreamer: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good python3-gi (.ci/run does)"
        )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with a key frame every 0.4 s, whose brightness says how far it is."""
    images = [
        np.clip(noisy(0, 160, 120) // 4 + index // 2 + 40, 0, 255).astype(np.uint8) for index in range(FRAMES)
    ]
    path = tmp_path_factory.mktemp("rtsp") / "clip.mp4"
    path.write_bytes(
        clip(
            images,
            [index / RATE for index in range(FRAMES)],
            options={"g": "10", "bf": "0", "preset": "ultrafast"},
        )
    )
    return path


@contextmanager
def server(path: Path, *login: str, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    command = [SYSTEM, str(Path(__file__).with_name("rtsp_server.py")), str(port), str(path), *login]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


def test_frames_with_the_times_of_the_camera(path: Path) -> None:
    with server(path) as (port, _), open_live(f"rtsp://127.0.0.1:{port}/clip") as source:
        frames = [next(source) for _ in range(30)]
    assert frames[0].image.shape == (120, 160, 3)
    steps = np.diff([frame.time for frame in frames])
    # Whole frames apart, also where one was passed over.
    assert steps[5:] * RATE == pytest.approx(np.round(steps[5:] * RATE), abs=0.02)
    shown = [frame.image.mean() for frame in frames]
    assert shown[-1] > shown[0] + 5


def test_a_server_that_is_killed_and_returns(path: Path) -> None:
    told: list[str] = []
    options = LiveOptions(retry=(0.1, 0.2), timeout=2)
    with server(path) as (port, _):
        source = open_live(f"rtsp://anna:secret@127.0.0.1:{port}/clip", options, told.append)
        before = [next(source) for _ in range(10)][-1]
    with source:
        while source.take(1) is not None:
            pass
        assert source.state is State.retrying
        with server(path, port=port):
            after = source.take(60)
            assert after is not None
            assert source.state is State.live
            more = source.take(5)
            assert more is not None
            source.close()
    gap = after.captured - before.captured
    assert gap > 1
    assert after.time - before.time == pytest.approx(gap, abs=0.5)
    assert 0 < more.time - after.time < 1
    assert "trying again" in told[0]
    assert "back after" in told[-1]
    assert not any("secret" in line for line in told)


def test_a_server_that_falls_silent(path: Path) -> None:
    with (
        server(path) as (port, process),
        open_live(f"rtsp://127.0.0.1:{port}/clip", LiveOptions(retry=(0.05, 0.1), timeout=2)) as source,
    ):
        before = next(source)
        process.send_signal(signal.SIGSTOP)
        while source.take(0.5) is not None or source.state is State.live:
            pass
        assert "nothing came for 2 s" in str(source.trouble)
        process.send_signal(signal.SIGCONT)
        after = source.take(60)
        assert after is not None
    assert after.time - before.time > 0.5


def test_a_slow_reader_jumps_ahead(path: Path) -> None:
    with server(path) as (port, _), open_live(f"rtsp://127.0.0.1:{port}/clip") as source:
        frames = []
        for frame in source:
            frames.append(frame)
            time.sleep(0.25)
            if len(frames) == 8:
                break
        skipped = source.skipped
    assert skipped > 15
    steps = np.diff([frame.index for frame in frames])[1:]
    assert (
        np.median(steps) >= 3
    )  # Of six frames that came in each pause; on a busy machine the server is late now and then.
    assert steps.min() >= 1
    ages = np.array([frame.captured for frame in frames]) - [frame.time for frame in frames]
    assert np.ptp(ages[1:]) < 1  # It does not fall behind.


def test_who_is_let_in(path: Path) -> None:
    with server(path, "anna", "right") as (port, _):
        for login in ("", "anna:wrong@"):
            with pytest.raises(LostError, match="refuses the user or password") as caught:
                open_live(f"rtsp://{login}127.0.0.1:{port}/clip")
            assert caught.value.final
            assert "wrong" not in str(caught.value)
        with open_live(f"rtsp://anna:right@127.0.0.1:{port}/clip") as source:
            assert 0 <= next(source).time < 1
        with pytest.raises(LostError, match="nothing at this address"):
            open_live(f"rtsp://anna:right@127.0.0.1:{port}/attic")
