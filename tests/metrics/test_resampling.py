"""Permutation tests, bootstrap intervals, effect sizes and corrections: against scipy, and by simulation with fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.metrics.resampling import (
    LEAST,
    bca_interval,
    benjamini_hochberg,
    cliffs_delta,
    difference_interval,
    group_effect,
    group_effect_interval,
    holm,
    mean_interval,
    paired_effect,
    paired_effect_interval,
    rank_biserial,
    shuffle_test,
    sign_flip_test,
)

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed: pip install 'mien[dev]'")

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def _welch(one: Floats, other: Floats, axis: int = -1) -> Floats:
    return np.asarray(stats.ttest_ind(one, other, equal_var=False, axis=axis).statistic)


def test_differences_that_add_up_to_nothing_but_for_rounding_have_a_p_value_of_1() -> None:
    assert np.sum([0.1, 0.2, -0.3]) != 0
    assert sign_flip_test([0.1, 0.2, -0.3]) == 1
    assert sign_flip_test([1e-9, 2e-9, -3e-9]) == 1
    assert sign_flip_test([1e-9, 2e-9, 3e-9]) == 0.25


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(2, 9))
@example(128241, 4)
def test_exact_sign_flips_are_those_of_scipy(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(0.4, 1, n).round(1)  # Rounded, so that there are ties.
    reference = stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip_test(values) == pytest.approx(reference.pvalue)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(2, 5), st.integers(2, 5))
def test_exact_shuffles_are_those_of_scipy(seed: int, n: int, m: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.normal(0, 1, n), random.normal(0.8, 2, m)
    # The distribution is that of every arrangement; its two tails taken together, as |t| does.
    null = stats.permutation_test((one, other), _welch, vectorized=True).null_distribution
    expected = (np.abs(null) >= abs(_welch(one, other)) * (1 - 1e-9)).mean()
    assert shuffle_test(one, other) == pytest.approx(expected)


def test_random_arrangements_come_near_the_exact_value() -> None:
    random = np.random.default_rng(3)
    values, one, other = random.normal(0.5, 1, 12), random.normal(0, 1, 7), random.normal(1, 2, 7)
    exact, drawn = sign_flip_test(values), sign_flip_test(values, draws=4000)
    assert exact != drawn
    assert drawn == pytest.approx(exact, abs=0.015)
    assert shuffle_test(one, other, draws=3000) == pytest.approx(shuffle_test(one, other), abs=0.02)


def test_p_values_are_never_nothing_and_know_no_side() -> None:
    far = np.arange(40) + 100.0
    assert sign_flip_test(far, draws=999) == 1 / 1000
    assert sign_flip_test(-far, draws=999) == 1 / 1000
    assert shuffle_test(far, -far, draws=999) == shuffle_test(-far, far, draws=999) == 1 / 1000
    assert sign_flip_test([0.0, 0.0, 0.0]) == 1
    assert shuffle_test([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]) == 1
    assert shuffle_test([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == pytest.approx(0.1)
    assert np.isnan(sign_flip_test([]))
    assert np.isnan(shuffle_test([1.0], [2.0, 3.0]))


def test_values_that_are_not_there_count_for_nobody() -> None:
    holed, whole = [0.3, np.nan, 0.5, 0.1, 0.9, 0.2], [0.3, 0.5, 0.1, 0.9, 0.2]
    assert sign_flip_test(holed) == sign_flip_test(whole)
    assert mean_interval(holed) == mean_interval(whole)
    assert paired_effect(holed) == paired_effect(whole)
    assert cliffs_delta(holed, whole) == 0


@pytest.mark.parametrize("spread", ["normal", "exponential"])
def test_false_alarms_come_at_their_level(spread: str) -> None:
    """Of 2,000 studies without an effect about one in twenty is significant; groups of other sizes and spreads too."""
    random = np.random.default_rng(7)
    draw = random.standard_normal if spread == "normal" else (lambda size: random.exponential(1, size) - 1)
    paired = [sign_flip_test(draw(16) - draw(16), draws=199) for _ in range(2000)]
    groups = [shuffle_test(draw(18), draw(18), draws=199) for _ in range(2000)]
    spreads = [shuffle_test(random.normal(0, 1, 24), random.normal(0, 3, 12), draws=199) for _ in range(2000)]
    for values in (paired, groups, spreads):
        assert 0.036 < np.mean(np.array(values) <= 0.05) < 0.066


@pytest.mark.parametrize(("n", "least"), [(10, 0.925), (40, 0.93)])
def test_intervals_of_means_cover(n: int, least: float) -> None:
    random = np.random.default_rng(n)
    covered: NDArray[np.float64] = np.zeros(2)
    for seed in range(400):
        one, other = random.normal(0.3, 1, n), random.normal(0, 2, n)
        ends = mean_interval(one, 499, seed), difference_interval(one, other, 499, seed)
        covered += [low <= 0.3 <= high for low, high in ends]
    assert (covered / 400 > least).all()
    assert (covered / 400 < 0.985).all()


def test_intervals_of_effect_sizes_cover() -> None:
    random = np.random.default_rng(11)
    covered: NDArray[np.float64] = np.zeros(2)
    for seed in range(300):
        one, other = random.normal(0.8, 1, 40), random.normal(0, 1, 30)
        ends = paired_effect_interval(one, 499, seed), group_effect_interval(one, other, 499, seed)
        covered += [low <= 0.8 <= high for low, high in ends]
    assert (covered / 300 > 0.915).all()
    assert (covered / 300 < 0.985).all()


def test_bca_is_that_of_scipy() -> None:
    values = np.random.default_rng(5).exponential(1, 30)
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, random_state=np.random.default_rng(0), method="BCa"
    )
    low, high = bca_interval(lambda places: values[places].mean(axis=1), 30, 20_000)
    assert low == pytest.approx(reference.confidence_interval.low, abs=0.02)
    assert high == pytest.approx(reference.confidence_interval.high, abs=0.02)


def test_few_units_get_no_interval() -> None:
    few = np.arange(LEAST - 1.0)
    for ends in (
        mean_interval(few),
        difference_interval(few, np.arange(9.0)),
        bca_interval(lambda places: few[places].mean(axis=1), len(few)),
        group_effect_interval(np.arange(9.0), few),
        paired_effect_interval(few),
    ):
        assert np.isnan(ends).all()
    assert mean_interval([0.5] * 6) == (0.5, 0.5)


def test_effect_sizes_of_few_get_no_interval() -> None:
    nine, ten = np.random.default_rng(2).normal(0.5, 1, 9), np.random.default_rng(3).normal(0.5, 1, 10)
    assert np.isnan(paired_effect_interval(nine)).all()
    assert np.isnan(group_effect_interval(ten, nine)).all()
    assert np.isfinite(paired_effect_interval(ten)).all()
    assert np.isfinite(group_effect_interval(ten, ten[::-1] + 1)).all()


def test_the_same_seed_gives_the_same_ends() -> None:
    values = np.random.default_rng(1).normal(size=20)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_effect_sizes_are_those_of_their_formulas() -> None:
    random = np.random.default_rng(2)
    one, other = random.normal(1, 1, 12), random.normal(0, 1.5, 9)
    pooled = np.sqrt((11 * one.var(ddof=1) + 8 * other.var(ddof=1)) / 19)
    assert group_effect(one, other) == pytest.approx((one.mean() - other.mean()) / pooled * (1 - 3 / 75))
    assert paired_effect(one) == pytest.approx(one.mean() / one.std(ddof=1) * (1 - 3 / 43))
    below = stats.mannwhitneyu(one, other).statistic / (12 * 9)
    assert cliffs_delta(one, other) == pytest.approx(2 * below - 1)
    ties = np.array([1.0, -1.0, 2.0, 2.0, 0.0, -3.0, 4.0])
    less = stats.wilcoxon(
        ties, zero_method="wilcox", alternative="less"
    ).statistic  # Sum of the ranks above 0.
    assert rank_biserial(ties) == pytest.approx(2 * less / 21 - 1)
    assert np.isnan(paired_effect([0.2, 0.2, 0.2]))
    assert np.isnan(group_effect([1.0], [2.0, 3.0]))
    assert np.isnan(rank_biserial([0.0]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_are_those_of_their_papers(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values))
    order = np.argsort(p_values, kind="stable")
    expected, worst = np.empty(len(p_values)), 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, p_values[place] * (len(p_values) - rank)))
        expected[place] = worst
    assert holm(p_values) == pytest.approx(expected)


def test_what_was_not_tested_makes_nothing_harder() -> None:
    assert holm([0.01, np.nan, 0.04]).tolist() == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert benjamini_hochberg([np.nan]).tolist() == pytest.approx([np.nan], nan_ok=True)
