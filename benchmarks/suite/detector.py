"""The detector alone: milliseconds of ``detect`` beside those of its networks within it, which are the limit.

    python -m benchmarks.suite.detector [--rounds 7] [--json FILE]

On one thread, one image at a time: a frame with one face, a group, and a frame without any face. The
networks' time is taken in the same calls, around each run of ONNX Runtime; what is left over is scaling,
cutting and choosing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, CROWD, NOBODY, decode_frames
from mien.core.drawn_face import draw_portrait
from mien.inference.detectors.mtcnn import MTCNN
from mien.inference.onnx_session import Network

SIZES = (40, 20)
"""Heights in px of the smallest face looked for: the default, and what the peers look for."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.detector", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=30, help="how often each image is looked at")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds, "cases": []}
    print(machine.summary(results["machine"]))
    machine.pin(machine.quietest_core())
    for size in SIZES:
        detector = MTCNN(size, threads=1)
        spent = _watched(detector)
        for name, image in images().items():
            results["cases"].append(
                {"image": name, "min_face": size, **_timed(detector, image, spent, options.rounds)}
            )
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results["cases"]), options.json)


def images() -> dict[str, NDArray[np.uint8]]:
    """Those at hand; a drawn face where there are none."""
    found = {
        f"drawn face, {face.shape[1]}x{face.shape[0]}": face
        for face in [draw_portrait()]
        if not CLIP.is_file()
    }
    for name, path in (("one face", CLIP), ("no face", NOBODY), ("five faces", CROWD)):
        if path.is_file():
            image = (
                decode_frames(path, 1)[0]
                if path.suffix == ".mp4"
                else np.asarray(Image.open(path).convert("RGB"))
            )
            found[f"{name}, {image.shape[1]}x{image.shape[0]}"] = image
    return found


def _watched(detector: MTCNN) -> list[float]:
    """Let a detector's networks note their seconds; gives the list that they come to."""
    spent: list[float] = []

    class Watched:
        def __init__(self, network: Network) -> None:
            self._network = network
            self.outputs = network.outputs

        def run(self, feeds: Any) -> Any:
            at = time.perf_counter()
            try:
                return self._network.run(feeds)
            finally:
                spent.append(time.perf_counter() - at)

    for part in ("_pnet", "_rnet", "_onet"):
        setattr(detector, part, Watched(getattr(detector, part)))
    return spent


def _timed(detector: MTCNN, image: NDArray[np.uint8], spent: list[float], rounds: int) -> dict[str, Any]:
    whole, networks = [], []
    faces = len(detector.detect([image])[0])
    for _ in range(rounds):
        spent.clear()
        at = time.perf_counter()
        detector.detect([image])
        whole.append(1000 * (time.perf_counter() - at))
        networks.append(1000 * sum(spent))
    times = {
        "ms": median(whole),
        "networks_ms": median(networks),
        "times_networks": median(a / b for a, b in zip(whole, networks, strict=True)),
    }
    return {"faces": faces, "runs": len(spent), **{name: round(value, 3) for name, value in times.items()}}


def figures(cases: list[dict[str, Any]]) -> list[Figure]:
    """Each image, beside its networks."""
    found = []
    for case in cases:
        name = f"{case['image']}, faces from {case['min_face']} px"
        own = "ONNX Runtime's own time within it"
        found.append(
            Figure(
                name,
                case["ms"],
                "ms an image",
                beside=own,
                ratio=case["times_networks"],
                chart="The detector alone, one thread",
            )
        )
    return found


if __name__ == "__main__":
    main()
