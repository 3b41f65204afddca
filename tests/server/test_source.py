"""The service's own source, seen by programs."""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mien import Pipeline
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import NOTICE
from mien.media.blur import Blur
from mien.media.live import LiveOptions, LiveSource, State
from mien.media.live.capture import CapturedFrame
from mien.server.broadcast import Condition, Looking, Snapshot, Viewer, unpacked
from mien.server.offer import facts
from mien.server.settings import Limits, OwnSource
from mien.tracking.session import Session
from tests.media.live_places import Told
from tests.server.camera_server import camera_server
from tests.server.service import Service, serving
from tests.waiting import until

pytestmark = pytest.mark.integration

NEXT = '{"type": "next"}'
TOKEN = "a-token-of-the-tests-0123"


def address(service: Service) -> str:
    return f"ws://127.0.0.1:{service.port}/v1/source"


class Seen:
    """All that a viewer was told."""

    def __init__(self) -> None:
        self.ready: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.images: list[bytes] = []
        self.states: list[dict[str, Any]] = []
        self.error: dict[str, Any] | None = None
        self.code: int | None = None

    def hear(self, message: str | bytes) -> bool:
        """Take a message; whether it was a frame."""
        if isinstance(message, bytes):
            told, image = unpacked(message)
            self.frames.append(told)
            self.images.append(image)
            return True
        told = json.loads(message)
        if told["type"] == "ready":
            self.ready = told
        elif told["type"] == "state":
            self.states.append(told)
        else:
            self.error = told["error"]
        return False


async def look(
    service: Service, until: Callable[[Seen], bool] = lambda seen: False, pause: float = 0.0, **options: Any
) -> Seen:
    """Look until something is seen or the service ends it; ``pause`` seconds are spent on each frame."""
    seen = Seen()
    async with connect(address(service), **options) as socket:
        try:
            await _looking(socket, seen, until, pause)
        except ConnectionClosed as closed:
            seen.code = None if closed.rcvd is None else closed.rcvd.code
    return seen


async def _looking(socket: ClientConnection, seen: Seen, until: Callable[[Seen], bool], pause: float) -> None:
    await _ask(socket)
    async with asyncio.timeout(60):
        while not until(seen):
            if seen.hear(await socket.recv()):
                await asyncio.sleep(pause)
                await _ask(socket)


async def _ask(socket: ClientConnection) -> None:
    """For the next frame; where the service has hung up already, what it said before is still to be
    received.
    """
    with suppress(ConnectionClosed):
        await socket.send(NEXT)


def image(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as file:
        assert file.format == "JPEG"
        return np.asarray(file)


def test_frames_come_with_faces_and_true_times_until_the_end(
    tmp_path: Path, movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    clip = movie(30, nobody=range(12, 20), rate=10)
    with serving(tmp_path / "service", source=OwnSource(f"live:{clip}")) as service:
        assert service.client.get("/v1/source").json()["state"] == "resting"
        seen = asyncio.run(look(service))
        after = service.client.get("/v1/source").json()
        read = service.metric("mien_source_frames_total")
    assert seen.ready == {
        "type": "ready",
        "notice": NOTICE,
        **facts(pipeline),
        "labels": list(pipeline.labels),
        "source": "live:clip.mp4",
        "covered": False,
    }
    assert str(tmp_path) not in json.dumps([seen.ready, seen.states, seen.frames]), (
        "nobody is told where the file lies"
    )
    assert len(seen.frames) > read / 2 > 0
    indices = [one["frame"] for one in seen.frames]
    assert indices == sorted(set(indices))
    for one, data in zip(seen.frames, seen.images, strict=True):
        assert one["time"] == pytest.approx(one["frame"] / 10, abs=1e-3)
        assert (one["width"], one["height"]) == (240, 240)
        assert image(data).shape == (240, 240, 3)
        assert one["status"] == ("no_face" if one["frame"] in range(12, 20) else "face")
        assert 0 <= one["latency"] < 5
    faces = [face for one in seen.frames for face in one["faces"]]
    assert {face["track"] for face in faces} == {1}
    assert {face["time"] for face in faces} <= {one["time"] for one in seen.frames}
    assert all(
        face["smoothed_emotion"] in pipeline.labels
        and sum(face["smoothed_probs"].values()) == pytest.approx(1, abs=1e-3)
        for face in faces
    )
    rates = seen.frames[-1]["rates"]
    assert 5 < rates["captured"] < 15
    assert rates["median"] <= rates["slow"]
    assert [one["state"] for one in seen.states][-1] == "ended"
    assert "live" in [one["state"] for one in seen.states]
    assert "came to its end" in seen.states[-1]["message"]
    assert (seen.code, seen.error) == (1000, None)
    assert (after["state"], after["viewers"]) == ("ended", 0)


def test_who_looks_after_the_end_sees_it_from_the_start(tmp_path: Path, movie: Callable[..., Path]) -> None:
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(6, rate=10)}")) as service:
        for _ in range(2):
            began = time.monotonic()
            first = asyncio.run(look(service, lambda seen: bool(seen.frames))).frames[0]
            assert first["time"] <= time.monotonic() - began
            assert asyncio.run(look(service)).states[-1]["state"] == "ended"


def test_a_slow_viewer_gets_fewer_frames_none_of_them_late_and_holds_up_nobody(
    tmp_path: Path, movie: Callable[..., Path]
) -> None:
    with serving(
        tmp_path / "service", source=OwnSource(f"live:{movie(50, nobody=range(0), rate=10)}")
    ) as service:

        async def both() -> tuple[Seen, Seen, list[float]]:
            ages: list[float] = []
            fast = Seen()

            def age(slow: Seen) -> bool:
                if slow.frames and fast.frames:
                    ages.append(fast.frames[-1]["time"] - slow.frames[-1]["time"])
                return False

            async def quick() -> None:
                async with connect(address(service)) as socket:
                    with suppress(ConnectionClosed):
                        await _looking(socket, fast, lambda seen: False, 0)

            _, slow = await asyncio.gather(quick(), look(service, age, pause=0.8))
            return fast, slow, ages

        fast, slow, ages = asyncio.run(both())
        read = service.metric("mien_source_frames_total")
    assert len(fast.frames) > read / 2 > 0
    assert 2 <= len(slow.frames) <= 8
    # When a slow viewer asks, it gets what is shown now; after its pause of 0.8 s that is as old as the
    # pause, and no older.
    assert max(ages) < 1.6, ages
    assert {one["viewers"] for one in fast.states} >= {2}


def test_many_look_at_one_reading(tmp_path: Path, movie: Callable[..., Path]) -> None:
    limits = replace(Limits(), viewers=3)
    with serving(
        tmp_path / "service", source=OwnSource(f"live:{movie(40, rate=10)}"), limits=limits
    ) as service:

        async def crowd() -> list[Seen]:
            several = [
                asyncio.create_task(look(service, lambda seen: len(seen.frames) >= 8)) for _ in range(3)
            ]
            while service.client.get("/v1/source").json()["viewers"] < 3:
                await asyncio.sleep(0.02)
            with pytest.raises(InvalidStatus) as refused:
                await connect(address(service))
            assert refused.value.response.status_code == 429
            return await asyncio.gather(*several)

        seen = asyncio.run(crowd())
        told = [{one["frame"]: one for one in viewer.frames} for viewer in seen]
        both = told[0].keys() & told[1].keys()
        assert len(both) >= 3
        assert all(told[0][frame] == told[1][frame] for frame in both), "one session reads for all"
        # The service hears of a goodbye a moment after it was said.
        until(lambda: not service.metric("mien_source_viewers"))
        assert 0 < service.metric("mien_source_frames_total") <= 40


def test_it_is_open_only_while_somebody_looks(
    tmp_path: Path, movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.server.broadcast._LINGER", 0.3)
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(100, rate=10)}")) as service:
        asyncio.run(look(service, lambda seen: len(seen.frames) >= 3))
        until(lambda: service.client.get("/v1/source").json()["state"] == "resting")
        until(lambda: "mien-watcher" not in [thread.name for thread in threading.enumerate()])
        count = service.metric("mien_source_frames_total")
        time.sleep(0.5)
        assert service.metric("mien_source_frames_total") == count
        began = time.monotonic()
        again = asyncio.run(look(service, lambda seen: len(seen.frames) >= 1))
        assert again.frames[0]["time"] <= time.monotonic() - began, "it was opened anew"


def test_a_source_that_is_lost_is_told_and_comes_back(tmp_path: Path, portrait: np.ndarray) -> None:
    told: list[str] = []
    options = LiveOptions(timeout=1, retry=(0.2, 0.4))
    with camera_server(portrait) as camera:
        own = OwnSource(f"http://anna:secret@127.0.0.1:{camera.port}/video?key=7", options, tell=told.append)
        with serving(tmp_path / "service", source=own) as service:

            async def looking() -> Seen:
                def until(seen: Seen) -> bool:
                    states = [one["state"] for one in seen.states]
                    if len(seen.frames) >= 3 and not camera.off and "retrying" not in states:
                        camera.off = True
                    if "retrying" in states:
                        camera.off = False
                    return "retrying" in states and states[-1] == "live"

                return await look(service, until)

            seen = asyncio.run(looking())
    lost = next(one for one in seen.states if one["state"] == "retrying")
    assert lost["message"].endswith("; trying again")
    assert "127.0.0.1" in lost["message"]
    for secret in ("anna", "secret", "key", "/video"):
        assert secret not in json.dumps([seen.ready, seen.states]), secret
    assert any("back after" in line for line in told)


def test_no_frame_of_before_follows_the_news_of_a_loss(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading is slow here: one frame is being read and the next one waits when the source is lost."""
    back = threading.Event()

    def frames(count: int, after: threading.Event | None = None) -> Iterator[CapturedFrame]:
        assert after is None or after.wait(30)
        for _ in range(count):
            yield CapturedFrame(None, lambda: np.zeros((24, 32, 3), np.uint8))

    live = LiveSource("door", Told(frames(2), frames(1, back), []), LiveOptions(retry=(0.01, 0.01)))

    class SlowSession(Session):
        def update(self, frames: Any) -> list[Faces]:
            until(lambda: live.state is not State.live or back.is_set())
            time.sleep(0.3)  # Longer than a source is watched before it is asked how it is.
            return super().update(frames)

    heard: list[str] = []

    def become(condition: Condition) -> None:
        if [condition.state] != heard[-1:]:
            heard.append(condition.state)
        if condition.state == "retrying":
            back.set()

    monkeypatch.setattr(OwnSource, "open", lambda _: live.start())
    monkeypatch.setattr("mien.server.broadcast.Session", SlowSession)
    for snapshot in Looking(OwnSource("camera:0"), pipeline, 100, become).snapshots(threading.Event()):
        heard.append(f"frame {unpacked(snapshot.plain)[0]['frame']}")
    first, second = heard.index("retrying"), heard.index("frame 2")
    assert [one for one in heard[:first] if "frame" in one] in (["frame 1"], ["frame 0", "frame 1"]), heard
    assert heard[first + 1 : second] in ([], ["live"]), heard


def test_a_viewer_gets_no_frame_of_before_after_the_news_of_a_loss() -> None:
    viewer = Viewer()
    before, after = (
        Snapshot({"frame": at}, Faces.empty(), np.zeros((9, 9, 3), np.uint8), 9) for at in (1, 2)
    )
    viewer.offer(before)
    viewer.tell(Condition("retrying", "gone"))
    viewer.wanted = 2
    assert (viewer.condition(), viewer.frame()) == (Condition("retrying", "gone"), None)
    viewer.offer(after)
    viewer.tell(Condition("live"))
    assert (viewer.condition(), viewer.frame()) == (Condition("live"), after.plain)


def test_a_source_that_is_not_there_yet_is_waited_for(tmp_path: Path, portrait: np.ndarray) -> None:
    with camera_server(portrait) as camera:
        camera.off = True
        own = OwnSource(f"http://127.0.0.1:{camera.port}/", LiveOptions(timeout=1, retry=(0.2, 0.4)))
        with pytest.raises(InputError):
            own.check()
        with serving(tmp_path / "service", source=own) as service:

            def until(seen: Seen) -> bool:
                if "retrying" in [one["state"] for one in seen.states]:
                    camera.off = False
                return len(seen.frames) >= 1

            seen = asyncio.run(look(service, until))
    assert next(one["state"] for one in seen.states if one["state"] != "opening") == "retrying"


def test_a_source_that_is_gone_for_good_is_told(tmp_path: Path, movie: Callable[..., Path]) -> None:
    clip = movie(5)
    with serving(tmp_path / "service", source=OwnSource(f"live:{clip}")) as service:
        clip.unlink()
        seen = asyncio.run(look(service))
        assert seen.code == 4503
        assert seen.error is not None
        assert seen.error["kind"] == "lost"
        assert "clip.mp4" in seen.error["message"]
        assert str(clip.parent) not in seen.error["message"]
        assert service.client.get("/v1/source").json()["state"] == "failed"


def test_faces_are_covered_before_they_leave(
    tmp_path: Path, movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    clip = movie(20, rate=10)
    with serving(tmp_path / "service", source=OwnSource(f"live:{clip}", blur=Blur())) as service:
        seen = asyncio.run(look(service))
    assert seen.ready["covered"] is True
    shown = [image(data) for one, data in zip(seen.frames, seen.images, strict=True) if one["faces"]]
    assert len(shown) >= 8
    assert sum(len(faces) for faces in pipeline(shown)) == 0, "no detector finds a face in what is sent"


def test_large_frames_are_sent_smaller_with_boxes_of_the_frame(
    tmp_path: Path, movie: Callable[..., Path]
) -> None:
    limits = replace(Limits(), source_side=120)
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(10)}"), limits=limits) as service:
        seen = asyncio.run(look(service, lambda seen: any(one["faces"] for one in seen.frames)))
    assert image(seen.images[-1]).shape == (120, 120, 3)
    assert seen.frames[-1]["width"] == 240
    assert seen.frames[-1]["faces"][0]["box"][3] > 150


def test_the_token_and_the_origin_count_here_too(tmp_path: Path, movie: Callable[..., Path]) -> None:
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(20)}"), token=TOKEN) as service:
        assert service.client.get("/v1/source").status_code == 401
        page = service.client.get("/v1/page").json()["source"]
        assert page == {"covered": False}, "without the token nobody is told which source it is"

        async def status(name: str = "127.0.0.1", **options: Any) -> int:
            try:
                async with connect(
                    address(service).replace("127.0.0.1", name),
                    host="127.0.0.1",
                    port=service.port,
                    **options,
                ):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert asyncio.run(status()) == 401
        assert asyncio.run(status(additional_headers={"Authorization": "Bearer another-token-0123"})) == 401
        assert asyncio.run(status("evil.example", additional_headers=bearer)) == 421
        assert asyncio.run(status(additional_headers=bearer, origin="http://evil.example")) == 403
        assert asyncio.run(status(additional_headers=bearer)) == 101
        assert asyncio.run(status(subprotocols=["mien.v1", f"mien.token.{TOKEN}"])) == 101


@pytest.mark.parametrize(
    "message",
    [
        "",
        "next",
        '{"type": "start"}',
        '{"type": "next", "source": "camera:0"}',
        b'{"type": "next"}',
        b"\xff\xd8",
    ],
)
def test_viewers_can_ask_for_the_next_frame_and_for_nothing_else(
    tmp_path: Path, movie: Callable[..., Path], message: str | bytes
) -> None:
    async def talking(service: Service) -> tuple[dict[str, Any] | None, int | None]:
        seen = Seen()
        async with connect(address(service)) as socket:
            await socket.send(message)
            try:
                while True:
                    seen.hear(await socket.recv())
            except ConnectionClosed as closed:
                return seen.error, None if closed.rcvd is None else closed.rcvd.code

    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(30)}")) as service:
        error, code = asyncio.run(talking(service))
    assert error is not None
    assert (error["status"], code) == (422, 4422)


def test_a_viewer_that_wants_nothing_is_let_go(tmp_path: Path, movie: Callable[..., Path]) -> None:
    limits = replace(Limits(), idle_seconds=0.4)
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(30)}"), limits=limits) as service:

        async def silent() -> int | None:
            async with connect(address(service)) as socket:
                try:
                    while True:
                        await socket.recv()
                except ConnectionClosed as closed:
                    return None if closed.rcvd is None else closed.rcvd.code

        assert asyncio.run(silent()) == 4408


def test_without_a_source_there_is_none_to_look_at(service: Service) -> None:
    refused = service.client.get("/v1/source")
    assert (refused.status_code, refused.json()["error"]["kind"]) == (404, "not_found")
    assert service.client.get("/v1/page").json()["source"] is None
    with pytest.raises(InvalidStatus) as closed:
        asyncio.run(look(service))
    assert closed.value.response.status_code == 404


def test_the_example_of_the_documentation_runs(
    tmp_path: Path, movie: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "streams.md").read_text(encoding="utf-8")
    [example] = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "/v1/source" in block
    ]
    with serving(tmp_path / "service", source=OwnSource(f"live:{movie(10)}")) as service:
        names: dict[str, Any] = {}
        exec(example.replace(":8000", f":{service.port}"), names)
        asyncio.run(names["look"]())
    ready, *told = capsys.readouterr().out.splitlines()
    assert json.loads(ready)["type"] == "ready"
    assert any(re.fullmatch(r"\d\.\d+ \[\(1, '\w+'\)\] \d+", line) for line in told), told
