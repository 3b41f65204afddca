"""Accuracy and loss over epochs, as images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.atomic import atomic_write
from mien.core.errors import MissingExtraError
from mien.training.callbacks import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_curves(history: Sequence[Row], path: Path) -> None:
    """Accuracy of every head and loss, training and validation, side by side in one PNG."""
    figure_of = figure_class()
    figure = figure_of(figsize=(10, 4), layout="constrained")
    accuracy, loss = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    heads = [
        name.removeprefix("train_")
        for name in history[0]
        if name.startswith("train_") and name != "train_loss"
    ]
    for number, head in enumerate(heads):
        accuracy.plot(
            epochs,
            [row[f"train_{head}"] for row in history],
            "--",
            color=f"C{number}",
            label=f"{head}, training",
        )
        accuracy.plot(
            epochs,
            [row[f"validation_{head}"] for row in history],
            color=f"C{number}",
            label=f"{head}, validation",
        )
    loss.plot(epochs, [row["train_loss"] for row in history], "--", color="C0", label="training")
    loss.plot(epochs, [row["validation_loss"] for row in history], color="C0", label="validation")
    for axes, name in ((accuracy, "accuracy"), (loss, "loss")):
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_write(path) as aside:
        figure.savefig(aside, dpi=120)


def draw_comparison(runs: Mapping[str, Sequence[Row]], head: str, path: Path) -> None:
    """Validation accuracy over epochs, one line per run, as one PNG."""
    figure = figure_class()(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, history in runs.items():
        axes.plot(
            [row["epoch"] for row in history],
            [row[f"validation_{head}"] for row in history],
            label=name,
            marker="." if len(history) < 3 else "",
        )
    axes.set(xlabel="epoch", ylabel=f"validation accuracy, {head}")
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_write(path) as aside:
        figure.savefig(aside, dpi=120)


def figure_class() -> type[Figure]:
    """matplotlib's figure, without a window behind it."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("Curves", "train", "matplotlib") from None
    return Figure
