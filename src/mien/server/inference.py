"""The models, opened once, and the threads that read with them for everybody: faces of different clients go
through one model at once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.inference.classifier import Classifier
from mien.inference.detectors.mtcnn import LARGEST_LEVEL, STRIP
from mien.inference.detectors.pyramid import WINDOW
from mien.inference.pipeline import Pipeline
from mien.media.decoder import Decoders
from mien.server.choices import Choices
from mien.server.errors import APIError
from mien.server.limits import Memory
from mien.server.offer import Offer
from mien.server.settings import Limits

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class _Waiting:
    run: Run
    crops: Floats
    answer: Future[Floats] = field(default_factory=Future)


class Batcher:
    """Runs what waits for the same, together; each caller gets the rows of its own.

    Callers wait in one line. As long as each of them has one call at a time, none can get ahead of the
    others. Whoever is alone runs on its own thread: handing over and back takes longer than a face.

    Args:
        most: Most rows of a batch; one call with more is a batch of its own.
        linger: Seconds to wait for callers who are on their way (`expecting`).
        threads: Batches that run at the same time.
        seen: Is told how many rows each batch has.

    >>> with Batcher() as batcher:
    ...     batcher(lambda rows: rows * 2, np.ones((2, 1), np.float32)).tolist()
    [[2.0], [2.0]]
    """

    def __init__(
        self,
        most: int = 64,
        *,
        linger: float = 0.002,
        threads: int = 1,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._most, self._linger, self._seen = most, linger, seen
        self._line: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._coming = self._running = 0
        self._free = threads
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="mien-batches", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __call__(self, run: Run, crops: Floats) -> Floats:
        """The answers for some rows; blocks until they are there.

        Args:
            run: What is done to ``(n, ...)`` arrays, row by row; equal ones go together.
            crops: The rows.

        Raises:
            RuntimeError: The batcher is closed.
        """
        item = _Waiting(run, crops)
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            alone = self._coming <= 1 and not self._line and self._free > 0
            if alone:
                self._begin([item])
            else:
                self._line.append(item)
                self._changed.notify_all()
        if alone:
            self._answer([item])
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
                if batch:
                    self._begin(batch)
                elif self._closed and not self._line:
                    return
            if batch:
                self._answer(batch)

    def _begin(self, batch: list[_Waiting]) -> None:
        self._running += len(batch)
        self._free -= 1

    def _next(self) -> list[_Waiting]:
        """Calls for a batch, if another thread has not taken them all."""
        self._changed.wait_for(lambda: (self._line and self._free > 0) or (self._closed and not self._line))
        # Each caller has one call at a time: when all who are coming stand in line or are being answered,
        # there is nobody to wait for.
        self._changed.wait_for(
            lambda: len(self._line) + self._running >= self._coming or self._closed, self._linger
        )
        batch: list[_Waiting] = []
        rows = 0
        while self._line and self._free > 0 and (not batch or self._fits(batch[0], rows, self._line[0])):
            batch.append(self._line.popleft())
            rows += len(batch[-1].crops)
        return batch

    def _fits(self, first: _Waiting, rows: int, item: _Waiting) -> bool:
        return item.run == first.run and rows + len(item.crops) <= self._most

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            out = batch[0].run(np.concatenate([item.crops for item in batch]))
            ends = np.cumsum([len(item.crops) for item in batch])
            for item, end in zip(batch, ends, strict=True):
                item.answer.set_result(out[end - len(item.crops) : end])
            self._seen(len(out))
        except Exception as error:
            for item in batch:
                if not item.answer.done():
                    item.answer.set_exception(error)
        finally:
            with self._changed:
                self._running -= len(batch)
                self._free += 1
                self._changed.notify_all()


class SharedClassifier(Classifier):
    """A classifier whose callers' faces go through the network together.

    Args:
        classifier: What reads.
        batcher: What runs it.
    """

    def __init__(self, classifier: Classifier, batcher: Batcher) -> None:
        vars(self).update(
            vars(classifier)
        )  # All that it has but for its way to run: nothing is opened again.
        self._alone, self._batcher = classifier.probabilities, batcher

    def probabilities(self, crops: Floats) -> Floats:
        return self._batcher(self._alone, crops) if len(crops) else self._alone(crops)


_MOST_DECODERS = 4
"""Processes for images, and as many for frames: decoding takes much less time than looking."""
_PATIENCE = 1.0  # s that the end of the service waits for what it is at.
_CANVAS_BYTES = 50  # For each pixel of the canvas on which the detector's levels lie, and what is told of it.
_RUN_BYTES = 230  # The detector's first network takes so many for each pixel that it looks at in one run.
_CANVAS = 2.2  # Pixels of the canvas over those of the largest level.
_MESH_BYTES = 80 * 2**20  # Finding the points of faces takes no more, however large or many they are.

P = ParamSpec("P")
T = TypeVar("T")


class InferenceService:
    """Reads images for all clients at once; a context manager.

    Faces are found on a few threads, an image each, and their expressions read together. A client hands in
    one image at a time and waits for it, so that all get their turn; frames of streams have threads of
    their own, so that they need not wait for large images.

    What clients send is decoded in processes that are ended when an image takes too long, and as many at
    once as there is memory for.

    Args:
        offer: Detectors and classifiers; one thread per network is best, as there are several images at
            once.
        limits: What an image or frame may take.
        threads: Images, and frames, that are looked at at the same time; by default as many as there are
            cores.
        seen: Is told how many faces go through the network together.
    """

    def __init__(
        self,
        offer: Offer,
        limits: Limits,
        threads: int | None = None,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        threads = threads or os.cpu_count() or 1
        self._offer, self._limits, self._memory = offer, limits, Memory(limits.decoded_bytes)
        self._batcher = Batcher(threads=max(1, threads // 2), seen=seen)
        self.pipeline = copy(offer.pipeline)
        self.pipeline.classifier = SharedClassifier(offer.pipeline.classifier, self._batcher)
        self._images = ThreadPoolExecutor(threads, thread_name_prefix="mien-images")
        self._frames = ThreadPoolExecutor(threads, thread_name_prefix="mien-frames")
        self._image_decoders, self._frame_decoders = (
            Decoders(min(threads, _MOST_DECODERS), limits.decode_seconds) for _ in range(2)
        )

    def suited(self, choices: Choices) -> Pipeline:
        """The pipeline for one client, of networks that are open already.

        Raises:
            APIError: Something is chosen that the service does not offer.
        """
        if choices.landmarks and self.pipeline.mesh is None:
            raise APIError.no_landmarks()
        chosen = copy(self.pipeline)
        chosen.classifier = SharedClassifier(
            self._offer.classifier(choices.model, choices.head), self._batcher
        )
        chosen.detector = self._offer.detector(choices.detector)
        chosen.mesh = self.pipeline.mesh if choices.landmarks else None
        chosen.largest = choices.largest or self.pipeline.largest
        if choices.min_face is not None and hasattr(chosen.detector, "min_face"):
            chosen.detector = copy(chosen.detector)
            chosen.detector.min_face = choices.min_face
        return chosen

    def read(self, data: bytes | memoryview, name: str, pipeline: Pipeline) -> tuple[tuple[int, int], Faces]:
        """Width and height of an image, and the faces in it; blocks while others need the memory.

        Raises:
            MediaError: It cannot be read, or takes too much to read.
        """
        with ExitStack() as held:

            def admit(width: int, height: int, memory: int) -> None:
                if memory > self._memory.size:
                    message = f"{name}: expected an image that takes at most {self._memory.size:,} bytes to decode; got one that takes {memory:,}"
                    raise MediaError(f"{message}: scale it down or save it as JPEG", "too_large")
                held.enter_context(self._memory.taken(max(memory, _reading_bytes(width * height, pipeline))))

            image = self._image_decoders.decode(data, name, self._limits.pixels, admit=admit)
            [faces] = pipeline([image])
            return (image.shape[1], image.shape[0]), faces

    def frame_pixels(self, data: bytes | memoryview, name: str) -> NDArray[np.uint8]:
        """``(h, w, 3)`` RGB of a frame of a stream.

        Raises:
            MediaError: It cannot be read, or takes too much to read.
        """
        return self._frame_decoders.decode(data, name, self._limits.frame_pixels)

    async def image(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with an image on one of the threads."""
        return await self._run(self._images, partial(work, *args, **kwargs))

    async def frame(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with a frame of a stream on one of the threads."""
        return await self._run(self._frames, partial(work, *args, **kwargs))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        def expected() -> T:
            with self._batcher.expecting():
                return work()

        return await asyncio.get_running_loop().run_in_executor(pool, expected)

    def start(self) -> None:
        """Start what decodes, so that the first image need not wait for it."""
        self._image_decoders.start()
        self._frame_decoders.start()

    def close(self) -> None:
        """End the processes and threads; an image that is being looked at has a moment to be finished, and
        is not waited for after that."""
        for decoders in (self._image_decoders, self._frame_decoders):
            decoders.close()
        ending = time.monotonic() + _PATIENCE
        for pool in (self._images, self._frames):
            pool.shutdown(wait=False, cancel_futures=True)
            for thread in pool._threads:
                thread.join(max(0.0, ending - time.monotonic()))
        self._batcher.close()

    def __enter__(self) -> InferenceService:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reading_bytes(pixels: int, pipeline: Pipeline) -> int:
    """What an image takes from when it is decoded until its faces are read: itself twice, as it is handed
    over, or once beside half-sized copies and the levels that the detector looks at, or once beside what finds
    the points of faces."""
    smallest = getattr(pipeline.detector, "min_face", WINDOW)
    canvas = _CANVAS * min(LARGEST_LEVEL, pixels * (WINDOW / smallest) ** 2)
    levels = _CANVAS_BYTES * canvas + _RUN_BYTES * min(canvas, STRIP)
    mesh = 0 if pipeline.mesh is None else _MESH_BYTES
    return int(max(7 * pixels, 5 * pixels + levels, 4 * pixels + mesh))
