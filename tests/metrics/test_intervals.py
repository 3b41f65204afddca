"""Balanced accuracy and what is uncertain about figures and their differences, by hand, against scikit-learn
and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics import (
    Estimates,
    balanced_accuracy,
    balanced_interval,
    calibration_interval,
    confusion_matrix,
    expected_calibration_error,
    mean_difference,
    quantile,
    reliability,
    wilson,
)


def share(right: int, n: int, z: float = quantile()) -> Estimates:
    return Estimates(*(np.array([end]) for end in (right / n, *wilson(right, n, z))))


def test_balanced_accuracy_by_hand() -> None:
    confusion = np.array([[90, 10, 0, 0], [5, 5, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    assert balanced_accuracy(confusion) == pytest.approx((0.9 + 0.5 + 0) / 3)
    assert balanced_accuracy(np.array([[7]])) == 1
    with pytest.raises(ValueError, match="at least one image"):
        balanced_accuracy(np.zeros((7, 7), int))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 300))
def test_scikit_learn_agrees(seed: int, classes: int, n: int) -> None:
    metrics = pytest.importorskip(
        "sklearn.metrics", reason="scikit-learn is not installed: pip install 'mien[dev]'"
    )
    random = np.random.default_rng(seed)
    truth = random.integers(0, random.integers(1, classes + 1), n)
    called = np.where(random.random(n) < 0.5, truth, random.integers(0, classes, n))
    known = np.isin(called, truth)  # It warns of answers that are never right.
    if known.any():
        confusion = confusion_matrix(truth[known], called[known], classes)
        expected = metrics.recall_score(
            truth[known], called[known], average="macro", labels=np.unique(truth[known])
        )
        assert balanced_accuracy(confusion) == pytest.approx(expected)


def test_the_interval_of_one_class_is_wilsons() -> None:
    assert balanced_interval(np.array([[40, 10], [0, 0]])) == pytest.approx(wilson(40, 50))


def test_the_interval_of_several_classes_by_hand() -> None:
    low, high = balanced_interval(np.array([[8, 2], [10, 10]]))
    first, second = wilson(8, 10), wilson(10, 20)
    assert low == pytest.approx(0.65 - np.hypot(0.8 - first[0], 0.5 - second[0]) / 2)
    assert high == pytest.approx(0.65 + np.hypot(first[1] - 0.8, second[1] - 0.5) / 2)


def test_newcombes_own_example() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    for right, n, other, m, low, high in ((56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090)):
        found = mean_difference(share(right, n), share(other, m))
        assert [float(end) for end in found] == pytest.approx([right / n - other / m, low, high], abs=6e-5)


def test_differences_go_by_what_both_have() -> None:
    one = Estimates(*np.array([[0.9, 0.5, np.nan], [0.8, 0.4, np.nan], [1.0, 0.6, np.nan]]))
    other = Estimates(*np.array([[0.7, np.nan, 0.1], [0.6, np.nan, 0.0], [0.8, np.nan, 0.2]]))
    assert [float(end) for end in mean_difference(one, other)] == pytest.approx(
        [0.2, 0.2 - np.hypot(0.1, 0.1), 0.2 + np.hypot(0.1, 0.1)]
    )
    nothing = Estimates(*np.full((3, 3), np.nan))
    assert np.isnan(mean_difference(one, nothing)).all()


@pytest.mark.parametrize(
    ("images", "recalls"), [((500, 100, 20, 5), (0.9, 0.7, 0.5, 0.2)), ((3, 4, 5, 6), (0.9, 0.7, 0.5, 0.1))]
)
def test_the_interval_holds_the_truth_in_95_of_100_draws(
    images: tuple[int, ...], recalls: tuple[float, ...]
) -> None:
    random, k, draws = np.random.default_rng(5), len(images), 2000
    held = 0
    for right in random.binomial(images, recalls, (draws, k)):
        confusion = np.diag(right)
        confusion[np.arange(k), np.arange(k) - 1] += np.array(images) - right
        low, high = balanced_interval(confusion)
        held += int(low <= np.mean(recalls) <= high)
    assert 0.93 < held / draws < 0.97


@pytest.mark.parametrize("n", [30, 300, 3000])
@pytest.mark.parametrize("too_sure", [0.0, 0.05, 0.2])
def test_the_interval_of_the_calibration_error_holds_the_truth(n: int, too_sure: float) -> None:
    random, held, draws = np.random.default_rng(n), 0, 300
    for _ in range(draws):
        confidence = random.uniform(0.4, 0.95, n)
        probs = np.stack([confidence, *[(1 - confidence) / 2] * 2], axis=1)
        truth = (random.random(n) >= confidence - too_sure).astype(int)
        low, high = calibration_interval(probs, truth)
        assert 0 <= low <= expected_calibration_error(reliability(probs, truth)) <= high <= 1
        held += low <= too_sure <= high
    assert held / draws > 0.92


def test_many_comparisons_at_once_need_wider_intervals() -> None:
    """Bonferroni: for m of them each end may miss in 2.5 / m of 100 draws."""
    assert quantile() == pytest.approx(1.959964)
    assert quantile(10) == pytest.approx(2.807034)
    assert wilson(5, 10, quantile(10))[0] < wilson(5, 10)[0]


def test_nothing_to_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        calibration_interval(np.empty((0, 7)), np.empty(0, int))
