"""Crowds for tests: what was seen of them, look by look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample
from mien.audience.result import Audience
from mien.audience.windows import SampleCollector
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS

TILE = 100.0


def shown(name: str, sure: float = 0.8) -> np.ndarray:
    """Probabilities of a face that shows one expression."""
    row = np.full(len(EXPRESSIONS), (1 - sure) / (len(EXPRESSIONS) - 1))
    row[EXPRESSIONS.index(name)] = sure
    return row


def look(time: float, people: Iterable[tuple[float, np.ndarray]], *, blank: bool = False) -> AudienceSample:
    """A look at people, each with a place (in tiles) and probabilities."""
    rows = list(people)
    if not rows:
        return AudienceSample(time, Faces.empty(EXPRESSIONS), blank)
    boxes = [[place * TILE, 0.0, place * TILE + 40, 50.0] for place, _ in rows]
    n = len(rows)
    return AudienceSample(
        time,
        Faces(
            boxes,
            np.ones(n),
            np.zeros(n),
            np.full(n, time),
            probs=[probs for _, probs in rows],
            labels=EXPRESSIONS,
        ),
    )


def meeting(
    seconds: int, script: Callable[[int, int], str | None], people: int, seed: int = 0
) -> list[AudienceSample]:
    """A look a second: ``script(person, second)`` says what somebody shows, None that the camera is off."""
    chance = np.random.default_rng(seed)
    looks = []
    for second in range(seconds):
        rows = []
        for person in range(people):
            name = script(person, second)
            if name is not None:
                noisy = shown(name) * np.exp(chance.normal(0, 0.3, len(EXPRESSIONS)))
                rows.append((person + chance.normal(0, 0.02), noisy / noisy.sum()))
        looks.append(look(float(second), rows))
    return looks


def gathered(
    looks: Sequence[AudienceSample],
    options: AudienceOptions | None = None,
    key_points: Sequence[KeyPoint] = (),
) -> Audience:
    """What comes of looks."""
    gathering = SampleCollector("crowd", EXPRESSIONS, options or AudienceOptions(), key_points)
    for sample in looks:
        gathering.add(sample)
    return gathering.close(finished=True)
