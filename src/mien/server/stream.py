"""``/v1/stream``: frames over a WebSocket, one `mien.Session` each.

The client's first message says how its frames come (`StreamStart`); then every binary message is a frame, and
every frame gets an answer. While one is being read, only the newest of those that follow is kept; the others
are answered as ``skipped``, so that no queue grows.
"""

from __future__ import annotations

import asyncio
import json
import math
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, WebSocket
from fastapi.responses import Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.websockets import WebSocketDisconnect, WebSocketState

from mien.core.errors import MediaError
from mien.core.frame import Frame
from mien.core.labels import NOTICE
from mien.server.choices import Choices, invalid
from mien.server.errors import APIError
from mien.server.inference import InferenceService
from mien.server.limits import Room
from mien.server.metrics import Metrics
from mien.server.middleware import PROTOCOL, check_options
from mien.server.offer import facts
from mien.server.settings import Limits
from mien.tracking.options import Smoothing, Tracking
from mien.tracking.session import Session

_STAMP = struct.Struct("<d")
_PATIENCE = 100
"""Messages in a row that are no frames, after which a stream is ended."""
_SLOW = 25
"""A frame that takes too long counts as so many of them."""


class StreamStart(Choices):
    """The first message of a stream: what is chosen for all of its frames, and how they come.

    Args:
        type: ``start``.
        format: ``image``: each frame is a JPEG, PNG, WebP, ...; ``rgb``: ``height x width x 3`` bytes, red,
            green, blue.
        width: px of ``rgb`` frames.
        height: px of ``rgb`` frames.
        times: Whether each frame begins with its time: seconds as a little-endian float64. Otherwise its
            arrival counts.
        cuts: Forget everyone at a cut to another scene; a camera has none, and at a few frames a second its motion
            can look like one.
        tau: Time constant of smoothing in seconds.
        baseline: Seconds of a neutral face when a person first appears, for calibration.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["start"] = "start"
    format: Literal["image", "rgb"] = "image"
    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)
    times: bool = False
    cuts: bool = True
    tau: float = Field(default=0.35, gt=0, le=60)
    baseline: float | None = Field(default=None, gt=0, le=60)

    @model_validator(mode="after")
    def _has_size(self) -> StreamStart:
        if (self.format == "rgb") != (self.width is not None and self.height is not None):
            raise ValueError("expected width and height with format 'rgb', and only there")
        return self


class Reset(BaseModel):
    """A message that makes the next frame the first of another stream."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["reset"]


@dataclass(frozen=True, eq=False)
class _Sent:
    """A frame as it came, and whether it is the first of another stream."""

    number: int
    arrived: float
    data: bytes
    anew: bool


def stream(reader: InferenceService, limits: Limits, metrics: Metrics) -> APIRouter:
    """The route.

    Args:
        reader: What reads.
        limits: How much a client may ask for.
        metrics: Where frames are counted.
    """
    router = APIRouter()
    room = Room(limits.streams, "streams")

    @router.websocket("/v1/stream")
    async def read_stream(socket: WebSocket) -> None:
        try:
            check_options(socket, ())
            with room.taken(1), metrics.streams.track_inprogress():
                await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
                await _Stream(socket, reader, limits, metrics).run()
        except APIError as refusal:
            await socket.send_denial_response(
                Response(refusal.content(), refusal.status, refusal.headers, "application/json")
            )

    return router


class _Stream:
    """One client's stream."""

    _start: StreamStart
    _session: Session
    _named: tuple[str, str]

    def __init__(self, socket: WebSocket, reader: InferenceService, limits: Limits, metrics: Metrics) -> None:
        self._socket, self._reader, self._limits, self._metrics = socket, reader, limits, metrics
        self._began = time.monotonic()
        self._count = self._bad = 0
        self._waiting: _Sent | None = None
        self._news = asyncio.Event()
        self._anew = self._forget = self._reading = False

    async def run(self) -> None:
        """Talk with the client until one of both has enough."""
        try:
            self._start = await self._greeted()
            pipeline = self._reader.suited(self._start)
            self._named = (pipeline.classifier.network.card.name, pipeline.classifier.head)
            self._session = Session(
                pipeline,
                Tracking(cuts=self._start.cuts),
                Smoothing(tau=self._start.tau, baseline=self._start.baseline),
            )
            await self._say(
                {
                    "type": "ready",
                    "notice": NOTICE,
                    **facts(pipeline),
                    "labels": list(self._session.labels),
                }
            )
            both = [asyncio.create_task(self._work()), asyncio.create_task(self._listen())]
            try:
                for task in (await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED))[0]:
                    task.result()
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except APIError as refusal:
            with suppress(WebSocketDisconnect):
                await self._say({"type": "error", **refusal.body()})
                await self._socket.close(4000 + refusal.status, refusal.kind)
        except WebSocketDisconnect:
            pass

    async def _greeted(self) -> StreamStart:
        message = await self._message(self._limits.head_seconds)
        if not isinstance(message, str):
            raise APIError(422, 'expected a first message as JSON, such as {"type": "start"}; got bytes')
        try:
            start = StreamStart.model_validate_json(message)
        except ValidationError as error:
            refusal = invalid(error, "start")
            raise APIError(422, f"the first message: {refusal.message}") from None
        if start.format == "rgb" and (start.width or 0) * (start.height or 0) > self._limits.frame_pixels:
            raise APIError(
                413,
                f"expected frames of at most {self._limits.frame_pixels:,} pixels; got {start.width} x {start.height}: send smaller ones",
            )
        return start

    async def _message(self, seconds: float) -> str | bytes:
        """The next message.

        Raises:
            APIError: None came in time.
            WebSocketDisconnect: The client has gone.
        """
        try:
            async with asyncio.timeout(seconds):
                message = await self._socket.receive()
        except TimeoutError:
            raise APIError(
                408, f"expected a message within {seconds:g} s; got none: open another stream"
            ) from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        data: str | bytes | None = message.get("bytes")
        return message["text"] if data is None else data

    async def _listen(self) -> None:
        """Take messages; the newest frame takes the place of one that still waits."""
        while True:
            try:
                message = await self._message(self._limits.idle_seconds)
            except APIError:
                if not self._reading:
                    raise
                continue  # The client waits for an answer.
            if isinstance(message, str):
                await self._told(message)
                continue
            late = self._waiting
            anew, self._anew = self._anew or (late is not None and late.anew), False
            self._waiting = _Sent(self._count, time.monotonic(), message, anew)
            self._count += 1
            self._news.set()
            if late is not None:
                self._metrics.frames.labels("skipped", *self._named).inc()
                await self._say(
                    {
                        "type": "frame",
                        "frame": late.number,
                        "time": self._time(late),
                        "status": "skipped",
                        "faces": [],
                    }
                )

    async def _told(self, text: str) -> None:
        """Something that is not a frame."""
        with suppress(ValidationError):
            Reset.model_validate_json(text)
            self._anew = True
            return
        refusal = APIError(422, 'expected frames as binary messages, or {"type": "reset"}; got another text')
        await self._say({"type": "error", **refusal.body()})
        self._note_bad(True)

    async def _work(self) -> None:
        """Read frames one after the other."""
        while True:
            await self._news.wait()
            self._news.clear()
            sent, self._waiting = self._waiting, None
            if sent is None:
                continue
            self._reading = True
            answer = await self._reader.frame(self._answer, sent)
            self._reading = False
            slow = answer["status"] == "error" and answer["error"]["kind"] == "too_complex"
            self._note_bad(answer["status"] == "error", _SLOW if slow else 1)
            self._metrics.frames.labels(answer["status"], *self._named).inc()
            self._metrics.latency.observe(time.monotonic() - sent.arrived)
            await self._say(answer)

    def _note_bad(self, bad: bool, weight: int = 1) -> None:
        self._bad = self._bad + weight if bad else 0
        if self._bad >= _PATIENCE:
            raise APIError(
                422,
                f"expected frames; got {_PATIENCE} messages in a row that are none: look at the errors before",
            )

    def _time(self, sent: _Sent) -> float | None:
        """Seconds of a frame; None where it should tell them and does not."""
        if not self._start.times:
            return round(sent.arrived - self._began, 6)
        seconds = _STAMP.unpack_from(sent.data)[0] if len(sent.data) >= _STAMP.size else math.nan
        return seconds if abs(seconds) < 1e9 else None

    def _answer(self, sent: _Sent) -> dict[str, Any]:
        """What is said of a frame; on one of the reader's threads."""
        seconds = self._time(sent)
        answer = {"type": "frame", "frame": sent.number, "time": seconds}
        self._forget |= sent.anew
        try:
            if seconds is None:
                raise MediaError(
                    f"frame {sent.number}: expected its time first, as 8 bytes; got no such number",
                    "unreadable",
                )
            image = self._image(sent)
        except MediaError as error:
            return {**answer, "status": "error", "faces": [], **APIError.of(error).body()}
        if self._forget:
            self._forget = False
            self._session.reset()
        [faces] = self._session.update([Frame(sent.number, seconds, image)])
        height, width = image.shape[:2]
        return {
            **answer,
            "status": "face" if len(faces) else "no_face",
            "width": width,
            "height": height,
            "faces": [face.streamed(self._start.points) for face in faces],
        }

    def _image(self, sent: _Sent) -> NDArray[np.uint8]:
        data = sent.data[_STAMP.size :] if self._start.times else sent.data
        if self._start.format == "image":
            return self._reader.frame_pixels(data, f"frame {sent.number}")
        width, height = self._start.width or 0, self._start.height or 0
        if len(data) != width * height * 3:
            raise MediaError(
                f"frame {sent.number}: expected {width} x {height} x 3 = {width * height * 3:,} bytes; got {len(data):,}",
                "unreadable",
            )
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    async def _say(self, answer: dict[str, Any]) -> None:
        text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
        if (
            self._socket.client_state is WebSocketState.DISCONNECTED
            or self._socket.application_state is WebSocketState.DISCONNECTED
        ):
            raise WebSocketDisconnect(1006)
        await self._socket.send_text(text)
