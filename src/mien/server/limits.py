"""What is there only once for all clients together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mien.server.errors import APIError


class Room:
    """How much of something all requests together may use at once.

    Args:
        size: How much there is.
        what: Its name in messages.

    >>> room = Room(10, "bytes")
    >>> with room.taken(8):
    ...     room.free
    2
    """

    def __init__(self, size: int, what: str) -> None:
        self.free, self._what = size, what

    def take(self, amount: int) -> None:
        """Use some more.

        Raises:
            APIError: There is not enough.
        """
        if amount > self.free:
            raise APIError(
                429,
                f"expected fewer {self._what} at once than clients are sending now: try again in a moment",
            )
        self.free -= amount

    def give(self, amount: int) -> None:
        """Give some back."""
        self.free += amount

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Some of it, for the length of a block.

        Raises:
            APIError: There is not enough.
        """
        self.take(amount)
        try:
            yield
        finally:
            self.give(amount)


class Memory:
    """Memory that threads share. Who needs some waits until there is enough; nobody gets ahead of those who
    wait already.

    Args:
        size: Bytes.

    >>> memory = Memory(100)
    >>> with memory.taken(80):
    ...     memory.free
    20
    """

    def __init__(self, size: int) -> None:
        self.size = self.free = size
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Some of it, all at most, for the length of a block."""
        amount, place = min(amount, self.size), object()
        with self._changed:
            self._line.append(place)
            self._changed.wait_for(lambda: self._line[0] is place and self.free >= amount)
            self._line.popleft()
            self.free -= amount
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.free += amount
                self._changed.notify_all()
