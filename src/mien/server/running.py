"""The service on a socket, until it is told to end; connections that neither end nor go on are ended."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mien.core.errors import InputError
from mien.core.masking import Masks
from mien.core.stops import stops
from mien.server.app import create_app
from mien.server.errors import APIError
from mien.server.resources import give_back
from mien.server.settings import Limits, ServerSettings

_MOST_PASSED = (
    2**25
)  # Bytes of a request that are passed over once it has been answered, and the connection kept.
_LONGEST_PARTING = (
    300.0  # Seconds in which all that a client sends is passed over, where the connection ends after that.
)


class _Timer:
    """One call that is due, or none."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def start(self, seconds: float, call: Any) -> None:
        self.stop()
        self._due = asyncio.get_running_loop().call_later(seconds, call)

    def stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = None


class _HalfOpen:
    """Connections whose request is not there yet, by address, the oldest first. No address can take the
    places of the others with them."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, dict[_Connection, None]] = defaultdict(dict)

    def add(self, connection: _Connection) -> None:
        """One more."""
        self._waiting[connection.address][connection] = None

    def discard(self, connection: _Connection) -> None:
        """Its request is there, or it is gone."""
        own = self._waiting[connection.address]
        own.pop(connection, None)
        if not own:
            del self._waiting[connection.address]

    def makes_room(self, connection: _Connection) -> bool:
        """Whether another address, which has more of them, has lost its oldest for this connection."""
        address = max(self._waiting, key=lambda one: len(self._waiting[one]), default=connection.address)
        if len(self._waiting.get(address, ())) <= len(self._waiting.get(connection.address, ())) + 1:
            return False
        next(iter(self._waiting[address])).crowded()
        return True


class _Passing:
    """The rest of a request that has its answer already: it is passed over, as fast as an upload must come, up to
    an end.

    Args:
        bounds: How fast that is.
        end: Called when it comes too slowly, or for longer than `_LONGEST_PARTING`.
        full: Called when more than `_MOST_PASSED` came; None: it may be any amount.
    """

    def __init__(
        self, bounds: Limits, end: Callable[[], None], full: Callable[[], None] | None = None
    ) -> None:
        self._bounds, self._end, self._full = bounds, end, full
        self._began, self._count, self._timer = time.monotonic(), 0, _Timer()
        self.add(0)

    def add(self, count: int) -> None:
        """Some more came."""
        self._count += count
        if self._full is not None and self._count > _MOST_PASSED:
            self.stop()
            self._full()
            return
        slowest = self._bounds.pause_seconds + self._count / self._bounds.slowest
        left = min(slowest, _LONGEST_PARTING) - (time.monotonic() - self._began)
        self._timer.start(max(0.0, min(self._bounds.pause_seconds, left)), self._end)

    def stop(self) -> None:
        """Nothing more is waited for."""
        self._timer.stop()


class _PartingTransport:
    """A transport that is not closed while the client still sends. The system answers what comes to a closed connection
    with a reset, on which a client may lose the answer that it has not read yet: so the client is told that nothing
    more comes, and what it sends is passed over until it closes.

    Args:
        transport: Of a socket.
        connection: Whose it is.
    """

    def __init__(self, transport: asyncio.Transport, connection: _Connection) -> None:
        self._transport, self._connection = transport, connection
        self.passing: _Passing | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self.passing is not None or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        if self._connection.parts():
            self.passing = _Passing(self._connection.bounds, self._transport.abort)
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()


class _Connection(H11Protocol):
    """HTTP: headers must be there in time, a request that was refused must end, and what is sent must be
    taken."""

    bounds: ClassVar[Limits]
    half_open: ClassVar[_HalfOpen]
    parting: ClassVar[set[_Connection]]
    transport: _PartingTransport  # type: ignore[assignment]
    _rest: _Passing | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._head, self._drain = _Timer(), _Timer()
        self._refused = False
        self._rest = None
        super().connection_made(transport)
        self.transport = _PartingTransport(transport, self)
        # Head and body of an answer are two pieces: the second would wait until the client has acknowledged
        # the first.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self.bounds.connections and not self.half_open.makes_room(self):
            self.crowded()
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._rest_came()
        self._drain.stop()
        self.parting.discard(self)
        if self.transport.passing is not None:
            self.transport.passing.stop()
        super().connection_lost(exc)

    def parts(self) -> bool:
        """Whether the client may be in the middle of a request, now that this end has said all; its place is free
        from then on."""
        sending = self._refused or self.conn.their_state is h11.SEND_BODY
        if not sending or len(self.parting) >= self.bounds.connections:
            return False
        self.parting.add(self)
        self.connections.discard(self)
        return True

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.client[0] if self.client else ""

    def crowded(self) -> None:
        """There is no place for it."""
        self._refuse(APIError(503, "expected fewer connections at once: try again in a moment"))

    def _expect_head(self) -> None:
        self._head.start(self.bounds.head_seconds, self._late)
        self.half_open.add(self)

    def _head_came(self) -> None:
        self._head.stop()
        self.half_open.discard(self)

    def data_received(self, data: bytes) -> None:
        if self.transport.passing is not None:
            self.transport.passing.add(len(data))
        if self._rest is not None:
            self._rest.add(len(data))
        if self.transport.is_closing():
            return
        before = self.cycle
        waiting = before is None or before.response_complete
        super().data_received(data)
        if self.cycle is not before or self.conn.their_state is not h11.SEND_BODY:
            self._rest_came()
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()
        elif waiting and self.conn.their_state is h11.IDLE and self.cycle is not None:
            self._expect_head()

    def _rest_came(self) -> None:
        if self._rest is not None:
            self._rest.stop()
            self._rest = None

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._head_came()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            # The answer came before the end of the request.
            self._rest_came()
            if any(name == b"expect" for name, _ in self.headers):
                self.transport.close()  # The rest may come or not, as nobody has said to go on.
            else:  # uvicorn passes it over.
                self._rest = _Passing(self.bounds, self.transport.abort, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._drain.start(4 * self.bounds.pause_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._drain.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(APIError(400, "expected a request as in HTTP/1.1; got something else"))

    def _late(self) -> None:
        self._refuse(
            APIError(
                408, f"expected a request within {self.bounds.head_seconds:g} s; got none, or a part of one"
            )
        )

    def _refuse(self, refusal: APIError) -> None:
        if self.transport.is_closing():
            return
        content = refusal.content()
        head = f"HTTP/1.1 {refusal.status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
        self._head_came()
        self._refused = True
        self.transport.write(head.encode() + content)
        self.transport.close()


class _Stream(WebSocketsSansIOProtocol):
    """WebSocket: what is sent must be taken."""

    bounds: ClassVar[Limits]

    def connection_made(self, transport: Any) -> None:
        self._drain = _Timer()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._drain.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._drain.start(self.bounds.pause_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._drain.stop()
        super().resume_writing()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(1007, "expected text as UTF-8")  # uvicorn would log a traceback.
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        await super().send(message)
        # uvicorn takes a handshake that was refused for one that was forgotten, and would say so in the log.
        self.handshake_complete = self.handshake_complete or self.close_sent


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def protocols(limits: Limits) -> tuple[type[H11Protocol], type[WebSocketsSansIOProtocol]]:
    """Protocols for HTTP and WebSocket connections that keep to limits; uvicorn makes their instances. h11
    bounds the size of headers."""
    connection = type(
        "Connection", (_Connection,), {"bounds": limits, "half_open": _HalfOpen(), "parting": set()}
    )
    return connection, type("Stream", (_Stream,), {"bounds": limits})


_MASKS = Masks()
_LARGE = 2**22
"""Bytes of a block of memory that goes back when it is free: large images and what is made of them; frames
of streams are smaller."""


def listening(settings: ServerSettings) -> socket.socket:
    """The socket that the service listens on.

    Raises:
        InputError: The address is not one of this machine's, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        message = f"expected an address and port to listen on; got {settings.host}, {settings.port}: {error.strerror or error}"
        raise InputError(f"{message}: give others with --host and --port") from None


class _Server(uvicorn.Server):
    """Ends in the same way however often it is told to: it takes seconds at most."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True  # A second SIGINT would cut off what keeps things, with a traceback.


def server(settings: ServerSettings) -> uvicorn.Server:
    """The service, ready to run on a socket (`listening`)."""
    limits = settings.limits
    connection, stream = protocols(limits)
    for name in ("uvicorn.error", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)  # What clients do wrong is told to them.
    logging.getLogger("uvicorn.error").addFilter(_MASKS)
    config = uvicorn.Config(
        create_app(settings),
        http=connection,
        ws=stream,
        ws_max_size=limits.frame_bytes,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # It is to end within 5 s, whoever still watches a video or waits for an image.
        timeout_graceful_shutdown=2,
    )
    return _Server(config)


def address(listener: socket.socket) -> str:
    """Where a browser finds the page."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run(settings: ServerSettings, started: Callable[[str], None]) -> None:
    """Listen and answer until a stop comes: Ctrl-C, SIGTERM, or the end of the terminal.

    Args:
        settings: Where and for whom.
        started: Is told the address.

    Raises:
        InputError: The address cannot be listened on.
    """
    give_back(_LARGE)
    with listening(settings) as listener:
        ready = server(settings)
        for stop in stops():
            # For a stop before the server has handlers of its own; after its end it asks these again.
            signal.signal(stop, lambda *_: setattr(ready, "should_exit", True))
        started(address(listener))
        ready.run(sockets=[listener])
    if any(thread.name.startswith("mien-") for thread in threading.enumerate() if not thread.daemon):
        # An image is being looked at, which cannot be stopped; all that is kept has been closed.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
