"""Whole images from file to expression, one face each, about 600x340: mien and the peer fer in one run.

    python -m benchmarks.suite.images [--count 60] [--rounds 5] [--json FILE]

Two kinds: frames of a clip with a real face (640x360), and faces of FER-2013's PublicTest, chosen by chance
and enlarged onto a gray wall of 600x340 (no detector was asked which). All are JPEG files that each subject
opens and decodes itself, as its users would: one process each, one thread, one core, in turns. Found faces
stand beside the times, as an image whose face is missed is soon read; in the second kind a box counts only
where the face is.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.adapters.start import FER, fer_detectors, mien
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import write_face_images
from benchmarks.lib.subjects import Subject, take_turns

KINDS = {"clip": "frames of a clip", "room": "FER-2013 faces in a room"}
LIMIT = 3.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.images", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=60, help="images of each kind")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    skipped: dict[str, str] = {}
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds}
    print(machine.summary(results["machine"]))
    with tempfile.TemporaryDirectory(prefix="mien-images-") as name:
        shown = Path(name) / "shown"
        shown.mkdir()
        results["images"] = write_face_images(shown, options.count)
        subjects = [mien("mien", "frames", shown, 0), *fer_detectors(shown, ["haar", "mtcnn"], skipped)]
        ready = take_turns(subjects, options.rounds, Path(name), skipped)
    results |= {
        "subjects": {one.name: summary(one, results["images"]) for one in ready},
        "skipped": skipped,
    }
    for peer, reason in skipped.items():
        print(f"{peer}: left out: {reason}")
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results), options.json)


def summary(one: Subject, counts: dict[str, int]) -> dict[str, Any]:
    """Median milliseconds and found faces of each kind, and of all."""
    faces, kinds = one.rounds[0]["faces"], [kind for kind, count in counts.items() for _ in range(count)]
    found: dict[str, Any] = {
        **one.hello,
        "ms": _ms(one, range(len(kinds))),
        "found": sum(count > 0 for count in faces),
    }
    for kind in counts:
        rows = [row for row, its in enumerate(kinds) if its == kind]
        found[kind] = {"ms": _ms(one, rows), "found": sum(faces[row] > 0 for row in rows)}
    return found


def _ms(one: Subject, rows: Any) -> float:
    """Mean over the images, which are not all alike, of the median over the rounds."""
    return round(float(np.mean([median(each["wall_ms"][row] for each in one.rounds) for row in rows])), 3)


def figures(results: dict[str, Any]) -> list[Figure]:
    """Images a second beside fer's, and how many faces each finds."""
    found, all_, count = [], results["subjects"], sum(results["images"].values())
    mine = all_["mien"]
    chart = "Whole images of about 600x340 from file to expression, one core"
    for name, one in all_.items():
        beside = {} if one is mine else {"beside": "mien", "ratio": one["ms"] / mine["ms"]}
        found.append(Figure(name, one["ms"], "ms an image", chart=chart, **beside))
    found += [Figure(f"faces found by {name}", one["found"], f"of {count}") for name, one in all_.items()]
    if (peer := all_.get(FER["haar"])) is not None:
        found.append(
            Figure(
                "images a second per core, times fer's",
                peer["ms"] / mine["ms"],
                "times",
                LIMIT,
                "at least",
                FER["haar"],
            )
        )
        for kind in results["images"]:
            ratio = peer[kind]["ms"] / mine[kind]["ms"]
            found.append(
                Figure(
                    f"images a second per core, times fer's: {KINDS[kind]}",
                    ratio,
                    "times",
                    beside=FER["haar"],
                )
            )
        found.append(
            Figure(
                "faces found less those that fer finds",
                mine["found"] - peer["found"],
                f"of {count}",
                0,
                "at least",
                FER["haar"],
            )
        )
    return found


if __name__ == "__main__":
    main()
