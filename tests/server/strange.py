"""A server that is none of mien's, or one of another version: what clients must bear."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Strange(ThreadingHTTPServer):
    """A server that answers as it is told, and remembers what it was asked.

    Args:
        answers: One after the other, the last one again and again: status, headers, body; None breaks the connection.
    """

    daemon_threads = True

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.connections = list(answers), 0
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, *given: Any) -> None:
        self.connections += 1
        super().process_request(*given)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Strange

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        answer = self.server.answers[0] if self.path != "/healthz" else ok(OTHER)
        if self.path != "/healthz" and len(self.server.answers) > 1:
            self.server.answers.pop(0)
        if answer is None:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"notice": ')
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


OTHER = {"status": "ok", "version": "99.0.0", "mood": "new"}


def ok(answer: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def problem(status: int, message: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = {"error": {"status": status, "kind": "some", "message": message}}
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


@contextmanager
def strange(*answers: tuple[int, dict[str, str], bytes] | None) -> Iterator[Strange]:
    with Strange(*answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
