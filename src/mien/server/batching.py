"""Faces of different clients through one network at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.inference.classifier import Classifier

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class _Waiting:
    crops: Floats
    answer: Future[Floats] = field(default_factory=Future)


class Batcher:
    """Runs what waits, together; each caller gets the rows of its own.

    Callers wait in one line. As long as each of them has one call at a time, none can get ahead of the
    others.

    Args:
        run: What is done to ``(n, ...)`` arrays, row by row.
        most: Most rows of a batch; one call with more is a batch of its own.
        linger: Seconds to wait for callers who are on their way (`expecting`).
        threads: Batches that run at the same time.
        seen: Is told how many rows each batch has.

    >>> with Batcher(lambda rows: rows * 2) as double:
    ...     double(np.ones((2, 1), np.float32)).tolist()
    [[2.0], [2.0]]
    """

    def __init__(
        self,
        run: Run,
        most: int = 64,
        *,
        linger: float = 0.002,
        threads: int = 1,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._run, self._most, self._linger, self._seen = run, most, linger, seen
        self._line: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._coming = self._running = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="mien-batches", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __call__(self, crops: Floats) -> Floats:
        """The answers for some rows; blocks until they are there.

        Raises:
            RuntimeError: The batcher is closed.
        """
        item = _Waiting(crops)
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._line.append(item)
            self._changed.notify_all()
        return item.answer.result()

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Says that the caller will ask soon, so that a batch may wait a moment for it."""
        with self._changed:
            self._coming += 1
        try:
            yield
        finally:
            with self._changed:
                self._coming -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Answer what waits, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                batch = self._next()
                if not batch and self._closed:
                    return
                self._running += len(batch)
            if batch:
                self._answer(batch)
            with self._changed:
                self._running -= len(batch)

    def _next(self) -> list[_Waiting]:
        """Calls for a batch, if another thread has not taken them all."""
        self._changed.wait_for(lambda: self._line or self._closed)
        # Each caller has one call at a time: when all who are coming stand in line or are being answered,
        # there is nobody to wait for.
        self._changed.wait_for(
            lambda: len(self._line) + self._running >= self._coming or self._closed, self._linger
        )
        batch: list[_Waiting] = []
        rows = 0
        while self._line and (not batch or rows + len(self._line[0].crops) <= self._most):
            batch.append(self._line.popleft())
            rows += len(batch[-1].crops)
        return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            out = self._run(np.concatenate([item.crops for item in batch]))
        except Exception as error:
            for item in batch:
                item.answer.set_exception(error)
            return
        ends = np.cumsum([len(item.crops) for item in batch])
        for item, end in zip(batch, ends, strict=True):
            item.answer.set_result(out[end - len(item.crops) : end])
        self._seen(len(out))


class SharedClassifier(Classifier):
    """A classifier whose callers' faces go through the network together.

    Args:
        classifier: What reads.
        threads: Batches that run at the same time.
        seen: Is told how many faces each batch has.
    """

    def __init__(
        self, classifier: Classifier, threads: int = 1, seen: Callable[[int], None] = lambda _: None
    ) -> None:
        vars(self).update(
            vars(classifier)
        )  # All that it has but for its way to run: nothing is opened again.
        self.batcher = Batcher(classifier.probabilities, threads=threads, seen=seen)

    def probabilities(self, crops: Floats) -> Floats:
        return self.batcher(crops) if len(crops) else super().probabilities(crops)
