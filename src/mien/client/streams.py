"""Frames read as they come, over a WebSocket: people are followed from frame to frame."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.client.connection import ServiceAddress, one_line
from mien.client.flows import told_error
from mien.client.options import StreamChoices, chosen
from mien.client.uploads import upload
from mien.core.arguments import plain_number
from mien.core.errors import InputError, MissingExtraError, ServiceError
from mien.core.face import Face
from mien.core.names import quoted
from mien.server.schemas import Cause, Problem

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncSocket
    from websockets.sync.client import ClientConnection as Socket

    from mien.client.uploads import Sendable

_TIME = struct.Struct("<d")
_MOST_BYTES = 16 * 2**20
"""Of one answer: a hundred faces with their points have a tenth of that."""


class StreamReady(BaseModel):
    """What a stream begins with.

    Args:
        notice: What the results are, and what not.
        model: The model that reads.
        digest: SHA-256 of its weights.
        head: Which of its outputs.
        detector: What finds faces.
        labels: Names of the expressions, in order.
    """

    type: Literal["ready"]
    notice: str
    model: str
    digest: str
    head: str
    detector: str
    labels: list[str]


class StreamedFrame(BaseModel):
    """What was read of a frame.

    Args:
        frame: Its number, 0-based.
        time: Seconds, as sent or of its arrival.
        status: Whether it shows faces, none, or could not be read.
        width: px; None where it could not be read.
        height: px.
        faces: With `track` and what is smoothed.
        error: Why it could not be read, or None.

    >>> StreamedFrame(frame=3, time=0.12, status="no_face").faces
    []
    """

    model_config = ConfigDict(extra="ignore")

    type: Literal["frame"] = "frame"
    frame: int
    time: float | None
    status: Literal["face", "no_face", "error", "skipped"]
    width: int | None = None
    height: int | None = None
    faces: list[Face] = []
    error: Cause | None = None


class FrameStream:
    """Frames of one camera or clip; it is opened as its context is entered, and closed as that is left.

    Args:
        address: Of the service.
        options: Of the stream.

    Attributes:
        ready: What the service says first.

    >>> from mien.client import Client
    >>> def read(clip: list[bytes]) -> list[StreamedFrame]:
    ...     with Client("http://127.0.0.1:8000").stream() as stream:
    ...         return [stream.read(jpeg, time=index / 5) for index, jpeg in enumerate(clip)]
    """

    ready: StreamReady
    _socket: Socket

    def __init__(self, address: ServiceAddress, options: Mapping[str, Any]) -> None:
        self._address, self._options = address, chosen(options, StreamChoices)

    def __enter__(self) -> FrameStream:
        with _websockets(self._address), ExitStack() as opening:
            from websockets.sync.client import connect

            self._socket = opening.enter_context(connect(_url(self._address), **_settings(self._address)))
            self._socket.send(_start(self._options))
            self.ready = StreamReady.model_validate_json(_said(self._socket.recv()))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *told: Any) -> None:
        self._open.close()

    def read(self, image: Sendable, time: float) -> StreamedFrame:
        """Read a frame.

        Args:
            image: A path, the bytes of a file, an image of Pillow, or an RGB or gray array of bytes.
            time: Seconds since whenever; later than that of the frame before.

        Raises:
            InputError: It is nothing of the kind, or no time.
            ServiceError: The stream is over, or the connection broke off.
        """
        frame = _frame(image, time)
        with _websockets(self._address):
            self._socket.send(frame)
            return StreamedFrame.model_validate_json(_said(self._socket.recv()))

    def reset(self) -> None:
        """Make the next frame the first of another stream: everyone is forgotten."""
        with _websockets(self._address):
            self._socket.send('{"type": "reset"}')


class AsyncFrameStream:
    """The same for `AsyncClient`.

    Args:
        address: Of the service.
        options: Of the stream.

    Attributes:
        ready: What the service says first.

    >>> from mien.client import AsyncClient
    >>> async def read(clip: list[bytes]) -> list[StreamedFrame]:
    ...     async with AsyncClient("http://127.0.0.1:8000") as client, client.stream() as stream:
    ...         return [await stream.read(jpeg, time=index / 5) for index, jpeg in enumerate(clip)]
    """

    ready: StreamReady
    _socket: AsyncSocket

    def __init__(self, address: ServiceAddress, options: Mapping[str, Any]) -> None:
        self._address, self._options = address, chosen(options, StreamChoices)

    async def __aenter__(self) -> AsyncFrameStream:
        with _websockets(self._address):
            from websockets.asyncio.client import connect

            class Straight(connect):
                """Follows no redirect: the token goes nowhere but to the host that was named."""

                def process_redirect(self, exc: Exception) -> Exception:
                    return exc

            async with AsyncExitStack() as opening:
                connecting = Straight(_url(self._address), **_settings(self._address))
                self._socket = await opening.enter_async_context(connecting)
                await self._socket.send(_start(self._options))
                self.ready = StreamReady.model_validate_json(_said(await self._socket.recv()))
                self._open = opening.pop_all()
        return self

    async def __aexit__(self, *told: Any) -> None:
        await self._open.aclose()

    async def read(self, image: Sendable, time: float) -> StreamedFrame:
        """As `FrameStream.read`."""
        frame = _frame(image, time)
        with _websockets(self._address):
            await self._socket.send(frame)
            return StreamedFrame.model_validate_json(_said(await self._socket.recv()))

    async def reset(self) -> None:
        """As `FrameStream.reset`."""
        with _websockets(self._address):
            await self._socket.send('{"type": "reset"}')


def _url(address: ServiceAddress) -> str:
    return "ws" + address.base.removeprefix("http") + "/v1/stream"


def _settings(address: ServiceAddress) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "subprotocols": ["mien.v1"],
        "additional_headers": address.headers,
        "user_agent_header": None,
        "open_timeout": address.timeout,
        "max_size": _MOST_BYTES,
        "proxy": None if address.own_machine else True,
    }
    if address.encrypted and not address.verify:
        import ssl

        settings["ssl"] = ssl._create_unverified_context()
    return settings


def _start(options: Mapping[str, Any]) -> str:
    return json.dumps({"type": "start", "times": True, **options})


def _frame(image: Sendable, time: float) -> bytes:
    seconds = plain_number("time", time)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds):
        raise InputError(f"time: expected a finite number of seconds; got {quoted(time)}")
    with upload(image, "frame").open() as file:
        return _TIME.pack(seconds) + file.read()


def _said(message: str | bytes) -> str | bytes:
    """A message, where it is no error.

    Raises:
        ServiceError: It is one.
    """
    told = json.loads(message)
    if isinstance(told, dict) and told.get("type") == "error":
        raise told_error(Problem.model_validate_json(message, extra="ignore").error)
    return message


@contextmanager
def _websockets(address: ServiceAddress) -> Iterator[None]:
    """Faults of a WebSocket as errors of the service."""
    try:
        from websockets.exceptions import WebSocketException
    except ImportError:
        raise MissingExtraError("streams", "client", "websockets") from None
    try:
        yield
    except (OSError, EOFError, ValueError, RecursionError, WebSocketException) as error:
        raise _told(address, error) from None


def _told(address: ServiceAddress, error: Exception) -> ServiceError:
    response = getattr(error, "response", None)
    if response is not None:
        try:
            cause = Problem.model_validate_json(response.body or b"", extra="ignore").error
        except ValidationError:
            words = f"got an answer with status {response.status_code}: check the address, and what stands between"
            return ServiceError(
                f"{address.base}: expected a stream of mien serve; {words}", "not_mien", response.status_code
            )
        return told_error(cause)
    if isinstance(error, ConnectionRefusedError):
        words = "nobody answers there: start one with mien serve, or mend the address"
        return ServiceError(f"{address.base}: expected a service of mien; {words}", "unreachable")
    return ServiceError(
        f"{address.base}: expected an answer; the connection broke off ({one_line(error)}): open another stream",
        "broken_off",
    )
