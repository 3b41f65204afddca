"""Which class was taken for which, and the figures that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told.

    Args:
        n: Images of the class.
        answered: Images that were called it.
        precision: Share of the images called it that are it; None where none was called it.
        recall: Share of its images that were called it; None where it has no image.
        f1: Harmonic mean of both, ``2 tp / (2 tp + fp + fn)``; None where it neither occurs nor is answered.

    >>> cat, _ = class_scores(np.array([[3, 1], [0, 4]]))  # of four cats one was called a dog
    >>> cat.n, cat.answered, cat.precision, cat.recall
    (4, 3, 1.0, 0.75)
    """

    n: int
    answered: int
    precision: float | None
    recall: float | None
    f1: float | None


def confusion_matrix(
    truth: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """``(k, k)`` counts: a row is what an image is, a column what it was called.

    Args:
        truth: ``(n,)`` column of the right class, 0 to k - 1.
        answers: ``(n,)`` column of the answer, 0 to k - 1.
        classes: k.

    Raises:
        InputError: The lengths differ, or a value is not a column.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    truth, answers = np.asarray(truth, np.int64), np.asarray(answers, np.int64)
    if truth.shape != answers.shape or truth.ndim != 1:
        raise InputError(
            f"expected as many answers as images, in one row each; got shapes {truth.shape} and {answers.shape}"
        )
    both = np.concatenate([truth, answers])
    if len(both) and (both.min() < 0 or both.max() >= classes):
        raise InputError(f"expected columns from 0 to {classes - 1}; got {both.min()} to {both.max()}")
    return np.bincount(truth * classes + answers, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: NDArray[np.integer]) -> float:
    """Share of right answers, 0 to 1, of a `confusion_matrix`.

    >>> accuracy(np.array([[3, 1], [0, 4]]))
    0.875
    """
    return float(np.trace(confusion) / _counted(confusion))


def class_scores(confusion: NDArray[np.integer]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class, in the order of a `confusion_matrix`.

    >>> [(score.precision, score.recall, score.f1) for score in class_scores(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))]
    [(1.0, 0.75, 0.8571428571428571), (0.8, 1.0, 0.8888888888888888), (None, None, None)]
    """
    right, images, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return tuple(
        ClassScore(n, called, _share(good, called), _share(good, n), _share(2 * good, n + called))
        for good, n, called in zip(right.tolist(), images.tolist(), answered.tolist(), strict=True)
    )


def balanced_accuracy(confusion: NDArray[np.integer]) -> float:
    """Mean recall over the classes that have images, each counting the same, 0 to 1 (Brodersen et al. 2010).

    scikit-learn's ``balanced_accuracy_score`` is the same.

    >>> balanced_accuracy(np.array([[3, 1, 0], [1, 0, 1], [0, 0, 0]])) == (3 / 4 + 0) / 2
    True
    """
    _counted(confusion)
    return float(np.mean([score.recall for score in class_scores(confusion) if score.recall is not None]))


def macro_f1(confusion: NDArray[np.integer]) -> float:
    """Mean F1 over the classes, each counting the same, 0 to 1.

    A class without an image that is never answered says nothing and is left out; one without an image that
    is answered counts as 0. scikit-learn and torchmetrics do the same.

    >>> macro_f1(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])) == (6 / 7 + 8 / 9) / 2
    True
    """
    _counted(confusion)
    return float(np.mean([score.f1 for score in class_scores(confusion) if score.f1 is not None]))


def top_k_accuracy(probs: NDArray[np.floating], truth: NDArray[np.integer], k: int = 2) -> float:
    """Share of images whose class is among the k most probable ones, 0 to 1; of equals, the first column
    goes first.

    Args:
        probs: ``(n, classes)``.
        truth: ``(n,)`` column of the right class.
        k: How many guesses there are.

    >>> top_k_accuracy(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([1, 2]))
    0.5
    """
    if not len(truth):
        raise InputError("expected at least one image to judge; got none")
    guesses = np.argsort(-np.asarray(probs), axis=1, kind="stable")[:, :k]
    return float((guesses == np.asarray(truth)[:, None]).any(axis=1).mean())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _counted(confusion: NDArray[np.integer]) -> int:
    n = int(confusion.sum())
    if not n:
        raise InputError("expected at least one image to judge; got none")
    return n
