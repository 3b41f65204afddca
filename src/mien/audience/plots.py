"""An audience over time as one image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mien.audience.result import Audience
from mien.audience.timeline import Column, course, pieces
from mien.core.atomic import atomic_write, told
from mien.core.errors import MissingExtraError
from mien.core.formatting import clock
from mien.core.labels import NOTICE, Labels
from mien.metrics.sentiment import SENTIMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _SOFT, _EMPTY = "#1d2126", "#626b76", "#e9ebee"


def write_chart(path: Path, audience: Audience) -> None:
    """Expressions, sentiments and agreement over time as PNG, with key points as lines.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    try:
        # Without pyplot: nothing global, no window.
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Charts", "report", "matplotlib") from None
    figure = Figure(figsize=(11, 6), layout="constrained", facecolor="white")
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1])
    columns = course(audience.windows)
    _stack(upper, [(column, column.shares) for column in columns], audience.labels)
    _stack(middle, [(column, column.sentiment) for column in columns], SENTIMENTS)
    for column in columns:
        lower.bar(column.start, column.agreement or 0.0, column.end - column.start, align="edge", color=_SOFT)
    lower.set_ylim(0, 1)
    for axes, name in zip((upper, middle, lower), ("expressions", "sentiment", "agreement"), strict=True):
        axes.set_ylabel(name, color=_INK)
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
        for number, change in enumerate(audience.changes, 1):
            if change.status == "not_reached":
                continue
            axes.axvline(
                change.time,
                color=_INK,
                linewidth=1.4 if change.clear else 0.7,
                linestyle="-" if change.clear else ":",
            )
            if axes is upper:
                axes.annotate(
                    str(number),
                    (change.time, 1.0),
                    ha="center",
                    va="bottom",
                    fontsize=8,
                    color=_INK,
                    annotation_clip=False,
                )
    if columns:
        lower.set_xlim(columns[0].start, columns[-1].end)
    lower.xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0))
    figure.suptitle(
        Path(audience.source).name.replace("$", r"\$"), x=0.01, ha="left", fontsize=12, color=_INK
    )
    figure.supxlabel(
        f"Grey: too few people, or no image. {NOTICE}", x=0.01, ha="left", fontsize=8, color=_SOFT
    )
    with atomic_write(path) as aside, told(path):
        figure.savefig(aside, format="png", dpi=130)


def _stack(axes: Axes, columns: list[tuple[Column, Mapping[str, float] | None]], classes: Labels) -> None:
    axes.set_facecolor(_EMPTY)
    bars: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in classes}
    for column, shares in columns:
        for name, start, height in pieces(shares or {}):
            bars[name].append((column.start, height, column.end - column.start, start))
    for name, rows in bars.items():
        left, heights, widths, bottoms = (
            (list(each) for each in zip(*rows, strict=True)) if rows else ([], [], [], [])
        )
        axes.bar(left, heights, widths, bottoms, align="edge", color=classes.colour(name), label=name)
    axes.set_ylim(0, 1)
    axes.legend(
        loc="lower left", bbox_to_anchor=(1, 0), frameon=False, fontsize=8, handlelength=0.9, reverse=True
    )
