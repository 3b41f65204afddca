"""Studies for tests: recordings of participants as saved rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, Labels
from mien.outputs.tables import open_table
from mien.studies.event_measures import EventMeasure, EventWindow
from mien.studies.tables import StudyRow
from mien.video.results import VideoResult

HAPPY_OR_NOT = Labels(("happy", "neutral"))


def happiness(
    values: Sequence[float | None],
    step: float = 0.5,
    source: str = "a.mp4",
    times: Sequence[float] | None = None,
    tracks: Sequence[int] | None = None,
) -> VideoResult:
    """A video of one person who shows so much happiness, else neutral, frame by frame; None: nobody is seen."""
    clock = np.array([number * step for number in range(len(values))] if times is None else times, np.float64)
    seen = [number for number, value in enumerate(values) if value is not None]
    probs = [[value, 1 - value] for value in values if value is not None]
    faces = Faces(
        np.tile([[10.0, 10.0, 60.0, 80.0]], (len(seen), 1)),
        np.ones(len(seen)),
        seen,
        clock[seen],
        tracks=np.ones(len(seen)) if tracks is None else tracks,
        probs=np.array(probs).reshape(-1, 2),
        labels=HAPPY_OR_NOT,
    )
    return VideoResult(source, faces, np.arange(len(values)), clock)


def smiling(happy: float, seconds: float = 10.0, source: str = "a.mp4") -> VideoResult:
    """A video in which one expression is so probable throughout; the others share the rest."""
    frames = int(seconds * 5)
    probs = np.full((frames, len(EXPRESSIONS)), (1 - happy) / (len(EXPRESSIONS) - 1))
    probs[:, EXPRESSIONS.index("happy")] = happy
    times = np.arange(frames) / 5
    faces = Faces(
        np.tile([[10.0, 10.0, 60.0, 80.0]], (frames, 1)),
        np.ones(frames),
        np.arange(frames),
        times,
        tracks=np.ones(frames),
        probs=probs,
        labels=EXPRESSIONS,
    )
    return VideoResult(source, faces, np.arange(frames), times)


def save(path: Path, *videos: VideoResult) -> Path:
    """A table of videos, in the form of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = videos[0].faces.labels
    assert labels is not None
    with open_table(path, path.suffix[1:], labels) as write:
        for video in videos:
            write(video.rows())
    return path


def study_row(
    fields: Mapping[str, str], value: float, measure: str = "happy", **others: float | str
) -> StudyRow:
    """A row of a long table with a mean; ``event``, ``coverage`` and ``change`` by name."""
    event, coverage = str(others.get("event", "whole")), float(others.get("coverage", 1.0))
    numbers = dict.fromkeys(EventMeasure._fields[1:], float("nan"))
    change = float(others.get("change", "nan"))
    numbers |= {"mean": value, "change": change, "baseline": value - change, "coverage": coverage}
    own = EventMeasure(measure, **numbers)
    name = "_".join(fields.values())
    return StudyRow(dict(fields), f"{name}.mp4", EventWindow(event, 1, 0.0, 0.0, 10.0), own)
