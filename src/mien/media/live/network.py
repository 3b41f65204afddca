"""Streams from the network: RTSP, and over HTTP motion JPEG, HLS, MPEG-TS and plain files."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from errno import EIO
from threading import Event

from av.container import InputContainer
from av.error import (
    FFmpegError,
    HTTPClientError,
    HTTPError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
)
from av.video.stream import VideoStream

from mien.core.errors import LostError
from mien.media.live.address import Address
from mien.media.live.capture import CapturedFrame
from mien.media.live.clock import Pacer
from mien.media.live.options import LiveOptions
from mien.media.live.redirects import MOST, redirected
from mien.media.live.stream import Opening, opened, shots
from mien.media.videos import DEMUXERS

_ENCRYPTED = {"http": "http,https,tcp,tls,httpproxy,crypto,data", "rtsp": "rtp,srtp,udp,tcp,tls,http,https"}
"""Protocols that a server may lead to. Files are not among them, so that no stream can make FFmpeg read
one."""


class NetworkStream:
    """A stream from the address given.

    Timestamps of RTSP are a camera's own, and frames are given as they come. Over HTTP a server sends as fast
    as it likes: frames with timestamps are given at the pace of these; motion JPEG has none, and its frames
    count when they come.

    Args:
        address: Where it is.
        options: How it is opened.
    """

    tolerance = 1.0

    def __init__(self, address: Address, options: LiveOptions) -> None:
        self._address, self._options = address, options
        # Nobody needs to know the frame rate, and to find it out takes a second of the stream.
        allowed = {"protocol_whitelist": _ENCRYPTED[address.kind], "fpsprobesize": "0"}
        if address.kind == "rtsp":
            allowed |= {"rtsp_transport": options.transport, "allowed_media_types": "video"}
        else:
            allowed |= {"format_whitelist": f"{DEMUXERS},hls,mpjpeg,mjpeg", "max_redirects": "0"}
        self._opening = Opening(address.name, address.place, self._explain, settings=allowed)

    @contextmanager
    def open(self, stop: Event) -> Iterator[Iterator[CapturedFrame]]:
        with ExitStack() as held:
            container, stream = self._reached(held)
            yield self._given(container, stream, stop)

    def _reached(self, held: ExitStack) -> tuple[InputContainer, VideoStream]:
        """The stream, where the server says that it is, as long as that is on the same computer."""
        opening = self._opening
        for _ in range(MOST):
            try:
                return held.enter_context(opened(opening, self._options))
            except LostError as error:
                onward = (
                    redirected(opening.url, self._address.name, self._options.timeout)
                    if self._may_lead_on(error)
                    else None
                )
                if onward is None:
                    raise
                opening = replace(opening, url=onward)
        raise LostError(
            f"{self._address.name}: expected a stream; the server sends on and on: look at the server"
        )

    def _may_lead_on(self, error: LostError) -> bool:
        """Whether opening failed as it does where FFmpeg may not follow a redirect."""
        return (
            self._address.kind == "http"
            and isinstance(error.__context__, OSError)
            and error.__context__.errno == EIO
        )

    def _given(self, container: InputContainer, stream: VideoStream, stop: Event) -> Iterator[CapturedFrame]:
        came = shots(self._opening, self._options, container, stream)
        if self._address.kind == "rtsp":
            yield from came
        elif "jpeg" in container.format.name:
            yield from (CapturedFrame(None, shot.image) for shot in came)
        else:
            yield from _paced(came, stop)
            if container.duration:
                return  # It was a file, and that was its end.
        raise LostError(
            f"{self._address.name}: expected a stream that goes on; the server has ended it: look at the server"
        )

    def _explain(self, error: FFmpegError, waited: float) -> LostError:
        what, advice = self._reason(error, waited)
        refused = isinstance(error, (HTTPUnauthorizedError, HTTPForbiddenError))
        return LostError(
            f"{self._address.name}: expected a stream; {what}: {advice}",
            "permission" if refused else "unreadable",
            final=refused,
        )

    def _reason(self, error: FFmpegError, waited: float) -> tuple[str, str]:
        if isinstance(error, (HTTPUnauthorizedError, HTTPForbiddenError)):
            return (
                "the server refuses the user or password",
                "write both before the computer's name, as user:password@host",
            )
        if isinstance(error, HTTPNotFoundError):
            return "the server has nothing at this address", "check what comes after the computer's name"
        if isinstance(error, (HTTPError, HTTPClientError)):
            return f"the server answers: {error.strerror}", "look at the server"
        if isinstance(error, ConnectionRefusedError):
            return "nothing listens there", "check the address and port, and that the server runs"
        if waited >= self._options.timeout:
            return (
                f"nothing came for {self._options.timeout:g} s",
                "look at the source and the network, or allow it a longer timeout",
            )
        if not _known(self._address.host):
            return f"no computer is known as {self._address.shown_host}", "check the name and the network"
        return f"got: {error.strerror}", "check the address with a player"


def _paced(came: Iterator[CapturedFrame], stop: Event) -> Iterator[CapturedFrame]:
    pace = Pacer()
    for shot in came:
        if shot.stamp is not None:
            stop.wait(pace.pause(shot.stamp, time.monotonic()))
        yield shot


def _known(host: str | None) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
