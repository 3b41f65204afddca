"""Where the first guess is wrong: how often the second one is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class that were called another.

    Args:
        predicted: Column of the answer.
        was: Column of the right class.
        n: How many images.
        right: For how many of them the second guess is right.

    >>> ConfusedPair(predicted=5, was=0, n=40, right=30).share
    0.75
    """

    predicted: int
    was: int
    n: int
    right: int

    @property
    def share(self) -> float:
        """How often the second guess is right, 0 to 1."""
        return self.right / self.n


@dataclass(frozen=True)
class SecondGuesses:
    """The second guess over all errors and for each confused pair.

    Args:
        errors: Images whose first guess is wrong.
        right: For how many of them the second guess is right.
        pairs: Every pair that occurs, the most frequent first.

    >>> SecondGuesses(errors=80, right=40, pairs=()).share
    0.5
    """

    errors: int
    right: int
    pairs: tuple[ConfusedPair, ...]

    @property
    def share(self) -> float | None:
        """How often the second guess is right over all errors, 0 to 1; None without an error."""
        return self.right / self.errors if self.errors else None


def second_guesses(probs: NDArray[np.floating], truth: NDArray[np.integer]) -> SecondGuesses:
    """Count second guesses, as Spittlemeister's table does (predicted sad / was angry ...).

    Args:
        probs: ``(n, k)``, k at least 2; of equals, the first column goes first.
        truth: ``(n,)`` column of the right class.

    >>> found = second_guesses(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]), np.array([1, 2, 2]))
    >>> found.errors, found.right, found.pairs[0]
    (2, 1, ConfusedPair(predicted=0, was=1, n=1, right=1))
    """
    truth = np.asarray(truth, np.int64)
    guesses = np.argsort(-np.asarray(probs), axis=1, kind="stable")
    first, second = guesses[:, 0], guesses[:, 1]
    wrong = first != truth
    right = wrong & (second == truth)
    k = guesses.shape[1]
    codes, places = np.unique((first * k + truth)[wrong], return_inverse=True)
    counts = np.bincount(places, minlength=len(codes))
    rights = np.bincount(places[right[wrong]], minlength=len(codes))
    pairs = [
        ConfusedPair(int(code) // k, int(code) % k, int(n), int(good))
        for code, n, good in zip(codes, counts, rights, strict=True)
    ]
    return SecondGuesses(
        int(wrong.sum()),
        int(right.sum()),
        tuple(sorted(pairs, key=lambda pair: (-pair.n, pair.predicted, pair.was))),
    )
