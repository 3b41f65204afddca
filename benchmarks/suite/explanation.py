"""How long it takes to explain one face: all kinds of sheets, drawn and written, beside the limit of 2 s and
ONNX Runtime's own time.

``python -m benchmarks.suite.explanation [IMAGE] [--model small] [--rounds 5] [--json FILE]``. Importing libraries
and opening the network come before the clock. The parts are timed one by one; the passes that occlusion needs
are also run bare, as the least that it could take.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.machine import describe
from mien.core.drawn_face import draw_portrait
from mien.explain import KINDS, explain, open_explained
from mien.explain.base import ExplainableModel

LIMIT = 2.0
_PASSES = 197
"""Passes of the network that one occlusion map takes at its usual patch and stride, the uncovered face
included."""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def rounds(work: Callable[[], object], count: int) -> dict[str, float]:
    """Medians, after one round that does not count: it loads libraries."""
    work()
    wall, processor = zip(*(timed(work) for _ in range(count)), strict=True)
    return {"wall_s": round(median(wall), 3), "cpu_s": round(median(processor), 3)}


def _sheets(subject: ExplainableModel, image: Any, folder: str, kinds: list[str]) -> None:
    list(explain(subject, image, folder, kinds))


def figures(facts: dict[str, Any]) -> list[Figure]:
    """All kinds of sheets, and occlusion beside its passes."""
    passes = "ONNX Runtime's own time for the same passes"
    return [
        Figure(
            "explanation of a face, all kinds of sheets",
            facts["all_kinds_network_opened_anew"]["wall_s"],
            "s",
            LIMIT,
        ),
        Figure(
            "explanation by occlusion",
            facts["parts"]["occlusion"]["wall_s"],
            "s",
            beside=passes,
            ratio=facts["occlusion_ratio_to_its_passes"],
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.explanation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("image", nargs="?", type=Path, help="a drawn face unless given")
    parser.add_argument("--model", default="small")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    image = draw_portrait() if given.image is None else given.image
    subject = open_explained(given.model)
    crops = np.zeros((_PASSES, 1, 48, 48), np.float32)
    with TemporaryDirectory() as folder:
        parts = {
            kind: rounds(partial(_sheets, subject, image, folder, [kind]), given.rounds) for kind in KINDS
        }
        fresh = rounds(lambda: list(explain(open_explained(given.model), image, folder)), given.rounds)
    bare = rounds(lambda: subject.classifier.probabilities(crops), given.rounds)
    facts: dict[str, Any] = {
        "machine": describe(),
        "model": given.model,
        "parts": parts,
        "all_kinds_network_opened_anew": fresh,
        "limit_s": LIMIT,
        "ratio_to_limit": round(fresh["wall_s"] / LIMIT, 3),
        "occlusion_passes_alone": bare,
        "occlusion_ratio_to_its_passes": round(parts["occlusion"]["wall_s"] / bare["wall_s"], 2),
    }
    print(json.dumps(facts, indent=1))
    write_results(facts, figures(facts), given.json)


if __name__ == "__main__":
    main()
