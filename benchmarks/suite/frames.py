"""Milliseconds per frame of a clip, finding the faces and reading their expressions: mien and the peer fer in
one run.

From a fresh clone (Linux or macOS; the first run installs the peer, about 2.7 GB, under benchmarks/.peers):

    make test                                          # or: pip install -e .
    python -m benchmarks.suite.frames [CLIP] [--json FILE]

Fair by construction: the clip is decoded once, before anything is timed, and everyone gets the same arrays;
every subject is a process of its own that has read some frames before the first round; they take turns, one
round each, so that what else the machine does hits all alike; everyone has one thread and the same core. Wall
time is what a user waits; the processor's time hardly changes when the machine is busy. A figure is the
median over all frames of all rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapters.start import FER, fer_detectors, mien
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, decode_frames
from benchmarks.lib.subjects import Subject, take_turns

FRAMES = 150
CHART = "Frames of a clip, each searched anew, one core"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.frames", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "clip", nargs="?", type=Path, default=CLIP, help="a video; by default the one of the shared folder"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=FRAMES, help="frames to take from the start of the clip")
    parser.add_argument("--model", help="mien's network: a name or a file")
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=("haar", "mtcnn"),
        default=["haar", "mtcnn"],
        help="configurations of fer",
    )
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)

    if not options.clip.is_file():
        parser.error(f"expected a video; there is no {options.clip}: name one")
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mien-frames-") as folder:
        frames = decode_frames(options.clip, options.count)
        path = Path(folder) / "frames.npy"
        np.save(path, frames)
        subjects = [*_mien(path, options.model), *fer_detectors(path, options.peers, skipped)]
        facts = machine.describe()
        subjects = take_turns(subjects, options.rounds, Path(folder), skipped)
    results = {
        "clip": {
            "name": options.clip.name,
            "frames": len(frames),
            "width": frames.shape[2],
            "height": frames.shape[1],
        },
        "machine": {**facts, "load_after": machine.load()},
        "rounds": options.rounds,
        "subjects": {subject.name: subject.result() for subject in subjects},
        "skipped": skipped,
    }
    _show(results)
    write_results(results, figures(results), options.json)


def _mien(path: Path, model: str | None) -> list[Subject]:
    more = [model] if model else []
    sizes = {"mien": 0, "mien, min_face 20": 20}
    return [mien(name, "frames", path, min_face, *more) for name, min_face in sizes.items()]


def figures(results: dict[str, Any]) -> list[Figure]:
    """Milliseconds per frame, and how much longer the peers take."""
    ms = {name: one["wall_ms"]["median"] for name, one in results["subjects"].items()}
    found = [Figure("mien", ms["mien"], "ms a frame", chart=CHART)]
    found += [
        Figure(name, value, "ms a frame", beside="mien", ratio=value / ms["mien"], chart=CHART)
        for name, value in ms.items()
        if name != "mien"
    ]
    if FER["haar"] in ms:
        found.append(
            Figure(
                "frames of a clip, each searched anew: times as fast as fer",
                ms[FER["haar"]] / ms["mien"],
                beside=FER["haar"],
            )
        )
    return found


def _show(results: dict[str, Any]) -> None:
    clip, where, subjects = results["clip"], results["machine"], results["subjects"]
    print(
        f"clip      {clip['name']}: {clip['frames']} frames of {clip['width']} x {clip['height']}, {results['rounds']} rounds each, in turns"
    )
    print(
        f"machine   {where['cpu']}, {where['cores']} cores, all subjects on one core, one thread; {where['system']}"
    )
    print(
        f"load      {where['load']} before, {where['load_after']} after (means over 1, 5, 15 minutes; about 1 of the second is this benchmark)\n"
    )
    print(
        f"{'per frame, median':<24}{'wall ms':>9}{'cpu ms':>9}{'mien/it wall':>14}{'cpu':>7}{'face found':>13}{'more than 1':>13}"
    )
    mien = subjects["mien"]
    for name, one in subjects.items():
        wall, cpu = (mien[key]["median"] / one[key]["median"] for key in ("wall_ms", "cpu_ms"))
        found = f"{one['frames_with_face']}/{one['frames']}"
        figures = f"{one['wall_ms']['median']:>9.2f}{one['cpu_ms']['median']:>9.2f}{wall:>14.3f}{cpu:>7.3f}"
        print(f"{name:<24}{figures}{found:>13}{one['frames_with_more']:>13}")
    print()
    for name, one in subjects.items():
        print(f"{name}: {', '.join(f'{package} {version}' for package, version in one['versions'].items())}")
        if "note" in one:
            print(f"  {one['note']}; it takes {one['stand_in_ms']} of the ms above.")
    for name, reason in results["skipped"].items():
        print(f"{name}: skipped: {reason}")


if __name__ == "__main__":
    main()
