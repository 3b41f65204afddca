"""What moves in people's faces over time, as curves: a chart of landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import clock
from mien.core.labels import NOTICE
from mien.plotting import style

if TYPE_CHECKING:
    from mien.plotting.style import Axes
    from mien.video.curves import Lane
    from mien.video.summary import Overview
    from mien.video.timeline import Course

_MOST_PEOPLE = 4
_ROW = 0.62
"""Inches of a lane."""
_NAMES = -0.05
"""Where names of lanes end, in widths of the lanes."""
_NOTE = (
    f"{NOTICE} Measured on 468 points of each face; not action units. Differences from the person's own median; valence "
    "and expressiveness as they are. Hatched: could not be measured."
)


def draw_landmarks(path: Path, overview: Overview, title: str) -> Path:
    """Write the curves of the people in view longest as PNG, four at most.

    Args:
        path: Where it goes.
        overview: Of a video, after its end.
        title: Name of the video.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    longest = sorted(overview.people, key=lambda person: -person.seconds)[:_MOST_PEOPLE]
    people = sorted(longest, key=lambda person: person.track)
    found = overview.lanes(person.track for person in people)
    rows = sum(map(len, found.values()))
    figure = style.new_figure(11, 1.4 + _ROW * rows + 0.25 * len(people))
    axes = iter(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    blinks = overview.blinks_by_person()
    for person in people:
        course = overview.timeline.course(person.track)
        for number, lane in enumerate(found[person.track]):
            at = next(axes)
            _draw_lane(at, lane, course)
            if lane.name == "eyes":
                _mark(
                    at, [(blink.start + blink.end) / 2 for blink in blinks.get(person.track, ())], lane.reach
                )
            at.legend(
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                frameon=False,
                fontsize=style.SMALL,
                handlelength=0.9,
                labelspacing=0.2,
            )
            if not number:
                at.set_title(_about(person.track, person.blinks), loc="left", fontsize=style.PLAIN)
    everybody = overview.timeline.course()
    at.set_xlim(everybody.start, everybody.start + everybody.step * max(1, len(everybody)))
    at.xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0 if overview.length > 20 else 1))
    more = f" Of {len(overview.people)} people the {len(people)} that were in view longest."
    return style.save(figure, path, title, _NOTE + (more if len(people) < len(overview.people) else ""))


def _about(track: int, blinks: int | None) -> str:
    if blinks is None:
        return f"person {track}"
    return f"person {track}, {blinks} blink" + ("" if blinks == 1 else "s")


def _draw_lane(axes: Axes, lane: Lane, course: Course) -> None:
    """Curves with holes where there is nothing: white where the person was away, hatched where they were there."""
    seen = course.seconds > 0
    known = np.any([np.isfinite(values) for values in lane.curves.values()], axis=0)
    across = (-lane.reach, 2 * lane.reach)
    axes.broken_barh(_steps(course, seen), across, facecolor=style.EMPTY, linewidth=0)
    axes.broken_barh(
        _steps(course, seen & ~known),
        across,
        facecolor=style.PAPER,
        edgecolor=style.SOFT,
        hatch="////",
        linewidth=0,
    )
    axes.axhline(0, color=style.GRID, linewidth=0.8)
    middles = course.start + course.step * (np.arange(len(course)) + 0.5)
    for number, (name, values) in enumerate(lane.curves.items()):
        # A lone step between holes is a point.
        alone = np.isfinite(values) & ~np.isfinite(np.append(values[1:], np.nan))
        alone &= ~np.isfinite(np.append(np.nan, values[:-1]))
        colour = style.series_colour(number)
        axes.plot(middles, values, color=colour, linewidth=1.2, label=name)
        axes.plot(middles[alone], values[alone], ".", color=colour, markersize=3)
    style.plain(axes)
    axes.set_ylim(-1.05 * lane.reach, 1.05 * lane.reach)
    ends = (-lane.reach, lane.reach)
    axes.set_yticks(ends, [f"{end:+g}{lane.unit}".replace("-", "\u2212") for end in ends])
    axes.set_ylabel(lane.name, rotation=0, ha="right", va="center", color=style.INK, fontsize=style.PLAIN)
    axes.yaxis.set_label_coords(_NAMES, 0.5)


def _steps(course: Course, shown: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Start and length of some steps."""
    return [(course.start + course.step * place, course.step) for place in np.flatnonzero(shown).tolist()]


def _mark(axes: Axes, blinks: list[float], reach: float) -> None:
    if blinks:
        axes.vlines(blinks, -reach, -0.55 * reach, color=style.INK, linewidth=1.2, label="blinks")
