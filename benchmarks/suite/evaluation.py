"""How long is judging a network: ``mien evaluate`` with its report, against ONNX Runtime's own time for the
same tensors.

``python -m benchmarks.suite.evaluation DATA [--rounds 3] [--threads 2] [--json FILE]``. The whole command is timed
as a process of its own, from its start to its end: Python, reading all of DATA, every image of one split,
all figures, plots, and the page. It should stay below 20 s on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.machine import describe
from mien.data import open_dataset
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path

LIMIT = 20.0
SPLIT = "PublicTest"
BATCH = 64


def command(data: Path, threads: int) -> dict[str, float]:
    """Seconds of the whole command, on the clock and of the processor, and how many images it judged."""
    with TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        words = [
            "evaluate",
            "small",
            data,
            "--split",
            SPLIT,
            "--threads",
            threads,
            "--format",
            "json",
            "--quiet",
            "-o",
            page,
        ]
        before, started = _worked(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "mien", *map(str, words)], capture_output=True, text=True, check=True
        )
        wall = time.perf_counter() - started
        size = page.stat().st_size
    return {
        "wall_s": wall,
        "cpu_s": _worked() - before,
        "faces": json.loads(done.stdout)["n"],
        "report_bytes": size,
    }


def _worked() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def bare(tensors: list[np.ndarray], threads: int) -> dict[str, float]:
    """Seconds of ONNX Runtime for the same tensors, which are there already."""
    network = open_network(network_path("small"), threads=threads)
    network.run({"faces": tensors[0]})
    started, before = time.perf_counter(), time.process_time()
    for tensor in tensors:
        network.run({"faces": tensor})
    return {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - before}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.evaluation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args(arguments)
    faces = open_dataset(wanted.data).split(SPLIT).images[:, None].astype(np.float32)
    tensors = [faces[start : start + BATCH] for start in range(0, len(faces), BATCH)]
    found: dict[str, list[dict[str, float]]] = {"command": [], "onnxruntime": []}
    for number in range(wanted.rounds):  # They take turns, so that a busy moment meets both.
        found["command"].append(command(wanted.data, wanted.threads))
        found["onnxruntime"].append(bare(tensors, wanted.threads))
        print(f"round {number + 1}/{wanted.rounds}: {found['command'][-1]['wall_s']:.1f} s", file=sys.stderr)
    facts = summary(found, wanted.threads)
    print(shown(facts))
    write_results(facts, figures(facts), wanted.json)


def summary(found: dict[str, list[dict[str, float]]], threads: int) -> dict[str, Any]:
    """Medians over the rounds, and the ratios."""
    facts: dict[str, Any] = {
        "machine": describe(),
        "threads": threads,
        "limit_s": LIMIT,
        "faces": int(found["command"][0]["faces"]),
    }
    facts["report_bytes"] = int(found["command"][0]["report_bytes"])
    for name, rounds in found.items():
        facts[name] = {key: round(median(part[key] for part in rounds), 3) for key in ("wall_s", "cpu_s")}
    facts["of_limit"] = round(facts["command"]["wall_s"] / LIMIT, 3)
    facts["times_onnxruntime"] = round(facts["command"]["cpu_s"] / facts["onnxruntime"]["cpu_s"], 2)
    return facts


def figures(facts: dict[str, Any]) -> list[Figure]:
    """The whole command, on the clock, and its processor time beside ONNX Runtime's."""
    name, bare = (
        f"mien evaluate with its report, {facts['faces']:,} faces",
        "ONNX Runtime's own time for the same tensors (of the processor)",
    )
    return [Figure(name, facts["command"]["wall_s"], "s", LIMIT, "at most", bare, facts["times_onnxruntime"])]


def shown(facts: dict[str, Any]) -> str:
    """The figures as lines."""
    machine, whole, own = facts["machine"], facts["command"], facts["onnxruntime"]
    return "\n".join(
        [
            f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}, {facts['threads']} threads",
            f"mien evaluate small, {facts['faces']:,} faces, report of {facts['report_bytes'] / 1e3:.0f} kB:"
            f" {whole['wall_s']:.1f} s ({whole['cpu_s']:.1f} s of the processor)",
            f"ONNX Runtime for the same tensors: {own['wall_s']:.1f} s ({own['cpu_s']:.1f} s of the processor)",
            f"share of the limit of {facts['limit_s']:.0f} s: {facts['of_limit']:.2f}"
            f"; times the processor's time of ONNX Runtime: {facts['times_onnxruntime']:.2f}",
        ]
    )


if __name__ == "__main__":
    main()
