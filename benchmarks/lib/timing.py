"""What a subject does: take the items, warm up, then read all of them once for every line on standard input.

It is run by the interpreters of other packages as well, so it needs the standard library only, and Python 3.11.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Read = Callable[[Any], int]
"""Takes one item, finds the faces in it and classifies them; returns how many it found."""

_WARM_UP = 5


def serve(
    items: Sequence[Any], read: Read, versions: dict[str, str], facts: Callable[[], dict[str, Any]] = dict
) -> None:
    """Speak to `subjects.Subject` in lines of JSON: first what runs here, then one line per round.

    Args:
        items: ``(n, h, w, 3)`` in the order of channels that ``read`` wants, or anything else that it takes
            one by one.
        read: What is measured.
        versions: Of the packages that matter.
        facts: Asked after each round, for anything else that belongs to it.
    """
    started = time.perf_counter()
    for item in items[:_WARM_UP]:
        read(item)
    _say(
        {
            "versions": {"python": sys.version.split()[0], **versions},
            "warm_up_s": round(time.perf_counter() - started, 3),
        }
    )
    for _ in sys.stdin:
        wall, cpu, found = [], [], []
        for item in items:
            at, worked = time.perf_counter(), time.process_time()
            faces = read(item)
            cpu.append((time.process_time() - worked) * 1000)
            wall.append((time.perf_counter() - at) * 1000)
            found.append(faces)
        _say({"wall_ms": wall, "cpu_ms": cpu, "faces": found, **facts()})


def image_files(folder: str | Path) -> list[str]:
    """The files of a folder, by name."""
    return [str(path) for path in sorted(Path(folder).iterdir())]


def in_place(path: str, boxes: Iterable[Sequence[float]]) -> int:
    """How many boxes count in an image: those whose centre lies on the face, where the name tells its place
    (``NAME-at-X-Y-SIDE.jpg``), else all.

    Args:
        path: The image.
        boxes: ``x1, y1, x2, y2`` in px.
    """
    _, known, place = Path(path).stem.partition("-at-")
    left, top, side = map(int, place.split("-")) if known else (0, 0, 0)
    centres = ((float(x1 + x2) / 2, float(y1 + y2) / 2) for x1, y1, x2, y2 in boxes)
    return sum(not known or (left <= x < left + side and top <= y < top + side) for x, y in centres)


def _say(message: dict[str, Any]) -> None:
    # Libraries print to standard output as they please; a mark tells our lines from theirs.
    print("\nROUND " + json.dumps(message), flush=True)
