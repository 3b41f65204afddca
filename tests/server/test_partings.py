"""Who is answered before all of a request is there gets that answer, and is not waited for longer than it takes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mien.server import running
from mien.server.settings import Limits
from tests.server.service import Service, serving
from tests.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests-0123"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose answer to a stranger does not wait for what else comes."""
    limits = replace(Limits(), pause_seconds=0.8)
    with serving(tmp_path_factory.mktemp("closed"), token=TOKEN, limits=limits) as running:
        yield running


def head(length: int, more: str = "", version: str = "1.1") -> bytes:
    return f"POST /v1/images HTTP/{version}\r\nHost: localhost\r\n{more}Content-Length: {length}\r\n\r\n".encode()


def sent(service: Service, first: bytes, rest: int, pause: float = 0.3) -> bytes:
    """Send the first bytes, some time later all others, and only then look at what came back, as simple clients do."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(first)
        time.sleep(pause)
        for _ in range(rest // 2**20):
            connection.sendall(bytes(2**20))
        told = b""
        while block := connection.recv(65536):
            told += block
            if b'"error"' in told:
                break
        return told


def status(connection: socket.socket) -> int:
    """Of the next answer, which is taken whole."""
    told = b""
    while True:
        block = connection.recv(65536)
        assert block, told
        told += block
        start, end, body = told.partition(b"\r\n\r\n")
        if end and len(body) >= int(start.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return int(told.split(b" ")[1])


@pytest.mark.parametrize(
    "first",
    [
        head(12 * 2**20),
        head(12 * 2**20, "Connection: close\r\n"),
        head(12 * 2**20, version="1.0"),
    ],
    ids=["kept", "closed", "1.0"],
)
def test_an_early_answer_is_read_by_a_client_that_sends_everything_first(
    closed: Service, first: bytes
) -> None:
    for _ in range(5):
        assert sent(closed, first, 12 * 2**20).startswith(b"HTTP/1.1 401 ")


def test_a_refusal_of_what_is_no_request_is_read(closed: Service) -> None:
    assert sent(closed, b"hello\r\n\r\n", 8 * 2**20).startswith(b"HTTP/1.1 400 ")


def test_a_connection_is_used_again_after_an_early_answer(closed: Service) -> None:
    with socket.create_connection(("127.0.0.1", closed.port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(head(2**20))
            assert status(connection) == 401
            connection.sendall(bytes(2**20))


def test_requests_that_were_answered_early_do_not_end_the_next(closed: Service) -> None:
    """Whatever comes together: the rest of one, the beginning of another."""
    with socket.create_connection(("127.0.0.1", closed.port), timeout=20) as connection:
        connection.sendall(head(2000) + bytes(1000))
        for _ in range(3):
            assert status(connection) == 401
            connection.sendall(bytes(1000) + head(2000) + bytes(1000))
        assert status(connection) == 401
        connection.sendall(bytes(1000) + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(connection) == 200
        time.sleep(2 * closed.settings.limits.pause_seconds)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(connection) == 200


def test_clients_that_are_slow_to_ask_are_not_closed_while_there_is_room(service: Service) -> None:
    """On a busy machine a client may need more than a second from its connection to its request."""

    async def one(told: Counter[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        await asyncio.sleep(1.3)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told[(await reader.readline()).strip()] += 1
        writer.close()

    async def crowd() -> Counter[bytes]:
        told: Counter[bytes] = Counter()
        first = [asyncio.create_task(one(told)) for _ in range(90)]
        await asyncio.sleep(1.1)
        await asyncio.gather(*first, *(one(told) for _ in range(90)))
        return told

    assert asyncio.run(crowd()) == {b"HTTP/1.1 200 OK": 180}


def sending(connection: socket.socket, piece: bytes, pause: float, seconds: float) -> float:
    """Send a piece again and again until the connection is closed: seconds until then."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        try:
            connection.sendall(piece)
        except OSError:
            break
        time.sleep(pause)
    return time.monotonic() - began


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"], ids=["kept", "closed"])
def test_what_is_passed_over_is_bounded(closed: Service, more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that trickles is ended, and so is one that sends for ever."""
    with socket.create_connection(("127.0.0.1", closed.port), timeout=20) as connection:
        connection.sendall(head(10**9, more))
        assert sending(connection, b"x", 0.05, 15) < 12
    monkeypatch.setattr(running, "_MOST_PASSED", 2**22)
    monkeypatch.setattr(running, "_LONGEST_PARTING", 2.0)
    with socket.create_connection(("127.0.0.1", closed.port), timeout=20) as connection:
        connection.sendall(head(10**9, more))
        assert sending(connection, bytes(2**20), 0, 15) < 12


def test_who_parts_frees_a_place(tmp_path: Path) -> None:
    with serving(tmp_path, token=TOKEN, limits=replace(Limits(), connections=3)) as service:
        parting = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(3)]
        for one in parting:
            one.sendall(head(10**6, "Connection: close\r\n"))
        until(lambda: service.client.get("/healthz").status_code == 200)
        for one in parting:
            one.close()
