"""What a page tells of landmarks: curves of each person in bytes, for the script that draws them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.measures import REASONS
from mien.video.curves import blink_counts, talking_steps

if TYPE_CHECKING:
    from mien.video.curves import Lane
    from mien.video.summary import Overview

MOST = 12
"""People with curves; so many can be compared on a page."""
BYTES = 15
"""For each step and person: twelve curves, blinks, talk, why there is nothing."""

_ZERO, _NONE = 125, 255
"""How 0 is written in a byte, and that there is no value; what a lane reaches to is 0 and 250."""


def movers(overview: Overview) -> list[int]:
    """Whose curves are shown: those in view longest, in order of ids; nobody where landmarks were not asked for."""
    if not overview.landmarks:
        return []
    longest = sorted(overview.people, key=lambda person: -person.seconds)[:MOST]
    return sorted(person.track for person in longest)


def movements(overview: Overview, tracks: Sequence[int], most: int) -> dict[str, Any]:
    """What the script draws.

    Args:
        overview: Of a video, after its end.
        tracks: Whose curves.
        most: Steps at most.
    """
    everybody = overview.timeline.course(most=most)
    found = overview.lanes(tracks, most)
    people = []
    for track in tracks:
        course = overview.timeline.course(track, most)
        blinks, talks = blink_counts(overview, track, course), talking_steps(overview, track, course)
        people.append(
            {
                "id": track,
                "first": round((course.start - everybody.start) / everybody.step),
                "lanes": [_packed(lane) for lane in found[track]],
                "blinks": None if blinks is None else _text(np.minimum(blinks, _NONE)),
                "talks": None if talks is None else _text(talks),
                "reasons": _text(np.where(course.seconds > 0, course.measure_reasons, _NONE)),
            }
        )
    return {"reasons": REASONS, "people": people}


def _packed(lane: Lane) -> dict[str, Any]:
    return {
        "name": lane.name,
        "unit": lane.unit,
        "reach": round(lane.reach, 4),
        "curves": [
            {"name": name, "values": _bytes(values, lane.reach)} for name, values in lane.curves.items()
        ],
    }


def _bytes(values: NDArray[np.float64], reach: float) -> str:
    there = np.isfinite(values)
    levels = _ZERO + _ZERO * np.clip(np.where(there, values, 0.0) / reach, -1, 1)
    return _text(np.where(there, np.rint(levels), _NONE))


def _text(values: NDArray[Any]) -> str:
    return base64.b64encode(values.astype(np.uint8).tobytes()).decode()
