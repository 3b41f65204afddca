"""Does the data pipeline hold the processor back? Training on FER-2013 against the same network on tensors
already in memory.

``python -m benchmarks.suite.training DATA [--threads 1] [--json FILE]``. Both take turns in one process, several
times; the ratio of the medians should be at least 0.85.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from mien.data import open_dataset
from mien.data.dataset import FaceDataset
from mien.training.callbacks import Silence
from mien.training.optimizers import create_optimizer
from mien.training.presets import preset
from mien.training.recipe import Recipe
from mien.training.run import Hardware, has_bfloat16, new_network, train

LIMIT = 0.85
WANTED = 40


class _Clock(Silence):
    """Moments of the steps of a run."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def step(self, epoch: int, step: int, steps: int) -> None:
        self.marks.append(time.perf_counter())


def through_pipeline(data: FaceDataset, recipe: Recipe, threads: int) -> float:
    """Images per second of training: from the tensors of the data set through augmentation, metrics and
    Lightning's trainer.
    """
    clock = _Clock()
    with TemporaryDirectory() as folder:
        train(data, recipe, Path(folder), clock, Hardware(accelerator="cpu", threads=threads))
    return recipe.batch / median(np.diff(clock.marks))


def from_memory(recipe: Recipe) -> float:
    """Images per second of a plain loop over random batches that are there already."""
    network = new_network(recipe, {"fer2013": tuple("abcdefg"), "ferplus": tuple("abcdefgh")}).train()
    optimizer = create_optimizer(network.parameters(), recipe.optimizer)
    faces = (torch.rand(recipe.batch, 1, 48, 48) * 255).contiguous(memory_format=torch.channels_last)
    targets = {
        "fer2013": torch.randint(7, (recipe.batch,)),
        "ferplus": torch.rand(recipe.batch, 8).softmax(dim=1),
    }
    marks = []
    for _ in range(WANTED):
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision != "32"):
            outputs = network(faces)
        losses = [
            torch.nn.functional.cross_entropy(outputs[head].float(), target)
            for head, target in targets.items()
        ]
        optimizer.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()
        optimizer.step()
        marks.append(time.perf_counter())
    return recipe.batch / median(np.diff(marks))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.training", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    started = time.perf_counter()
    data = open_dataset(given.data)
    loading = time.perf_counter() - started
    recipe = preset("small").changed(
        {"epochs": 1, "precision": "bf16-mixed" if has_bfloat16("cpu") else "32"}
    )
    rows = [
        np.flatnonzero(data.splits == name)[:n]
        for name, n in (("Training", WANTED * recipe.batch), ("PublicTest", 256))
    ]
    part = data.take(np.concatenate(rows))
    rounds = [
        (through_pipeline(part, recipe, given.threads), from_memory(recipe)) for _ in range(given.rounds)
    ]
    pipeline, memory = (median(values) for values in zip(*rounds, strict=True))
    facts: dict[str, Any] = {
        "machine": machine.describe(),
        "threads": given.threads,
        "loading_seconds": round(loading, 2),
        "pipeline_per_second": round(pipeline, 1),
        "memory_per_second": round(memory, 1),
        "ratio": round(pipeline / memory, 3),
        "rounds": [[round(value, 1) for value in values] for values in rounds],
    }
    print(json.dumps(facts, indent=1))
    name, beside = "training through the data pipeline", "tensors in memory"
    figure = Figure(name, pipeline / memory, "times", LIMIT, "at least", beside)
    write_results(facts, [figure], given.json)


if __name__ == "__main__":
    main()
