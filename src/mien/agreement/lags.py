"""Whether one rater begins labels later than another, and whether a constant shift explains where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.core.assignment import assign
from mien.metrics.resampling import bca_interval

if TYPE_CHECKING:
    from mien.agreement.options import AgreementOptions
    from mien.agreement.raters import CodedRecording

Floats = NDArray[np.float64]

REACH = 2.0
"""Seconds; beginnings further apart are none of one and the same change."""
_FARTHEST = 5.0
"""Seconds by which a rater is moved at most."""
_LEAST_GAIN, _LEAST_PART = 0.02, 0.25
"""A shift is worth telling where it adds so much agreement, and takes away that part of the disagreement."""
_KEPT = 0.8
"""Part of the time that both have coded which must still be compared after a shift: few moments agree easily."""
_NEARLY, _PEAK = 0.9, 0.5
"""What repeats itself agrees after a shift by its period as well: of shifts that gain nearly as much as the best, the nearest counts,
or a better one within so many seconds of it."""
_DRAWS = 1999


@dataclass(frozen=True)
class Lag:
    """How much later the second rater begins a label than the first.

    Args:
        n: Beginnings of both that are of one change: no more than `REACH` apart, each in one pair.
        alone: Beginnings of the first without one of the second.
        median: Seconds; below 0 where the second is earlier.
        quarter: Seconds below which a quarter of them lies.
        three_quarters: Seconds below which three quarters of them lie.
        low: Lower end of the 95 % interval of the median over recordings; None where there are too few.
        high: Upper end.
    """

    n: int
    alone: int
    median: float
    quarter: float
    three_quarters: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ClockShift:
    """A constant shift that explains much.

    Args:
        seconds: What added to the times of the second rater makes both agree most.
        before: Share of the time in which they agree as they are.
        after: The same after the shift.
    """

    seconds: float
    before: float
    after: float


def onset_lags(
    recordings: Sequence[CodedRecording], pair: tuple[int, int], options: AgreementOptions
) -> dict[str, Lag]:
    """The lag of each label that both raters begin at about the same time, once at least."""
    found: dict[str, list[tuple[Floats, int]]] = {}
    for recording in recordings:
        one, other = (_onsets(recording, place) for place in pair)
        for label in one.keys() & other.keys():
            found.setdefault(label, []).append(_paired(one[label], other[label], options.step))
    return {
        label: _lag(parts) for label, parts in sorted(found.items()) if any(len(part[0]) for part in parts)
    }


def _onsets(recording: CodedRecording, rater: int) -> dict[str, list[float]]:
    """When a rater begins each label; what is under way at the beginning has no known one."""
    begun: dict[str, list[float]] = {}
    first = float(recording.times[0])
    for stretch in recording.codings[rater].stretches:
        if stretch.start > first:
            begun.setdefault(stretch.label, []).append(stretch.start)
    return begun


def _paired(one: Sequence[float], other: Sequence[float], step: float) -> tuple[Floats, int]:
    """Lags of pairs with the least sum, and how many of the first stay alone."""
    gaps = np.subtract.outer(np.array(other), np.array(one)).T
    pairs = assign(np.where(np.abs(gaps) <= REACH, np.abs(gaps), np.inf), REACH + step)
    return np.array([gaps[pair] for pair in pairs]), len(one) - len(pairs)


def _lag(parts: Sequence[tuple[Floats, int]]) -> Lag:
    known = [part for part, _ in parts if len(part)]
    lags = np.concatenate(known)

    def medians(places: NDArray[np.int64]) -> Floats:
        return np.array([np.median(np.concatenate([known[place] for place in row])) for row in places])

    low, high = bca_interval(medians, len(known), _DRAWS)
    quarter, median, three_quarters = (_quantile(lags, share) for share in (0.25, 0.5, 0.75))
    sure = np.isfinite([low, high]).all()
    return Lag(
        len(lags),
        sum(alone for _, alone in parts),
        median,
        quarter,
        three_quarters,
        round(float(low), 6) if sure else None,
        round(float(high), 6) if sure else None,
    )


def _quantile(lags: Floats, share: float) -> float:
    return round(float(np.quantile(lags, share)), 6)


def shift_of(
    recordings: Sequence[CodedRecording], pair: tuple[int, int], options: AgreementOptions
) -> ClockShift | None:
    """The shift of the second rater by which both agree most; None where it explains little."""
    reach = int(_FARTHEST / options.step)
    counts = np.zeros((2 * reach + 1, 2), np.int64)
    for recording in recordings:
        one, other = recording.codes[list(pair)]
        counts += np.array([_agreeing(one, other, steps) for steps in range(-reach, reach + 1)])
    enough = counts[:, 1] >= _KEPT * counts[reach, 1]
    shares = np.where(enough, counts[:, 0] / np.maximum(counts[:, 1], 1), 0.0)
    before = float(shares[reach])
    as_good = np.flatnonzero(shares >= before + _NEARLY * (shares.max() - before) - 1e-9)
    nearest = as_good[np.abs(as_good - reach).argmin()]
    # Around the nearest peak the best of its neighbours.
    near = np.abs(as_good - nearest) <= round(_PEAK / options.step)
    best = max(
        as_good[near].tolist(), key=lambda place: (round(float(shares[place]), 9), -abs(place - reach))
    )
    after = float(shares[best])
    if abs(best - reach) < 2 or after - before < max(_LEAST_GAIN, _LEAST_PART * (1 - before)):
        return None
    return ClockShift(round((best - reach) * options.step, 6), before, after)


def _agreeing(one: NDArray[np.int64], other: NDArray[np.int64], steps: int) -> tuple[int, int]:
    """Moments at which both agree, and at which both have coded, with the second so many steps later."""
    n = len(one) - abs(steps)
    if n <= 0:
        return 0, 0
    first, second = one[max(steps, 0) :][:n], other[max(-steps, 0) :][:n]
    both = (first >= 0) & (second >= 0)
    return int((both & (first == second)).sum()), int(both.sum())
