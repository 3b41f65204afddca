"""The look of every chart, and the one place that imports matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import MissingExtraError
from mien.core.formatting import precise, shortened
from mien.core.labels import NOTICE
from mien.media.fonts import LEFT_TO_RIGHT, font_file, leftwards, legible, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure

INK, SOFT, GRID, EMPTY, PAPER = "#1d2126", "#5c6570", "#dfe2e6", "#e9ebee", "#ffffff"
"""The colours of reports (base.css)."""
MAIN, PALE, WARM, ALARM = "#2f6f9f", "#9db4c8", "#e0a100", "#c8553d"
SMALL, PLAIN, LARGE = 8.0, 9.0, 12.0
"""Sizes of letters in points: ticks and notes, text, titles."""

_SERIES = (MAIN, "#e07a2f", "#6a994e", "#7b5ea7", "#d1495b", "#8c6d46", "#3aa6a0", "#7d8597", WARM, "#b65f9e")
_DPI = 150
_WIDTH = 0.6
"""Width of a letter against its height, about."""
_FEWEST = 10
"""Letters of a line at least, however wide they are."""
LONGEST_NAME = 32
"""Letters of a name beside a chart."""


def require_matplotlib(extra: str = "report") -> type[Figure]:
    """The figure of matplotlib, without pyplot: nothing global, no window, safe in threads.

    Args:
        extra: What brings it along, for the remedy.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Charts", extra, "matplotlib") from None
    return Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, whose parts make room for one another.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    return require_matplotlib()(figsize=(width, height), layout="constrained", facecolor=PAPER)


def save(figure: Figure, path: Path, title: str = "", note: str = NOTICE) -> Path:
    """Write a figure as PNG with a title above it and a note below; it appears whole.

    Raises:
        InputError: The file cannot be written.
    """
    if title:
        # A long title gets smaller letters.
        size = min(LARGE, max(SMALL, 0.95 * figure.get_figwidth() * 72 / (_WIDTH * len(title))))
        figure.suptitle(_wrapped(title, figure, size), x=0.01, ha="left", color=INK, fontsize=size)
    if note:
        figure.supxlabel(_wrapped(note, figure, SMALL), x=0.01, ha="left", color=SOFT, fontsize=SMALL)
    _find_letters(figure)
    with atomic_write(path) as aside, translate_os_errors(path):
        figure.savefig(aside, format="png", dpi=_DPI)
    return path


def _find_letters(figure: Figure) -> None:
    """Take fonts of this machine for texts that matplotlib's own has no letters for."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        file = None if text.get_text().isascii() else font_file(text.get_text())
        if file is not None:
            properties = text.get_fontproperties().copy()
            properties.set_file(file.path)
            text.set_fontproperties(properties)


def letters(figure: Figure, size: float) -> int:
    """How many letters of a size in points fit into the width of a figure."""
    return int(0.98 * figure.get_figwidth() * 72 / (_WIDTH * size))


def _wrapped(text: str, figure: Figure, size: float) -> str:
    """Text in lines that fit, also where it has no spaces."""
    most, room = letters(figure, size), 0.98 * figure.get_figwidth() * 72 / size
    lines = textwrap.wrap(text, most, max_lines=4, placeholder=" …")
    while max(map(width_of, lines), default=0) > room and most > _FEWEST:
        most = max(_FEWEST, int(0.95 * most))
        lines = textwrap.wrap(text, most, max_lines=4, placeholder=" …")
    return "\n".join(map(as_text, lines))


def series_colour(number: int) -> str:
    """Colour of a line among others, ``#rrggbb``."""
    return _SERIES[number % len(_SERIES)]


def as_text(name: str, most: int | None = None, number: int | None = None) -> str:
    r"""A name as a chart shows it: a dollar begins no formula, a long one loses its middle, letters that are
    written from right to left do not turn what stands beside them, and those that no font has become an
    ellipsis.

    Args:
        name: Any.
        most: Letters at most.
        number: Stands for a name of which nothing can be drawn.

    >>> as_text("a$b"), as_text("abcdef", 4), as_text("\U0010ffff", number=3)
    ('a\\$b', 'a…ef', '3 …')
    """
    known = legible(name, "…" if number is None else f"{number} …")
    kept = (known if most is None else shortened(known, most)).replace("$", r"\$")
    return f"{LEFT_TO_RIGHT}{kept}" if leftwards(kept) else kept


def names(given: Iterable[str], most: int = LONGEST_NAME) -> list[str]:
    """Names beside one another, such as those of labels, each `as_text`."""
    return [as_text(name, most, number) for number, name in enumerate(given, 1)]


def plain(axes: Axes, grid: str = "") -> None:
    """Axes with nothing but a line below; lines across ``x`` or ``y`` where asked for."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(length=0, labelsize=SMALL, colors=SOFT)
    axes.set_axisbelow(True)
    if grid in ("x", "y", "both"):
        axes.grid(axis=grid, color=GRID, linewidth=0.6)  # type: ignore[arg-type]


def percents(axes: Axes, along: str) -> None:
    """0 to 100 % along ``x`` or ``y``."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    (axes.set_xlim if along == "x" else axes.set_ylim)(0, 1)
    axis.set_major_formatter(lambda share, _: precise(share, 0))


def key_above(axes: Axes, columns: int) -> None:
    """What the bars are, above them."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        handlelength=0.9,
        columnspacing=1.0,
    )
