"""How long mien takes to be there: the import, the command, and the first row of an image and of a video.

    python -m benchmarks.suite.startup [--rounds 9] [--json FILE]

Every measurement is a process of its own, timed from its start; they take turns. Nothing can start sooner
than an empty interpreter, and no first row can come before the libraries that reading an image needs are
imported. Files are warm: every process ran once before. Where the environment of the peer fer was made
already, its first answer for the same image stands beside.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from benchmarks.adapters.environments import environment, installed
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP, IMAGE
from benchmarks.lib.subjects import own_environment
from mien.core.drawn_face import draw_portrait

IMPORT, ROW = 50.0, 2000.0
"""Milliseconds: what ``import mien`` may add to an empty interpreter, and what may pass until the first
row."""

_LIBRARIES = "from mien.inference.onnx_session import onnx_runtime; onnx_runtime(); import numpy, PIL.Image, typer, rich, pydantic"
_FER = """
import sys, warnings
warnings.simplefilter("ignore")
import cv2
from fer.fer import FER
print(FER().detect_emotions(cv2.imread(sys.argv[1])))
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.startup", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds}
    print(machine.summary(results["machine"]))
    with tempfile.TemporaryDirectory(prefix="mien-startup-") as folder:
        ways = commands(Path(folder))
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(options.rounds + 1):  # The first one warms the files.
            for name, (command, env) in ways.items():
                ms = first_line(command, env)
                spent[name] += [ms] if number else []
    results["ms"] = {name: round(median(values), 1) for name, values in spent.items()}
    # Each import stands beside the empty interpreter of its round.
    results["import_ms"] = round(
        median(a - b for a, b in zip(spent["import mien"], spent["empty interpreter"], strict=True)), 1
    )
    results["machine"]["load_after"] = machine.load()
    write_results(results, figures(results), options.json)


def commands(folder: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What is timed, and in which environment."""
    image = IMAGE
    if not image.is_file():
        image = folder / "drawn.png"
        Image.fromarray(draw_portrait()).save(image)
    python, env = [sys.executable, "-c"], own_environment()
    analyze = [sys.executable, "-m", "mien", "analyze", "--quiet", "--format", "jsonl"]
    found = {
        "empty interpreter": ([*python, "print()"], env),
        "import mien": ([*python, "import mien; print()"], env),
        "libraries alone": ([*python, f"{_LIBRARIES}; print()"], env),
        "mien --version": ([sys.executable, "-m", "mien", "--version"], env),
        "first row of an image": ([*analyze, str(image)], env),
    }
    if CLIP.is_file():
        found["first row of a video"] = ([*analyze, str(CLIP)], env)
    if (peer := installed()) is not None:
        found["fer: first answer for the image"] = ([str(peer), "-c", _FER, str(image)], environment())
    return found


def first_line(command: Sequence[str], env: dict[str, str]) -> float:
    """Milliseconds from the start of a process to the end of its first line."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        ms = 1000 * (time.perf_counter() - began)
        _, errors = process.communicate()
    if not line or process.returncode:
        last = errors.decode(errors="replace").strip().splitlines()
        raise SystemExit(
            f"{' '.join(command[:4])} ... ended with {process.returncode}: {last[-1] if last else 'without a word'}"
        )
    return ms


def figures(results: dict[str, Any]) -> list[Figure]:
    """What was promised of the start."""
    ms = results["ms"]
    found = [Figure("import mien, over an empty interpreter", results["import_ms"], "ms", IMPORT)]
    for name, beside, limit in (
        ("mien --version", "empty interpreter", None),
        ("first row of an image", "libraries alone", ROW),
        ("first row of a video", "libraries alone", ROW),
        ("fer: first answer for the image", "first row of an image", None),
    ):
        if name in ms:
            found.append(
                Figure(
                    name,
                    ms[name],
                    "ms",
                    limit,
                    "at most",
                    beside,
                    ms[name] / ms[beside],
                    "From the start of the process to the first line",
                )
            )
    return found


if __name__ == "__main__":
    main()
