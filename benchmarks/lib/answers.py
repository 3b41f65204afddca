"""What a subject of the leaderboard does: classify all crops and images, write the answers down, then be timed
crop by crop.

It is run by the interpreters of other packages as well, so it needs numpy and the standard library only, and
Python 3.11. `adapters/npm.cjs` does the same in JavaScript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.timing import serve

TIMED = 150
"""Crops of which each round takes the time."""

Classify = Callable[[NDArray[np.uint8]], dict[str, str]]
"""Takes one gray crop ``(48, 48)``; gives the name of the expression for each head."""
Read = Callable[[NDArray[np.uint8]], dict[str, str | None]]
"""Takes one gray image ``(h, w)``; gives the expression of its largest face for each head, None where it finds
no face."""


def answer(source: Path, target: Path, classify: Classify, read: Read, facts: dict[str, Any]) -> None:
    """Answer everything in ``source`` into ``target``, then take the time as often as asked.

    Args:
        source: Folder with ``crops.npy`` ``(n, 48, 48)`` and ``images.npy`` ``(m, h, w)``, uint8.
        target: JSON with the names that were answered, ``crops.HEAD`` and ``images.HEAD``; empty where there
            was no face.
        classify: One crop.
        read: One image.
        facts: Versions and sizes.
    """
    crops, images = np.load(source / "crops.npy"), np.load(source / "images.npy")
    answers: dict[str, list[str]] = {}
    asked: tuple[tuple[str, NDArray[np.uint8], Classify | Read], ...] = (
        ("crops", crops, classify),
        ("images", images, read),
    )
    for kind, items, ask in asked:
        for item in items:
            for head, name in ask(item).items():
                answers.setdefault(f"{kind}.{head}", []).append(name or "")
    target.write_text(json.dumps(answers), encoding="utf-8")
    serve(crops[:TIMED], lambda crop: len(classify(crop)), facts)


def install_bytes(*names: str) -> int:
    """Bytes of installed packages and of all that they need, as far as it is installed."""
    found: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = sum(file.size or 0 for file in package.files or ())
        waiting += [
            re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
            for line in package.requires or ()
            if "extra ==" not in line
        ]
    return sum(found.values())
