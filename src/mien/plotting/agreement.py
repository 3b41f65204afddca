"""What raters coded over time, one below the other, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.formatting import clock, counted
from mien.core.labels import NOTICE
from mien.core.names import titled
from mien.plotting import style

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.plotting.style import Axes

_LANE = 0.42
"""Inches of a lane's height."""


@dataclass(frozen=True)
class RaterLane:
    """What one rater coded.

    Args:
        name: The rater.
        stretches: Start, end in seconds, and label.
    """

    name: str
    stretches: Sequence[tuple[float, float, str]]


@dataclass(frozen=True)
class RatedRecording:
    """One recording.

    Args:
        source: Its name.
        lanes: Of each rater.
        apart: Start and end of the stretches in which they differ.
    """

    source: str
    lanes: Sequence[RaterLane]
    apart: Sequence[tuple[float, float]]


def draw_raters(path: Path, recordings: Sequence[RatedRecording], labels: Labels, note: str = "") -> Path:
    """Write the lanes of some recordings as PNG.

    Args:
        path: Where it goes.
        recordings: One at least.
        labels: All labels, for their colours.
        note: Stands below, after the notice.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    lanes = len(recordings[0].lanes) + 1
    figure = style.new_figure(11, 1.3 + len(recordings) * (0.7 + _LANE * lanes))
    rows = figure.subplots(len(recordings), 1, squeeze=False)[:, 0]
    for axes, recording in zip(rows, recordings, strict=True):
        _draw(axes, recording, labels)
    style.key_above(rows[0], min(len(labels), 8))
    title = titled(recordings[0].source) if len(recordings) == 1 else counted(len(recordings), "recording")
    return style.save(figure, path, f"{title}: what raters coded", f"{NOTICE} {note}".strip())


def _draw(axes: Axes, recording: RatedRecording, labels: Labels) -> None:
    names = [*(lane.name for lane in recording.lanes), "they differ"]
    for row, lane in enumerate(recording.lanes):
        for label, shown in zip(labels, style.names(labels), strict=True):
            spans = [(start, end - start) for start, end, coded in lane.stretches if coded == label]
            name = shown if row == 0 else None
            axes.broken_barh(spans, (row, 0.86), facecolor=labels.colour(label), linewidth=0, label=name)
    spans = [(start, end - start) for start, end in recording.apart]
    axes.broken_barh(spans, (len(recording.lanes), 0.86), facecolor=style.ALARM, linewidth=0)
    axes.set_yticks(
        [row + 0.43 for row in range(len(names))],
        [style.as_text(name, style.LONGEST_NAME, row) for row, name in enumerate(names)],
    )
    axes.set_ylim(len(names), -0.1)
    axes.xaxis.set_major_formatter(lambda seconds, _: clock(seconds, 0))
    axes.set_xlabel(style.as_text(titled(recording.source), 80), loc="left", fontsize=style.SMALL)
    axes.margins(x=0)
    style.plain(axes)
