"""The figures against scikit-learn and torchmetrics, on random answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.core.labels import EXPRESSIONS
from mien.metrics import (
    accuracy,
    class_scores,
    confusion_matrix,
    expected_calibration_error,
    kl_divergence,
    macro_f1,
    negative_log_likelihood,
    reliability,
    second_guesses,
    top_k_accuracy,
    wilson,
)

sklearn = pytest.importorskip(
    "sklearn.metrics", reason="scikit-learn is not installed: pip install 'mien[dev]'"
)

Answers = tuple[NDArray[np.float64], NDArray[np.int64]]


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    """Probabilities without ties and the truth, often with classes that do not occur or are never
    answered.
    """
    classes = draw(st.integers(2, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 200))
    present = random.permutation(classes)[: draw(st.integers(1, classes))]
    truth = random.choice(present, n)
    logits = random.normal(size=(n, classes)) + draw(st.floats(0, 4)) * np.eye(classes)[truth]
    logits[:, draw(st.integers(0, classes - 1))] -= draw(st.sampled_from([0.0, 50.0]))
    probs = np.exp(logits)
    return probs / probs.sum(axis=1, keepdims=True), truth


@settings(max_examples=60, deadline=None)
@given(answers())
def test_scikit_learn_agrees(given: Answers) -> None:
    probs, truth = given
    classes = probs.shape[1]
    called = probs.argmax(axis=1)
    confusion = confusion_matrix(truth, called, classes)
    assert np.array_equal(confusion, sklearn.confusion_matrix(truth, called, labels=range(classes)))
    assert accuracy(confusion) == pytest.approx(sklearn.accuracy_score(truth, called))
    assert macro_f1(confusion) == pytest.approx(sklearn.f1_score(truth, called, average="macro"))
    expected = sklearn.precision_recall_fscore_support(
        truth, called, labels=range(classes), zero_division=np.nan
    )
    found = class_scores(confusion)
    for name, values in zip(("precision", "recall", "f1"), expected[:3], strict=True):
        assert [
            np.nan if (value := getattr(score, name)) is None else value for score in found
        ] == pytest.approx(values.tolist(), nan_ok=True)
    assert [score.n for score in found] == expected[3].tolist()
    assert top_k_accuracy(probs, truth) == pytest.approx(_top_two(truth, probs))
    assert negative_log_likelihood(probs, truth) == pytest.approx(
        sklearn.log_loss(truth, probs, labels=range(classes))
    )


def _top_two(truth: NDArray[np.int64], probs: NDArray[np.float64]) -> float:
    if probs.shape[1] == 2:
        return 1.0  # scikit-learn warns that this is so.
    return float(sklearn.top_k_accuracy_score(truth, probs, k=2, labels=range(probs.shape[1])))


@settings(max_examples=40, deadline=None)
@given(answers())
@pytest.mark.filterwarnings("default")
def test_torchmetrics_agrees(given: Answers) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
    functional = pytest.importorskip(
        "torchmetrics.functional", reason="torchmetrics is not installed: pip install 'mien[train]'"
    )
    probs, truth = given
    classes = probs.shape[1]
    answered, right = torch.from_numpy(probs), torch.from_numpy(truth)
    confusion = confusion_matrix(truth, probs.argmax(axis=1), classes)
    assert np.array_equal(
        confusion, functional.classification.multiclass_confusion_matrix(answered, right, classes).numpy()
    )
    assert macro_f1(confusion) == pytest.approx(
        float(functional.classification.multiclass_f1_score(answered, right, classes)), abs=1e-5
    )
    expected = functional.classification.multiclass_calibration_error(
        answered, right, classes, n_bins=15, norm="l1"
    )
    assert expected_calibration_error(reliability(probs, truth)) == pytest.approx(float(expected), abs=1e-5)
    shares = np.random.default_rng(len(truth)).dirichlet(np.ones(classes), len(truth))
    careful = np.maximum(probs, 1e-9) / np.maximum(probs, 1e-9).sum(
        axis=1, keepdims=True
    )  # Where one looks at zeros is each library's own affair.
    others = float(functional.kl_divergence(torch.from_numpy(shares), torch.from_numpy(careful)))
    assert kl_divergence(shares, careful) == pytest.approx(others, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_second_guesses_by_counting(given: Answers) -> None:
    probs, truth = given
    found = second_guesses(probs, truth)
    pairs: dict[tuple[int, int], list[bool]] = {}
    for row, was in zip(probs.tolist(), truth.tolist(), strict=True):
        first, second = sorted(range(len(row)), key=lambda column: -row[column])[:2]
        if first != was:
            pairs.setdefault((first, was), []).append(second == was)
    assert {(pair.predicted, pair.was): (pair.n, pair.right) for pair in found.pairs} == {
        key: (len(hits), sum(hits)) for key, hits in pairs.items()
    }
    assert (found.errors, found.right) == (sum(map(len, pairs.values())), sum(map(sum, pairs.values())))
    assert [pair.n for pair in found.pairs] == sorted((pair.n for pair in found.pairs), reverse=True)
    assert top_k_accuracy(probs, truth) == pytest.approx(
        (len(truth) - found.errors + found.right) / len(truth)
    )


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_interval_holds_the_share(n: int, share: float) -> None:
    right = round(n * share)
    low, high = wilson(right, n)
    assert 0 <= low <= right / n + 1e-12
    assert right / n - 1e-12 <= high <= 1
    assert low < high


def test_the_interval_is_wilsons() -> None:
    assert wilson(2617, 3589) == pytest.approx((0.7144, 0.7435), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)


@pytest.mark.parametrize(("truth", "called"), [([0, 7], [0, 1]), ([0, 1], [0, -1]), ([0, 1], [0])])
def test_what_cannot_be_counted_is_refused(truth: list[int], called: list[int]) -> None:
    with pytest.raises(ValueError, match="expected "):
        confusion_matrix(np.array(truth), np.array(called), len(EXPRESSIONS))


def test_nothing_to_judge_is_refused() -> None:
    nothing, nobody = np.empty((0, 7)), np.empty(0, int)
    for figure in (top_k_accuracy, negative_log_likelihood):
        with pytest.raises(ValueError, match="at least one image"):
            figure(nothing, nobody)
    for of_counts in (accuracy, macro_f1):
        with pytest.raises(ValueError, match="at least one image"):
            of_counts(np.zeros((7, 7), int))
