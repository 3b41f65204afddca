"""Charts of a video as PNG: everybody over time, each person over time, shares per person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.atomic import atomic_write, told
from mien.core.errors import MissingExtraError
from mien.core.formatting import clock
from mien.core.labels import NOTICE
from mien.video.timeline import MOSTLY

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.video.summary import Overview
    from mien.video.timeline import Course

_HATCHED = "Hatched: uncertain, below {:.0%}."
_INK, _SOFT, _EMPTY = "#1d2126", "#626b76", "#e9ebee"
_MOST_PEOPLE = 24


def write_charts(folder: Path, overview: Overview, title: str) -> list[Path]:
    """Write ``timeline.png``, and ``people.png`` where people were followed, into a folder, which is made.

    Args:
        folder: Where they go.
        overview: What was read.
        title: Name of the video.

    Returns:
        What was written.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The folder cannot be written to.
    """
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    charts = {"timeline.png": _timeline(overview, title)}
    if overview.timeline.people:
        charts["people.png"] = _people(overview, title)
    for name, figure in charts.items():
        with atomic_write(folder / name) as aside, told(folder / name):
            figure.savefig(aside, format="png", dpi=150, facecolor="white")
    return [folder / name for name in charts]


def _figure(width: float, height: float) -> Any:
    try:
        # Without pyplot: nothing global, no window, safe in threads.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Charts", "report", "matplotlib") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _timeline(overview: Overview, title: str) -> Any:
    tracks = _longest(overview)
    figure = _figure(11, 3.1 + 0.75 * len(tracks))
    rows = figure.subplots(
        1 + len(tracks), 1, sharex=True, squeeze=False, height_ratios=[2.4, *([1] * len(tracks))]
    )[:, 0]
    course = overview.timeline.course()
    _stack(rows[0], course, overview.labels)
    rows[0].set_ylabel("everybody", rotation=0, ha="right", va="center", color=_INK)
    for axes, track in zip(rows[1:], tracks, strict=True):
        own = overview.timeline.course(track)
        _stack(axes, own, overview.labels)
        _hatch(axes, own)
        axes.set_ylabel(f"person {track}", rotation=0, ha="right", va="center", color=_INK)
    rows[-1].set_xlim(course.start, course.start + course.step * max(1, len(course)))
    rows[-1].xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0 if overview.length > 20 else 1))
    _finish(
        figure,
        title,
        overview.labels,
        f"{NOTICE} {_HATCHED.format(overview.labels.uncertainty_threshold)}" if tracks else NOTICE,
    )
    return figure


def _people(overview: Overview, title: str) -> Any:
    people = [person for person in overview.people if person.track in set(_longest(overview))]
    figure = _figure(9, 1.7 + 0.42 * len(people))
    axes = figure.subplots()
    left = np.zeros(len(people))
    places = np.arange(len(people))
    for name in overview.labels:
        widths = np.array([person.shares.get(name, 0.0) for person in people])
        axes.barh(places, widths, left=left, color=overview.labels.colour(name), height=0.72)
        for place, width, start in zip(places, widths, left, strict=True):
            if width >= 0.08:
                axes.text(
                    start + width / 2,
                    place,
                    f"{width:.0%}",
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=9,
                )
        left += widths
    axes.set_yticks(places, [f"person {person.track}, {person.seconds:.1f} s" for person in people])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    _bare(axes)
    _finish(figure, f"{title}: share of each person's time", overview.labels, NOTICE)
    return figure


def _longest(overview: Overview) -> list[int]:
    ranked = sorted(overview.people, key=lambda person: -person.seconds)
    return sorted(person.track for person in ranked[:_MOST_PEOPLE])


def _stack(axes: Any, course: Course, labels: Labels) -> None:
    """Shares on top of one another, with a hole where there was no face."""
    edges, heights = _steps(course)
    axes.set_facecolor(_EMPTY)
    axes.stackplot(
        edges, heights.T, colors=[labels.colour(name) for name in labels], step="post", linewidth=0
    )
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    _bare(axes)


def _steps(course: Course) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    edges = np.asarray(course.start + course.step * np.arange(len(course) + 1), np.float64)
    heights = np.vstack([course.probs, course.probs[-1:]])
    return edges, heights


def _hatch(axes: Any, course: Course) -> None:
    """Lines over the steps that were uncertain for the most part."""
    unsure = course.unsure >= MOSTLY
    edges, _ = _steps(course)
    flags = np.append(unsure, unsure[-1:])
    axes.fill_between(
        edges, 0, 1, where=flags, step="post", facecolor="none", edgecolor="white", hatch="////", linewidth=0
    )


def _bare(axes: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, length=3)


def _finish(figure: Any, title: str, labels: Labels, note: str) -> None:
    # A dollar would begin a formula.
    figure.suptitle(title.replace("$", r"\$"), x=0.01, ha="left", color=_INK, fontsize=13)
    figure.supxlabel(note, x=0.01, ha="left", color=_SOFT, fontsize=8.5)
    swatches = _swatches(labels)
    figure.legend(
        handles=swatches,
        loc="outside lower right",
        ncols=len(labels),
        frameon=False,
        fontsize=9,
        handlelength=0.9,
        columnspacing=1.0,
    )


def _swatches(labels: Labels) -> Sequence[Any]:
    from matplotlib.patches import Patch

    return [Patch(color=labels.colour(name), label=name) for name in labels]
