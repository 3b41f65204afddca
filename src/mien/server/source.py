"""``/v1/source``: what the service's own source shows, over a WebSocket; the source is named when the service
is started, and by nobody else.

A viewer asks for each frame (``{"type": "next"}``) and gets the newest that it has not had, so that a slow
one gets fewer frames and none of them late, and nothing queues up for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter, WebSocket
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocketDisconnect

from mien.core.labels import NOTICE
from mien.inference.pipeline import Pipeline
from mien.server.broadcast import Condition, LiveBroadcaster, Viewer
from mien.server.document import command, problems
from mien.server.errors import APIError
from mien.server.limits import Room
from mien.server.middleware import PROTOCOL, check_options
from mien.server.offer import facts
from mien.server.schemas import Source
from mien.server.settings import Limits

_DEPTH = 4
"""Frames that a viewer may have asked for at once."""


class Next(BaseModel):
    """A viewer's only message: it wants the next frame.

    Args:
        type: ``next``.
        points: With the points of faces, where the service finds landmarks and covers no faces.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["next"]
    points: bool = False


def source(
    watcher: LiveBroadcaster | None, pipeline: Pipeline, limits: Limits, known: list[Any]
) -> APIRouter:
    """The routes.

    Args:
        watcher: What watches; None where the service was started without a source.
        pipeline: What reads.
        limits: How many may look, and how long they may be silent.
        known: What the document says of who may ask.
    """
    router = APIRouter(tags=["source"])
    room = Room(limits.viewers, "viewers")

    @router.get(
        "/v1/source",
        dependencies=known,
        responses=problems(404),
        openapi_extra=command("", "/v1/source"),
    )
    async def read_source() -> Source:
        """The live source that the service itself looks at (`mien serve --source`), and how it is.

        Its frames with their faces come over a WebSocket at the same address.
        """
        return _described(_there(watcher), pipeline)

    @router.websocket("/v1/source")
    async def watch_source(socket: WebSocket) -> None:
        try:
            check_options(socket, ())
            there = _there(watcher)
            with room.taken(1), there.viewed() as viewer:
                await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
                ready = {
                    "notice": NOTICE,
                    **facts(pipeline),
                    "labels": list(pipeline.labels),
                }
                await _Watching(socket, there, viewer, limits).run(
                    {"type": "ready", **ready, "source": there.source.title}
                )
        except APIError as refusal:
            await socket.send_denial_response(
                Response(refusal.content(), refusal.status, refusal.headers, "application/json")
            )

    return router


def _there(watcher: LiveBroadcaster | None) -> LiveBroadcaster:
    if watcher is None:
        raise APIError(
            404,
            "expected a service with a source of its own; this one has none: start it with mien serve --source SOURCE",
        )
    return watcher


def _described(watcher: LiveBroadcaster, pipeline: Pipeline) -> Source:
    condition, own = watcher.condition, watcher.source
    return Source(
        **facts(pipeline),
        source=own.title,
        state=condition.state,
        message=condition.message,
        viewers=watcher.viewers,
        covered=own.blur is not None,
    )


class _Watching:
    """One viewer's connection."""

    def __init__(self, socket: WebSocket, watcher: LiveBroadcaster, viewer: Viewer, limits: Limits) -> None:
        self._socket, self._watcher, self._viewer, self._limits = socket, watcher, viewer, limits
        self._sent = time.monotonic()

    async def run(self, ready: dict[str, Any]) -> None:
        """Talk with the viewer until one of both has enough, or the source is at its end."""
        with suppress(WebSocketDisconnect):
            await self._say({**ready, "covered": self._watcher.source.blur is not None})
            tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
            await self._end(next((end for end in ends if isinstance(end, Exception)), None))

    async def _end(self, why: Exception | None) -> None:
        if isinstance(why, APIError):
            await self._say({"type": "error", **why.body()})
            await self._socket.close(4000 + why.status, why.kind)
        elif why is not None:
            raise why
        else:
            await self._socket.close(1000, "ended")

    async def _listen(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._limits.idle_seconds):
                    message = await self._socket.receive()
            except TimeoutError:
                self._check_patience()
                continue
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            try:
                wish = Next.model_validate_json(message.get("text") or "")
            except ValidationError:
                raise APIError(
                    422,
                    'expected {"type": "next"} as text, once for each frame that is wanted; got something else',
                ) from None
            if wish.points:
                self._check_points()
            self._viewer.points = wish.points
            self._viewer.wanted = min(self._viewer.wanted + 1, _DEPTH)
            self._viewer.news.set()

    def _check_points(self) -> None:
        """The points of a face that is covered would tell how it looks."""
        if not self._watcher.landmarks:
            raise APIError.no_landmarks()
        if self._watcher.source.blur is not None:
            raise APIError(422, "expected points of faces that are not covered; faces are covered here")

    def _check_patience(self) -> None:
        """A viewer for whom there was no frame need not say anything."""
        if not self._viewer.wanted and time.monotonic() - self._sent >= self._limits.idle_seconds:
            raise APIError(
                408, f"expected a message within {self._limits.idle_seconds:g} s; got none: look again"
            )

    async def _send(self) -> None:
        while True:
            await self._viewer.news.wait()
            self._viewer.news.clear()
            condition = self._viewer.condition()
            if condition is not None:
                await self._tell(condition)
            frame = self._viewer.frame()
            if frame is not None:
                self._sent = time.monotonic()
                await self._socket.send_bytes(frame)
            if condition is not None and condition.over:
                return

    async def _tell(self, condition: Condition) -> None:
        if condition.state == "failed":
            raise APIError(503, condition.message or "the source is lost", "lost")
        await self._say(
            {
                "type": "state",
                "state": condition.state,
                "message": condition.message,
                "viewers": self._watcher.viewers,
            }
        )

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message, ensure_ascii=False, allow_nan=False))
