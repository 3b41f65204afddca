"""A process that reads a video, so that one which breaks its reader, or takes for ever, takes nothing else
along."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from mien.core.environment import PYTHON, handed_on
from mien.server.errors import STATUS
from mien.server.folders import JobFolder

BROKEN = {
    "status": 422,
    "kind": "broken",
    "message": "the video could not be read: it broke the program that read it",
}

_NEEDED = PYTHON | {
    *(
        "HOME",
        "XDG_CACHE_HOME",
        "MPLCONFIGDIR",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_PATH",
        "NVIDIA_VISIBLE_DEVICES",
    ),
    *(
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "MALLOC_ARENA_MAX",
        "ORT_DISABLE_TELEMETRY",
    ),
}


def environment(place: JobFolder, own: Mapping[str, str]) -> dict[str, str]:
    """What a process that parses a stranger's video is told of its surroundings: no token, no key, no
    password of anything.

    Args:
        place: The folder of the video: what is written for the time being goes into it, too.
        own: The service's environment.
    """
    return handed_on(_NEEDED, own) | dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(place.scratch.absolute()))


@asynccontextmanager
async def started(what: str, place: JobFolder, most: int) -> AsyncIterator[Process]:
    """`mien.server.work` at work on the folder of a video; killed at the end, if it still runs.

    Args:
        what: ``probe`` or ``read``.
        place: The folder.
        most: Bytes that it may come to hold.

    Raises:
        OSError: It cannot be started.
    """
    place.ready()
    command = [sys.executable, "-P", "-m", "mien.server.work", what, str(place.path.absolute()), str(most)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        env=environment(place, os.environ),
        process_group=0,  # Ctrl-C at a terminal is for the service alone, which ends its processes.
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def followed(
    process: Process, seconds: float, progressed: Callable[[dict[str, Any]], Awaitable[None]]
) -> dict[str, Any] | None:
    """Listen to a process until it ends.

    Args:
        process: From `started`.
        seconds: How long it may take.
        progressed: Is told how far it is: ``stage``, ``frames``, ``expected``, ``progress``.

    Returns:
        What it said last, or ``{"error": {"status", "kind", "message"}}``; None where it ended without a
        word.
    """
    end: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(seconds):
            assert process.stdout is not None
            async for line in process.stdout:
                message = _told(line)
                if "stage" in message:
                    await progressed(message)
                elif message:
                    end = message
            await process.wait()
    except TimeoutError:
        end = {
            "error": {
                "kind": "too_slow",
                "message": f"expected a video that is read within {seconds:g} s; it is not: cut it into parts",
            }
        }
    if end is not None and "error" in end:
        return {
            "error": {
                "status": STATUS.get(end["error"]["kind"], 422),
                "kind": end["error"]["kind"],
                "message": end["error"]["message"],
            }
        }
    return None if end is None else end["end"]


def _told(line: bytes) -> dict[str, Any]:
    """What a process says; nothing, where it is something else that writes there."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) and set(message) & {"stage", "end", "error"} else {}
