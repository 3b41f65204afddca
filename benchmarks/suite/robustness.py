"""How networks read faces in bad light, blur, noise, behind masks and in crops that a detector has moved: a
table for several of them.

    python -m benchmarks.suite.robustness DATA [--models NAME ...] [--head fer2013] [--json FILE] [--markdown FILE]

DATA is FER-2013; asked is about PublicTest without its copies, all of it made worse in five strengths (`mien
evaluate --corruptions`). Each network has a process and a thread of its own. Shown is the share of wrong
answers, mean over the strengths.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from mien.data import leak_free, open_dataset
from mien.data.corruptions import CORRUPTIONS
from mien.data.dataset import PUBLIC_TEST
from mien.evaluation import open_subject
from mien.evaluation.ground_truth import truth_for
from mien.evaluation.robustness import robustness
from mien.inference.weights import shipped

RATIO, UNCHANGED = 1.5, 0.92


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON and Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.robustness", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="FER-2013")
    parser.add_argument(
        "--models", nargs="*", help="networks by name or file; all that come with mien unless given"
    )
    parser.add_argument("--head", default="fer2013", help="which head")
    parser.add_argument("--count", type=int, help="so many faces only, to try it out")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    options = parser.parse_args(arguments)
    facts = machine.describe()
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        asked = {
            model: pool.submit(measured, options.data, model, options.head, options.count)
            for model in options.models or shipped()
        }
        found = {model: future.result() for model, future in asked.items()}
    page = markdown(found)
    print(page)
    results = {
        "machine": facts,
        "head": options.head,
        "split": f"{PUBLIC_TEST}, leak-free",
        "networks": found,
    }
    write_results(results, figures(found), options.json)
    if options.markdown:
        options.markdown.write_text(page + "\n", encoding="utf-8")


def measured(data: Path, model: str, head: str, count: int | None) -> dict[str, Any]:
    """What `mien.evaluation.robustness` finds for one network."""
    faces = leak_free(open_dataset(data), PUBLIC_TEST)
    subject = open_subject(model, head=head, threads=1)
    truth = truth_for(subject, faces)
    right = truth.columns(faces)
    counted = np.flatnonzero(right >= 0)[:count]

    def answer(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        return np.asarray(subject.probabilities(images)[:, truth.order].argmax(axis=1))

    return robustness(faces.take(counted).images, right[counted], answer).facts() | {"n": len(counted)}


def markdown(found: dict[str, dict[str, Any]]) -> str:
    """The table."""
    head = [
        "| wrong answers, % | " + " | ".join(f"`{model}`" for model in found) + " |",
        "|---|" + "--:|" * len(found),
    ]

    def row(name: str, values: list[str]) -> str:
        return f"| {name} | " + " | ".join(values) + " |"

    rows = [row("as they are", [f"{100 * facts['clean_error']:.1f}" for facts in found.values()])]
    for place, name in enumerate(CORRUPTIONS):
        rows.append(
            row(name, [f"{100 * facts['corruptions'][place]['mean']:.1f}" for facts in found.values()])
        )
    rows.append(row("mean of all", [f"{100 * facts['mean_error']:.1f}" for facts in found.values()]))
    rows.append(row("mean over as they are", [f"{facts['error_ratio']:.2f}" for facts in found.values()]))
    rows.append(
        row(
            "same answer when the box moves by 10 %, %",
            [f"{100 * facts['unchanged_under_jitter']:.1f}" for facts in found.values()],
        )
    )
    return "\n".join([*head, *rows])


def figures(found: dict[str, dict[str, Any]]) -> list[Figure]:
    """What was promised of it."""
    several = [
        Figure(
            f"{model}: error in bad images over that in images as they are",
            facts["error_ratio"],
            "times",
            RATIO,
        )
        for model, facts in found.items()
    ]
    kept = [
        Figure(
            f"{model}: same answer when the box moves by 10 %",
            facts["unchanged_under_jitter"],
            "of faces",
            UNCHANGED,
            "at least",
        )
        for model, facts in found.items()
    ]
    return several + kept


if __name__ == "__main__":
    main()
