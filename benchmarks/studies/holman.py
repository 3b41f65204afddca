"""Holman, Vyas and Badal as they state it: 14,018 images, four fifths learned from, 100 epochs in batches of 50.

    python -m benchmarks.studies.holman DATA --output runs/holman-stated [--seeds 1,2,3] [--trainings sgd-0.01,adam-0.001]

DATA is FER-2013. Which 14,018 images theirs were is not said: ours are drawn by the seed from all 35,887, 11,214 to learn
from and 2,804 to test on. The paper has one figure, 86 %, and one matrix; printed beside them is how many of the 2,804, and
how many of all 14,018, four fifths of which the network knows by heart, are called what their label says. A training takes
about half an hour of a core; a stopped one goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.data import FaceDataset, open_dataset
from mien.data.dataset import PUBLIC_TEST, TRAINING
from mien.evaluation import open_subject
from mien.metrics import confusion_matrix, wilson
from mien.training.callbacks import Row, Silence
from mien.training.presets import preset
from mien.training.recipe import Optimizer, Recipe
from mien.training.run import Hardware, load_run, train

LEARNED, TESTED = 11_214, 2_804
EPOCHS, BATCH = 100, 50
TRAININGS = {
    f"{name}-{rate:g}": Optimizer(name, rate=rate, momentum=0.9 if name == "sgd" else 0.0)
    for name, rates in {"sgd": (0.01, 0.001), "rmsprop": (0.001, 0.0001), "adam": (0.001, 0.0001)}.items()
    for rate in rates
}
PUBLISHED = {
    "angry": 0.91,
    "disgust": 0.92,
    "fear": 0.87,
    "happy": 0.97,
    "sad": 0.85,
    "surprise": 0.95,
    "neutral": 0.90,
}
"""The diagonal of the paper's matrix, of momentum."""


@dataclass(frozen=True)
class Outcome:
    """One training.

    Args:
        training: Optimizer and rate, as in `TRAININGS`.
        seed: Of the images drawn, and of the training.
        tested: Share of the 2,804 that is called what the label says.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
        everything: The same of all 14,018.
        learned: The same of the 11,214.
        best: The best epoch on the 2,804, counted from 1, and
        best_tested: what it had there.
        diagonal: Recall of each class over all 14,018.
        tested_diagonal: Recall of each class on the 2,804.
    """

    training: str
    seed: int
    tested: float
    low: float
    high: float
    everything: float
    learned: float
    best: int
    best_tested: float
    diagonal: dict[str, float]
    tested_diagonal: dict[str, float]


class _Lines(Silence):
    def __init__(self, name: str) -> None:
        self.name = name

    def epoch(self, row: Row) -> None:
        print(self.name, {key: round(value, 4) for key, value in row.items()}, flush=True)


def drawn(data: FaceDataset, seed: int) -> FaceDataset:
    """The 14,018 images of a seed: the first 11,214 drawn are learned from."""
    rows = np.random.default_rng(seed).permutation(len(data))[: LEARNED + TESTED]
    return replace(
        data.take(rows), splits=np.array([TRAINING] * LEARNED + [PUBLIC_TEST] * TESTED), votes=None
    )


def recipe_of(training: str, seed: int) -> Recipe:
    """The paper's setting with one optimizer."""
    return replace(
        preset("holman"), epochs=EPOCHS, batch=BATCH, seed=seed, optimizer=TRAININGS[training], keep="last"
    )


def measured(data: FaceDataset, run: Path, training: str, seed: int) -> Outcome:
    """What a finished training answers."""
    probs = open_subject(run, head="fer2013").probabilities(data.images)
    right = probs.argmax(axis=1) == data.expressions
    tested = data.splits == PUBLIC_TEST
    low, high = wilson(int(right[tested].sum()), int(tested.sum()))
    history = [row["validation_fer2013"] for row in load_run(run).history]
    return Outcome(
        training,
        seed,
        float(right[tested].mean()),
        low,
        high,
        float(right.mean()),
        float(right[~tested].mean()),
        int(np.argmax(history)) + 1,
        max(history),
        _recalls(data, probs),
        _recalls(data.take(tested), probs[tested]),
    )


def _recalls(data: FaceDataset, probs: NDArray[np.float32]) -> dict[str, float]:
    matrix = confusion_matrix(data.expressions, probs.argmax(axis=1), len(data.labels))
    return {name: float(matrix[i, i] / max(matrix[i].sum(), 1)) for i, name in enumerate(data.labels.names)}


def table(outcomes: Sequence[Outcome]) -> str:
    """The page's tables, as Markdown."""
    lines = [
        "| optimizer, rate, seed | the 2,804 | all 14,018 | the 11,214 | best epoch on the 2,804 |",
        "|---|---|--:|--:|--:|",
    ]
    lines += [
        f"| {one.training.replace('-', ' ')}, {one.seed} | {one.tested:.1%} ({one.low:.1%} to {one.high:.1%}) | {one.everything:.1%} | "
        f"{one.learned:.1%} | {one.best}: {one.best_tested:.1%} |"
        for one in outcomes
    ]
    names = list(PUBLISHED)
    lines += ["", f"| recall | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    lines.append(f"| published | {' | '.join(f'{PUBLISHED[name]:.2f}' for name in names)} |")
    for one in outcomes:
        for what, values in (("all 14,018", one.diagonal), ("the 2,804", one.tested_diagonal)):
            cells = " | ".join(f"{values[name]:.2f}" for name in names)
            lines.append(f"| {one.training.replace('-', ' ')}, {one.seed}: {what} | {cells} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.holman", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs, and outcomes.json")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--trainings", default=",".join(TRAININGS))
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    data = open_dataset(given.data)
    outcomes = []
    for seed in map(int, given.seeds.split(",")):
        faces = drawn(data, seed)
        for training in given.trainings.split(","):
            run = given.output / f"{training}-seed-{seed}"
            train(faces, recipe_of(training, seed), run, _Lines(run.name), Hardware(threads=given.threads))
            outcomes.append(measured(faces, run, training, seed))
            given.output.joinpath("outcomes.json").write_text(
                json.dumps([one.__dict__ for one in outcomes], indent=1) + "\n"
            )
    print(table(outcomes))


if __name__ == "__main__":
    main()
