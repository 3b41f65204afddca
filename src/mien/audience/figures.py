"""What a group shows on the whole: mean, similarity, coverage; and how finely they are told."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.audience.participants import Participants

Floats = NDArray[np.float64]

_STEPS = (0.01, 0.02, 0.05)
_BLUR = 0.25
"""How much of one person's part in a mean its rounding should leave open."""


@dataclass(frozen=True, eq=False)
class GroupFigures:
    """A group in figures, exact; `published` says how they are told.

    Args:
        participants: How many people.
        mean: ``(k,)`` mean probabilities, each person with the same weight.
        similarity: 0 to 1.
        coverage: In which share of the moments the participants were read, 0 to 1.
    """

    participants: int
    mean: Floats
    similarity: float
    coverage: float


def summarise(people: Participants) -> GroupFigures:
    """The figures of a group of at least one."""
    return GroupFigures(
        len(people), people.probs.mean(axis=0), similarity(people.probs), float(people.seen.mean())
    )


def similarity(probs: Floats) -> float:
    """How much alike people are: 1 when all show the same, 0 when they are as different as so many people can
    be.

    One minus the Jensen-Shannon divergence of the people's probabilities (Lin, Divergence measures based on
    the Shannon entropy, 1991): the entropy of the mean less the mean entropy, divided by the most that it can
    be, the logarithm of the number of people or of classes, whichever is less. That each single result is
    uncertain does not lower it.

    Args:
        probs: ``(n, k)``, n at least 1.

    >>> similarity(np.array([[1.0, 0], [0, 1]])), similarity(np.array([[0.5, 0.5], [0.5, 0.5]]))
    (0.0, 1.0)
    """
    if len(probs) < 2:
        return 1.0
    divergence = _entropy(probs.mean(axis=0)) - float(np.mean([_entropy(row) for row in probs]))
    return float(np.clip(1 - divergence / math.log(min(probs.shape)), 0, 1))


def _entropy(row: Floats) -> float:
    some = row[row > 0]
    return float(-(some * np.log(some)).sum())


def published(value: float, people: int) -> float:
    """A figure about so many people as it is told: the fewer they are, the coarser.

    Whoever knows the means of a group with and without one person can work out that person's part; steps of
    0.05 (up to 12 people), 0.02 (up to 24) and 0.01 leave it open within 0.2 to 0.6 in either direction.

    >>> published(0.4321, 5), published(0.4321, 13), published(0.4321, 40)
    (0.45, 0.44, 0.43)
    """
    step = next((step for step in _STEPS if step * people >= _BLUR), _STEPS[-1])
    return round(round(value / step) * step, 2)
