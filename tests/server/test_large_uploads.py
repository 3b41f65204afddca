"""Whoever sends more than the service takes is told so, by real clients on real sockets: at once where they ask or say how
much it is, and else when they have sent it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from mien.client import Client
from mien.core.errors import ServiceError
from mien.server import running
from mien.server.settings import Limits
from tests.server.service import Service, encoded, serving

pytestmark = pytest.mark.integration

MOST = 2**20
MIB = bytes(2**20)
FAR_OVER = 80
"""MiB: more than what is passed over on a connection that is kept, and than sockets hold."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    limits = replace(Limits(), image_bytes=MOST, request_bytes=MOST, video_bytes=MOST)
    with serving(tmp_path_factory.mktemp("small"), limits=limits) as running:
        yield running


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and all that came up to the end."""
    told = b""
    while block := connection.recv(65536):
        told += block
    assert told.startswith(b"HTTP/1.1 "), told
    return int(told[9:12]), told


def head(path: str, length: int, more: str = "") -> bytes:
    kind = "image/png" if path == "/v1/images" else "multipart/form-data; boundary=x"
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{more}Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos"])
@pytest.mark.parametrize("more", ["Expect: 100-continue\r\n", ""], ids=["asked", "said"])
def test_it_is_told_before_any_of_it_is_sent(small: Service, path: str, more: str) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        connection.sendall(head(path, 10**12, more))
        status, told = answer(connection)
    assert status == 413
    assert b"100 Continue" not in told
    assert b"connection: close" in told.lower()
    assert b"expected at most " in told


def test_what_may_be_sent_is_asked_for(small: Service, portrait: np.ndarray) -> None:
    file = encoded(portrait)
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        connection.sendall(head("/v1/images", len(file), "Connection: close\r\nExpect: 100-continue\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(file)
        assert answer(connection)[0] == 200


@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos"])
def test_a_client_that_sends_everything_first_reads_the_answer(small: Service, path: str) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as connection:
        connection.sendall(head(path, FAR_OVER * len(MIB)))
        for _ in range(FAR_OVER):
            connection.sendall(MIB)
        assert answer(connection)[0] == 413


def test_a_body_of_unknown_length_is_read_to_its_end(small: Service) -> None:
    url = f"{small.url}v1/images"
    told = httpx.post(
        url, content=(MIB for _ in range(FAR_OVER)), headers={"Content-Type": "image/png"}, timeout=60
    )
    assert (told.status_code, told.json()["error"]["kind"]) == (413, "too_large")


def test_clients_of_python_are_told(small: Service) -> None:
    """Httpx and mien's own send all of it first."""
    data = bytes(FAR_OVER * len(MIB))
    form = small.client.post("/v1/images", files={"file": data})
    raw = small.client.post("/v1/images", content=data, headers={"Content-Type": "image/png"})
    for told in (form, raw):
        assert (told.status_code, told.json()["error"]["kind"]) == (413, "too_large")
    with Client(small.url) as client:
        for send in (client.images, client.video):
            with pytest.raises(ServiceError) as caught:
                send(data)
            assert (caught.value.status, caught.value.kind) == (413, "too_large")
    assert small.client.get("/healthz").status_code == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("expects", [True, False])
def test_curl_is_told(small: Service, tmp_path: Path, expects: bool) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(FAR_OVER * len(MIB))
    for sent in (["-F", f"file=@{huge}"], ["-H", "Content-Type: image/png", "--data-binary", f"@{huge}"]):
        command = ["curl", "-sS", "-w", "%{http_code}", *sent, f"{small.url}v1/images"]
        command[1:1] = ["-H", "Expect: 100-continue"] if expects else ["-H", "Expect:"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout[-3:]) == (0, "413"), done.stderr
        assert f"at most {MOST:,} bytes" in done.stdout


def test_one_that_asked_and_was_refused_for_another_reason_is_not_waited_for(small: Service) -> None:
    """Nobody has told it to go on, so it may send the rest or not: the connection ends."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        began = time.monotonic()
        connection.sendall(head("/v1/images?modell=nano", 1000, "Expect: 100-continue\r\n"))
        assert answer(connection)[0] == 422
        assert time.monotonic() - began < 10


def test_who_never_ends_is_ended(small: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_LONGEST_PARTING", 1.0)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        connection.sendall(head("/v1/images", 10**12))
        with suppress(OSError):
            while time.monotonic() - began < 15:
                connection.sendall(MIB)
    assert time.monotonic() - began < 12
