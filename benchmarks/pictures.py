"""Whole pictures from file to expression, one face each, about 600x340: mien and the peer fer in one run.

    python -m benchmarks.pictures [--most 60] [--rounds 5] [--json FILE]

Two kinds: frames of a clip with a real face (640x360), and faces of FER-2013's PublicTest, chosen by chance
and enlarged onto a grey room of 600x340 (no detector was asked which). All are JPEG files that each contender
opens and decodes itself, as its users would: one process each, one thread, one core, in turns. Found faces
stand beside the times, as a picture whose face is missed is soon read; in the second kind a box counts only
where the face is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import machine
from benchmarks.contenders import FER, HERE, Contender, fer, measured, own_environment
from benchmarks.figures import Figure, told
from benchmarks.frames import decoded
from benchmarks.material import CLIP, DATA

KINDS = {"clip": "frames of a clip", "room": "FER-2013 faces in a room"}
SIZE, SIDE = (600, 340), 200
LIMIT = 3.0
QUALITY = 90


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--most", type=int, default=60, help="pictures of each kind")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    skipped: dict[str, str] = {}
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds}
    print(machine.told(results["machine"]))
    with tempfile.TemporaryDirectory(prefix="mien-pictures-") as name:
        shown = Path(name) / "shown"
        shown.mkdir()
        results["pictures"] = written(shown, options.most)
        script = [sys.executable, str(HERE / "read_mien.py"), str(shown)]
        contenders = [
            Contender("mien", [*script, "0"], own_environment()),
            *fer(shown, ["haar", "mtcnn"], skipped),
        ]
        ready = measured(contenders, options.rounds, Path(name), skipped)
    results |= {
        "contenders": {one.name: summary(one, results["pictures"]) for one in ready},
        "skipped": skipped,
    }
    for peer, reason in skipped.items():
        print(f"{peer}: left out: {reason}")
    results["machine"]["load_after"] = machine.load()
    results["figures"] = told(figures(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def written(folder: Path, most: int) -> dict[str, int]:
    """Write the pictures; gives how many there are of each kind, in the order of their names."""
    counts = {}
    if CLIP.is_file():
        frames = decoded(CLIP, most)
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"clip-{number:03}.jpg", quality=QUALITY)
        counts["clip"] = len(frames)
    if DATA.is_file():
        for number, (picture, (left, top)) in enumerate(rooms(most)):
            picture.save(folder / f"room-{number:03}-at-{left}-{top}-{SIDE}.jpg", quality=QUALITY)
        counts["room"] = most
    if not counts:
        raise SystemExit(f"expected {CLIP} or {DATA}; there is neither")
    return counts


def rooms(most: int) -> list[tuple[Image.Image, tuple[int, int]]]:
    """Faces of PublicTest, each somewhere before a grey wall with grain, and where."""
    from mien.data import leak_free, open_dataset

    chance = np.random.default_rng(10)
    faces = leak_free(open_dataset(DATA), "PublicTest").images
    pictures = []
    for row in chance.permutation(len(faces))[:most]:
        wall = np.full((SIZE[1], SIZE[0]), chance.integers(90, 150)) + chance.normal(0, 3, (SIZE[1], SIZE[0]))
        picture = Image.fromarray(wall.clip(0, 255).astype(np.uint8))
        face = Image.fromarray(faces[row]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        place = (int(chance.integers(0, SIZE[0] - SIDE)), int(chance.integers(0, SIZE[1] - SIDE)))
        picture.paste(face, place)
        pictures.append((picture.convert("RGB"), place))
    return pictures


def summary(one: Contender, counts: dict[str, int]) -> dict[str, Any]:
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


def _ms(one: Contender, rows: Any) -> float:
    """Mean over the pictures, which are not all alike, of the median over the rounds."""
    return round(float(np.mean([median(each["wall_ms"][row] for each in one.rounds) for row in rows])), 3)


def figures(results: dict[str, Any]) -> list[Figure]:
    """Pictures a second beside fer's, and how many faces each finds."""
    found, all_, count = [], results["contenders"], sum(results["pictures"].values())
    mine = all_["mien"]
    chart = "Whole pictures of about 600x340 from file to expression, one core"
    for name, one in all_.items():
        beside = {} if one is mine else {"beside": "mien", "ratio": one["ms"] / mine["ms"]}
        found.append(Figure(name, one["ms"], "ms a picture", chart=chart, **beside))
    found += [Figure(f"faces found by {name}", one["found"], f"of {count}") for name, one in all_.items()]
    if (peer := all_.get(FER["haar"])) is not None:
        found.append(
            Figure(
                "pictures a second per core, times fer's",
                peer["ms"] / mine["ms"],
                "times",
                LIMIT,
                "at least",
                FER["haar"],
            )
        )
        for kind in results["pictures"]:
            ratio = peer[kind]["ms"] / mine[kind]["ms"]
            found.append(
                Figure(
                    f"pictures a second per core, times fer's: {KINDS[kind]}",
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
