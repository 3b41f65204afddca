"""The two clients: one blocks, the other is awaited, and both ask the same (`mien.client.flows`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from mien.client import flows
from mien.client.connection import AwaitedConnection, BlockingConnection, ServiceAddress
from mien.client.jobs import AsyncJobHandle, JobHandle
from mien.client.streams import AsyncFrameStream, FrameStream
from mien.client.uploads import image_uploads, upload

if TYPE_CHECKING:
    from mien.client.options import ImageChoices, StreamChoices, VideoChoices
    from mien.client.uploads import Sendable
    from mien.server.schemas import Health, Images, ModelList


class Client:
    """Asks a service (``mien serve``); keeps its connections, and may be shared by threads.

    mien describes a facial expression, not an emotion that a person feels. A service of another version is understood as
    long as its answers hold what this client knows; what it says beyond that is ignored.

    Args:
        url: Of the service, with a path where it is behind a prefix.
        token: What the service was started with.
        timeout: Seconds without anything sent or received after which a request fails.
        retries: How often a request is sent again that the service had no room for (429, 503), after as many seconds
            as it asks for, 60 at most.
        verify: Whether certificates are checked.

    Raises:
        InputError: The address is none of HTTP.
        MissingExtraError: ``mien[client]`` is not installed.

    >>> with Client("http://127.0.0.1:8000", token="a-long-secret") as client:
    ...     client.images([])
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected at least one image; got an empty list
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        verify: bool = True,
    ) -> None:
        self._address = ServiceAddress(url, token, timeout, retries, verify)
        self._connection = BlockingConnection(self._address)

    def images(self, images: Sendable | Sequence[Sendable], **options: Unpack[ImageChoices]) -> Images:
        """Read one image, or several with one request.

        Args:
            images: Paths, the bytes of files, images of Pillow, or arrays of bytes, RGB ``(h, w, 3)`` or gray
                ``(h, w)``; one or a list.
            options: What reads, and which faces.

        Returns:
            ``.images``, in the order given: each with its ``faces`` (`mien.Face`), or the ``error`` why it could not be
            read while others could.

        Raises:
            InputError: There is no such file, or it is nothing of the kind.
            ServiceError: None could be read, or the service refused.
        """
        return self._connection.run(flows.read_images(image_uploads(images), options, self._address.retries))

    def video(self, video: str | Path | bytes, **options: Unpack[VideoChoices]) -> JobHandle:
        """Hand in a video, to be read when it is its turn.

        Args:
            video: A path, or the bytes of a file.
            options: How it is read; ``results`` names those that are made, all by default.

        Raises:
            InputError: There is no such file.
            ServiceError: The service refused it.
        """
        flow = flows.submit(upload(video, "video"), options, self._address.retries)
        return JobHandle(self._connection, self._connection.run(flow).id)

    def job(self, id: str) -> JobHandle:
        """A video that was handed in before, by its id."""
        return JobHandle(self._connection, id)

    def stream(self, **options: Unpack[StreamChoices]) -> FrameStream:
        """A stream, opened by ``with``: its frames are read as they come, and people are followed in it.

        Args:
            options: What reads, and how it is smoothed.
        """
        return FrameStream(self._address, options)

    def models(self) -> ModelList:
        """What the service reads with, and what may be chosen.

        Raises:
            ServiceError: The service refused, or is not there.
        """
        return self._connection.run(flows.read_models(self._address.retries))

    def health(self) -> Health:
        """Whether the service is up, and its version; no token is needed.

        Raises:
            ServiceError: It is not there.
        """
        return self._connection.run(flows.read_health(self._address.retries))

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """The same for one event loop: each method of `Client`, awaited; ``async with`` for what is a context there.

    Args:
        url: As of `Client`, and all that follows.
        token: As of `Client`.
        timeout: As of `Client`.
        retries: As of `Client`.
        verify: As of `Client`.

    >>> async def states(id: str) -> list[str]:
    ...     async with AsyncClient("http://127.0.0.1:8000") as client:
    ...         return [job.state async for job in client.job(id).progress()]
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        verify: bool = True,
    ) -> None:
        self._address = ServiceAddress(url, token, timeout, retries, verify)
        self._connection = AwaitedConnection(self._address)

    async def images(self, images: Sendable | Sequence[Sendable], **options: Unpack[ImageChoices]) -> Images:
        """As `Client.images`."""
        return await self._connection.run(
            flows.read_images(image_uploads(images), options, self._address.retries)
        )

    async def video(self, video: str | Path | bytes, **options: Unpack[VideoChoices]) -> AsyncJobHandle:
        """As `Client.video`."""
        flow = flows.submit(upload(video, "video"), options, self._address.retries)
        return AsyncJobHandle(self._connection, (await self._connection.run(flow)).id)

    def job(self, id: str) -> AsyncJobHandle:
        """As `Client.job`."""
        return AsyncJobHandle(self._connection, id)

    def stream(self, **options: Unpack[StreamChoices]) -> AsyncFrameStream:
        """As `Client.stream`, opened by ``async with``."""
        return AsyncFrameStream(self._address, options)

    async def models(self) -> ModelList:
        """As `Client.models`."""
        return await self._connection.run(flows.read_models(self._address.retries))

    async def health(self) -> Health:
        """As `Client.health`."""
        return await self._connection.run(flows.read_health(self._address.retries))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
