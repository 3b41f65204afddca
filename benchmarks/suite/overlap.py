"""Decoding, finding and reading at the same time: frames per second on two cores as a multiple of those on
one.

    python -m benchmarks.suite.overlap [CLIP] [--frames 1440] [--rounds 3] [--json FILE]

The clip is repeated into a longer file without encoding it anew, and read by
``mien.video.runner.process_frames`` (people followed, one thread per network), in turns on one core and on
two. What the stages need of a processor is measured as well, on their own threads: the slowest stage is the
limit of the overlap, reached where nothing else runs on either core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, repeat_clip
from benchmarks.lib.subjects import own_environment


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.overlap", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "clip", nargs="?", type=Path, default=CLIP, help="a video; by default the one of the shared folder"
    )
    parser.add_argument("--frames", type=int, default=1440, help="length of the video that is read")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        parser.error("expected a machine with two cores; this one has one")
    before = machine.describe()
    with tempfile.TemporaryDirectory(prefix="mien-overlap-") as folder:
        long = Path(folder) / "long.mp4"
        repeat_clip(options.clip, long, options.frames)
        rounds = [{"one": _run(long, cores[:1]), "two": _run(long, cores)} for _ in range(options.rounds)]
    results = {"machine": before, "rounds": rounds, "load_after": machine.load()}
    _show(results)
    write_results(results, figures(rounds), options.json)


def figures(rounds: list[dict[str, Any]]) -> list[Figure]:
    """Frames a second on two cores over those on one."""
    stages = {
        name: sum(each["one"]["stages"][name] for each in rounds) for name in rounds[0]["one"]["stages"]
    }
    ratio = statistics.median(each["one"]["seconds"] / each["two"]["seconds"] for each in rounds)
    most = min(2, sum(stages.values()) / max(stages.values()))
    return [
        Figure(
            "a video on two cores over one",
            ratio,
            "times",
            1.6,
            "at least",
            "what the slowest stage allows",
            ratio / most,
        ),
        Figure(
            "frames a second on two cores",
            statistics.median(each["two"]["frames"] / each["two"]["seconds"] for each in rounds),
            "a second",
        ),
    ]


def _run(long: Path, cores: list[int]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.adapters.mien", "stages", str(long), *map(str, cores)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _show(results: dict[str, Any]) -> None:
    rounds = results["rounds"]
    rate = {
        way: statistics.median(each[way]["frames"] / each[way]["seconds"] for each in rounds)
        for way in ("one", "two")
    }
    ratio = statistics.median(each["one"]["seconds"] / each["two"]["seconds"] for each in rounds)
    before, after = results["machine"]["load"], results["load_after"]
    print(f"machine   {results['machine']['cpu']}; load {before} before, {after} after")
    print(f"one core  {rate['one']:.0f} frames a second")
    print(f"two cores {rate['two']:.0f} frames a second: {ratio:.2f} times (median of {len(rounds)} rounds)")
    frames = rounds[0]["one"]["frames"]
    stages = {
        name: statistics.median(each["one"]["stages"][name] for each in rounds) / frames * 1000
        for name in rounds[0]["one"]["stages"]
    }
    for name, spent in stages.items():
        print(f"          {spent:.2f} ms of a processor per frame: {name}")
    print(
        f"          limit by the slowest stage on two cores: {min(2, sum(stages.values()) / max(stages.values())):.2f} times"
    )


if __name__ == "__main__":
    main()
