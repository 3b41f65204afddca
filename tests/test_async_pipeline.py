"""The pipeline of those who await: the event loop goes on, few images are read at a time, and who waits can give up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mien import AsyncPipeline, Faces, InputError, Pipeline

NOBODY = np.zeros((40, 50, 3), np.uint8)


class Gate:
    """A detector that finds nobody, once it is let go on."""

    name = "gate"

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.inside = self.most = self.calls = 0

    def detect(self, images: Sequence[np.ndarray]) -> list[Faces]:
        with self.lock:
            self.inside, self.calls = self.inside + 1, self.calls + 1
            self.most = max(self.most, self.inside)
        assert self.open.wait(60)
        with self.lock:
            self.inside -= 1
        return [Faces(np.empty((0, 4)), [], [], []) for _ in images]


async def until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_answers_are_those_of_the_pipeline(portrait: np.ndarray, pipeline: Pipeline) -> None:
    async def main() -> None:
        async with AsyncPipeline(pipeline) as awaited:
            faces = await awaited(portrait[..., ::-1], channels="bgr")
            assert faces.probs.tobytes() == pipeline(portrait).probs.tobytes()
            several = await awaited(image for image in (portrait, NOBODY))
            assert [len(found) for found in several] == [1, 0]
            with pytest.raises(InputError, match="expected an image of dtype uint8"):
                await awaited(portrait / 255)

    asyncio.run(main())


def test_the_loop_goes_on_and_few_are_read_at_a_time() -> None:
    gate = Gate()

    async def main() -> None:
        async with AsyncPipeline(Pipeline(gate, threads=1), concurrency=2) as awaited:
            waiting = [asyncio.create_task(awaited(NOBODY)) for _ in range(6)]
            await until(lambda: gate.inside == 2)  # The loop is at work here while two are looked at.
            await asyncio.sleep(0.05)
            assert (gate.most, gate.calls) == (2, 2)
            gate.open.set()
            assert [len(faces) for faces in await asyncio.gather(*waiting)] == [0] * 6
        assert gate.most == 2

    asyncio.run(main())


def test_who_waits_can_give_up() -> None:
    gate = Gate()

    async def main() -> None:
        async with AsyncPipeline(Pipeline(gate, threads=1)) as awaited:
            begun, waiting, last = (asyncio.create_task(awaited(NOBODY)) for _ in range(3))
            await until(lambda: gate.inside == 1)
            for task in (begun, waiting):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            gate.open.set()
            assert len(await last) == 0
            assert gate.calls == 2  # The first, which had begun, and the last.

    asyncio.run(main())


def test_closing_cancels_what_waits() -> None:
    gate = Gate()

    async def main() -> None:
        awaited = AsyncPipeline(Pipeline(gate, threads=1))
        begun, waiting = (asyncio.create_task(awaited(NOBODY)) for _ in range(2))
        await until(lambda: gate.inside == 1)
        closing = asyncio.create_task(awaited.close())
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not closing.done()
        gate.open.set()
        await closing
        assert len(await begun) == 0
        assert gate.calls == 1
        with pytest.raises(RuntimeError, match="shutdown"):
            await awaited(NOBODY)

    asyncio.run(main())


def test_concurrency_is_one_or_more(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="concurrency: expected 1 or more; got 0"):
        AsyncPipeline(pipeline, concurrency=0)
