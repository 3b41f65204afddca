"""Curves and performance matrices of a repetition, for the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.core.atomic import atomic_write
from mien.core.labels import Labels
from mien.plotting.evaluation import draw_confusion
from mien.reproduction.papers import PAPERS
from mien.reproduction.repetition import Repetition
from mien.training.plots import figure_class

CURVES, MATRIX = "curves.png", "matrix.png"


def draw_images(repetition: Repetition, folder: Path) -> list[Path]:
    """Accuracy over epochs of every training, and the performance matrix on PrivateTest: all seeds' counts
    together, or the best optimizer's."""
    draw_runs(repetition, folder / CURVES)
    runs = list(repetition.runs)
    if PAPERS[repetition.paper].optimizers:
        runs = [max(runs, key=lambda run: run.measures["last_validation"])]
    counts = np.sum([run.confusion for run in runs], axis=0)
    title = f"{repetition.paper}: PrivateTest, {', '.join(run.name for run in runs)}"
    draw_confusion(counts, Labels(repetition.labels), folder / MATRIX, title=title)
    return [folder / CURVES, folder / MATRIX]


def draw_runs(repetition: Repetition, path: Path) -> None:
    """One colour per training: solid what was watched, dashed what was learned from."""
    figure = figure_class()(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    head = repetition.runs[0].recipe["heads"][0]
    for number, run in enumerate(repetition.runs):
        epochs = [row["epoch"] for row in run.history]
        marker = "." if len(epochs) < 3 else ""
        axes.plot(
            epochs,
            [row[f"validation_{head}"] for row in run.history],
            color=f"C{number}",
            label=run.name,
            marker=marker,
        )
        axes.plot(
            epochs, [row[f"train_{head}"] for row in run.history], "--", color=f"C{number}", marker=marker
        )
    axes.set(
        xlabel="epoch",
        ylabel="accuracy",
        title=f"{repetition.paper}: watched part (solid), learned part (dashed)",
    )
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_write(path) as aside:
        figure.savefig(aside, dpi=110)
