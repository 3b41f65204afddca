"""Scores as images: who was taken for what, what each folder or person showed, and several predictions
side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.clips.scoring import ClipScore, Total
from mien.core.atomic import atomic_write, told
from mien.core.errors import MissingExtraError
from mien.core.labels import NOTICE, Labels
from mien.metrics import wilson
from mien.metrics.sentiment import SENTIMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT = "#1d2433", "#5d6677"
_MOST = 40


def write_charts(scores: Sequence[ClipScore], folder: Path) -> list[Path]:
    """Charts of every score as PNG in a folder, which is made where it is not there.

    ``matrix.png`` is the confusion matrix of the clips that got an answer, ``totals.png`` what each folder or
    person showed; of several scores each has them in a folder of its own, beside ``comparison.png``.

    Raises:
        InputError: The folder cannot be written to.
        MissingExtraError: matplotlib is not installed.
    """
    from mien.plotting.evaluation import draw_confusion, require_matplotlib

    require_matplotlib()
    written = []
    for number, score in enumerate(scores, 1):
        own = folder if len(scores) == 1 else folder / f"{number}-{Path(score.name).stem}"
        with told(own):
            own.mkdir(parents=True, exist_ok=True)
        answers = f"{score.name}: clips with an answer, n = {score.answered.n:,}; {int(score.unanswered.sum()):,} without"
        draw_confusion(score.confusion, score.classes, own / "matrix.png", answers)
        written += [own / "matrix.png", _saved(_totals(score), own / "totals.png")]
    if len(scores) > 1:
        written.append(_saved(_comparison(scores), folder / "comparison.png"))
    return written


def _totals(score: ClipScore) -> Figure:
    """Bars of shares, a row for each group, sentiments beside expressions."""
    groups = [score.totals[0], *sorted(score.totals[1:], key=lambda total: -total.frames)[: _MOST - 1]]
    figure = _figure(12, 1.6 + 0.34 * len(groups))
    left, right = figure.subplots(1, 2, sharey=True)
    _bars(left, groups, SENTIMENTS, [total.sentiment for total in groups])
    _bars(right, groups, Labels(tuple(score.totals[0].expression)), [total.expression for total in groups])
    left.set_yticks(
        range(len(groups)), [f"{_short(total.name)}  ({total.frames:,} frames)" for total in groups]
    )
    left.invert_yaxis()
    more = (
        f"; {len(score.totals) - len(groups):,} more are in the tables"
        if len(score.totals) > len(groups)
        else ""
    )
    _finished(figure, f"{score.name}: shares of the frames with a face{more}")
    return figure


def _bars(axes: Axes, groups: Sequence[Total], classes: Labels, counts: Sequence[Mapping[str, int]]) -> None:
    start = np.zeros(len(groups))
    wholes = np.array([max(total.frames, 1) for total in groups])
    for name in classes:
        widths = np.array([count.get(name, 0) for count in counts]) / wholes
        axes.barh(
            np.arange(len(groups)), widths, left=start, color=classes.colour(name), height=0.74, label=name
        )
        for place, (width, at) in enumerate(zip(widths.tolist(), start.tolist(), strict=True)):
            if width >= 0.08:
                axes.text(
                    at + width / 2, place, f"{width:.0%}", ha="center", va="center", color="white", fontsize=7
                )
        start = start + widths
    _quiet(axes)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(classes),
        frameon=False,
        fontsize=7.5,
        handlelength=0.9,
        columnspacing=1,
    )


def _comparison(scores: Sequence[ClipScore]) -> Figure:
    """Accuracy of each score with its interval."""
    figure = _figure(8, 1.4 + 0.5 * len(scores))
    axes = figure.subplots()
    for what, colour, shift, shares in (
        ("of all clips that count", "#2f6f9f", -0.2, [score.accuracy for score in scores]),
        ("of the clips with an answer", "#9db4c8", 0.2, [score.answered for score in scores]),
    ):
        values = np.array([share.value or 0.0 for share in shares])
        ends = np.array([wilson(share.right, share.n) if share.n else (0.0, 0.0) for share in shares])
        places = np.arange(len(scores)) + shift
        reach = np.abs(ends.T - values)
        axes.barh(
            places,
            values,
            height=0.36,
            color=colour,
            label=what,
            xerr=reach,
            error_kw={"ecolor": _INK, "capsize": 3, "elinewidth": 1},
        )
    axes.set_yticks(range(len(scores)), [_short(score.name) for score in scores])
    axes.invert_yaxis()
    _quiet(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
    _finished(figure, "Right answers, with 95 % intervals")
    return figure


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("Charts", "evaluate", "matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _quiet(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=_SOFT)


def _finished(figure: Figure, title: str) -> None:
    # A dollar would begin a formula.
    figure.suptitle(title.replace("$", r"\$"), x=0.01, ha="left", fontsize=10, color=_INK)
    figure.supxlabel(NOTICE, x=0.01, ha="left", fontsize=8, color=_SOFT)


def _short(name: str, most: int = 40) -> str:
    name = name.replace("$", r"\$")
    return name if len(name) <= most else "…" + name[1 - most :]


def _saved(figure: Figure, path: Path) -> Path:
    with atomic_write(path) as aside, told(path):
        figure.savefig(aside, format="png", dpi=130)
    return path
