"""What a finished run measures, under names that the claims of the papers point to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.data.dataset import PRIVATE_TEST, PUBLIC_TEST, TRAINING, FaceDataset, leak_free
from mien.metrics import SecondGuesses, accuracy, confusion_matrix, macro_f1, second_guesses

MEANING = {
    "last_validation": "accuracy on the watched part, last epoch",
    "last_training": "running accuracy on the learned part, last epoch, as Keras prints it",
    "best_validation": "accuracy on the watched part, best epoch",
    "epochs": "epochs",
    "training": "accuracy on the learned part, one view",
    "validation": "accuracy on the watched part, one view",
    "public_test": "accuracy on PublicTest",
    "private_test": "accuracy on PrivateTest",
    "private_test_leak_free": "accuracy on the leak-free part of PrivateTest",
    "both_tests": "accuracy on PublicTest and PrivateTest together",
    "macro_f1": "macro-F1 on PrivateTest",
    "whole_set": "accuracy on all images, those learned from too",
    "test_over_training": "accuracy on PrivateTest over that on the learned part",
    "second_guess": "second guess right, share of the errors on PrivateTest",
}
"""Every measure; ``second_guess X/Y`` is its share where X was said and Y was true."""


def history_measures(history: Sequence[dict[str, float]], head: str) -> dict[str, float]:
    """What the epochs of a run say by themselves."""
    last = history[-1]
    return {
        "epochs": float(len(history)),
        "last_validation": last[f"validation_{head}"],
        "last_training": last[f"train_{head}"],
        "best_validation": max(row[f"validation_{head}"] for row in history),
    }


def measures(
    probs: NDArray[np.float32], data: FaceDataset, learned: NDArray[np.int64], watched: NDArray[np.int64]
) -> dict[str, float]:
    """Accuracies and second guesses of one network.

    Args:
        probs: ``(n, k)`` its answer to every image of ``data``, one view.
        data: FER-2013, whole.
        learned: ``rows`` that it learned from.
        watched: ``rows`` that were watched in training.

    Returns:
        Values by name, see `MEANING`.
    """
    right = probs.argmax(axis=1) == data.expressions
    test = data.splits == PRIVATE_TEST
    matrix = private_confusion(probs, data)
    found = {
        "training": _share(right, np.isin(data.rows, learned)),
        "validation": _share(right, np.isin(data.rows, watched)),
        "public_test": _share(right, data.splits == PUBLIC_TEST),
        "private_test": accuracy(matrix),
        "private_test_leak_free": _share(right, np.isin(data.rows, leak_free(data, PRIVATE_TEST).rows)),
        "both_tests": _share(right, data.splits != TRAINING),
        "macro_f1": macro_f1(matrix),
        "whole_set": float(right.mean()),
    }
    found["test_over_training"] = found["private_test"] / found["training"]
    return found | _second(second_guesses(probs[test], data.expressions[test]), data)


def private_confusion(probs: NDArray[np.float32], data: FaceDataset) -> NDArray[np.int64]:
    """Confusion matrix on PrivateTest: a row is what an image is, a column what it was called."""
    test = data.splits == PRIVATE_TEST
    return confusion_matrix(data.expressions[test], probs[test].argmax(axis=1), len(data.labels))


def require_whole(data: FaceDataset) -> None:
    """Make sure that the data has the three splits that the measures speak of.

    Raises:
        InputError: One is missing.
    """
    for split in (TRAINING, PUBLIC_TEST, PRIVATE_TEST):
        data.split(split)


def _second(found: SecondGuesses, data: FaceDataset) -> dict[str, float]:
    pairs = {
        f"second_guess {data.labels[pair.predicted]}/{data.labels[pair.was]}": pair.share
        for pair in found.pairs
    }
    return ({} if found.share is None else {"second_guess": found.share}) | pairs


def _share(right: NDArray[np.bool_], part: NDArray[np.bool_]) -> float:
    return float(right[part].mean())
