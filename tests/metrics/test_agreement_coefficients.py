"""Kappa, alpha and intraclass correlations against scikit-learn, krippendorff, pingouin and least squares, on random
ratings."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.metrics import confusion_matrix
from mien.metrics.agreement import (
    RatingSums,
    cohen_kappa,
    intraclass_correlations,
    krippendorff_alpha,
)
from mien.metrics.f_distribution import f_quantile

sklearn = pytest.importorskip(
    "sklearn.metrics", reason="scikit-learn is not installed: pip install 'mien[dev]'"
)
krippendorff = pytest.importorskip(
    "krippendorff", reason="krippendorff is not installed: pip install 'mien[dev]'"
)
stats = pytest.importorskip("scipy.stats", reason="scipy is not installed: pip install 'mien[dev]'")

CASES = 250


def test_kappa_is_that_of_scikit_learn_in_random_cases() -> None:
    random = np.random.default_rng(1)
    for _ in range(CASES):
        classes, n = int(random.integers(2, 9)), int(random.integers(1, 80))
        present = random.permutation(classes)[: random.integers(1, classes + 1)]
        one = random.choice(present, n)
        other = np.where(random.random(n) < random.random(), one, random.choice(present, n))
        confusion = confusion_matrix(one, other, classes)
        for weights in ("none", "linear", "quadratic"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # That there is no value where both know one class alone.
                wanted = sklearn.cohen_kappa_score(
                    one, other, labels=range(classes), weights=None if weights == "none" else weights
                )
            found = cohen_kappa(confusion, weights)
            assert (np.nan if found is None else found) == pytest.approx(wanted, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_that_of_krippendorff_in_random_cases(level: str) -> None:
    random = np.random.default_rng(2)
    told = 0
    for _ in range(CASES):
        raters, units = int(random.integers(2, 6)), int(random.integers(2, 25))
        latent = random.integers(0, 6, units).astype(float) / 2
        noise = random.integers(-2, 3, (raters, units)) / 2
        ratings = np.maximum(0, latent + np.where(random.random((raters, units)) < 0.4, noise, 0))
        ratings[random.random(ratings.shape) < random.choice([0.0, 0.2, 0.6])] = np.nan
        try:
            with np.errstate(all="ignore"):
                wanted = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
        except (ValueError, AssertionError):  # Of one value alone, or none, it says that there is no alpha.
            wanted = np.nan
        found = krippendorff_alpha(ratings, level)  # type: ignore[arg-type]
        pairs = (np.isfinite(ratings).sum(axis=0) > 1).any()
        if pairs and np.isfinite(wanted):
            told += 1
            assert found == pytest.approx(wanted, abs=1e-9)
        else:
            assert found is None
    assert told > CASES * 0.9


def least_squares(ratings: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Mean squares of targets, raters, the rest, and within targets, by models that are fitted."""
    n, k = ratings.shape
    target, rater = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    values = ratings.ravel()

    def rest(*factors: NDArray[np.int64]) -> float:
        table = np.hstack([np.ones((n * k, 1)), *(np.eye(factor.max() + 1)[factor] for factor in factors)])
        return float(((values - table @ np.linalg.lstsq(table, values, rcond=None)[0]) ** 2).sum())

    both, of_target, of_rater = rest(target, rater), rest(target), rest(rater)
    return (
        (of_rater - both) / (n - 1),
        (of_target - both) / (k - 1),
        both / ((n - 1) * (k - 1)),
        of_target / (n * (k - 1)),
    )


def test_correlations_are_those_of_an_analysis_of_variance_in_random_cases() -> None:
    random = np.random.default_rng(3)
    for _ in range(CASES):
        n, k = int(random.integers(2, 12)), int(random.integers(2, 6))
        ratings = random.normal(size=(n, 1)) * random.uniform(0, 3) + random.normal(size=(n, k))
        ratings += random.normal(size=k) * random.uniform(0, 2)
        rows, columns, rest, within = least_squares(ratings)
        found = intraclass_correlations(ratings)
        assert found["ICC(1,1)"].value == pytest.approx((rows - within) / (rows + (k - 1) * within))
        assert found["ICC(1,k)"].value == pytest.approx((rows - within) / rows)
        assert found["ICC(3,1)"].value == pytest.approx((rows - rest) / (rows + (k - 1) * rest))
        assert found["ICC(3,k)"].value == pytest.approx((rows - rest) / rows)
        agreed = rows + (k - 1) * rest + k / n * (columns - rest)
        assert found["ICC(2,1)"].value == pytest.approx((rows - rest) / agreed)
        assert found["ICC(2,k)"].value == pytest.approx((rows - rest) / (rows + (columns - rest) / n))
        low = rows / rest / stats.f.ppf(0.975, n - 1, (n - 1) * (k - 1))
        high = rows / rest * stats.f.ppf(0.975, (n - 1) * (k - 1), n - 1)
        assert found["ICC(3,1)"][1:] == pytest.approx(
            ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1))
        )
        assert found["ICC(3,k)"][1:] == pytest.approx((1 - 1 / low, 1 - 1 / high))


def test_correlations_and_their_intervals_are_those_of_pingouin() -> None:
    """Written by pingouin 0.7.0: each case its ratings and, form by form, value and interval."""
    names = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
    cases = json.loads((Path(__file__).parent / "pingouin_icc.json").read_text())
    assert len(cases) == 60
    for case in cases:
        found = intraclass_correlations(np.array(case["ratings"]))
        for name, wanted in zip(names, case["icc"], strict=True):
            assert list(found[name]) == pytest.approx(wanted, abs=1e-6)


def test_quantiles_of_f_are_those_of_scipy() -> None:
    random = np.random.default_rng(4)
    for _ in range(300):
        share = float(random.choice([0.025, 0.5, 0.975]))
        above, below = 10 ** random.uniform(-0.3, 4, 2)
        assert f_quantile(share, above, below) == pytest.approx(stats.f.ppf(share, above, below), rel=1e-6)


def test_where_there_is_nothing_to_tell_there_is_no_value() -> None:
    assert cohen_kappa(np.zeros((2, 2), np.int64)) is None
    assert cohen_kappa(np.array([[5, 0], [0, 0]])) is None
    assert krippendorff_alpha(np.array([[1.0, np.nan], [np.nan, 2.0]])) is None
    assert intraclass_correlations(np.array([[1.0, 2.0]])) == {}
    assert intraclass_correlations(np.full((5, 3), 0.1)) == {}
    with pytest.raises(InputError, match="two raters"):
        intraclass_correlations(np.ones((5, 1)))
    with pytest.raises(InputError, match="0 or more"):
        krippendorff_alpha(np.array([[1.0, -2.0], [1.0, 2.0]]), "ratio")


def test_raters_who_always_agree_have_one_and_no_interval() -> None:
    same = np.repeat(np.array([[0.1], [0.7], [0.3], [0.9]]), 3, axis=1)
    assert {name: tuple(icc) for name, icc in intraclass_correlations(same).items()} == {
        f"ICC({form},{mean})": (pytest.approx(1), None, None) for form in "123" for mean in "1k"
    }


def test_sums_of_parts_are_sums_of_the_whole() -> None:
    random = np.random.default_rng(5)
    ratings = random.normal(size=(40, 1)) + random.normal(size=(40, 2))
    ratings[3, 1] = np.nan
    one, other = RatingSums.of(ratings[:11]), RatingSums.of(ratings[11:])
    both = RatingSums(
        one.n + other.n,
        one.of_raters + other.of_raters,
        one.squares + other.squares,
        one.of_targets + other.of_targets,
    )
    assert both.n == 39
    assert both.correlations()["ICC(2,1)"] == pytest.approx(intraclass_correlations(ratings)["ICC(2,1)"])
