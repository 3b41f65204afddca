"""Figures as charts, small SVG files whose description is a digest of what they show."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from benchmarks.lib.figures import Figure, number, stored

OURS, PEER, MISSED, LINE = "#2f6db5", "#a7a9ac", "#c44536", "#3b3b3b"
_WIDEST = 16  # Letters of a unit that is written beside a bar.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mien",
    "font.size": 9,
    "font.family": "sans-serif",
}
_MOST = 2.0  # Shares of a limit from which on bars are equally long.


def bars(title: str, figures: Sequence[Figure], path: Path) -> None:
    """One bar for each figure; those of peers are grey."""
    colours = [PEER if re.search(r"\bfer\b", figure.name) else OURS for figure in figures]
    with mpl.rc_context(_STYLE):
        canvas = _canvas(len(figures))
        axes = canvas.add_subplot()
        drawn = axes.barh(range(len(figures)), [figure.value for figure in figures], color=colours)
        axes.bar_label(drawn, [number(figure.value) for figure in figures], padding=3)
        axes.set(title=title, xlabel=figures[0].unit)
        axes.margins(x=0.12)
        _save(canvas, path, figures)


def strains(figures: Sequence[Figure], path: Path) -> None:
    """How near each figure came to its limit: bars that reach beyond the line missed it."""
    shares = [min(figure.strain or 0.0, _MOST) for figure in figures]
    with mpl.rc_context(_STYLE):
        canvas = _canvas(len(figures))
        axes = canvas.add_subplot()
        axes.barh(range(len(figures)), shares, color=[OURS if figure.kept else MISSED for figure in figures])
        for row, figure in enumerate(figures):
            unit = figure.unit if len(figure.unit) <= _WIDEST else ""
            axes.text(_MOST * 1.03, row, f"{number(figure.value)} {unit}".strip(), va="center")
        axes.axvline(1, color=LINE, linewidth=1)
        axes.set(
            xlim=(0, _MOST),
            title="How near to the limit: up to the line it was kept",
            xlabel="share of the limit",
        )
        axes.set_xticks([0, 0.5, 1, 1.5, _MOST], ["0", "0.5", "1", "1.5", "2 or more"])
        _save(canvas, path, figures)


def digest(figures: Sequence[Figure]) -> str:
    """Of what a chart shows."""
    return hashlib.sha256(json.dumps(stored(figures), sort_keys=True).encode()).hexdigest()[:16]


def slug(title: str) -> str:
    """The name of a file.

    >>> slug("One face, one thread: the networks alone")
    'one-face-one-thread-the-networks-alone'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _canvas(rows: int) -> Canvas:
    return Canvas(figsize=(8.5, 0.9 + 0.27 * rows), layout="constrained", facecolor="white")


def _save(canvas: Canvas, path: Path, figures: Sequence[Figure]) -> None:
    for axes in canvas.axes:
        axes.set_yticks(range(len(figures)), [figure.name for figure in figures])
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    canvas.savefig(path, format="svg", metadata={"Description": f"figures {digest(figures)}", "Date": None})
