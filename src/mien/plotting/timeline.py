"""Shares over time, one on top of another: a video with its people, and an audience with its key points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import clock, percent
from mien.core.labels import NOTICE
from mien.plotting import style
from mien.plotting.landmarks import draw_landmarks
from mien.plotting.mark_labels import mark_labels
from mien.plotting.shares import Panel, draw_shares
from mien.tracking.persons import ranked

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.plotting.style import Axes
    from mien.video.summary import Overview
    from mien.video.timeline import Course

_MOST_PEOPLE = 24
_PLOTTED = 0.8
"""Share of a figure's width that is left of its rows, beside names and keys."""
_HATCHED = "Hatched: uncertain, below {}, for that share of each step."


def write_video_charts(folder: Path, overview: Overview, title: str) -> list[Path]:
    """Write ``timeline.png``, ``persons.png`` where people were followed, and ``landmarks.png`` where those were asked
    for, into a folder, which is made.

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
    style.require_matplotlib()
    written = [_draw_video(folder / "timeline.png", overview, title)]
    if overview.timeline.people:
        longest = _longest(overview)
        people = [person for person in overview.people if person.track in longest]
        rows = [f"person {person.track}, {person.seconds:.1f} s" for person in people]
        panel = Panel(overview.labels, [ranked(person.shares) for person in people])
        written.append(
            draw_shares(
                folder / "persons.png",
                rows,
                [panel],
                f"{title}: share of each person's time by {overview.series}",
            )
        )
    if overview.landmarks and overview.people:
        written.append(draw_landmarks(folder / "landmarks.png", overview, title))
    return written


def _draw_video(path: Path, overview: Overview, title: str) -> Path:
    tracks = _longest(overview)
    # Of somebody alone a row of everybody would be the same picture twice.
    lanes = [] if len(tracks) == 1 == len(overview.people) else [None]
    figure = style.new_figure(11, 2.35 + 0.75 * len([*lanes, *tracks]))
    heights = [2.4, *([1.0] * (len(lanes) + len(tracks) - 1))]
    rows = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, track in zip(rows, [*lanes, *tracks], strict=True):
        own = overview.timeline.course(track)
        _stack(axes, own, overview.labels)
        if track is not None:
            _hatch(axes, own)
        _name(axes, "everybody" if track is None else f"person {track}")
    course = overview.timeline.course()
    rows[-1].set_xlim(course.start, course.start + course.step * max(1, len(course)))
    rows[-1].xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0 if overview.length > 20 else 1))
    if len(course) == 1:
        rows[-1].set_xticks([course.start])
    style.key_above(rows[0], len(overview.labels))
    return style.save(figure, path, title, _video_note(overview, len(tracks)))


def _video_note(overview: Overview, lanes: int) -> str:
    notes = [NOTICE]
    if lanes:
        notes.append(_HATCHED.format(percent(overview.labels.uncertainty_threshold)))
    if lanes < len(overview.people):
        notes.append(f"Of {len(overview.people)} people the {lanes} that were in view longest.")
    return " ".join(notes)


def _longest(overview: Overview) -> list[int]:
    """Who is shown: those in view longest, in order of their ids."""
    ranked = sorted(overview.people, key=lambda person: -person.seconds)
    return sorted(person.track for person in ranked[:_MOST_PEOPLE])


def _stack(axes: Axes, course: Course, labels: Labels) -> None:
    """Shares on top of one another, with a hole where there was no face."""
    axes.set_facecolor(style.EMPTY)
    axes.stackplot(
        _edges(course),
        np.vstack([course.probs, course.probs[-1:]]).T,
        colors=[labels.colour(name) for name in labels],
        labels=style.names(labels),
        step="post",
        linewidth=0,
    )
    axes.set_ylim(0, 1)
    style.plain(axes)


def _edges(course: Course) -> NDArray[np.float64]:
    return np.asarray(course.start + course.step * np.arange(len(course) + 1), np.float64)


def _hatch(axes: Axes, course: Course) -> None:
    """Lines over the share of each step that was uncertain: their area is that share of the time in view."""
    axes.fill_between(
        _edges(course),
        0,
        np.append(course.uncertain, course.uncertain[-1:]),
        step="post",
        facecolor="none",
        edgecolor="white",
        hatch="////",
        linewidth=0,
    )


def _name(axes: Axes, name: str) -> None:
    axes.set_yticks([])
    axes.set_ylabel(
        style.as_text(name, style.LONGEST_NAME),
        rotation=0,
        ha="right",
        va="center",
        color=style.INK,
        fontsize=style.PLAIN,
    )


@dataclass(frozen=True)
class Span:
    """A stretch of time and what it is filled with, from below.

    Args:
        start: Seconds.
        end: Seconds.
        shares: By label, together 1 at most; none where nothing is told.
    """

    start: float
    end: float
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """A line at a moment, with its name above; ``strong`` ones are drawn through."""

    name: str
    time: float
    strong: bool


@dataclass(frozen=True)
class Row:
    """One of the rows of a chart over time.

    Args:
        name: Stands beside it.
        spans: In order of time.
        labels: Order and colours; None draws one value in gray.
        height: Against that of the other rows.
    """

    name: str
    spans: Sequence[Span]
    labels: Labels | None
    height: float


def draw_spans(path: Path, rows: Sequence[Row], marks: Sequence[Mark], title: str, note: str) -> Path:
    """Write rows over one time as PNG, with marks.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = style.new_figure(11, 6)
    ratios = [row.height for row in rows]
    all_axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    for axes, row in zip(all_axes, rows, strict=True):
        _fill(axes, row)
        _name(axes, row.name)
        for mark in marks:
            line = (
                {"linewidth": 1.4, "linestyle": "-"} if mark.strong else {"linewidth": 0.7, "linestyle": ":"}
            )
            axes.axvline(mark.time, color=style.INK, **line)
    if spans := rows[0].spans:
        all_axes[-1].set_xlim(spans[0].start, spans[-1].end)
        _name_marks(all_axes[0], marks, int(_PLOTTED * style.letters(figure, style.SMALL)))
    all_axes[-1].xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0))
    return style.save(figure, path, title, note)


def _name_marks(axes: Axes, marks: Sequence[Mark], letters: int) -> None:
    """Names above the chart, in rows where they would lie upon one another."""
    start, end = axes.get_xlim()
    shown = [mark for mark in marks if start <= mark.time <= end]
    places = [(mark.time - start) / (end - start) for mark in shown]
    labels = mark_labels(places, [mark.name for mark in shown], letters)
    for mark, label in zip(shown, labels, strict=True):
        axes.annotate(
            style.as_text(label.text),
            (mark.time, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-1 if label.before else 1, 2 + 1.35 * style.SMALL * label.row),
            textcoords="offset points",
            ha="right" if label.before else "left",
            fontsize=style.SMALL,
            color=style.INK,
            annotation_clip=False,
        )


def _fill(axes: Axes, row: Row) -> None:
    names = row.labels or ("",)
    bars: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in names}
    for span in row.spans:
        low = 0.0
        for name, share in span.shares.items():
            bars[name].append((span.start, share, span.end - span.start, low))
            low += share
    _hatch_missing(axes, row.spans)
    for (name, parts), shown in zip(bars.items(), style.names(names), strict=True):
        left, heights, widths, bottoms = np.array(parts, np.float64).reshape(-1, 4).T
        colour = style.SOFT if row.labels is None else row.labels.colour(name)
        axes.bar(left, heights, widths, bottoms, align="edge", color=colour, label=shown)
    axes.set_ylim(0, 1)
    style.plain(axes)
    if row.labels is not None:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(1, 0),
            frameon=False,
            fontsize=style.SMALL,
            handlelength=0.9,
            reverse=True,
        )


def _hatch_missing(axes: Axes, spans: Sequence[Span]) -> None:
    """Lines where nothing is told; gray would be taken for neutral."""
    empty = [(span.start, span.end - span.start) for span in spans if not span.shares]
    axes.broken_barh(
        empty, (0, 1), facecolor=style.PAPER, edgecolor=style.SOFT, hatch="////", linewidth=0, zorder=0.5
    )
