"""Whether probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.metrics.intervals import quantile

BINS = 15
"""Of equal width, as Guo et al. 2017 take them."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence lies in one stretch.

    Args:
        low: Lower end of the stretch, 0 to 1.
        high: Upper end.
        n: How many images.
        confidence: Their mean confidence; None without an image.
        accuracy: Share of right answers among them; None without an image.

    >>> found = reliability(np.array([[0.8, 0.2], [0.7, 0.3]]), np.array([0, 1]), bins=2)[1]
    >>> found.n, found.confidence, found.accuracy  # sure by three quarters, right by half
    (2, 0.75, 0.5)
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability(
    probs: NDArray[np.floating], truth: NDArray[np.integer], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Confidence against accuracy over bins of equal width (Guo et al. 2017).

    Args:
        probs: ``(n, k)`` probabilities; the confidence of an image is its largest one.
        truth: ``(n,)`` column of the right class.
        bins: How many.

    >>> found = reliability(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]), bins=2)
    >>> [(part.low, part.high, part.n, part.accuracy) for part in found]
    [(0.0, 0.5, 0, None), (0.5, 1.0, 2, 0.5)]
    """
    confidence = np.asarray(probs).max(axis=1).astype(np.float64)
    right = np.asarray(probs).argmax(axis=1) == np.asarray(truth)
    where = np.minimum((confidence * bins).astype(int), bins - 1)
    return tuple(
        _bin(place / bins, (place + 1) / bins, confidence[where == place], right[where == place])
        for place in range(bins)
    )


def _bin(
    low: float, high: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> ReliabilityBin:
    if not len(right):
        return ReliabilityBin(low, high, 0, None, None)
    return ReliabilityBin(low, high, len(right), float(confidence.mean()), float(right.mean()))


def expected_calibration_error(parts: Sequence[ReliabilityBin]) -> float:
    """Mean gap between confidence and accuracy over the bins of `reliability`, weighted by images, 0 to 1
    (Guo et al. 2017).

    >>> round(expected_calibration_error(reliability(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))), 4)
    0.45
    """
    n = sum(part.n for part in parts)
    if not n:
        raise InputError("expected at least one image to judge; got none")
    gaps = (
        part.n * abs(part.confidence - part.accuracy)
        for part in parts
        if part.confidence is not None and part.accuracy is not None
    )
    return float(sum(gaps) / n)


def calibration_interval(
    probs: NDArray[np.floating], truth: NDArray[np.integer], z: float = quantile()
) -> tuple[float, float]:
    """95 % interval of the `expected_calibration_error` of `reliability`, by a normal approximation.

    The error counts as a gap what is chance, most of all on few images. The lower end is therefore lower by
    what perfect confidences would show, on average, in those bins whose gap may be chance.

    Args:
        probs: ``(n, k)`` probabilities.
        truth: ``(n,)`` column of the right class.
        z: Standard errors to each side.

    >>> probs = np.tile([[0.9, 0.1]], (100, 1))
    >>> [round(end, 3) for end in calibration_interval(probs, np.repeat([0, 1], [60, 40]))]
    [0.204, 0.396]
    """
    if not len(truth):
        raise InputError("expected at least one image to judge; got none")
    probs, truth = np.asarray(probs, np.float64), np.asarray(truth)
    n, confidence = len(truth), probs.max(axis=1)
    where = np.minimum((confidence * BINS).astype(int), BINS - 1)
    misses = confidence - (probs.argmax(axis=1) == truth)
    gaps = np.bincount(where, misses, BINS) / n
    noise = np.sqrt(np.bincount(where, confidence * (1 - confidence), BINS)) / n
    chance = float(noise[np.abs(gaps) < 2 * noise].sum()) * sqrt(2 / pi)
    half = z * float((np.sign(gaps)[where] * misses).std()) / sqrt(n)
    value = float(np.abs(gaps).sum())
    return max(0.0, value - chance - half), min(1.0, value + half)


def negative_log_likelihood(probs: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Mean of ``-log p`` of the right class, in nats; probabilities of 0 count as the smallest step of their
    type.

    Args:
        probs: ``(n, k)`` probabilities.
        truth: ``(n,)`` column of the right class.

    >>> round(negative_log_likelihood(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])), 4)
    0.4904
    """
    if not len(truth):
        raise InputError("expected at least one image to judge; got none")
    return float(-np.log(_off_zero(probs)[np.arange(len(truth)), truth]).mean())


def kl_divergence(shares: NDArray[np.floating], probs: NDArray[np.floating]) -> float:
    """Mean Kullback-Leibler divergence of what people said from what was predicted, ``sum q log (q / p)``, in
    nats.

    Args:
        shares: ``(n, k)`` shares of the votes, q; each row adds up to 1.
        probs: ``(n, k)`` probabilities, p; 0 counts as the smallest step of its type.

    >>> round(kl_divergence(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
    0.3466
    """
    if not len(shares):
        raise InputError("expected at least one image to judge; got none")
    voted = np.asarray(shares, np.float64)
    logs = np.log(np.where(voted > 0, voted, 1.0)) - np.log(_off_zero(probs))
    return float((voted * logs).sum(axis=1).mean())


def _off_zero(probs: NDArray[np.floating]) -> NDArray[np.float64]:
    probs = np.asarray(probs)
    return np.asarray(np.maximum(probs, np.finfo(probs.dtype).eps), np.float64)
