"""Shares side by side: a row for each person or group, labels on top of one another along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.core.formatting import percents
from mien.core.labels import UNCERTAIN, text_colour
from mien.plotting import style

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.plotting.style import Axes

_WIDE_ENOUGH = 0.1
"""Share of the row from which a number fits in."""


@dataclass(frozen=True)
class Panel:
    """What stands in one column of a chart of shares.

    Args:
        labels: Order and colours.
        shares: Of each row, by label, 0 to 1; ``uncertain`` comes last.
    """

    labels: Labels
    shares: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval, 0 to 1."""

    value: float
    low: float
    high: float


def draw_shares(path: Path, rows: Sequence[str], panels: Sequence[Panel], title: str) -> Path:
    """Write shares as PNG, a panel beside the other over the same rows.

    Args:
        path: Where it goes.
        rows: Names, from above.
        panels: One at least, each with as many shares as there are rows.
        title: Stands above.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = style.new_figure(3 + 4.5 * len(panels) + 1.5 * (len(panels) == 1), 1.6 + 0.38 * len(rows))
    columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(columns, panels, strict=True):
        _stacked(axes, panel)
        style.key_above(axes, -(-len(panel.labels) // len(panels)))
    _name_rows(columns[0], rows)
    return style.save(figure, path, title)


def _stacked(axes: Axes, panel: Panel) -> None:
    start = np.zeros(len(panel.shares))
    texts = [percents(shares) for shares in panel.shares]
    uncertain = [UNCERTAIN] if any(UNCERTAIN in shares for shares in panel.shares) else []
    named = [*panel.labels, *uncertain]
    for name, shown in zip(named, style.names(named), strict=True):
        widths = np.array([shares.get(name, 0.0) for shares in panel.shares])
        axes.barh(
            range(len(widths)), widths, left=start, color=panel.labels.colour(name), height=0.74, label=shown
        )
        for row, (width, at) in enumerate(zip(widths.tolist(), start.tolist(), strict=True)):
            if width >= _WIDE_ENOUGH:
                ink = text_colour(panel.labels.colour(name))
                axes.text(
                    at + width / 2,
                    row,
                    texts[row][name],
                    ha="center",
                    va="center",
                    color=ink,
                    fontsize=style.SMALL,
                )
        start = start + widths
    style.plain(axes)
    style.percents(axes, "x")


def draw_intervals(
    path: Path, rows: Sequence[str], series: Mapping[str, Sequence[Interval]], title: str
) -> Path:
    """Write shares with their intervals as PNG, one bar of each series for each row.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = style.new_figure(8, 1.4 + 0.5 * len(rows))
    axes = figure.subplots()
    height = 0.74 / len(series)
    for number, (name, bars) in enumerate(series.items()):
        places = np.arange(len(rows)) + (number - (len(series) - 1) / 2) * height
        values = [bar.value for bar in bars]
        axes.barh(
            places,
            values,
            height=0.9 * height,
            color=(style.MAIN, style.PALE)[number % 2],
            label=name,
            xerr=[[bar.value - bar.low for bar in bars], [bar.high - bar.value for bar in bars]],
            error_kw={"ecolor": style.INK, "capsize": 3, "elinewidth": 1},
        )
    style.plain(axes)
    style.percents(axes, "x")
    style.key_above(axes, len(series))
    _name_rows(axes, rows)
    return style.save(figure, path, title)


def _name_rows(axes: Axes, rows: Sequence[str]) -> None:
    """Names beside the rows, the first one above."""
    axes.set_yticks(range(len(rows)), style.names(rows))
    axes.tick_params(axis="y", labelsize=style.PLAIN, labelcolor=style.INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
