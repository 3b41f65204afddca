"""A video that was handed in, from submission to its results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.client import flows
from mien.client.flows import Call, job_path, told_error
from mien.core.errors import ServiceError

if TYPE_CHECKING:
    from mien.client.connection import AwaitedConnection, BlockingConnection
    from mien.server.schemas import VideoJob

_ENDS = ("done", "failed")


class JobHandle:
    """A video of the service's queue. As a context it is deleted at its end, with its results.

    Args:
        connection: To the service.
        id: By which the service knows it.

    >>> from mien.client import Client
    >>> Client("http://127.0.0.1:8000").job("0123456789abcdef0123456789abcdef").id
    '0123456789abcdef0123456789abcdef'
    """

    def __init__(self, connection: BlockingConnection, id: str) -> None:
        self._connection, self.id = connection, id

    @property
    def _retries(self) -> int:
        return self._connection.address.retries

    def state(self) -> VideoJob:
        """How far it is.

        Raises:
            ServiceError: It is gone.
        """
        return self._connection.run(flows.job_state(self.id, self._retries))

    def progress(self) -> Iterator[VideoJob]:
        """Its states as they change, the last with the state ``done`` or ``failed``.

        Raises:
            ServiceError: It is gone, or was deleted meanwhile.
        """
        return self._connection.states(Call("GET", job_path(self.id, "events")))

    def wait(self) -> VideoJob:
        """Its state once it is done.

        Raises:
            ServiceError: It failed, with the service's line, or is gone.
        """
        return _ended(next((state for state in self.progress() if state.state in _ENDS), None), self.id)

    def result(self, name: str) -> bytes:
        """A result, such as ``result.csv``, in memory.

        Raises:
            ServiceError: There is none, or not yet.
        """
        return self._connection.run(flows.read_result(self.id, name, self._retries))

    def save(self, name: str, path: str | Path) -> Path:
        """Write a result into a file, which it replaces where there is one; how large it is does not matter.

        Raises:
            ServiceError: There is none, or not yet.
            InputError: The file cannot be written.
        """
        self._connection.save(Call("GET", job_path(self.id, name)), Path(path))
        return Path(path)

    def cancel(self) -> None:
        """Stop it, and delete it and its results; nothing happens where it is gone already."""
        self._connection.run(flows.delete(self.id, self._retries))

    def __enter__(self) -> JobHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


class AsyncJobHandle:
    """The same for `AsyncClient`.

    Args:
        connection: To the service.
        id: By which the service knows it.

    >>> from mien.client import AsyncClient
    >>> AsyncClient("http://127.0.0.1:8000").job("0123456789abcdef0123456789abcdef").id
    '0123456789abcdef0123456789abcdef'
    """

    def __init__(self, connection: AwaitedConnection, id: str) -> None:
        self._connection, self.id = connection, id

    @property
    def _retries(self) -> int:
        return self._connection.address.retries

    async def state(self) -> VideoJob:
        """As `JobHandle.state`."""
        return await self._connection.run(flows.job_state(self.id, self._retries))

    def progress(self) -> AsyncIterator[VideoJob]:
        """As `JobHandle.progress`."""
        return self._connection.states(Call("GET", job_path(self.id, "events")))

    async def wait(self) -> VideoJob:
        """As `JobHandle.wait`."""
        async for state in self.progress():
            if state.state in _ENDS:
                return _ended(state, self.id)
        return _ended(None, self.id)

    async def result(self, name: str) -> bytes:
        """As `JobHandle.result`."""
        return await self._connection.run(flows.read_result(self.id, name, self._retries))

    async def save(self, name: str, path: str | Path) -> Path:
        """As `JobHandle.save`."""
        await self._connection.save(Call("GET", job_path(self.id, name)), Path(path))
        return Path(path)

    async def cancel(self) -> None:
        """As `JobHandle.cancel`."""
        await self._connection.run(flows.delete(self.id, self._retries))

    async def __aenter__(self) -> AsyncJobHandle:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cancel()


def _ended(state: VideoJob | None, id: str) -> VideoJob:
    if state is None:
        raise ServiceError(
            f"video {id}: expected news until it is done; the service ended before: ask again", "broken_off"
        )
    if state.error is not None:
        raise told_error(state.error)
    return state
