"""Live sources: the newest frame wins, nothing queues up, what is lost comes back."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.errors import InputError, LostError, MediaError, MissingExtraError
from mien.media import Sampling
from mien.media.live import Address, LiveOptions, LiveSource, State, is_live, open_live
from mien.media.live.capture import CapturedFrame
from mien.media.live.clock import Clock, Pacer
from tests.media.live_places import Told, motion_jpeg, silent, web, whole
from tests.media.making_media import clip, corner
from tests.waiting import until

QUICK = (0.02, 0.08)


def plain(level: int) -> np.ndarray:
    return np.full((24, 32, 3), level, np.uint8)


def shots(count: int, step: float = 0.0, stamp: float | None = None) -> Iterator[CapturedFrame]:
    for index in range(count):
        time.sleep(step)
        yield CapturedFrame(None if stamp is None else stamp + index * 0.04, partial(plain, index % 256))


def come(source: LiveSource, count: int) -> None:
    """Wait until so many frames have come: a reader that is slow on any machine."""
    until(lambda: source.captured >= count)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    until(lambda: "mien-live" not in [thread.name for thread in threading.enumerate()], 30)


# What a text means


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("camera:", "camera", "0"),
        ("Camera:1", "camera", "1"),
        ("/dev/video3", "camera", "/dev/video3"),
        ("screen:", "screen", ""),
        ("screen:0,10,200,100", "screen", "0,10,200,100"),
        ("rtsps://door.local:322/a?b=c", "rtsp", "rtsps://door.local:322/a?b=c"),
        ("https://door.local/a.m3u8", "http", "https://door.local/a.m3u8"),
        ("live:C:/clip.mp4", "file", "C:/clip.mp4"),
    ],
)
def test_a_text_names_a_source(text: str, kind: str, place: str) -> None:
    assert is_live(text)
    assert Address.parse(text) == Address(kind, place)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["clip.mp4", "http:clip", "/dev/null", "ftp://a/b", "videos/camera", ""])
def test_other_texts_name_none(text: str) -> None:
    assert not is_live(text)
    with pytest.raises(InputError, match="expected"):
        Address.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://",
        "http:///stream",
        "http://[::1/a",
        "live:",
        "screen:-1",
        "screen:1,2,3",
        "screen:0,0,0,9",
        "screen:left",
    ],
)
def test_impossible_addresses(text: str) -> None:
    with pytest.raises(InputError, match="expected"):
        open_live(text)


@pytest.mark.parametrize(
    "wrong", [{"timeout": 0}, {"retry": (0, 1)}, {"size": (0, 9)}, {"rate": 0}, {"transport": "pigeon"}]
)
def test_impossible_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        LiveOptions(**wrong)  # type: ignore[arg-type]


# The newest frame wins


def test_a_slow_reader_gets_the_newest_frame(movie: Callable[..., Path]) -> None:
    path = movie(20, rate=20)
    with open_live(f"live:{path}") as source:
        given = []
        there = source.captured
        while (frame := source.take()) is not None:
            assert frame.index >= there - 1
            given.append(frame)
            time.sleep(0.17)
            there = source.captured
    indices = [frame.index for frame in given]
    assert [round(frame.time * 20) for frame in given] == indices
    assert max(np.diff(indices)) >= 3
    assert source.captured == 20
    assert source.skipped == 20 - len(given) > 0
    assert source.state is State.ended


def test_a_video_is_not_faster_than_its_clock(movie: Callable[..., Path]) -> None:
    began = time.monotonic()
    with open_live(f"live:{movie(10, rate=20)}") as source:
        given = list(source)
    assert given[0].index == 0
    assert len(given) + source.skipped == source.captured == 10
    assert all(later.captured > frame.captured for frame, later in pairwise(given))
    assert given[-1].captured - began > 0.44


def test_without_dropping_the_video_waits(movie: Callable[..., Path]) -> None:
    with open_live(f"live:{movie(8, rate=50)}", LiveOptions(drop=False)) as source:
        given = []
        for frame in source:
            given.append((frame.index, round(frame.time * 50)))
            time.sleep(0.05)
    assert given == [(index, index) for index in range(8)]
    assert source.skipped == 0


def test_sampling_passes_over_without_counting_it_as_slowness(movie: Callable[..., Path]) -> None:
    with open_live(f"live:{movie(20, rate=20)}", LiveOptions(Sampling(fps=5), drop=False)) as source:
        assert [frame.index for frame in source] == [0, 4, 8, 12, 16]
    assert (source.captured, source.skipped) == (20, 0)


def test_nothing_piles_up_however_slow_the_reader() -> None:
    def large() -> Iterator[CapturedFrame]:
        for index in range(400):
            time.sleep(0.001)
            yield CapturedFrame(None, partial(np.asarray, np.full((200, 500, 3), index % 256, np.uint8)))

    tracemalloc.start()
    try:
        with LiveSource("large", Told(large()), LiveOptions()).start() as source:
            given = 0
            for frame in source:
                given += 1
                come(source, min(frame.index + 9, 400))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.captured == 400
    assert source.skipped == 400 - given > 300
    assert peak < 10 * 300_000  # Four hundred images would be 120 MB.


def test_images_are_made_of_taken_frames_only() -> None:
    made = []

    def image(index: int) -> np.ndarray:
        made.append(index)
        return plain(index)

    def quick() -> Iterator[CapturedFrame]:
        for index in range(50):
            time.sleep(0.001)  # Or all of them have come before the first is taken.
            yield CapturedFrame(None, partial(image, index))

    with LiveSource("quick", Told(quick()), LiveOptions()).start() as source:
        taken = []
        for frame in source:
            taken.append(frame.index)
            come(source, min(frame.index + 4, 50))
    assert made == taken
    assert len(made) < 30


def test_waiting_no_longer_than_asked() -> None:
    waited = threading.Event()

    def seldom() -> Iterator[CapturedFrame]:
        yield from shots(1)
        assert waited.wait(60)
        yield from shots(1)

    with LiveSource("seldom", Told(seldom()), LiveOptions()).start() as source:
        assert source.take(60) is not None
        assert source.take(0.05) is None
        assert source.state is State.live
        waited.set()
        assert source.take(60) is not None


# Lost, and back


def test_a_lost_source_comes_back_and_time_goes_on() -> None:
    told: list[str] = []
    gone = LostError("door: gone")
    feed = Told(list(shots(3, stamp=100.0)), gone, gone, gone, list(shots(3, stamp=5.0)), [])
    source = LiveSource("door", feed, LiveOptions(retry=QUICK, drop=False), told.append)
    with source.start():
        given = [source.take(60) for _ in range(6)]
    frames = [frame for frame in given if frame is not None]
    assert [frame.index for frame in frames] == list(range(6))
    pauses = np.diff(feed.opened[:5])
    assert all(pauses >= [0.02, 0.04, 0.08, 0.08])  # Doubling, up to the longest.
    steps = np.diff([frame.time for frame in frames])
    assert steps[[0, 1, 3, 4]] == pytest.approx(0.04)
    assert steps[2] > 0.2 - 2 * 0.04  # The gap shows.
    assert told[0] == "gone; trying again"
    assert told[1] == "door: gone; trying again still"
    assert told[2].startswith("door: back after 0.")
    assert len(told) >= 3


def test_what_it_does_meanwhile_is_known() -> None:
    feed = Told(list(shots(1)), LostError("door: gone"), *[LostError("door: gone")] * 50)
    with LiveSource("door", feed, LiveOptions(retry=(0.05, 1))).start() as source:
        assert source.take(1) is not None
        assert source.take(0.2) is None
        assert source.state is State.retrying
        assert str(source.trouble) == "door: gone"


@pytest.mark.parametrize("options", [LiveOptions(retry=None), LiveOptions(retry=QUICK)])
def test_a_loss_can_be_the_end(options: LiveOptions) -> None:
    feed = Told(list(shots(1)), LostError("door: refused", final=True), list(shots(1)))
    with LiveSource("door", feed, options).start() as source, pytest.raises(LostError, match=r"gone|refused"):
        for _ in source:
            pass
    assert source.take(0.1) is None  # Told once.


def test_an_error_of_another_kind_ends_it() -> None:
    def broken() -> Iterator[CapturedFrame]:
        yield from shots(1)
        raise MediaError("door: too large", "too_large")

    with (
        LiveSource("door", Told(broken(), []), LiveOptions(retry=QUICK)).start() as source,
        pytest.raises(MediaError, match="too large"),
    ):
        list(source)


@pytest.mark.integration
def test_closing_wakes_whoever_waits() -> None:
    with (
        web(motion_jpeg([corner()], 0.1, threading.Event())) as port,
        pytest.raises(MediaError, match="nothing came for 1 s"),
    ):
        open_live(f"http://127.0.0.1:{port}/", LiveOptions(timeout=1))
    halt = threading.Event()
    with web(motion_jpeg([corner()], 20, halt)) as port:
        source = open_live(f"http://127.0.0.1:{port}/", LiveOptions(timeout=4))
        assert source.take(4) is not None
        halt.set()
        threading.Timer(0.1, source.close).start()
        began = time.monotonic()
        for _ in source:
            pass
        assert time.monotonic() - began < 3.5
        source.close()


# Cameras


def test_a_camera_through_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.media.live.camera.DEVICES", {"linux": "lavfi"})
    with open_live("camera:color=c=red:size=64x48:rate=25") as source:
        frame = next(source)
    assert frame.image.shape == (48, 64, 3)
    assert frame.image.dtype == np.uint8
    assert np.abs(frame.image.reshape(-1, 3).astype(int) - (255, 0, 0)).max() < 12


def test_an_unplugged_camera_is_said_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.media.live.camera.DEVICES", {"linux": "lavfi"})
    told: list[str] = []
    options = LiveOptions(retry=QUICK, drop=False)
    with open_live("camera:testsrc=size=64x48:rate=10:duration=0.5", options, told.append) as source:
        frames = [next(source) for _ in range(12)]
    steps = np.diff([frame.time for frame in frames])
    assert all(steps > 0)
    assert (told[0].startswith("camera:testsrc"), "plugged in" in told[0]) == (True, True)
    assert "back after" in told[1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("camera:7", "there is none of this number or name"),
        ("/dev/video9", "there is none"),
        ("camera:/dev/null", "expected a camera; got: "),
    ],
)
def test_no_camera(name: str, says: str) -> None:
    with pytest.raises(LostError, match=says):
        open_live(name)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (16, "it is in use: close the other program"),
        (13, "this user may not use it"),
        (19, "not there any more"),
        (22, "another size or rate"),
    ],
)
def test_why_a_camera_does_not_open(number: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    def refuse(*_: object, **given: Any) -> None:
        assert given["options"].items() >= {"video_size": "640x480", "framerate": "15"}.items()
        av.error.err_check(-number)

    monkeypatch.setattr("av.open", refuse)
    with pytest.raises(LostError, match=says):
        open_live("camera:0", LiveOptions(size=(640, 480), rate=15))


def test_a_platform_without_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.media.live.camera.DEVICES", {})
    with pytest.raises(LostError, match="expected one of the platforms"):
        open_live("camera:0")


# Streams over HTTP


@pytest.mark.integration
def test_motion_jpeg_whose_server_goes_and_returns() -> None:
    images = [corner(level=level) for level in range(40, 200, 10)]
    told: list[str] = []
    halt = threading.Event()
    with web(motion_jpeg(images, 30, halt)) as port:
        source = open_live(
            f"http://127.0.0.1:{port}/camera", LiveOptions(retry=(0.05, 0.1), timeout=2), told.append
        )
        before = [next(source) for _ in range(5)]
        halt.set()
    with source:
        until(lambda: source.take(0.1) is None and source.state is State.retrying)
        with web(motion_jpeg(images, 30, threading.Event()), port):
            after = source.take(60)
            assert after is not None
            assert source.state is State.live
            source.close()
    assert np.abs(before[0].image[:20, :28].reshape(-1, 3).astype(int) - (220, 20, 20)).max() < 40
    assert after.time - before[-1].time == pytest.approx(after.captured - before[-1].captured, abs=0.01)
    assert "trying again" in told[0]
    assert "back after" in told[-1]


@pytest.mark.integration
def test_a_clip_from_a_web_server_comes_at_its_own_pace() -> None:
    data = clip(
        [corner(level=40 + index) for index in range(12)],
        [index / 20 for index in range(12)],
        form="matroska",
    )
    with (
        web(whole(data)) as port,
        open_live(f"http://127.0.0.1:{port}/clip.mkv", LiveOptions(drop=False)) as source,
    ):
        given = list(source)
    assert [frame.index for frame in given] == list(range(12))
    assert [frame.time for frame in given] == pytest.approx([index / 20 for index in range(12)], abs=0.002)
    assert given[-1].captured - given[0].captured > 0.5


@pytest.mark.integration
@pytest.mark.parametrize(
    ("status", "says", "kind"),
    [
        (401, "refuses the user or password", "permission"),
        (403, "refuses the user or password", "permission"),
        (404, "has nothing at this address", "unreadable"),
        (500, "the server answers", "unreadable"),
    ],
)
def test_what_a_server_refuses(status: int, says: str, kind: str) -> None:
    with (
        web(lambda request: request.send_error(status)) as port,
        pytest.raises(LostError, match=says) as caught,
    ):
        open_live(f"http://anna:secret@127.0.0.1:{port}/")
    assert "secret" not in str(caught.value)
    assert caught.value.kind == kind


@pytest.mark.integration
def test_an_unknown_codec_and_no_image() -> None:
    data = clip([corner()] * 3, form="matroska").replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ")
    with web(whole(data)) as port, pytest.raises(LostError, match="expected a codec that FFmpeg can decode"):
        open_live(f"http://127.0.0.1:{port}/")
    with (
        web(whole(b"once upon a time " * 500, "text/plain")) as port,
        pytest.raises(LostError, match="expected a stream; got"),
    ):
        open_live(f"http://127.0.0.1:{port}/")


@pytest.mark.integration
def test_frames_that_are_too_large() -> None:
    with (
        web(whole(clip([corner()] * 3))) as port,
        pytest.raises(MediaError, match="expected at most 100 pixels"),
    ):
        open_live(f"http://127.0.0.1:{port}/", LiveOptions(max_pixels=100))


@pytest.mark.integration
def test_a_playlist_cannot_make_it_read_a_file(tmp_path: Path) -> None:
    (tmp_path / "clip.ts").write_bytes(clip([corner()] * 30, form="mpegts"))
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nfile://{tmp_path}/clip.ts\n#EXT-X-ENDLIST\n"
    with web(whole(listed.encode(), "application/vnd.apple.mpegurl")) as port, pytest.raises(LostError):
        open_live(f"http://127.0.0.1:{port}/list.m3u8", LiveOptions(timeout=2))


@pytest.mark.integration
def test_a_playlist_of_its_own_server_is_played() -> None:
    data = clip([corner()] * 30, [index / 30 for index in range(30)], form="mpegts")

    def answer(request: object) -> None:
        listed = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nclip.ts\n#EXT-X-ENDLIST\n"
        if request.path == "/clip.ts":  # type: ignore[attr-defined]
            whole(data, "video/mp2t")(request)  # type: ignore[arg-type]
        else:
            whole(listed, "application/vnd.apple.mpegurl")(request)  # type: ignore[arg-type]

    with (
        web(answer) as port,
        open_live(f"http://127.0.0.1:{port}/list.m3u8", LiveOptions(drop=False)) as source,
    ):
        times = [frame.time for frame in source]
    assert times == pytest.approx([index / 30 for index in range(30)], abs=0.002)


# Redirects


def sent_on(place: str, data: bytes, asked: list[str]) -> Callable[[BaseHTTPRequestHandler], None]:
    """A server that sends on whoever asks for /camera."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        if request.path != "/camera":
            whole(data)(request)
            return
        request.send_response(302)
        request.send_header("Location", place)
        request.end_headers()

    return answer


@pytest.mark.integration
def test_a_redirect_on_the_same_computer_is_followed() -> None:
    data = clip([corner()] * 5, [index / 20 for index in range(5)], form="matroska")
    asked: list[str] = []
    with (
        web(sent_on("/clip.mkv?x=1", data, asked)) as port,
        open_live(f"http://127.0.0.1:{port}/camera", LiveOptions(drop=False)) as source,
    ):
        assert len(list(source)) == 5
    assert asked[-1] == "/clip.mkv?x=1"
    with web(sent_on("/camera", data, asked)) as port, pytest.raises(LostError, match="sends on and on"):
        open_live(f"http://127.0.0.1:{port}/camera")


@pytest.mark.integration
@pytest.mark.parametrize(
    "place",
    [
        "http://localhost:{port}/clip.mkv",
        "//localhost:{port}/clip.mkv",
        "rtsp://127.0.0.1:{port}/",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_to_another_computer_is_not_followed(place: str) -> None:
    asked: list[str] = []
    other: list[str] = []
    data = clip([corner()] * 5, form="matroska")
    with (
        web(sent_on("", data, other)) as port,
        web(sent_on(place.format(port=port), data, asked)) as first,
        pytest.raises(LostError, match="where nobody asked to go") as caught,
    ):
        open_live(f"http://anna:secret@127.0.0.1:{first}/camera", LiveOptions(timeout=3))
    assert "secret" not in str(caught.value)
    assert set(asked) == {"/camera"}
    assert other == []


# Nobody there


@pytest.mark.integration
def test_nobody_listens() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        for scheme in ("http", "rtsp"):
            with pytest.raises(LostError, match="nothing listens there"):
                open_live(f"{scheme}://127.0.0.1:{deaf.getsockname()[1]}/")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_says_nothing(scheme: str) -> None:
    began = time.monotonic()
    with silent() as port, pytest.raises(LostError, match=r"nothing came for 0\.5 s"):
        open_live(f"{scheme}://127.0.0.1:{port}/", LiveOptions(timeout=0.5))
    assert time.monotonic() - began < 10


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(LostError, match=r"no computer is known as nobody\.invalid"):
        open_live("rtsp://nobody.invalid/")


def test_a_video_that_is_not_there() -> None:
    with pytest.raises(MediaError, match="there is none of this name"):
        open_live("live:nothing.mp4")


def test_the_screen_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mss", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[screen\]'"):
        open_live("screen:")


@pytest.mark.integration
def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(LostError, match="start mien in a graphical session"):
        open_live("screen:")


# The clock


def test_a_backlog_keeps_its_times() -> None:
    clock = Clock(tolerance=1.0)
    # Five seconds that come at once, then live.
    times = [clock.time(index / 10, arrival=50.0) for index in range(50)]
    times += [clock.time(5 + index / 10, arrival=50.1 + index / 10) for index in range(50)]
    assert times == pytest.approx([index / 10 for index in range(100)])


def test_a_clock_that_jumps_is_not_followed() -> None:
    clock = Clock(tolerance=1.0)
    stamps = [0.0, 0.1, 0.2, 9000.3, 9000.4, 3.0, 3.1]
    times = [clock.time(stamp, arrival=index / 10) for index, stamp in enumerate(stamps)]
    assert times == pytest.approx([index / 10 for index in range(7)], abs=1e-3)
    assert all(np.diff(times) > 0)


@pytest.mark.parametrize("drift", [-3e-4, 3e-4])
def test_a_clock_that_runs_wrong_is_followed_smoothly(drift: float) -> None:
    clock, rng = Clock(tolerance=1.0), np.random.default_rng(1)
    arrivals = np.arange(40_000) / 4 + rng.uniform(0, 0.05, 40_000)
    times = [clock.time(index / 4 * (1 + drift), arrival) for index, arrival in enumerate(arrivals)]
    assert np.diff(times) == pytest.approx(0.25, abs=0.001)


def test_a_video_is_believed_however_slow_the_reader() -> None:
    clock = Clock(tolerance=float("inf"))
    assert [clock.time(stamp, arrival=10 * stamp) for stamp in (0.0, 1.0, 2.0)] == [0.0, 1.0, 2.0]


def test_pace_lets_what_was_held_up_drain() -> None:
    pace, now, behind = Pacer(), 0.0, []
    for index in range(5000):
        # The server stalls once, for two seconds, and then has the next frames ready.
        now += 2.0 if index == 100 else 0.0
        now += max(0.0, pace.pause(index / 25, now))
        behind.append(now - index / 25)
    assert behind[100] == pytest.approx(1.956, abs=0.001)
    assert behind[-1] < 1.82
    assert np.diff(behind).max() < 2.0
