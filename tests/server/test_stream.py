from __future__ import annotations

import asyncio
import json
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from mien import Pipeline, Session
from mien.core.frame import Frame
from mien.core.labels import NOTICE
from mien.server.settings import Limits, OwnSource
from mien.tracking.options import Smoothing, Tracking
from tests.server.service import Service, encoded, serving, talk, timed
from tests.waiting import until

pytestmark = pytest.mark.integration


def moving(portrait: np.ndarray, count: int) -> list[np.ndarray]:
    """A face that wanders to the right."""
    return [np.ascontiguousarray(np.roll(portrait, 2 * index, axis=1)) for index in range(count)]


def alike(told: dict[str, Any], right: dict[str, Any]) -> None:
    for key in ("box", "detection_score", "track", "time", "frame", "smoothed_emotion", "emotion"):
        assert told[key] == (list(right[key]) if key == "box" else right[key]), key
    for key in ("probs", "smoothed_probs"):
        assert told[key] == pytest.approx(right[key], abs=2e-6)


def test_a_stream_answers_as_a_session_does(
    service: Service, portrait: np.ndarray, pipeline: Pipeline
) -> None:
    images = moving(portrait, 8)
    session = Session(pipeline, None, Smoothing(tau=0.5))
    right = [list(session.update([Frame(index, index / 25, image)])[0]) for index, image in enumerate(images)]
    start = {"type": "start", "format": "rgb", "width": 240, "height": 240, "times": True, "tau": 0.5}
    ready, *exact = talk(
        service, start, [timed(index / 25, image.tobytes()) for index, image in enumerate(images)]
    )
    assert (ready["type"], ready["notice"], ready["labels"]) == ("ready", NOTICE, list(pipeline.labels))
    png = talk(
        service,
        {"times": True, "tau": 0.5},
        [timed(index / 25, encoded(image)) for index, image in enumerate(images)],
    )[1:]
    for told in (exact, png):
        assert [one["status"] for one in told] == ["face" if len(faces) else "no_face" for faces in right]
        for one, faces in zip(told, right, strict=True):
            for face, other in zip(one["faces"], faces, strict=True):
                alike(face, asdict(other))
    assert {face["track"] for one in exact for face in one["faces"]} == {1}


def test_streams_do_not_know_of_each_other(
    service: Service, portrait: np.ndarray, astronaut: np.ndarray
) -> None:
    async def both() -> list[list[dict[str, Any]]]:
        async def one(image: np.ndarray, largest: bool) -> list[dict[str, Any]]:
            async with connect(service.stream) as socket:
                await socket.send(json.dumps({"type": "start", "largest": largest}))
                told = [json.loads(await socket.recv())]
                for _ in range(6):
                    await socket.send(encoded(image))
                    told.append(json.loads(await socket.recv()))
                return told[1:]

        return list(
            await asyncio.gather(
                one(portrait, False), one(astronaut, True), one(np.zeros((99, 99, 3), np.uint8), False)
            )
        )

    a, b, c = asyncio.run(both())
    assert {face["track"] for one in a for face in one["faces"]} == {1}
    assert {face["track"] for one in b for face in one["faces"]} == {1}
    assert [one["faces"] for one in c] == [[]] * 6
    assert [one["frame"] for one in b] == list(range(6))


def test_arrival_is_the_time_where_none_is_sent_and_reset_forgets(
    service: Service, portrait: np.ndarray
) -> None:
    async def talking() -> list[dict[str, Any]]:
        async with connect(service.stream) as socket:
            await socket.send('{"type": "start"}')
            await socket.recv()
            told = []
            for message in (
                encoded(portrait),
                encoded(np.zeros((240, 240, 3), np.uint8)),
                '{"type": "reset"}',
                encoded(portrait),
            ):
                await socket.send(message)
                if isinstance(message, bytes):
                    told.append(json.loads(await socket.recv()))
            return told

    first, blank, again = asyncio.run(talking())
    assert 0 <= first["time"] < blank["time"] < again["time"]
    assert (first["faces"][0]["track"], blank["faces"], again["faces"][0]["track"]) == (1, [], 1)
    assert again["frame"] == 2


def test_who_waits_for_each_answer_is_told_why_a_stream_is_ended(service: Service) -> None:
    async def talking() -> tuple[int, list[dict[str, Any]]]:
        told: list[dict[str, Any]] = []
        async with connect(service.stream) as socket:
            await socket.send('{"type": "start"}')
            await socket.recv()
            while not told or told[-1]["type"] == "frame":
                await socket.send(b"no frame")
                told.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, told

    code, told = asyncio.run(talking())
    assert (code, len(told), told[-1]["type"]) == (4422, 100, "error")
    assert "expected frames; got 100 messages in a row that are none" in told[-1]["error"]["message"]


def test_the_newest_frame_wins_and_every_frame_is_answered(service: Service, astronaut: np.ndarray) -> None:
    async def talking() -> list[dict[str, Any]]:
        async with connect(service.stream) as socket:
            await socket.send(json.dumps({"type": "start", "times": True}))
            await socket.recv()
            frame = encoded(astronaut, "JPEG")
            for index in range(40):
                await socket.send(timed(index / 1000, frame))
            return [json.loads(await socket.recv()) for _ in range(40)]

    told = asyncio.run(talking())
    assert sorted(one["frame"] for one in told) == list(range(40))
    assert {one["status"] for one in told} == {"face", "skipped"}
    read = [one["frame"] for one in told if one["status"] == "face"]
    assert read == sorted(read)
    assert read[-1] == 39, "the newest is always read"


def test_what_is_no_frame_is_told_and_the_stream_goes_on(service: Service, portrait: np.ndarray) -> None:
    whole = encoded(portrait, "JPEG")
    bad: list[bytes | str] = [
        whole[: len(whole) // 2],
        b"",
        b"hello",
        b'{"type": "frame"}',
        b"\0" * 5000,
        "hello",
        '{"type": "start"}',
        "[" * 1000,
        encoded(np.zeros((1500, 1500), np.uint8)),
    ]
    told = talk(service, {"type": "start"}, [*bad, whole])[1:]
    assert [one["error"]["status"] for one in told[:-1]] == [422, 422, 415, 415, 415, 422, 422, 422, 413]
    assert [one["type"] for one in told[:-1]] == ["frame"] * 5 + ["error"] * 3 + ["frame"]
    assert told[-1]["status"] == "face"
    raw = talk(
        service,
        {"type": "start", "format": "rgb", "width": 4, "height": 2, "times": True},
        [timed(0, bytes(23)), timed(0, bytes(24)), b"abc"],
    )[1:]
    assert [one["status"] for one in raw] == ["error", "no_face", "error"]
    for seconds in (float("nan"), float("inf"), 1e300):
        assert (
            talk(service, {"type": "start", "times": True}, [timed(seconds, whole)])[1]["error"]["kind"]
            == "unreadable"
        )


@pytest.mark.parametrize(
    "start",
    [
        "",
        "hello",
        "[]",
        "null",
        '{"type": "stop"}',
        '{"format": "rgb"}',
        '{"format": "rgb", "width": 0, "height": 10}',
        '{"format": "rgb", "width": 10, "height": 1e9}',
        '{"width": 10, "height": 10}',
        '{"tau": -1}',
        '{"tau": "x"}',
        '{"tau": 1e400}',
        '{"baseline": 0}',
        '{"largest": 1}',
        '{"token": "x"}',
        b"\xff\xd8",
    ],
)
def test_a_start_that_is_none_ends_the_stream(service: Service, start: str | bytes) -> None:
    async def talking() -> tuple[dict[str, Any], int]:
        async with connect(service.stream) as socket:
            await socket.send(start)
            told = json.loads(await socket.recv())
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            return told, closed.value.rcvd.code

    told, code = asyncio.run(talking())
    assert (told["type"], code) == ("error", 4000 + told["error"]["status"])
    assert told["error"]["status"] == 422


def test_streams_beyond_the_limits(tmp_path: Path, portrait: np.ndarray) -> None:
    limits = replace(Limits(), streams=2, head_seconds=0.4, idle_seconds=0.5, frame_bytes=50_000)
    with serving(tmp_path, limits=limits) as service:

        async def crowd() -> None:
            async with connect(service.stream) as one, connect(service.stream) as two:
                with pytest.raises(InvalidStatus) as refused:
                    await connect(service.stream)
                assert refused.value.response.status_code == 429
                await one.send('{"type": "start"}')
                assert json.loads(await one.recv())["type"] == "ready"
                assert json.loads(await two.recv())["error"]["status"] == 408, "a client that says nothing"
                assert json.loads(await one.recv())["error"]["status"] == 408, "a client that sends nothing"
            async with connect(service.stream) as three:
                await three.send('{"type": "start"}')
                await three.recv()
                await three.send(bytes(50_001))
                with pytest.raises(ConnectionClosedError) as closed:
                    await three.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1009

        asyncio.run(crowd())
        until(lambda: service.metric("mien_streams") == 0)  # It hears of an end some moments later.
        assert talk(service, {"type": "start"}, [encoded(portrait)])[1]["status"] == "face"


def test_a_client_that_goes_in_the_middle_leaves_nothing(service: Service, astronaut: np.ndarray) -> None:
    async def leave() -> None:
        for _ in range(5):
            socket = await connect(service.stream)
            await socket.send('{"type": "start"}')
            await socket.recv()
            await socket.send(encoded(astronaut, "JPEG"))
            socket.transport.abort()

    asyncio.run(leave())
    assert talk(service, {"type": "start"}, [encoded(astronaut, "JPEG")])[1]["status"] == "face"
    until(lambda: service.metric("mien_streams") == 0)  # It hears of an end some moments later.


def test_a_hundred_things_that_are_no_frames_end_the_stream(service: Service) -> None:
    async def talking() -> int:
        async with connect(service.stream) as socket:
            await socket.send('{"type": "start"}')
            try:
                for _ in range(300):
                    await socket.recv()
                    await socket.send("no frame")
            except ConnectionClosedError as closed:
                return closed.rcvd.code if closed.rcvd else 0
            return 0

    assert asyncio.run(talking()) == 4422


def test_the_largest_face_only(service: Service, portrait: np.ndarray, pipeline: Pipeline) -> None:
    two = np.full((300, 520, 3), 90, np.uint8)
    two[20:260, 10:250] = portrait
    two[100:220, 350:470] = portrait[::2, ::2]
    faces = pipeline([two])[0]
    assert len(faces) == 2
    one = copy(pipeline)
    one.largest = True
    told = talk(service, {"type": "start", "largest": True}, [encoded(two)])[1]["faces"]
    assert [face["box"] for face in told] == [list(face.box) for face in one([two])[0]]


def test_a_camera_that_is_moved_is_not_cut(service: Service, astronaut: np.ndarray) -> None:
    """At three frames a second each image differs so much from the one before that it could be another scene."""
    face = np.asarray(Image.fromarray(astronaut[:300, 80:380]).resize((420, 420)))
    frames = []
    for index in range(15):
        image = np.full((480, 640, 3), 60, np.uint8)
        left = 110 + int(80 * np.sin(2 * np.pi * index / 9))
        image[30:450, left : left + 420] = face
        frames.append(timed(index / 3, image.tobytes()))
    start = {"type": "start", "format": "rgb", "width": 640, "height": 480, "times": True}
    numbers = {
        cuts: {
            face["track"]
            for told in talk(service, {**start, "cuts": cuts}, frames)[1:]
            for face in told["faces"]
        }
        for cuts in (True, False)
    }
    assert numbers[False] == {1}
    assert len(numbers[True]) > 3, "a video that really is cut"


@pytest.mark.parametrize(
    ("source", "cuts"),
    [
        ("camera:0", False),
        ("rtsp://door.local/1", False),
        ("screen:", True),
        ("live:a.mp4", True),
        ("http://tv.local/", True),
    ],
)
def test_the_service_knows_which_of_its_sources_are_cut(source: str, cuts: bool) -> None:
    assert OwnSource(source).video_options.tracking == Tracking(cuts=cuts)
