"""How far raters agree: Cohen's kappa, Krippendorff's alpha, intraclass correlations.

What is added up of ratings (`confusion_matrix`, `coincidences`, `RatingSums`) and what follows from the sums are
apart, so that an interval over recordings draws sums, not ratings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.metrics.f_distribution import f_quantile
from mien.metrics.intervals import SURE

Floats = NDArray[np.float64]
Weights = Literal["none", "linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]

_EXACT = 1e-12
"""Part of all variance below which a remainder is nothing but rounding."""


def cohen_kappa(confusion: NDArray[np.integer], weights: Weights = "none") -> float | None:
    """Agreement of two raters beyond chance (Cohen 1960, 1968): ``1 - sum(w o) / sum(w e)``, with the observed
    counts o, the counts e that the raters' shares give by chance, and as weights w 1 beside the diagonal, or the
    distance of both classes, or its square.

    Args:
        confusion: ``(k, k)`` counts, `confusion_matrix` of both.
        weights: ``none`` for classes without an order.

    Returns:
        1 at most, 0 for chance; None where both know one class alone, or nothing was rated.

    >>> round(cohen_kappa(np.array([[20, 5], [10, 15]])), 3)
    0.4
    """
    observed = np.asarray(confusion, np.float64)
    places = np.arange(len(observed))
    apart = np.abs(places[:, None] - places[None, :]).astype(np.float64)
    weigh = {"none": np.sign(apart), "linear": apart, "quadratic": apart**2}[weights]
    total = observed.sum()
    chance = observed.sum(axis=1)[:, None] * observed.sum(axis=0)[None, :]
    by_chance = float((weigh * chance).sum())
    return None if not by_chance else 1 - float((weigh * observed).sum()) * float(total) / by_chance


def coincidences(codes: NDArray[np.integer], classes: int) -> Floats:
    """``(k, k)`` how often two raters of one unit gave the one class and the other: every ordered pair of a unit
    with m ratings counts ``1 / (m - 1)`` (Krippendorff 2011).

    Args:
        codes: ``(raters, units)`` class of each, -1 where a rater has not rated.
        classes: k.

    >>> coincidences(np.array([[0, 1, 1], [0, 1, 0], [0, -1, -1]]), 2).tolist()
    [[3.0, 1.0], [1.0, 2.0]]
    """
    codes = np.asarray(codes, np.int64)
    counts = (codes[None, :, :] == np.arange(classes)[:, None, None]).sum(axis=1)  # (k, units)
    rated = counts.sum(axis=0)
    counts = counts[:, rated > 1].astype(np.float64)
    share = counts / (rated[rated > 1] - 1.0)
    return np.asarray(share @ counts.T - np.diag(share.sum(axis=1)))


def alpha_of(found: Floats, values: Floats, level: Level = "nominal") -> float | None:
    """Krippendorff's alpha of `coincidences`: ``1 - (n - 1) sum(o d) / sum(n_c n_k d)``.

    Args:
        found: ``(k, k)``.
        values: ``(k,)`` what the classes stand for, ascending.
        level: How far two values are apart: ``nominal`` 1 where they differ; ``ordinal`` the ratings between
            them, squared; ``interval`` the difference, squared; ``ratio`` difference over sum, squared.

    Returns:
        1 at most; None where no unit has two ratings, or all are one value.
    """
    of_each = found.sum(axis=1)
    apart = _DISTANCES[level](np.asarray(values, np.float64), of_each)
    by_chance = float((np.outer(of_each, of_each) * apart).sum())
    if not by_chance:
        return None
    return 1 - float((of_each.sum() - 1) * (found * apart).sum()) / by_chance


def krippendorff_alpha(ratings: Floats, level: Level = "nominal") -> float | None:
    """Agreement of any number of raters beyond chance, where some have not rated everything (Krippendorff 2011).

    Args:
        ratings: ``(raters, units)`` numbers, NaN where a rater has not rated; of ``ratio`` 0 or more.
        level: What the numbers are (`alpha_of`).

    Raises:
        InputError: The ratings have another shape, or of a ratio one is below 0.

    >>> ratings = [[1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5]]
    >>> [round(krippendorff_alpha(np.array(ratings), level), 3) for level in ("nominal", "interval")]
    [0.852, 0.943]
    """
    ratings = np.asarray(ratings, np.float64)
    if ratings.ndim != 2:
        raise InputError(f"expected a row of ratings for each rater; got shape {ratings.shape}")
    known = np.isfinite(ratings)
    if level == "ratio" and (ratings[known] < 0).any():
        raise InputError(f"expected ratings of 0 or more for a ratio; got {ratings[known].min()}")
    values, places = np.unique(ratings[known], return_inverse=True)
    codes = np.full(ratings.shape, -1, np.int64)
    codes[known] = places
    return alpha_of(coincidences(codes, len(values)), values, level)


def _ordinal(_: Floats, of_each: Floats) -> Floats:
    upto = np.cumsum(of_each)
    middle = upto - of_each / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _ratio(values: Floats, _: Floats) -> Floats:
    sums = values[:, None] + values[None, :]
    return np.asarray((np.subtract.outer(values, values) / np.where(sums, sums, 1)) ** 2)


_DISTANCES: Mapping[Level, Callable[[Floats, Floats], Floats]] = {
    "nominal": lambda values, _: 1 - np.eye(len(values)),
    "ordinal": _ordinal,
    "interval": lambda values, _: np.subtract.outer(values, values) ** 2,
    "ratio": _ratio,
}


class Icc(NamedTuple):
    """An intraclass correlation with its 95 % interval by F tests, which takes targets to be independent.

    Args:
        value: 1 at most.
        low: Lower end; None where there is no variance left to test against.
        high: Upper end.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class RatingSums:
    """What is added up of numbers that k raters gave to the same targets.

    Args:
        n: Targets.
        of_raters: ``(k,)`` sum of each rater.
        squares: Sum of all squares.
        of_targets: Sum of the squares of the targets' sums.
    """

    n: float
    of_raters: Floats
    squares: float
    of_targets: float

    @staticmethod
    def of(ratings: Floats) -> RatingSums:
        """Of ``(n, k)`` ratings, a row per target; rows with NaN are left out.

        Raises:
            InputError: There are not two raters.
        """
        ratings = np.asarray(ratings, np.float64)
        if ratings.ndim != 2 or ratings.shape[1] < 2:
            raise InputError(f"expected a column for each of two raters or more; got shape {ratings.shape}")
        whole = ratings[np.isfinite(ratings).all(axis=1)]
        sums = whole.sum(axis=1)
        return RatingSums(len(whole), whole.sum(axis=0), float((whole**2).sum()), float((sums**2).sum()))

    def values(self) -> dict[str, float]:
        """`intraclass_correlations` of these sums, without intervals."""
        squares = self._mean_squares()
        if squares is None:
            return {}
        rows, columns, rest, within = squares
        n, k = self.n, len(self.of_raters)
        over_rows = rows or np.nan  # Of targets that do not differ the mean tells nothing.
        return {
            "ICC(1,1)": (rows - within) / (rows + (k - 1) * within),
            "ICC(1,k)": (rows - within) / over_rows,
            "ICC(2,1)": (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n),
            "ICC(2,k)": (rows - rest) / ((rows + (columns - rest) / n) or np.nan),
            "ICC(3,1)": (rows - rest) / ((rows + (k - 1) * rest) or np.nan),
            "ICC(3,k)": (rows - rest) / over_rows,
        }

    def correlations(self) -> dict[str, Icc]:
        """`intraclass_correlations` of these sums."""
        squares = self._mean_squares()
        if squares is None:
            return {}
        rows, _, rest, within = squares
        n, k = self.n, len(self.of_raters)
        ends = {
            **_ends_by_f("1", rows, within, (n - 1, n * (k - 1)), k),
            **_ends_by_f("3", rows, rest, (n - 1, (n - 1) * (k - 1)), k),
            **_absolute_ends(squares, n, k),
        }
        return {name: Icc(value, *ends.get(name, (None, None))) for name, value in self.values().items()}

    def _mean_squares(self) -> tuple[float, float, float, float] | None:
        """Of targets, raters, what neither explains, and within targets; None where there is nothing to tell."""
        n, k = self.n, len(self.of_raters)
        if n < 2:
            return None
        mean = float(self.of_raters.sum()) ** 2 / (n * k)
        whole = self.squares - mean
        if whole <= _EXACT * self.squares:
            return None
        between = max(self.of_targets / k - mean, 0.0)
        raters = max(float((self.of_raters**2).sum()) / n - mean, 0.0)
        rest, within = (
            left if left > _EXACT * whole else 0.0 for left in (whole - between - raters, whole - between)
        )
        return between / (n - 1), raters / (k - 1), rest / ((n - 1) * (k - 1)), within / (n * (k - 1))


def intraclass_correlations(ratings: Floats) -> dict[str, Icc]:
    """How much of the variance of numbers is that of the targets (Shrout and Fleiss 1979, McGraw and Wong 1996).

    ``ICC(1,1)``: other raters for every target. ``ICC(2,1)``: the same raters, their levels count (absolute
    agreement). ``ICC(3,1)``: the same raters, whose levels do not count (consistency). ``ICC(1,k)``, ``ICC(2,k)``,
    ``ICC(3,k)``: the same of the raters' mean.

    Args:
        ratings: ``(n, k)``, a row per target, a column per rater; rows with NaN are left out.

    Returns:
        By those names; empty where fewer than two targets are rated by all, or all ratings are one number.

    Raises:
        InputError: There are not two raters.

    >>> shrout_fleiss = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> found = intraclass_correlations(np.array(shrout_fleiss))
    >>> {name: round(icc.value, 2) for name, icc in found.items()}
    {'ICC(1,1)': 0.17, 'ICC(1,k)': 0.44, 'ICC(2,1)': 0.29, 'ICC(2,k)': 0.62, 'ICC(3,1)': 0.71, 'ICC(3,k)': 0.91}
    >>> round(found["ICC(2,1)"].low, 3), round(found["ICC(2,1)"].high, 3)
    (0.019, 0.761)
    """
    return RatingSums.of(ratings).correlations()


def _ends_by_f(
    form: str, rows: float, rest: float, freedom: tuple[float, float], k: int
) -> dict[str, tuple[float, float]]:
    """The ends of the forms whose intervals are those of one ratio F."""
    if not rest or not rows:
        return {}
    ratio = rows / rest
    low, high = ratio / f_quantile(_UPPER, *freedom), ratio * f_quantile(_UPPER, *freedom[::-1])
    return {
        f"ICC({form},1)": ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1)),
        f"ICC({form},k)": (1 - 1 / low, 1 - 1 / high),
    }


def _absolute_ends(
    squares: tuple[float, float, float, float], n: float, k: int
) -> dict[str, tuple[float, float]]:
    """The ends of absolute agreement, after McGraw and Wong 1996, table 7."""
    rows, columns, error, _ = squares
    if not error:
        return {}
    value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    ratio = columns / error
    pooled = n * (1 + (k - 1) * value) - k * value
    freedom = ((k - 1) * (n - 1) * (k * value * ratio + pooled) ** 2) / (
        (n - 1) * (k * value * ratio) ** 2 + pooled**2
    )
    spread = k * columns + (k * n - k - n) * error
    below, above = f_quantile(_UPPER, n - 1, freedom), f_quantile(_UPPER, freedom, n - 1)
    low = n * (rows / below - error) / (spread + n * rows / below)  # Below may be infinite.
    high = n * (above * rows - error) / (spread + n * above * rows)
    return {
        "ICC(2,1)": (low, high),
        "ICC(2,k)": (low * k / (1 + low * (k - 1)), high * k / (1 + high * (k - 1))),
    }


_UPPER = 1 - (1 - SURE) / 2
