"""What measuring an audience costs: processor time of a rendered meeting of 25 tiles in 1080p at 25 frames a
second (`benchmarks.lib.meetings`), read once a second and at every frame, beside decoding the same frames.

    python -m benchmarks.suite.audience [--rounds 3] [--json FILE]

The meeting is kept in the folder ``--work`` and rendered once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import DATA
from benchmarks.lib.meetings import Cast, cast_of, scripted
from benchmarks.lib.subjects import own_environment
from mien.data import open_dataset

CORE = 0.2
"""Share of one core that a large meeting may need, read once a second."""
WAYS = {"once a second": (1.0, 60.0), "every frame": (0.04, 4.0)}
"""Seconds between two frames that are read, and seconds of the meeting."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.audience", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=DATA, help="FER-2013, whose faces are shown")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("out/audience"))
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe()}
    print(machine.summary(results["machine"]))
    cast = cast_of(open_dataset(options.data), "PublicTest")
    results |= cost(cast, options.work / "PublicTest", options.rounds)
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results["rounds"]), options.json)


def cost(cast: Cast, work: Path, rounds: int) -> dict[str, Any]:
    """Processor time per second of a 25-tile 1080p meeting at 25 frames a second."""
    meeting = replace(scripted(cast, 25, 0, size=(1920, 1080)), seconds=60.0)
    path = meeting.write(work / "25-1080p-25fps", 25.0)
    taken = [
        {way: _cost(path, interval, duration) for way, (interval, duration) in WAYS.items()}
        for _ in range(rounds)
    ]
    people = " and ".join(f"{taken[0][way]['people']} people read {way}" for way in WAYS)
    print(f"{people}; video of {path.stat().st_size * 8 / 60e6:.1f} megabits a second")
    return {"rounds": taken, "bytes": path.stat().st_size}


def _cost(path: Path, interval: float, duration: float) -> dict[str, float]:
    arguments = ("audience", path, interval, duration)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.adapters.mien", *map(str, arguments)],
        env=own_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def figures(rounds: list[dict[str, dict[str, float]]]) -> list[Figure]:
    """Processor time as a share of the meeting's, beside decoding."""
    found = []
    for way, limit in zip(WAYS, (CORE, None), strict=True):
        spent = statistics.median(
            (one[way]["user"] + one[way]["system"]) / one[way]["seconds"] for one in rounds
        )
        decoding = statistics.median(one[way]["decoding"] / one[way]["seconds"] for one in rounds)
        name = f"audience of 25 tiles in 1080p, looked at {way}"
        found.append(Figure(name, spent, "of a core", limit, "at most", "decoding alone", spent / decoding))
    return found


if __name__ == "__main__":
    main()
