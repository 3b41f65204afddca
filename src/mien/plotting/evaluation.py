"""The figures as images: the performance matrix, the reliability diagram, precision and recall of each
class."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.atomic import atomic_write, told
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.evaluation.evaluation import Evaluation

_INK, _GRID, _BAR = "#1d2433", "#d5d9e2", "#2f6f9f"
_DPI = 130


def draw_plots(found: Evaluation) -> dict[str, Figure]:
    """``matrix``, ``reliability`` and ``classes`` of an evaluation.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    return {
        "matrix": _drawn((6.4, 5.6), lambda axes: _matrix(axes, found.confusion, found.classes)),
        "reliability": _drawn((6.4, 5.6), lambda axes: _reliability(axes, found)),
        "classes": _drawn((6.4, 4.2), lambda axes: _classes(axes, found)),
    }


def write_plots(found: Evaluation, folder: Path) -> list[Path]:
    """The plots as ``matrix.png``, ``reliability.png`` and ``classes.png`` in a folder, which is made where
    it is not there.

    Raises:
        InputError: The folder cannot be written to.
        MissingExtraError: matplotlib is not installed.
    """
    figures = draw_plots(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"expected a folder for the images; {folder}: {error.strerror}: give another one with --plots"
        ) from None
    return [_written(figure, folder / f"{name}.png", _title(found)) for name, figure in figures.items()]


def draw_confusion(confusion: NDArray[np.integer], labels: Labels, path: Path, title: str = "") -> None:
    """A performance matrix as one PNG: rows what an image is, columns what it was called; counts, and shares
    of the row as colour.

    Args:
        confusion: ``(k, k)`` counts.
        labels: The k classes.
        path: Where it goes.
        title: Stands above it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    _written(_drawn((6.4, 5.6), lambda axes: _matrix(axes, confusion, labels)), path, title)


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG."""
    into = io.BytesIO()
    figure.savefig(into, format="png", dpi=_DPI)
    return into.getvalue()


def require_matplotlib() -> type[Figure]:
    """matplotlib's figure, without a window behind it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("Plots and reports", "evaluate", "matplotlib") from None
    return Figure


def _title(found: Evaluation) -> str:
    head = f" ({found.subject.head})" if found.subject.head else ""
    views = "one view" if found.options.views == "one" else f"{found.options.views} views"
    return f"{found.subject.name}{head}: {found.options.split}, labels {found.options.labels}, n = {found.whole.n:,}, {views}"


def _written(figure: Figure, path: Path, title: str) -> Path:
    if title:
        figure.suptitle(title, fontsize=9, color=_INK)
    with atomic_write(path) as aside, told(path):
        figure.savefig(aside, dpi=_DPI)
    return path


def _drawn(size: tuple[float, float], draw: Callable[[Axes], None]) -> Figure:
    figure = require_matplotlib()(figsize=size, layout="constrained", facecolor="white")
    draw(figure.subplots())
    return figure


def _matrix(axes: Axes, confusion: NDArray[np.integer], labels: Labels) -> None:
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count:,}\n{share:.0%}" if count else "·"
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > 0.55 else _INK,
            linespacing=1.3,
        )
    places = range(len(labels))
    totals = [f"{name}\nn = {n:,}" for name, n in zip(labels, counts.sum(axis=1).tolist(), strict=True)]
    axes.set_xticks(places, list(labels), rotation=30, ha="right")
    axes.set_yticks(places, totals)
    axes.set(xlabel="predicted", ylabel="was")
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(
        image, ax=axes, shrink=0.75, format=lambda share, _: f"{share:.0%}", label="share of the row"
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0)


def _reliability(axes: Axes, found: Evaluation) -> None:
    parts = [
        part
        for part in found.reliability
        if part.n and part.accuracy is not None and part.confidence is not None
    ]
    width = 1 / len(found.reliability)
    heights: list[Any] = [part.accuracy for part in parts]
    confidences: list[Any] = [part.confidence for part in parts]
    axes.bar(
        [part.low for part in parts],
        heights,
        width,
        align="edge",
        color=_BAR,
        edgecolor="white",
        label="accuracy",
    )
    axes.bar(
        [part.low for part in parts],
        [confidence - height for confidence, height in zip(confidences, heights, strict=True)],
        width,
        heights,
        align="edge",
        color="none",
        edgecolor="#c8553d",
        hatch="////",
        linewidth=0,
        label="gap to the confidence",
    )
    axes.plot([0, 1], [0, 1], "--", color=_INK, linewidth=1, label="means what it says")
    for part, height in zip(parts, heights, strict=True):
        axes.text(
            part.low + width / 2,
            0.012,
            f"{part.n:,}",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=6,
            color="white" if height > 0.1 else _INK,
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of right answers", aspect="equal")
    axes.set_title(
        f"expected calibration error {found.whole.expected_calibration_error:.3f} (numbers: images)",
        fontsize=9,
    )
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    _quiet(axes)


def _classes(axes: Axes, found: Evaluation) -> None:
    places = np.arange(len(found.classes))
    series = (("precision", "#9db4c8"), ("recall", _BAR), ("F1", "#e0a100"))
    for number, (name, colour) in enumerate(series):
        values = [getattr(score, name.lower()) for score in found.per_class]
        axes.bar(
            places + (number - 1) * 0.27, [value or 0 for value in values], 0.25, color=colour, label=name
        )
    axes.axhline(
        found.whole.accuracy,
        color=_INK,
        linewidth=1,
        linestyle="--",
        label=f"accuracy {found.whole.accuracy:.1%}",
    )
    names = [f"{name}\nn = {score.n:,}" for name, score in zip(found.classes, found.per_class, strict=True)]
    axes.set_xticks(places, names)
    axes.set(ylim=(0, 1))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4, fontsize=8, frameon=False)
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
