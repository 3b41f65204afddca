"""What moves in people's faces over time, as curves in lanes: what reports and charts draw of landmarks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.core.measures import MEASURES

if TYPE_CHECKING:
    from mien.video.summary import Overview
    from mien.video.timeline import Course


class _Lane(NamedTuple):
    """A lane: its name, the sign of its unit, how far it reaches from its middle at least, and of each curve the
    measures whose mean it is. It reaches further in whole multiples of that, so that no noise looks like a movement."""

    name: str
    unit: str
    least: float
    curves: dict[str, tuple[str, ...]]


_LANES = (
    _Lane("head", "°", 15.0, {"yaw": ("yaw",), "pitch": ("pitch",), "roll": ("roll",)}),
    _Lane("eyes", "", 0.15, {"left": ("left_eye_opening",), "right": ("right_eye_opening",)}),
    _Lane("mouth", "", 0.1, {"opening": ("mouth_opening",), "smile": ("smile",)}),
    _Lane(
        "brows",
        "",
        0.05,
        {
            "inner": ("left_inner_brow_raise", "right_inner_brow_raise"),
            "outer": ("left_outer_brow_raise", "right_outer_brow_raise"),
        },
    ),
    _Lane("movement", "", 0.5, {"speed": ("movement",)}),
)
_COLUMNS = list(MEASURES)


@dataclass(frozen=True, eq=False)
class Lane:
    """Curves that are drawn together.

    Args:
        name: Of what they are about.
        unit: Sign of their unit, or nothing.
        reach: How far the lane reaches up and down from 0, the same for all people of a video.
        curves: ``(n,)`` each, by name, for the steps of the person's `mien.video.timeline.Course`: differences from the
            person's own median; of an expression its valence and expressiveness as they are. NaN where there is none.
    """

    name: str
    unit: str
    reach: float
    curves: dict[str, NDArray[np.float64]]


def lanes(overview: Overview, tracks: Iterable[int], most: int | None = None) -> dict[int, list[Lane]]:
    """The lanes of people.

    Args:
        overview: Of a video, after its end.
        tracks: Their ids.
        most: Steps at most, as in `mien.video.timeline.Timeline.course`.
    """
    courses = {track: overview.timeline.course(track, most) for track in tracks}
    usual = {person.track: person.measures for person in overview.people}
    found: dict[int, list[Lane]] = {track: [] for track in courses}
    for lane in _LANES:
        curves = {
            track: {
                name: _curve(
                    course, [(each, usual[track][each].median) for each in names if each in usual[track]]
                )
                for name, names in lane.curves.items()
            }
            for track, course in courses.items()
        }
        farthest = max((_farthest(each) for each in curves.values()), default=0.0)
        reach = lane.least * max(1, math.ceil(farthest / lane.least - 1e-3))
        for track in courses:
            found[track].append(Lane(lane.name, lane.unit, reach, curves[track]))
    for track, course in courses.items():
        if expression := _expression(overview, course):
            found[track].append(Lane("expression", "", 1.0, expression))
    return found


def blink_counts(overview: Overview, track: int, course: Course) -> NDArray[np.int64] | None:
    """``(n,)`` blinks of a person whose middle lies in each step; None where they could not be counted."""
    own = overview.blinks_by_person().get(track)
    if own is None:
        return None
    places = [int(((blink.start + blink.end) / 2 - course.start) / course.step) for blink in own]
    return np.bincount(np.clip(places, 0, len(course) - 1).astype(np.int64), minlength=len(course))


def talking_steps(overview: Overview, track: int, course: Course) -> NDArray[np.bool_] | None:
    """``(n,)`` whether a person talks in each step, for a part of it at least; None where that could never be told of anybody."""
    if overview.talking is None:
        return None
    steps = np.zeros(len(course), bool)
    for start, end in overview.talks.get(track, ()):
        first, last = ((time - course.start) / course.step for time in (start, end))
        steps[max(0, int(first)) : max(0, int(np.ceil(last - 1e-6)))] = True
    return steps


def _curve(course: Course, medians: list[tuple[str, float]]) -> NDArray[np.float64]:
    """The mean of what some measures differ from their medians."""
    if not medians:
        return np.full(len(course), np.nan)
    columns = [course.measures[:, _COLUMNS.index(name)] - median for name, median in medians]
    return np.asarray(np.mean(columns, axis=0))


def _farthest(curves: dict[str, NDArray[np.float64]]) -> float:
    values = np.concatenate(list(curves.values()))
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _expression(overview: Overview, course: Course) -> dict[str, NDArray[np.float64]]:
    """Valence and expressiveness, as far as the labels have them."""
    labels, seen = overview.labels, course.seconds > 0
    found = {}
    if labels.valences is not None:
        found["valence"] = np.where(seen, course.probs @ np.array(labels.valences), np.nan)
    if "neutral" in labels:
        found["expressiveness"] = np.where(seen, 1 - course.probs[:, labels.index("neutral")], np.nan)
    return found
