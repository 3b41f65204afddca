"""Requests as clients, monitors and programmers get them wrong: each is told what is meant."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mien.server.settings import Limits
from tests.server.service import Service, encoded, serving
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", ["image", "files", "file[]", "data", "File", ""])
@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos"])
def test_a_file_in_another_field(service: Service, path: str, name: str) -> None:
    answer = service.client.post(path, files={name: ("a.png", bytes(20_000))})
    assert answer.status_code == 422
    message = answer.json()["error"]["message"]
    assert "expected the field 'file'" in message
    assert repr(name) in message


def test_other_fields(service: Service) -> None:
    file = {"file": ("a.png", bytes(100))}
    answer = service.client.post("/v1/videos", data={"intervall": "5"}, files=file)
    assert (answer.status_code, "did you mean interval" in answer.text) == (422, True)
    answer = service.client.post("/v1/videos", data={"tau": ["1"] * 1000}, files=file)
    assert (answer.status_code, "expected the field 'tau' once" in answer.json()["error"]["message"]) == (
        422,
        True,
    )
    answer = service.client.post("/v1/images", data={"minface": "64"}, files=file)
    assert (answer.status_code, "did you mean min_face" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/v1/images?minface=64", "did you mean min_face?"),
        ("POST", "/v1/images?min_face=64&min_face=20", "expected min_face once in the address; got it again"),
        ("POST", "/v1/images?min_face=64&tau=1", "got 'tau'"),
        ("POST", "/v1/videos?fps=5", "got 'fps'"),
        ("GET", "/v1/models?all", "got 'all'"),
        ("GET", "/v1/videos/" + "0" * 32 + "?x=1", "got 'x'"),
        ("GET", "/v1/source?x=1", "got 'x'"),
        ("POST", "/v1/login?token=abc", "got 'token'"),
    ],
)
def test_options_that_are_not_known(service: Service, method: str, path: str, told: str) -> None:
    if "all" in path:
        path += "=1"
    answer = service.client.request(
        method,
        path,
        files={"file": ("a.png", encoded(np.zeros((9, 9, 3), np.uint8)))} if method == "POST" else None,
    )
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "invalid")
    assert told in answer.json()["error"]["message"]


def test_options_of_a_stream_that_are_not_known(service: Service) -> None:
    async def opening(url: str) -> None:
        async with connect(url):
            pass

    for url in (f"{service.stream}?largest=true", service.stream.replace("stream", "source") + "?x=1"):
        with pytest.raises(InvalidStatus) as refused:
            asyncio.run(opening(url))
        assert refused.value.response.status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/v1/models",
        "/openapi.json",
        "/metrics",
        "/v1/page",
        "/",
        "/v1/source",
        "/v1/nothing",
        "/v1/images",
    ],
)
def test_head_is_answered_as_get_is(service: Service, path: str) -> None:
    get, head = service.client.get(path), service.client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-security-policy"] == get.headers["content-security-policy"]
    if get.status_code == 405:
        assert "GET" not in get.headers["allow"]


def test_head_of_events_ends(service: Service) -> None:
    video = service.client.post("/v1/videos", files={"file": ("a.mp4", bytes(100))})
    if video.status_code == 202:
        place = video.headers["location"]
        assert (
            service.client.head(f"{place}/events", timeout=60)
            .headers["content-type"]
            .startswith("text/event-stream")
        )
        assert service.client.head(place).status_code == 200
        service.client.delete(place)
    assert service.client.get("/healthz").status_code == 200


def test_answers_do_not_wait_for_the_client_to_acknowledge(service: Service) -> None:
    took = []
    for _ in range(60):
        began = time.perf_counter()
        service.client.get("/healthz")
        took.append(time.perf_counter() - began)
    # All but the first few would take so long, while a busy machine is quick now and then.
    assert sorted(took)[15] < 0.035, "40 ms are Nagle's algorithm and a delayed acknowledgement"


def test_text_that_is_no_utf8_closes_a_stream(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async def heard(socket_: ClientConnection) -> None:
        async with asyncio.timeout(10):
            while True:
                await socket_.recv()

    async def sending(*pieces: bytes) -> int | None:
        async with connect(service.stream) as socket_:
            await socket_.send(pieces, text=True)
            with pytest.raises(ConnectionClosed) as closed:
                await heard(socket_)
            return closed.value.rcvd.code if closed.value.rcvd else None

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(sending(b"\xff\xfe{")) == 1007
        assert asyncio.run(sending(b'{"type": "\xc3', b'\x28"}')) == 1007
        assert asyncio.run(sending(b'{"type": "\xc3', b'\xa4"}')) == 4422, (
            "a letter may be cut between two pieces"
        )
    assert not [record for record in caplog.records if record.exc_info]


def silent(service: Service, count: int, source: str) -> list[socket.socket]:
    return [
        socket.create_connection(("127.0.0.1", service.port), source_address=(source, 0))
        for _ in range(count)
    ]


def test_an_address_cannot_take_the_places_of_others(tmp_path: Path) -> None:
    with serving(tmp_path, limits=replace(Limits(), connections=60, head_seconds=30)) as service:
        held = silent(service, 59, "127.0.0.2")
        refused: set[socket.socket] = set()

        def as_many_as_came() -> bool:
            for one in set(held) - refused:
                with suppress(BlockingIOError):
                    if b"busy" in one.recv(4096, socket.MSG_DONTWAIT):
                        refused.add(one)
            return len(refused) >= 39  # Of 99 that came 60 have a place, or 59 while the client has one.

        try:
            for _ in range(5):
                with httpx.Client(base_url=service.url) as other:
                    assert other.get("/healthz").status_code == 200
            held += silent(service, 40, "127.0.0.2")
            until(as_many_as_came)  # They are told so.
            assert json.loads(service.client.get("/healthz").content)["status"] == "ok"
        finally:
            for one in held:
                one.close()


def test_nothing_is_told_to_whom_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """FastAPI exports what it sees of requests where it is asked to, or says what it lacks for that."""
    with socket.create_server(("127.0.0.1", 0)) as collector:
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.getsockname()[1]}")
        with serving(tmp_path) as service:
            assert service.client.get("/healthz").status_code == 200
        collector.settimeout(0)
        with pytest.raises(BlockingIOError):
            collector.accept()
    assert [record.getMessage() for record in caplog.records if "elemetry" in record.getMessage()] == []
