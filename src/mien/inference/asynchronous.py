"""A pipeline for programs that await, such as servers: images are read beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import cast, overload

from mien.core.arguments import checked
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference.pipeline import Image, Pipeline
from mien.media.pixels import Channels


class AsyncPipeline:
    """Awaits the answers of a `Pipeline`, whose work is done on threads; an asynchronous context manager.

    An image is decoded there, too. Who waits for its turn and is cancelled gives it up; what has begun is finished, and
    its answer dropped.

    Args:
        pipeline: What reads; several may share one. With one thread for each model (`Pipeline`) and as much concurrency as
            there are cores, most images are read in a second. By default a new one.
        concurrency: How many calls are at work at the same time; the others wait for their turn.

    Raises:
        InputError: ``concurrency`` is below 1, or an argument of another type.

    >>> import numpy as np
    >>> async def main() -> int:
    ...     async with AsyncPipeline(Pipeline("whole"), concurrency=2) as pipeline:
    ...         return len(await pipeline(np.zeros((48, 48, 3), np.uint8)))
    >>> asyncio.run(main())
    1
    """

    @checked
    def __init__(self, pipeline: Pipeline | None = None, concurrency: int = 1) -> None:
        if concurrency < 1:
            raise InputError(f"concurrency: expected 1 or more; got {concurrency}")
        self.pipeline = Pipeline() if pipeline is None else pipeline
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="mien-pipeline")

    @overload
    async def __call__(self, images: Image, *, channels: Channels = "rgb") -> Faces: ...  # type: ignore[overload-overlap]
    @overload
    async def __call__(self, images: Iterable[Image], *, channels: Channels = "rgb") -> list[Faces]: ...
    async def __call__(
        self, images: Image | Iterable[Image], *, channels: Channels = "rgb"
    ) -> Faces | list[Faces]:
        """As `Pipeline` does it, awaited.

        Args:
            images: An image, or several, also of a generator, which a thread then goes through.
            channels: ``bgr`` for arrays of OpenCV's.

        Raises:
            InputError: An image cannot be read (`Pipeline`).
            RuntimeError: It is closed.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, images, channels)

    def _read(self, images: Image | Iterable[Image], channels: Channels) -> Faces | list[Faces]:
        found = self.pipeline(cast(Iterable[Image], images), channels=channels)
        return list(found) if isinstance(found, Iterator) else found

    async def close(self) -> None:
        """Cancel what waits, and wait for what has begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._threads.shutdown)

    async def __aenter__(self) -> AsyncPipeline:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
