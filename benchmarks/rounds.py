"""What a contender does: take the frames, warm up, then read all of them once for every line on standard input.

It is run by the interpreters of others as well, so it needs the standard library only, and Python 3.11.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Read = Callable[[Any], int]
"""Takes one frame, or the path of one picture, finds its faces, reads their expressions; returns how many faces it found."""

_WARM_UP = 5


def serve(frames: Sequence[Any], read: Read, versions: dict[str, str], facts: Callable[[], dict[str, Any]] = dict) -> None:
    """Speak to `contenders.Contender` in lines of JSON: first what runs here, then one line per round.

    Args:
        frames: ``(n, h, w, 3)`` in the order of channels that ``read`` wants, or anything else that it takes one by one.
        read: What is measured.
        versions: Of the packages that matter.
        facts: Asked after each round, for anything else that belongs to it.
    """
    started = time.perf_counter()
    for frame in frames[:_WARM_UP]:
        read(frame)
    _say({"versions": {"python": sys.version.split()[0], **versions}, "warm_up_s": round(time.perf_counter() - started, 3)})
    for _ in sys.stdin:
        wall, cpu, found = [], [], []
        for frame in frames:
            at, worked = time.perf_counter(), time.process_time()
            faces = read(frame)
            cpu.append((time.process_time() - worked) * 1000)
            wall.append((time.perf_counter() - at) * 1000)
            found.append(faces)
        _say({"wall_ms": wall, "cpu_ms": cpu, "faces": found, **facts()})


def pictures(folder: str) -> list[str]:
    """The files of a folder, by name."""
    return [str(path) for path in sorted(Path(folder).iterdir())]


def _say(message: dict[str, Any]) -> None:
    # Libraries print to standard output as they please; a mark tells our lines from theirs.
    print("\nROUND " + json.dumps(message), flush=True)
