"""The networks, opened once, and the threads that read with them for everybody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import partial
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.errors import MediaError
from mien.media.content import Content
from mien.media.frame import Frame
from mien.media.pictures import open_picture
from mien.pipeline import Pipeline
from mien.serve.batching import SharedClassifier

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Reads pictures for all clients at once; a context manager.

    Faces are found on a few threads, a picture each, and their expressions read together. A client hands in one picture at a time
    and waits for it, so that all get their turn; frames of streams have threads of their own, so that they need not wait for large pictures.

    Args:
        pipeline: Detector and classifier; one thread per network is best, as there are several pictures at once.
        threads: Pictures, and frames, that are looked at at the same time; by default as many as there are cores.
        seen: Is told how many faces go through the network together.
    """

    def __init__(self, pipeline: Pipeline, threads: int | None = None, seen: Callable[[int], None] = lambda _: None) -> None:
        threads = threads or os.cpu_count() or 1
        self._classifier = SharedClassifier(pipeline.classifier, threads=max(1, threads // 2), seen=seen)
        self.pipeline = copy(pipeline)
        self.pipeline.classifier = self._classifier
        self._pictures = ThreadPoolExecutor(threads, thread_name_prefix="mien-pictures")
        self._frames = ThreadPoolExecutor(threads, thread_name_prefix="mien-frames")

    def suited(self, largest: bool = False, min_face: int | None = None) -> Pipeline:
        """The pipeline for one client: same networks.

        Args:
            largest: The biggest face of each picture alone.
            min_face: Height in px of the smallest face to look for; by default the service's own.
        """
        other = copy(self.pipeline)
        other.largest = largest or self.pipeline.largest
        if min_face is not None and hasattr(other.detector, "min_face"):
            other.detector = copy(other.detector)
            other.detector.min_face = min_face
        return other

    async def picture(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with a picture on one of the threads."""
        return await self._run(self._pictures, partial(work, *args, **kwargs))

    async def frame(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with a frame of a stream on one of the threads."""
        return await self._run(self._frames, partial(work, *args, **kwargs))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        def expected() -> T:
            with self._classifier.batcher.expecting():
                return work()

        return await asyncio.get_running_loop().run_in_executor(pool, expected)

    def close(self) -> None:
        """End the threads; what they are at is finished first."""
        self._pictures.shutdown(cancel_futures=True)
        self._frames.shutdown(cancel_futures=True)
        self._classifier.batcher.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def decoded(data: bytes, name: str, max_pixels: int) -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of a picture, the first frame of an animation; FFmpeg is never asked.

    Raises:
        MediaError: It is no picture, damaged or too large.
    """
    content = Content(data, name)
    media = open_picture(content, max_pixels=max_pixels)
    if media is None:
        raise MediaError(f"{name}: expected a picture (JPEG, PNG, WebP, ...); got something else: send a picture", "unsupported")
    with media:
        first = next(iter(media))
    if not isinstance(first, Frame):
        raise first.error
    return first.image
