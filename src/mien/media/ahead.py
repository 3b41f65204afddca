"""Reading on a thread while the caller works on what is already there."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Generic, TypeVar

from mien.errors import InputError

T = TypeVar("T")


class _End:
    """The last thing in the queue: the source is at its end, or has failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class ReadAhead(Iterator[T], Generic[T]):
    """Runs a source on a thread and keeps a few of its items ready.

    Items come in order. An error of the source is raised at its place in the order. Leaving early, by ``close()``, by the
    end of the ``with`` block or by any exception in it, stops the thread, waits for it and closes the source, if it has
    ``close()``. The thread starts with the first item asked for.

    Args:
        source: What to run; it is used by that thread alone until it is closed.
        depth: How many items may lie ready, 1 or more.

    >>> with ReadAhead(range(5), depth=2) as numbers:
    ...     print([number for number in numbers if number % 2])
    [1, 3]
    """

    def __init__(self, source: Iterable[T], depth: int = 8) -> None:
        if depth < 1:
            raise InputError(f"depth: expected 1 or more; got {depth}")
        self._source = source
        self._ready: queue.Queue[T | _End] = queue.Queue()
        self._room = threading.Semaphore(depth)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._closing_error: BaseException | None = None

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mien-read-ahead", daemon=True)
            self._thread.start()
        item = self._ready.get()
        if not isinstance(item, _End):
            self._room.release()
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
        self._stop.set()
        self._room.release()
        if self._thread is None:
            _close(self._source)
        else:
            self._thread.join()
        while not self._ready.empty():
            self._ready.get_nowait()
        error, self._closing_error = self._closing_error, None
        if error is not None:
            raise error

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # What went wrong in the block is told rather than what went wrong in closing after it.
        with suppress(Exception) if error is not None else nullcontext():
            self.close()

    def _run(self) -> None:
        end = _End()
        items: Iterator[T] | None = None
        try:
            items = iter(self._source)
            while self._room.acquire() and not self._stop.is_set():
                try:
                    item = next(items)
                except StopIteration:
                    break
                self._ready.put(item)
        except BaseException as error:
            end = _End(error)
        try:
            # Here, because a generator may only be closed by the thread that is not running it.
            _close(items)
        except BaseException as error:
            self._closing_error = error
        self._ready.put(end)


def _close(source: object) -> None:
    close = getattr(source, "close", None)
    if callable(close):
        close()
