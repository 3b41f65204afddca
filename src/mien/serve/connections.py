"""Connections that neither end nor go on: uvicorn's protocols with a limit to how long they are waited for."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mien.serve.refusals import Refusal
from mien.serve.settings import Limits


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


class _Connection(H11Protocol):
    """HTTP: headers must be there in time, a request that was refused must end, and what is sent must be taken."""

    bounds: ClassVar[Limits]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._head, self._drain = _Timer(), _Timer()
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._refuse(Refusal(503, "expected fewer connections at once: try again in a moment"))
        else:
            self._head.start(self.bounds.head_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.stop()
        self._drain.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        waiting = self.cycle is None or self.cycle.response_complete
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head.stop()
        elif waiting and self.conn.their_state is h11.IDLE and self.cycle is not None:
            self._head.start(self.bounds.head_seconds, self._late)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._head.stop()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            # The answer came before the end of the request: its rest is passed over, but not for ever.
            self._head.start(self.bounds.pause_seconds, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._drain.start(4 * self.bounds.pause_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._drain.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Refusal(400, "expected a request as in HTTP/1.1; got something else"))

    def _late(self) -> None:
        self._refuse(Refusal(408, f"expected a request within {self.bounds.head_seconds:g} s; got none, or a part of one"))

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        content = refusal.content()
        head = f"HTTP/1.1 {refusal.status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
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

    async def send(self, message: Any) -> None:
        await super().send(message)
        # uvicorn takes a handshake that was refused for one that was forgotten, and would say so in the log.
        self.handshake_complete = self.handshake_complete or self.close_sent


def protocols(limits: Limits) -> tuple[type[H11Protocol], type[WebSocketsSansIOProtocol]]:
    """Protocols for HTTP and WebSocket connections that keep to limits; uvicorn makes their instances. h11 bounds the size of headers."""
    return type("Connection", (_Connection,), {"bounds": limits}), type("Stream", (_Stream,), {"bounds": limits})
