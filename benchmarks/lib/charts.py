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
_GRID = "#dddddd"
_HEADS = {
    "expression": (OURS, "expression (the default head)"),
    "fer2013": ("#d98a1f", "fer2013"),
    "ferplus": ("#3f8f5f", "ferplus"),
    "": (LINE, "peers"),
}
"""How each head of mien's networks is drawn; peers have one, without a name."""
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


def shares(rows: Sequence[dict[str, Any]], parts: dict[str, str], path: Path) -> None:
    """Right answers with their intervals, a line for each network and a dot for each of its heads.

    Args:
        rows: Of each network and head: its name, its head (empty where it has one alone) and for each part a
            score with `accuracy`, `low` and `high`, 0 to 1; a part that a row lacks is left out.
        parts: The title of each part by its name in the rows; they stand side by side.
        path: The SVG to write.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    heads = [head for head in _HEADS if any(row["head"] == head for row in rows)]
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=(8.5, 1.4 + 0.27 * len(names)), layout="constrained", facecolor="white")
        across = canvas.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (part, title) in zip(across, parts.items(), strict=True):
            for head in heads:
                shown = [row for row in rows if row["head"] == head and part in row]
                right, low, high = (
                    [100 * row[part][name] for row in shown] for name in ("accuracy", "low", "high")
                )
                colour, label = _HEADS[head]
                lines = [names.index(row["name"]) for row in shown]
                axes.hlines(lines, low, high, color=colour, linewidth=1.5)
                axes.plot(right, lines, "o", color=colour, markersize=5, label=label)
            axes.set(title=title, xlabel="right, %")
            axes.grid(axis="x", color=_GRID, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
        across[0].set_yticks(range(len(names)), names)
        across[0].invert_yaxis()
        handles, labels = across[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=len(heads), frameon=False)
        canvas.savefig(path, format="svg", metadata={"Date": None})


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
