"""Tests and intervals by resampling whole participants, recordings or other units, never the frames in them.

Nothing is assumed of how values are distributed. Permutation tests exchange what the null hypothesis says can be
exchanged: the two conditions of a participant (paired), or the participants of two groups. Where there are few ways to do
so, all of them are gone through, and the p-value is exact; else it is that of random ones, the observed one counted among them
(Phipson and Smyth 2010), so that it is never 0. The statistic of groups is Welch's t, with which the test holds its level also
where groups spread differently (Janssen 1997).

Intervals are bootstrap-t (studentised) for means and their differences, and BCa (Efron 1987) for everything else; how often each
holds the true value is measured in `benchmarks/studies/simulated_study.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

DRAWS = 9_999
"""Random permutations, or samples of a bootstrap, unless told otherwise."""
LEAST = 4
"""Units of a group from which on there is an interval."""
LEAST_OF_EFFECT = 10
"""The same of effect sizes: of four to nine, `bca_interval` holds them in 80 to 91 % of samples only, not in 95 %."""
SURE = 0.95
_TIE = 1e-9
"""Statistics of two arrangements that differ by less, in parts of their scale, are the same but for rounding."""
_NORMAL = NormalDist()
Interval = tuple[float, float]
NONE: Interval = (float("nan"), float("nan"))


def sign_flip_test(differences: ArrayLike, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p-value that the mean of paired differences is 0, by exchanging the conditions of participants.

    Args:
        differences: ``(n,)`` one for each participant.
        draws: Random arrangements, where there are more than that; else all are gone through.
        seed: Of the random ones.

    Returns:
        Above 0, at most 1; NaN without a difference.

    >>> sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0])  # Of 32 arrangements 2 are as far from 0.
    0.0625
    """
    values = _finite(differences)
    n = len(values)
    if not n:
        return float("nan")
    exact = 2**n <= draws
    if exact:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.random.default_rng(seed).integers(0, 2, (draws, n), dtype=np.int8) * 2 - 1
    return _p_value(np.abs(signs @ values), abs(values.sum()), exact, float(np.abs(values).sum()))


def shuffle_test(one: ArrayLike, other: ArrayLike, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p-value that two groups do not differ, by exchanging who belongs to which; the statistic is Welch's t.

    Args:
        one: ``(n,)`` a value for each member.
        other: ``(m,)``
        draws: Random arrangements, where there are more than that; else all are gone through.
        seed: Of the random ones.

    Returns:
        Above 0, at most 1; NaN where a group has fewer than two members.

    >>> round(shuffle_test([1.0, 2.0, 3.0], [7.0, 8.0, 9.5]), 3)  # Of 20 arrangements 2 are as far from 0.
    0.1
    """
    first, second = _finite(one), _finite(other)
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return float("nan")
    pooled = np.concatenate([first, second])
    exact = comb(n + m, n) <= draws
    if exact:
        chosen = np.array(list(combinations(range(n + m), n)))
        members = np.zeros((len(chosen), n + m))
        np.put_along_axis(members, chosen, 1.0, axis=1)
    else:
        random = np.random.default_rng(seed)
        members = random.permuted(np.tile(np.arange(n + m) < n, (draws, 1)), axis=1).astype(np.float64)
    observed = np.arange(n + m) < n
    statistics = np.abs(_welch(np.vstack([observed, members]), pooled))
    return _p_value(statistics[1:], float(statistics[0]), exact, max(float(statistics[0]), 1.0))


def smallest_sign_flip_p(n: int, draws: int = DRAWS) -> float:
    """The smallest p-value that a `sign_flip_test` of so many differences can have: all of them the same way.

    >>> smallest_sign_flip_p(5), smallest_sign_flip_p(40)
    (0.0625, 0.0001)
    """
    return 2 / 2**n if 2**n <= draws else 1 / (draws + 1)


def smallest_shuffle_p(n: int, m: int, draws: int = DRAWS) -> float:
    """The smallest p-value that a `shuffle_test` of groups of so many can have: all of one above all of the other. Of groups of
    one size the mirrored arrangement is as far apart.

    >>> smallest_shuffle_p(3, 3), smallest_shuffle_p(2, 3), smallest_shuffle_p(20, 20)
    (0.1, 0.1, 0.0001)
    """
    ways = comb(n + m, n)
    return (1 + (n == m)) / ways if ways <= draws else 1 / (draws + 1)


def _welch(members: Floats, pooled: Floats) -> Floats:
    """Welch's t of each arrangement: a row of ``members`` says with 1 who is in the first group."""
    centred = pooled - pooled.mean()
    n, m = members.sum(axis=1), (1 - members).sum(axis=1)
    sums, squares = members @ centred, members @ centred**2
    rest, rest_squares = centred.sum() - sums, (centred**2).sum() - squares
    spread = (squares - sums**2 / n) / (n - 1) / n + (rest_squares - rest**2 / m) / (m - 1) / m
    gap = sums / n - rest / m
    floor = 1e-24 + 1e-12 * float(
        (centred**2).mean()
    )  # Both groups without spread: any difference is endless.
    return np.asarray(gap / np.sqrt(np.maximum(spread, floor)))


def _p_value(statistics: Floats, observed: float, exact: bool, scale: float) -> float:
    """The share that is as far from 0 as what was observed, but for rounding at a scale of the statistics."""
    as_far = int((statistics >= observed - _TIE * scale).sum())
    return as_far / len(statistics) if exact else (as_far + 1) / (len(statistics) + 1)


def mean_interval(values: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Interval:
    """95 % interval of the mean of what the values are a sample of, by a studentised bootstrap.

    Args:
        values: ``(n,)`` one for each participant; a paired difference, for instance.
        draws: Samples drawn.
        seed: Of them.

    Returns:
        Lower and upper end; NaN for fewer than `LEAST` values; both the mean where all are the same.

    >>> low, high = mean_interval([0.2, 0.5, 0.1, 0.4, 0.3, 0.6])
    >>> low < 0.2 and 0.5 < high
    True
    """
    sample = _finite(values)
    if len(sample) < LEAST:
        return NONE
    drawn = sample[_drawn(len(sample), draws, np.random.default_rng(seed))]
    return _studentised((float(sample.mean()), _error(sample[None])[0]), drawn.mean(axis=1), _error(drawn))


def difference_interval(one: ArrayLike, other: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Interval:
    """95 % interval of how much the mean of one group is above that of another, by a studentised bootstrap of both.

    Args:
        one: ``(n,)`` a value for each member.
        other: ``(m,)``
        draws: Samples drawn of each.
        seed: Of them.

    Returns:
        Lower and upper end; NaN where a group has fewer than `LEAST` values.
    """
    first, second = _finite(one), _finite(other)
    if min(len(first), len(second)) < LEAST:
        return NONE
    random = np.random.default_rng(seed)
    drawn, drawn_other = (values[_drawn(len(values), draws, random)] for values in (first, second))
    seen = float(first.mean() - second.mean()), float(np.hypot(_error(first[None]), _error(second[None]))[0])
    gaps = drawn.mean(axis=1) - drawn_other.mean(axis=1)
    return _studentised(seen, gaps, np.hypot(_error(drawn), _error(drawn_other)))


def _studentised(seen: tuple[float, float], values: Floats, errors: Floats) -> Interval:
    value, error = seen
    if error <= _TIE * max(abs(value), _TIE):
        return value, value
    spread = errors > _TIE * error
    low, high = np.quantile((values[spread] - value) / errors[spread], [(1 - SURE) / 2, (1 + SURE) / 2])
    return float(value - high * error), float(value - low * error)


def _error(samples: Floats) -> Floats:
    """Standard error of the mean of each row."""
    return np.asarray(samples.std(axis=1, ddof=1) / np.sqrt(samples.shape[1]))


def bca_interval(
    statistic: Callable[[Indices], Floats], units: int, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """95 % interval of any statistic over units drawn with replacement: bias-corrected and accelerated.

    Args:
        statistic: Takes ``(b, n)`` places of units, each row a sample, and gives ``(b,)`` values. Values that are not
            finite are left out.
        units: How many there are.
        draws: Samples drawn.
        seed: Of them.

    Returns:
        Lower and upper end; NaN for fewer than `LEAST` units, or where hardly any sample has a value.

    >>> values = np.arange(30.0)
    >>> low, high = bca_interval(lambda places: np.median(values[places], axis=1), 30)
    >>> low < 14.5 < high
    True
    """
    if units < LEAST:
        return NONE
    every = np.arange(units)
    drawn = statistic(_drawn(units, draws, np.random.default_rng(seed)))
    drawn = np.sort(drawn[np.isfinite(drawn)])
    value = float(statistic(every[None])[0])
    without = statistic(np.array([np.delete(every, unit) for unit in every]))
    if len(drawn) < draws / 2 or not np.isfinite(value):
        return NONE
    low, high = np.quantile(drawn, _accelerated(drawn, value, without[np.isfinite(without)]))
    return float(low), float(high)


def _accelerated(drawn: Floats, value: float, without: Floats) -> list[float]:
    """At which shares of the drawn values the ends lie."""
    share = float((drawn < value).mean() + (drawn == value).mean() / 2)
    bias = _NORMAL.inv_cdf(min(max(share, 1 / (len(drawn) + 1)), len(drawn) / (len(drawn) + 1)))
    off = without.mean() - without if len(without) else np.zeros(1)
    spread = float((off**2).sum())
    bend = float((off**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = []
    for level in ((1 - SURE) / 2, (1 + SURE) / 2):
        reach = bias + _NORMAL.inv_cdf(level)
        ends.append(_NORMAL.cdf(bias + reach / (1 - bend * reach)))
    return ends


def _drawn(n: int, draws: int, random: np.random.Generator) -> Indices:
    return random.integers(0, n, (draws, n))


def paired_effect(differences: ArrayLike) -> float:
    """How large paired differences are: their mean by their standard deviation (d_z), times Hedges' correction for few
    participants; NaN for fewer than three, or where all are the same.

    >>> round(paired_effect([0.1, 0.2, 0.3, 0.2]), 3)
    1.781
    """
    return float(_paired_effects(_finite(differences)[None])[0])


def paired_effect_interval(differences: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Interval:
    """95 % interval of a `paired_effect`, by `bca_interval` over participants; NaN for fewer than `LEAST_OF_EFFECT`."""
    values = _finite(differences)
    if len(values) < LEAST_OF_EFFECT:
        return NONE
    return bca_interval(lambda places: _paired_effects(values[places]), len(values), draws, seed)


def _paired_effects(samples: Floats) -> Floats:
    if samples.shape[1] < 2:
        return np.full(len(samples), np.nan)
    return _ratio(samples.mean(axis=1), samples.std(axis=1, ddof=1)) * _hedges(samples.shape[1] - 1)


def group_effect(one: ArrayLike, other: ArrayLike) -> float:
    """How far two groups are apart: Hedges' g, the difference of their means by their pooled standard deviation,
    corrected for few members; NaN where a group has fewer than two, or nobody differs.

    >>> round(group_effect([1.0, 2.0, 3.0], [3.0, 4.0, 5.0]), 3)
    -1.6
    """
    first, second = _finite(one), _finite(other)
    return float(_group_effects(first[None], second[None])[0])


def group_effect_interval(one: ArrayLike, other: ArrayLike, draws: int = DRAWS, seed: int = 0) -> Interval:
    """95 % interval of a `group_effect`: members of each group are drawn anew, and the ends found as by `bca_interval`;
    NaN where a group has fewer than `LEAST_OF_EFFECT`."""
    first, second = _finite(one), _finite(other)
    if min(len(first), len(second)) < LEAST_OF_EFFECT:
        return NONE
    random = np.random.default_rng(seed)
    drawn = _group_effects(
        first[_drawn(len(first), draws, random)], second[_drawn(len(second), draws, random)]
    )
    without = [
        *(_group_effects(np.delete(first, unit)[None], second[None])[0] for unit in range(len(first))),
        *(_group_effects(first[None], np.delete(second, unit)[None])[0] for unit in range(len(second))),
    ]
    value = group_effect(first, second)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < draws / 2 or not np.isfinite(value):
        return NONE
    low, high = np.quantile(drawn, _accelerated(drawn, value, np.array(without)))
    return float(low), float(high)


def _group_effects(one: Floats, other: Floats) -> Floats:
    n, m = one.shape[1], other.shape[1]
    if min(n, m) < 2:
        return np.full(len(one), np.nan)
    pooled = ((n - 1) * one.var(axis=1, ddof=1) + (m - 1) * other.var(axis=1, ddof=1)) / (n + m - 2)
    return _ratio(one.mean(axis=1) - other.mean(axis=1), np.sqrt(pooled)) * _hedges(n + m - 2)


def _ratio(gaps: Floats, spreads: Floats) -> Floats:
    """NaN where there is no spread."""
    there = spreads > _TIE * np.maximum(np.abs(gaps), _TIE)
    return np.where(there, gaps / np.where(there, spreads, 1.0), np.nan)


def _hedges(freedom: int) -> float:
    """Hedges' correction for the degrees of freedom, by his approximation; NaN for one, of which nothing is expected."""
    return 1 - 3 / (4 * freedom - 1) if freedom > 1 else float("nan")


def rank_biserial(differences: ArrayLike) -> float:
    """Matched-pairs rank-biserial correlation, -1 to 1: the share of the ranks of differences above 0 less that of those
    below (Kerby 2014); differences of 0 are left out. NaN without others.

    >>> rank_biserial([3.0, 1.0, -2.0])
    0.3333333333333333
    """
    values = _finite(differences)
    values = values[values != 0]
    if not len(values):
        return float("nan")
    ranks = _ranks(np.abs(values))
    return float((ranks * np.sign(values)).sum() / ranks.sum())


def cliffs_delta(one: ArrayLike, other: ArrayLike) -> float:
    """How often a member of the first group is above one of the second, less how often below, -1 to 1 (Cliff 1993).

    >>> cliffs_delta([3.0, 4.0], [1.0, 3.0])
    0.75
    """
    first, second = _finite(one), _finite(other)
    if not len(first) or not len(second):
        return float("nan")
    return float(np.sign(first[:, None] - second[None]).mean())


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equals share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places])


def holm(p_values: ArrayLike) -> Floats:
    """P-values adjusted so that the chance of one false alarm at all among so many stays at its level (Holm 1979).

    Args:
        p_values: ``(n,)``; NaN is no test, and is not counted.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjusted(p_values, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """P-values adjusted so that of what is then called significant a share of at most that level is false in the long
    run: the false discovery rate (Benjamini and Hochberg 1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    return _adjusted(
        p_values,
        lambda p: np.minimum.accumulate((p * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1],
    )


def _adjusted(p_values: ArrayLike, adjust: Callable[[Floats], Floats]) -> Floats:
    given = np.asarray(p_values, np.float64)
    adjusted = np.full(given.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    adjusted[order] = np.minimum(adjust(given[order]), 1.0)
    return adjusted


def _finite(values: ArrayLike) -> Floats:
    """The values that are there, as numbers."""
    every = np.asarray(values, np.float64).ravel()
    return every[np.isfinite(every)]
