"""How far measured figures, and differences between them, may be from the true ones.

Everything rests on Wilson's interval of a share, which also holds where all or none of a few answers are
right. Sums and differences are given the limits that follow from those of their parts (Newcombe 1998, Zou and
Donner 2008: "method of variance estimates recovery"), so that no draws by chance are needed.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.metrics.confusion import balanced_accuracy, class_scores

SURE = 0.95
"""How often an interval holds the true value."""


class Estimates(NamedTuple):
    """Measured figures with the ends of their intervals, as arrays of one shape; NaN where there is none.

    Attributes:
        value: What was measured.
        low: Lower end of each.
        high: Upper end of each.

    >>> Estimates(np.array([0.8]), np.array([0.71]), np.array([0.87])).low.tolist()
    [0.71]
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def quantile(comparisons: int = 1) -> float:
    """How many standard errors an interval reaches to each side so that so many of them all hold at once with
    95 % (Bonferroni).

    >>> round(quantile(), 3), round(quantile(3), 3)
    (1.96, 2.394)
    """
    return NormalDist().inv_cdf(1 - (1 - SURE) / 2 / comparisons)


def wilson(right: float, n: int, z: float = quantile()) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927).

    Args:
        right: How many were right; a mean over several draws may be broken.
        n: Out of how many, at least 1.
        z: Standard errors to each side.

    >>> [round(end, 4) for end in wilson(50, 100)]
    [0.4038, 0.5962]
    """
    centre = (right + z * z / 2) / (n + z * z)
    half = z * sqrt(right * (n - right) / n + z * z / 4) / (n + z * z)
    return max(0.0, centre - half), min(1.0, centre + half)


def balanced_interval(confusion: NDArray[np.integer], z: float = quantile()) -> tuple[float, float]:
    """95 % interval of the `balanced_accuracy` of a `confusion_matrix`: the mean of independent recalls, each
    with Wilson's limits.

    Args:
        confusion: ``(k, k)`` counts.
        z: Standard errors to each side.

    >>> [round(end, 4) for end in balanced_interval(np.array([[80, 20], [5, 5]]))]
    [0.511, 0.7859]
    """
    value = balanced_accuracy(confusion)
    below, above = [], []
    for score, right in zip(class_scores(confusion), np.diag(confusion).tolist(), strict=True):
        if score.recall is not None:
            low, high = wilson(right, score.n, z)
            below.append(score.recall - low)
            above.append(high - score.recall)
    k = len(below)
    return value - sqrt(sum(gap * gap for gap in below)) / k, value + sqrt(
        sum(gap * gap for gap in above)
    ) / k


def mean_difference(one: Estimates, other: Estimates) -> Estimates:
    """How much larger the mean of some independent figures is than that of others, over those that both have.

    Of one share each, with Wilson's limits, this is Newcombe's tenth method.

    Args:
        one: ``(..., k)``.
        other: ``(..., k)``; the axes before the last may be others, as far as numpy brings them to one shape.

    Returns:
        Arrays without the last axis; NaN where nothing is common to both.

    >>> def share(right, n):
    ...     return Estimates(*(np.array([end]) for end in (right / n, *wilson(right, n))))
    >>> [round(float(end), 4) for end in mean_difference(share(56, 70), share(48, 80))]
    [0.2, 0.0524, 0.3339]
    """
    gaps = one.value - other.value
    common = ~np.isnan(gaps)
    count = np.where(common.any(axis=-1), common.sum(axis=-1), np.nan)
    down = np.where(common, (one.value - one.low) ** 2 + (other.high - other.value) ** 2, 0).sum(axis=-1)
    up = np.where(common, (one.high - one.value) ** 2 + (other.value - other.low) ** 2, 0).sum(axis=-1)
    value = np.where(common, gaps, 0).sum(axis=-1) / count
    return Estimates(value, value - np.sqrt(down) / count, value + np.sqrt(up) / count)
