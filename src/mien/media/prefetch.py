"""Reading on a thread while the caller works on what is already there."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Generic, TypeVar

from mien.core.errors import InputError

T = TypeVar("T")

MOST_BYTES = 48_000_000
"""Of the items that lie ready between two threads, and of the one that is worked on: eight frames of 1080p as
RGB, two of 4K, one of 5.3K."""


class _End:
    """The last thing in the queue: the source is at its end, or has failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetcher(Iterator[T], Generic[T]):
    """Runs a source on a thread and keeps a few of its items ready.

    Items come in order. An error of the source is raised at its place in the order. Leaving early, by
    ``close()``, by the end of the ``with`` block or by any exception in it, stops the thread, waits for it
    and closes the source, if it has ``close()``. The thread starts with the first item asked for.

    Args:
        source: What to run; it is used by that thread alone until it is closed.
        depth: How many items may lie ready, 1 or more.
        size: Bytes of an item. No further one is begun while those that lie ready and the one that the caller
            works on, up to when it asks for the next, come to `MOST_BYTES`: small items lie ready by the
            number, large ones go one at a time.

    >>> with Prefetcher(range(5), depth=2) as numbers:
    ...     print([number for number in numbers if number % 2])
    [1, 3]
    """

    def __init__(self, source: Iterable[T], depth: int = 8, size: Callable[[T], int] = lambda _: 0) -> None:
        if depth < 1:
            raise InputError(f"depth: expected 1 or more; got {depth}")
        self._source, self._depth, self._size = source, depth, size
        self._ready: deque[T | _End] = deque()
        self._bytes = self._given = 0  # Of what lies ready, and of what the caller works on.
        self._changed = threading.Condition()
        self._stop = False
        self._thread: threading.Thread | None = None
        self._ended = False
        self._closing_error: BaseException | None = None

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mien-read-ahead", daemon=True)
            self._thread.start()
        item = self._take()
        if not isinstance(item, _End):
            return item
        if item.error is not None:
            with suppress(Exception):
                self.close()
            raise item.error
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Stop the thread, wait for it and close the source; a second call does nothing."""
        self._ended = True
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        if self._thread is None:
            _close(self._source)
        else:
            self._thread.join()
        self._ready.clear()
        error, self._closing_error = self._closing_error, None
        if error is not None:
            raise error

    def __enter__(self) -> Prefetcher[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What went wrong in the block is told rather than what went wrong in closing after it.
        with suppress(Exception) if error is not None else nullcontext():
            self.close()

    def _take(self) -> T | _End:
        """The next item that is ready; the one before is done with."""
        with self._changed:
            self._given = 0
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ready)
            item = self._ready.popleft()
            if not isinstance(item, _End):
                self._given = self._size(item)
                self._bytes -= self._given
            self._changed.notify_all()
            return item

    def _put(self, item: T | _End) -> None:
        with self._changed:
            self._ready.append(item)
            self._bytes += 0 if isinstance(item, _End) else self._size(item)
            self._changed.notify_all()

    def _goes_on(self) -> bool:
        """Wait until there is room for another item; False: no more is wanted."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stop or (len(self._ready) < self._depth and self._bytes + self._given < MOST_BYTES)
                )
            )
            return not self._stop

    def _run(self) -> None:
        end = _End()
        items: Iterator[T] | None = None
        try:
            items = iter(self._source)
            while self._goes_on():
                try:
                    self._put(next(items))
                except StopIteration:
                    break
        except BaseException as error:
            end = _End(error)
        try:
            # Here, because a generator may only be closed by the thread that is not running it.
            _close(items)
        except BaseException as error:
            self._closing_error = error
        self._put(end)


def _close(source: object) -> None:
    close = getattr(source, "close", None)
    if callable(close):
        close()
