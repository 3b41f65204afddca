"""Streams from the network: RTSP, and over HTTP motion JPEG, HLS, MPEG-TS and plain files; redirects of
servers are followed here, where they are seen."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from errno import EIO
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

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
from mien.media.live.capture import CapturedFrame, LiveOptions
from mien.media.live.clock import Pacer
from mien.media.live.stream import Opening, opened, shots
from mien.media.videos import DEMUXERS

MOST = 8
"""Redirects in a row that are followed."""


def redirected(place: str, name: str, timeout: float) -> str | None:
    """Where an address leads, on the same computer; None where it leads nowhere else.

    Args:
        place: An address of HTTP.
        name: What messages call it.
        timeout: Seconds to wait.

    Raises:
        LostError: It leads to another computer, or from an encrypted connection to one that is not.
    """
    here = urlsplit(place)
    location = _location(here, timeout)
    if location is None:
        return None
    there = urlsplit(urljoin(place, location))
    if (
        there.hostname != here.hostname
        or there.scheme not in ("http", "https")
        or (here.scheme, there.scheme) == ("https", "http")
    ):
        message = f"{name}: expected a stream; the server sends on to {there.scheme}://{there.hostname}, where nobody asked to go"
        raise LostError(f"{message}: name that address if you trust it", "unsupported", final=True)
    user, at, _ = here.netloc.rpartition("@")
    return there._replace(netloc=f"{user}{at}{there.netloc.rpartition('@')[2]}").geturl()


def _location(place: SplitResult, timeout: float) -> str | None:
    """What a server names instead of answering."""
    connection = _connection(place, timeout)
    headers = {}
    if place.username is not None:
        pair = f"{unquote(place.username)}:{unquote(place.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    try:
        connection.request(
            "GET", place._replace(scheme="", netloc="", fragment="").geturl() or "/", headers=headers
        )
        answer = connection.getresponse()
        return answer.getheader("Location") if answer.status in (301, 302, 303, 307, 308) else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _connection(place: SplitResult, timeout: float) -> HTTPConnection:
    if place.scheme != "https":
        return HTTPConnection(place.hostname or "", place.port, timeout=timeout)
    lenient = ssl.create_default_context()  # As FFmpeg: cameras have certificates of their own making.
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(place.hostname or "", place.port, timeout=timeout, context=lenient)


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
