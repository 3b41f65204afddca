"""A process that reads a video, so that one which breaks its reader, or takes for ever, takes nothing else along."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from mien.serve.refusals import STATUS

BROKEN = {"status": 422, "kind": "broken", "message": "the video could not be read: it broke the program that read it"}


@asynccontextmanager
async def started(what: str, place: Path) -> AsyncIterator[Process]:
    """`mien.serve.work` at work on the folder of a video; killed at the end, if it still runs."""
    command = [sys.executable, "-P", "-m", "mien.serve.work", what, str(place.absolute())]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def followed(process: Process, seconds: float, progressed: Callable[[dict[str, Any]], Awaitable[None]]) -> dict[str, Any]:
    """Listen to a process until it ends.

    Args:
        process: From `started`.
        seconds: How long it may take.
        progressed: Is told how far it is: ``stage``, ``frames``, ``expected``, ``progress``.

    Returns:
        ``{"end": ...}``, or ``{"error": {"status", "kind", "message"}}``.
    """
    end: dict[str, Any] = {"error": BROKEN}
    try:
        async with asyncio.timeout(seconds):
            assert process.stdout is not None
            async for line in process.stdout:
                told = _told(line)
                if "stage" in told:
                    await progressed(told)
                elif told:
                    end = told
            await process.wait()
    except TimeoutError:
        end = {"error": {"kind": "too_slow", "message": f"expected a video that is read within {seconds:g} s; it is not: cut it into parts"}}
    if "error" in end:
        end["error"] = {"status": STATUS.get(end["error"]["kind"], 422), "kind": end["error"]["kind"], "message": end["error"]["message"]}
    return end


def _told(line: bytes) -> dict[str, Any]:
    """What a process says; nothing, where it is something else that writes there."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) and set(told) & {"stage", "end", "error"} else {}
