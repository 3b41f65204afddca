"""A reverse proxy that gives a service a path of its own, over real sockets; WebSockets pass."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class _Way:
    port: int
    prefix: str
    strips: bool

    def head(self, head: str) -> str:
        """The head of a request as the service gets it; each request has a connection of its own."""
        line, *lines = head.split("\r\n")
        method, path, version = line.split(" ")
        if self.strips:
            path = path.removeprefix(self.prefix) or "/"
        if not any(one.lower() == "upgrade: websocket" for one in lines):
            lines = [one for one in lines if not one.lower().startswith("connection:")]
            lines.append("Connection: close")
        return "\r\n".join([f"{method} {path} {version}", *lines]) + "\r\n\r\n"


class _Request(socketserver.BaseRequestHandler):
    way: _Way

    def handle(self) -> None:
        with suppress(OSError):
            self._pass()

    def _pass(self) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            block = self.request.recv(65536)
            if not block:
                return
            data += block
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.split(b" ")[1].startswith(self.way.prefix.encode()):
            self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.way.port)) as inner:
            inner.sendall(self.way.head(head.decode("latin-1")).encode("latin-1") + rest)
            there = threading.Thread(target=_copied, args=(self.request, inner))
            there.start()
            _copied(inner, self.request)
            with suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
            there.join()


def _copied(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def proxied(port: int, prefix: str, strips: bool = True) -> Iterator[str]:
    """A proxy for the service on a port.

    Args:
        port: Of the service.
        prefix: Path under which the proxy has it.
        strips: Whether the service gets paths without it.

    Yields:
        The address of the page behind it.
    """
    handler = type("Request", (_Request,), {"way": _Way(port, prefix, strips)})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}/"
        server.shutdown()
        thread.join(20)
