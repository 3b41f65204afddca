"""How good answers are, as charts: the confusion matrix, the reliability diagram, every class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import precise
from mien.core.labels import text_colour
from mien.plotting import style

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.metrics import ClassScore, ReliabilityBin
    from mien.plotting.style import Axes, Figure

_MOST = 18
"""Letters of a label beside a matrix."""


def draw_confusion(confusion: NDArray[np.integer], labels: Labels, path: Path, title: str = "") -> Path:
    """Write a confusion matrix as PNG.

    Args:
        confusion: ``(k, k)`` counts.
        labels: The k classes.
        path: Where it goes.
        title: Stands above it.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    return style.save(confusion_figure(confusion, labels), path, title)


def confusion_figure(confusion: NDArray[np.integer], labels: Labels) -> Figure:
    """A confusion matrix: rows what an image is, columns what it was called; counts, and shares of the row as
    colour.

    Args:
        confusion: ``(k, k)`` counts.
        labels: The k classes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = style.new_figure(6.4, 5.6)
    axes = figure.subplots()
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    cells = (image.to_rgba(shares)[..., :3] * 255).round().astype(int)
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count:,}\n{precise(shares[row, column], 0)}" if count else "·"
        ink = text_colour("#" + bytes(cells[row, column].tolist()).hex())
        axes.text(
            column, row, text, ha="center", va="center", fontsize=style.SMALL, color=ink, linespacing=1.3
        )
    _cells(axes, style.names(labels, _MOST), _counted(labels, counts.sum(axis=1).tolist()))
    bar = figure.colorbar(
        image, ax=axes, shrink=0.75, format=lambda share, _: precise(share, 0), label="share of the row"
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=style.SMALL, length=0)
    return figure


def _counted(labels: Labels, counts: Sequence[int]) -> list[str]:
    """Names with how many images each has."""
    return [f"{name}\nn = {n:,}" for name, n in zip(style.names(labels, _MOST), counts, strict=True)]


def _cells(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Names at two sides, and white between the cells."""
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="predicted", ylabel="was")
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=style.PAPER, linewidth=1.5)
    axes.tick_params(which="both", length=0, labelsize=style.SMALL)
    axes.spines[:].set_visible(False)


def reliability_figure(bins: Sequence[ReliabilityBin], calibration_error: float) -> Figure:
    """Confidence against accuracy.

    Args:
        bins: Of equal width, from 0 to 1.
        calibration_error: The expected calibration error, for the title.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = style.new_figure(6.4, 5.6)
    axes = figure.subplots()
    width = 1 / len(bins)
    filled = [(part, part.accuracy, part.confidence or 0.0) for part in bins if part.accuracy is not None]
    lows = [part.low for part, _, _ in filled]
    right = [accuracy for _, accuracy, _ in filled]
    gaps = [confidence - accuracy for _, accuracy, confidence in filled]
    axes.bar(lows, right, width, align="edge", color=style.MAIN, edgecolor=style.PAPER, label="accuracy")
    axes.bar(
        lows,
        gaps,
        width,
        right,
        align="edge",
        color="none",
        edgecolor=style.ALARM,
        hatch="////",
        linewidth=0,
        label="gap to the confidence",
    )
    axes.plot([0, 1], [0, 1], "--", color=style.INK, linewidth=1, label="means what it says")
    for part, accuracy, _ in filled:
        ink = style.PAPER if accuracy > 0.1 else style.INK
        middle = part.low + width / 2
        axes.text(middle, 0.012, f"{part.n:,}", rotation=90, ha="center", va="bottom", fontsize=6, color=ink)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of right answers", aspect="equal")
    axes.set_title(
        f"expected calibration error {calibration_error:.3f} (numbers: images)", fontsize=style.PLAIN
    )
    axes.legend(loc="upper left", fontsize=style.SMALL, frameon=False)
    style.plain(axes, "y")
    return figure


def classes_figure(labels: Labels, scores: Sequence[ClassScore], accuracy: float) -> Figure:
    """Precision, recall and F1 of every class beside the accuracy over all images.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = style.new_figure(6.4, 4.2)
    axes = figure.subplots()
    places = np.arange(len(labels))
    series = {
        "precision": (style.PALE, [score.precision for score in scores]),
        "recall": (style.MAIN, [score.recall for score in scores]),
        "F1": (style.WARM, [score.f1 for score in scores]),
    }
    for number, (name, (colour, values)) in enumerate(series.items()):
        heights = [value or 0 for value in values]
        axes.bar(places + (number - 1) * 0.27, heights, 0.25, color=colour, label=name)
    axes.axhline(
        accuracy, color=style.INK, linewidth=1, linestyle="--", label=f"accuracy {precise(accuracy)}"
    )
    axes.set_xticks(places, _counted(labels, [score.n for score in scores]))
    style.percents(axes, "y")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4, fontsize=style.SMALL, frameon=False)
    style.plain(axes, "y")
    return figure
