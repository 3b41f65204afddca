"""Conditions and groups side by side, with every participant visible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.plotting import style

if TYPE_CHECKING:
    from mien.plotting.style import Axes

_COLUMNS = 3
_NARROW = 0.12
"""How far points of one level are spread to the sides, so that equal ones are seen."""


@dataclass(frozen=True)
class LevelsPanel:
    """One signal under several conditions, or of several groups.

    Args:
        title: Of the panel.
        levels: Value of each participant under each level, by the name of the level.
        paired: Whether participants have a line through the levels.
        note: Below the title, such as a p-value.
    """

    title: str
    levels: Mapping[str, Mapping[str, float]]
    paired: bool
    note: str = ""


def draw_levels(path: Path, panels: Sequence[LevelsPanel], title: str) -> Path:
    """Write a panel for each signal as PNG: a point for each participant, lines through those of one, and the mean.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    most = max(len(panel.levels) for panel in panels)
    figure = style.new_figure(columns * max(2.6, 0.9 * most + 0.8), 2.7 * rows + 0.9)
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(places, panels, strict=False):
        _panel(axes, panel)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    return style.save(figure, path, title)


def _panel(axes: Axes, panel: LevelsPanel) -> None:
    names = list(panel.levels)
    if panel.paired:
        _lines(axes, panel.levels)
    for place, name in enumerate(names):
        values = np.array(list(panel.levels[name].values()))
        spread = 0.0 if panel.paired else _NARROW
        shift = spread * np.sin(np.arange(len(values)) * 2.4)  # Spread evenly, and the same each time.
        colour = style.series_colour(place)
        axes.plot(place + shift, values, "o", color=colour, alpha=0.45, markersize=4, markeredgewidth=0)
        if len(values):
            mean = float(values.mean())
            axes.plot(
                [place - 0.22, place + 0.22],
                [mean, mean],
                color=style.INK,
                linewidth=2,
                solid_capstyle="butt",
            )
    axes.set_xticks(range(len(names)), style.names(names, 16))
    axes.set_xlim(-0.6, len(names) - 0.4)
    style.plain(axes, "y")
    axes.tick_params(axis="x", labelsize=style.PLAIN, labelcolor=style.INK)
    heading = style.as_text(panel.title, 30) + (f"\n{style.as_text(panel.note)}" if panel.note else "")
    axes.set_title(heading, loc="left", fontsize=style.PLAIN, color=style.INK)


def _lines(axes: Axes, levels: Mapping[str, Mapping[str, float]]) -> None:
    people = dict.fromkeys(name for values in levels.values() for name in values)
    for person in people:
        values = [own.get(person, math.nan) for own in levels.values()]
        axes.plot(range(len(values)), values, color=style.PALE, linewidth=0.7, alpha=0.7)
