"""Accuracy and loss over the epochs of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.plotting import style

if TYPE_CHECKING:
    from mien.plotting.style import Axes

Epoch = Mapping[str, float]
"""``epoch``, ``train_loss``, ``validation_loss``, and ``train_`` and ``validation_`` of each head."""


def draw_curves(history: Sequence[Epoch], path: Path) -> Path:
    """Write accuracy of every head and loss as PNG, side by side; solid validation, dashed training.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = style.new_figure(10, 4)
    accuracy, loss = figure.subplots(1, 2)
    heads = [name.removeprefix("train_") for name in history[0] if name.startswith("train_")]
    heads.remove("loss")
    for number, head in enumerate(heads):
        _pair(accuracy, history, head, style.series_colour(number), f"{head}, ")
    _pair(loss, history, "loss", style.MAIN)
    _finish(accuracy, "accuracy")
    _finish(loss, "loss")
    return style.save(figure, path, note="")


def draw_runs(
    runs: Mapping[str, Sequence[Epoch]], head: str, path: Path, title: str = "", *, training: bool = False
) -> Path:
    """Write accuracy of several runs over their epochs as PNG, a colour for each: solid validation, and dashed
    training where asked for.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = style.new_figure(8, 4.8)
    axes = figure.subplots()
    for number, (name, history) in enumerate(runs.items()):
        _line(axes, history, f"validation_{head}", style.series_colour(number), label=style.as_text(name, 40))
        if training:
            _line(axes, history, f"train_{head}", style.series_colour(number), "--")
    _finish(axes, f"accuracy, {head}" if training else f"validation accuracy, {head}")
    return style.save(figure, path, title, note="Solid: validation. Dashed: training." if training else "")


def _pair(axes: Axes, history: Sequence[Epoch], measure: str, colour: str, whose: str = "") -> None:
    _line(axes, history, f"train_{measure}", colour, "--", f"{whose}training")
    _line(axes, history, f"validation_{measure}", colour, label=f"{whose}validation")


def _line(
    axes: Axes, history: Sequence[Epoch], name: str, colour: str, dashes: str = "-", label: str = ""
) -> None:
    # One or two points make no line.
    marker = "." if len(history) < 3 else ""
    epochs, values = [row["epoch"] for row in history], [row[name] for row in history]
    axes.plot(epochs, values, dashes, color=colour, marker=marker, label=label or "_")


def _finish(axes: Axes, name: str) -> None:
    axes.set_xlabel("epoch", color=style.INK)
    axes.set_ylabel(name, color=style.INK)
    style.plain(axes, "both")
    axes.legend(fontsize=style.SMALL, frameon=False)
