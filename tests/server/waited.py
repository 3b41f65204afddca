"""The awaited client used like the blocking one, so that a test is written once for both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from mien.client import AsyncFrameStream, AsyncJobHandle


class Waited:
    """An awaited client, job or stream that is used like a blocking one."""

    def __init__(self, thing: Any, runner: asyncio.Runner) -> None:
        self._thing, self._runner = thing, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        return self._called(found) if inspect.ismethod(found) else found

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **options: Any) -> Any:
            came = method(*values, **options)
            if inspect.iscoroutine(came):
                came = self._runner.run(came)
            if hasattr(came, "__anext__"):
                return self._runner.run(gathered(came))
            return Waited(came, self._runner) if isinstance(came, AsyncJobHandle | AsyncFrameStream) else came

        return call

    def __enter__(self) -> Waited:
        self._runner.run(self._thing.__aenter__())
        return self

    def __exit__(self, *told: Any) -> None:
        self._runner.run(self._thing.__aexit__(*told))


async def gathered(items: Any) -> list[Any]:
    return [item async for item in items]
