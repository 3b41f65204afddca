"""What a page tells of what was heard: the level of the sound, and what was said, for the script that draws them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mien.events.event import Event
    from mien.video.timeline import Course

_QUIETEST, _WHOLE, _NONE = -60.0, 250, 255
_MOST_CUES, _MOST_LETTERS = 5000, 300

Levels = Callable[[float, float, int], NDArray[np.float64] | None]
"""Levels in dB of so many steps, from when they begin and how long each one is."""


@dataclass(frozen=True)
class Heard:
    """What was heard in a video.

    Args:
        levels: Gives how loud it was; None where nothing gives it.
        transcript: What was said when, in seconds of the video.
    """

    levels: Levels | None = None
    transcript: Sequence[Event] = ()


def heard_lanes(heard: Heard, course: Course) -> dict[str, Any] | None:
    """What the script draws; None where there is nothing.

    Args:
        heard: What was heard.
        course: The steps of the page.
    """
    levels = heard.levels(course.start, course.step, len(course)) if heard.levels and len(course) else None
    end = course.start + course.step * len(course)
    cues = [
        {
            "start": round(cue.start, 3),
            "end": round(max(cue.end or 0.0, cue.start + 0.2), 3),
            "text": _text(cue),
        }
        for cue in heard.transcript
        if cue.start < end and (cue.end or cue.start) >= course.start
    ][:_MOST_CUES]
    if levels is None and not cues:
        return None
    return {"levels": None if levels is None else _packed(levels), "quietest": _QUIETEST, "cues": cues}


def _text(cue: Event) -> str:
    said = f"{cue.subject}: {cue.label}" if cue.subject else cue.label
    return said if len(said) <= _MOST_LETTERS else f"{said[: _MOST_LETTERS - 1]}…"


def _packed(levels: NDArray[np.float64]) -> str:
    there = np.isfinite(levels)
    shares = np.clip(1 - np.where(there, levels, 0.0) / _QUIETEST, 0, 1)
    values = np.where(there, np.rint(_WHOLE * shares), _NONE).astype(np.uint8)
    return base64.b64encode(values.tobytes()).decode()
