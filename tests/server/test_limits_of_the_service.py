"""Clients that are slow, rude or many: each gets its status, nobody else notices, and nothing is left of
them.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from mien.server.settings import Limits
from tests.server.service import Service, encoded, serving
from tests.waiting import until

pytestmark = pytest.mark.integration

FORM = "Content-Type: multipart/form-data; boundary=x\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that does not wait for long."""
    limits = replace(Limits(), head_seconds=0.6, pause_seconds=0.6, slowest=100_000)
    with serving(tmp_path_factory.mktemp("hurried"), limits=limits) as running:
        yield running


def answered(service: Service, *parts: bytes, pause: float = 0.0, end: bool = False) -> tuple[int, bytes]:
    """Send bytes as they are, and get the status and all that comes back until the connection is closed."""
    with (
        socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection,
        suppress(ConnectionResetError),
    ):
        told = b""
        for part in parts:
            if select.select([connection], [], [], pause)[0]:
                break  # Answered before it was all sent.
            connection.sendall(part)
        if end:
            connection.shutdown(socket.SHUT_WR)
        while block := connection.recv(65536):
            told += block
    return int(told.split(b" ", 2)[1]) if told.startswith(b"HTTP/1.1 ") else 0, told.partition(b"\r\n\r\n")[2]


def post(length: int, path: str = "/v1/images") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: {length}\r\n\r\n".encode()


def test_headers_that_do_not_come(hurried: Service) -> None:
    for start in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "):
        began = time.monotonic()
        status, body = answered(hurried, start)
        assert (status, json.loads(body)["error"]["kind"]) == (408, "too_slow")
        assert time.monotonic() - began < Limits().head_seconds


def test_headers_that_come_a_letter_at_a_time(hurried: Service) -> None:
    letters = [
        bytes([letter])
        for letter in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: 12345678901234567890\r\n\r\n"
    ]
    assert answered(hurried, *letters, pause=0.02)[0] == 408


def test_a_second_request_that_does_not_come(hurried: Service) -> None:
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = b""
        while b'"ok"' not in told:
            told += connection.recv(65536)
        connection.sendall(b"GET /he")
        assert b'"too_slow"' in connection.recv(65536)
        assert connection.recv(65536) == b""


@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos"])
def test_uploads_that_stop_or_trickle(hurried: Service, path: str) -> None:
    status, body = answered(hurried, post(100_000, path), PART + bytes(500))
    assert (status, json.loads(body)["error"]["kind"]) == (408, "too_slow")
    status, body = answered(hurried, post(100_000, path), PART, *[b"x"] * 30, pause=0.1)
    assert (status, json.loads(body)["error"]["kind"]) == (408, "too_slow")
    assert list((hurried.settings.folder / "videos").iterdir()) == []


@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos"])
def test_uploads_that_break_off(hurried: Service, path: str) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", hurried.port)) as connection:
            connection.sendall(post(100_000, path) + PART + bytes(5000))
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )  # Reset instead of goodbye.
    until(lambda: not list((hurried.settings.folder / "videos").iterdir()))
    assert answered(hurried, post(100_000, path), PART + bytes(500), end=True)[0] in (0, 400, 408)
    assert hurried.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
        b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\n"
        + FORM.encode()
        + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=[
        "tls",
        "words",
        "version",
        "no host",
        "two hosts",
        "long",
        "many",
        "negative",
        "two lengths",
        "length and chunks",
        "no chunk",
    ],
)
def test_what_is_no_request(hurried: Service, request_: bytes) -> None:
    status, _ = answered(hurried, request_)
    assert status in (400, 408, 415, 421), status
    assert hurried.client.get("/healthz").status_code == 200


def test_an_upload_without_a_length_is_counted_as_it_comes(tmp_path: Path) -> None:
    with serving(tmp_path, limits=replace(Limits(), request_bytes=50_000, video_bytes=50_000)) as service:

        def endless() -> Iterator[bytes]:
            yield PART
            for _ in range(400):
                yield bytes(10_000)

        for path in ("/v1/images", "/v1/videos"):
            answer = service.client.post(
                path, content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"}
            )
            assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")
        assert answered(service, post(10**15))[0] == 413
        assert list((tmp_path / "videos").iterdir()) == []


def test_two_hundred_at_once(service: Service, portrait: np.ndarray) -> None:
    """Each is answered or told to come later, while others say nothing or send half."""
    file = encoded(portrait, "JPEG")

    async def crowd() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=service.url, timeout=90, limits=limits) as client:
            silent = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(20)]
            for index, (_, writer) in enumerate(silent):
                writer.write(b"" if index % 2 else post(9000) + PART)
            answers = await asyncio.gather(
                *(client.post("/v1/images", files={"file": file}) for _ in range(200))
            )
            for _, writer in silent:
                writer.close()
            assert all(
                answer.json()["images"][0]["status"] == "face"
                for answer in answers
                if answer.status_code == 200
            )
            return [answer.status_code for answer in answers]

    before = len(os.listdir("/proc/self/fd"))
    statuses = asyncio.run(crowd())
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= service.settings.limits.requests, (
        "also those who send half take no one's place"
    )
    assert service.client.post("/v1/images", files={"file": file}).status_code == 200
    until(lambda: len(os.listdir("/proc/self/fd")) <= before + 2)  # Connections are closed.
    assert sum("mien" in thread.name for thread in threading.enumerate()) <= 2 * (os.cpu_count() or 1) + 2


def test_more_connections_than_there_is_room_for(tmp_path: Path) -> None:
    with serving(tmp_path, limits=replace(Limits(), connections=5)) as service:
        held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(5)]
        status, body = answered(service)
        assert (status, json.loads(body)["error"]["kind"]) == (503, "busy")
        for connection in held:
            connection.close()
        until(lambda: service.client.get("/healthz").status_code == 200)


def test_images_beyond_the_memory_for_all(tmp_path: Path) -> None:
    with serving(tmp_path, limits=replace(Limits(), held_bytes=100_000)) as service:
        assert service.client.post("/v1/images", files={"file": bytes(150_000)}).status_code == 429
        answer = service.client.post("/v1/images", files={"file": bytes(50_000)})
        assert answer.status_code == 415, "what was refused is given back"
