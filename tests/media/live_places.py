"""Places where live sources are, for tests: a web server, a silent one, a screen, a source that does as it
is told.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.errors import LostError
from mien.media.live.capture import CapturedFrame


class Told:
    """A feed that goes by a script: how often opening fails, and what comes of each time that it is open."""

    tolerance = 1.0

    def __init__(self, *turns: Iterable[CapturedFrame] | LostError) -> None:
        self._turns = list(turns)
        self.opened: list[float] = []

    @contextmanager
    def open(self, stop: threading.Event) -> Iterator[Iterator[CapturedFrame]]:
        self.opened.append(time.monotonic())
        turn = self._turns.pop(0)
        if isinstance(turn, LostError):
            raise turn
        yield self._shots(turn)

    def _shots(self, turn: Iterable[CapturedFrame]) -> Iterator[CapturedFrame]:
        yield from turn
        if self._turns:
            raise LostError("gone")


class _Web(BaseHTTPRequestHandler):
    answer: Callable[[BaseHTTPRequestHandler], None]

    def do_GET(self) -> None:
        type(self).answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # A client that leaves in the middle is what these tests are about.


@contextmanager
def web(answer: Callable[[BaseHTTPRequestHandler], None], port: int = 0) -> Iterator[int]:
    """A web server; gives its port."""
    with _Server(("127.0.0.1", port), type("Web", (_Web,), {"answer": staticmethod(answer)})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def motion_jpeg(
    images: Sequence[NDArray[np.uint8]], rate: float, halt: threading.Event
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers as a network camera does, image after image, until ``halt`` is set."""
    parts = []
    for image in images:
        data = io.BytesIO()
        Image.fromarray(image).save(data, "JPEG", quality=90)
        parts.append(data.getvalue())

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        request.end_headers()
        number = 0
        while not halt.wait(1 / rate):
            data = parts[number % len(parts)]
            request.wfile.write(
                b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data)
            )
            number += 1

    return answer


def whole(data: bytes, kind: str = "application/octet-stream") -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a file."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return answer


@contextmanager
def silent() -> Iterator[int]:
    """A server that takes connections and says nothing; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@contextmanager
def screen(width: int = 640, height: int = 480, display: str | None = None) -> Iterator[str]:
    """A screen without a monitor (Xvfb); gives what DISPLAY calls it."""
    result, writing = os.pipe()
    named = [display] if display else ["-displayfd", str(writing)]
    command = ["Xvfb", *named, "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(result) as told:
            yield display or f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
