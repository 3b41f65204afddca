"""Videos of people whose measures are made up, so that what is drawn of them is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mien import EXPRESSIONS, Faces, FrameResult
from mien.core.measures import MEASURES, REASONS
from mien.video.summary import Overview

CALM = dict.fromkeys(MEASURES, 0.1) | {
    "yaw": 2.0,
    "pitch": -3.0,
    "roll": 1.0,
    "left_eye_opening": 0.3,
    "right_eye_opening": 0.3,
}
"""A face that does nothing."""

Shown = Mapping[str, float] | str
"""What differs from `CALM`, or why nothing could be measured."""


def measured_result(frame: int, time: float, people: Mapping[int, Shown]) -> FrameResult:
    """One frame of calm people, by track, with their measures."""
    count = len(people)
    probs = np.tile(np.where(np.array(list(EXPRESSIONS)) == "neutral", 0.82, 0.03), (count, 1))
    faces = Faces(
        [[100 * track, 10, 100 * track + 50, 70] for track in people],
        [1] * count,
        [frame] * count,
        [time] * count,
        tracks=list(people),
        probs=probs,
        smoothed_probs=probs,
        smoothed_emotion_ids=probs.argmax(axis=1),
        measures=[row(shown) for shown in people.values()],
        measure_reasons=[REASONS.index(shown) if isinstance(shown, str) else 0 for shown in people.values()],
        labels=EXPRESSIONS,
    )
    return FrameResult("talk.mp4", frame, time, faces)


def row(shown: Shown) -> list[float]:
    """The measures of a face in the order of their columns; of one that is turned away its pose alone."""
    if isinstance(shown, str):
        pose = {"yaw": 70.0, "pitch": 0.0, "roll": 0.0} if shown == "turned away" else {}
        return [pose.get(name, np.nan) for name in MEASURES]
    return [{**CALM, **shown}[name] for name in MEASURES]


SHUT = {"left_eye_opening": 0.05, "right_eye_opening": 0.05}


def moving(rate: int = 25) -> Overview:
    """Ten seconds of two people. 1 turns to the right by 20 degrees from 2 to 4 s, opens the mouth from 5 to 6 s,
    blinks at 1.0, 4.5 and 7.2 s for 0.2 s, and is turned away from 8 to 9 s; 2, here from 3 s, does nothing."""
    overview = Overview("talk.mp4", EXPRESSIONS, 10.0)
    for frame in range(10 * rate):
        overview.add(measured_result(frame, frame / rate, at(frame / rate)))
    overview.end()
    return overview


def at(time: float) -> dict[int, Shown]:
    """Who shows what in `moving`."""
    first: dict[str, float] = {}
    if 2 <= time < 4:
        first["yaw"] = 22.0
    if 5 <= time < 6:
        first["mouth_opening"] = 0.3
    if any(start <= time < start + 0.2 for start in (1.0, 4.5, 7.2)):
        first |= SHUT
    shown: Shown = "turned away" if 8 <= time < 9 else first
    return {1: shown} | ({2: {}} if time >= 3 else {})
