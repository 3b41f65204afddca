"""Results made by hand: times and probabilities of one person or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels

LABELS = Labels(("angry", "happy", "neutral", "sad"))


def probs(label: str, sure: float = 0.7) -> list[float]:
    """One label with that probability, the others alike."""
    return [sure if name == label else (1 - sure) / (len(LABELS) - 1) for name in LABELS]


def faces(
    time: float, people: Mapping[int, list[float]], index: int = 0, size: float = 50, score: float = 0.99
) -> Faces:
    count = len(people)
    boxes = np.arange(count)[:, None] * 100 + np.array([0, 0, size, size])
    columns: dict[str, Any] = {
        "tracks": list(people),
        "probs": np.array(list(people.values())).reshape(count, len(LABELS)),
        "labels": LABELS,
    }
    return Faces(boxes.reshape(-1, 4), [score] * count, [index] * count, [time] * count, **columns)


def result(time: float, people: Mapping[int, list[float]], index: int = 0) -> FrameResult:
    return FrameResult("clip.mp4", index, time, faces(time, people, index))


def told(
    labels: Iterable[str], rate: float = 30.0, sure: float = 0.7, start: float = 0.0
) -> list[FrameResult]:
    """One person, a label a frame."""
    return [
        result(start + index / rate, {1: probs(label, sure)}, index) for index, label in enumerate(labels)
    ]


def steady(results: Iterable[FrameResult]) -> list[str | None]:
    return [face.smoothed_emotion for one in results for face in one.faces]
