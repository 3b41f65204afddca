"""A real service on a free port, for tests and for those who look at them."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect

from mien.server.running import address, listening, server
from mien.server.settings import ServerSettings

HTTP = httpx.Client(verify=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""For requests on connections of their own, to services in other processes too; each `httpx.get` would read the
certificates of the world anew, for 50 milliseconds of a core."""


@dataclass(frozen=True)
class Service:
    """One that runs."""

    url: str
    settings: ServerSettings
    client: httpx.Client

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 80

    @property
    def stream(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def metric(self, name: str) -> float:
        """A number of ``/metrics``."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.rsplit(" ", 1)[0] == name), 0.0)


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Service]:
    """Start a service with these settings; at the end it has stopped, and left no thread behind."""
    settings = ServerSettings(folder, port=0, **options)
    before = set(threading.enumerate())
    with listening(settings) as listener:
        url, running = address(listener), server(settings)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            assert thread.is_alive(), "the service did not start"
            time.sleep(0.02)
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                yield Service(url, settings, client)
        finally:
            running.should_exit = True
            thread.join(30)
    assert not thread.is_alive()
    deadline = time.monotonic() + 10
    while (
        left := [one for one in threading.enumerate() if one not in before and "mien" in one.name]
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, left


def encoded(image: np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    """An image as a file; PNG keeps every pixel."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, form, **options)
    return file.getvalue()


def talk(
    service: Service,
    start: dict[str, Any] | str | bytes,
    messages: Sequence[bytes | str] = (),
    **options: Any,
) -> list[Any]:
    """Open a stream, send what is given one after the other, and wait for each answer; the first one is that
    to the start.
    """

    async def talking() -> list[Any]:
        async with connect(service.stream, **options) as socket:
            await socket.send(json.dumps(start) if isinstance(start, dict) else start)
            told = [json.loads(await socket.recv())]
            for message in messages:
                await socket.send(message)
                told.append(json.loads(await socket.recv()))
            return told

    return asyncio.run(talking())


def timed(seconds: float, frame: bytes) -> bytes:
    """A frame that begins with its time."""
    return struct.pack("<d", seconds) + frame
