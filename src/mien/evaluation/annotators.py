"""How well people do: some annotators of FER+ against all the others, and a network against the very same
others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.labels import FERPLUS
from mien.metrics import wilson

_DRAWS = 40
SIZES = (1, 3, 5)
_NOBODY = 255


@dataclass(frozen=True)
class AnnotatorScore:
    """Some annotators, and a network, against the plurality of the annotators that were held out.

    Args:
        annotators: How many annotators speak as one.
        n: Images.
        accuracy: How often their plurality is that of the rest, 0 to 1.
        low: Lower end of its 95 % interval over images (Wilson).
        high: Upper end.
        network: How often the network's answer is the plurality of the same rest.
        network_low: Lower end of its interval.
        network_high: Upper end.

    >>> votes = np.array([[0, 9, 1, 0, 0, 0, 0, 0, 0, 0]] * 50)  # ten people: nine say happy, one surprise
    >>> one, *_ = annotator_scores(votes, np.full(50, 1))
    >>> one.annotators, one.n, 0.8 < one.accuracy < 1, one.network
    (1, 50, True, 1.0)
    """

    annotators: int
    n: int
    accuracy: float
    low: float
    high: float
    network: float
    network_low: float
    network_high: float


def annotator_scores(
    votes: NDArray[np.integer],
    answers: NDArray[np.integer],
    sizes: Sequence[int] = SIZES,
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> tuple[AnnotatorScore, ...]:
    """Draw annotators by chance and hold them, and a network, against the rest.

    A draw deals the votes of each image into N annotators and the others. Both sides say the expression with
    the most votes on their side: *unknown* and *not a face* are no expression, equals are decided by chance,
    and a side without any expression is never right. The network is held against the same others, because a
    reference of fewer people is noisier for it as well. Figures are means over the draws.

    Args:
        votes: ``(n, 10)`` annotators for each of `mien.data.VOTES`; the official protocol takes the rows of
            `FaceDataset.ferplus_majority`, 3,153 of PrivateTest.
        answers: ``(n,)`` column of ``FERPLUS`` that the network says, -1 for a class that is not among them.
        sizes: N, each at least 1.
        draws: How often the deal is repeated.
        seed: The same seed deals the same.

    Raises:
        InputError: An image has too few annotators for any to be held out.

    >>> votes = np.zeros((4, 10), int)
    >>> votes[:, 1] = 10
    >>> [(score.accuracy, score.network) for score in annotator_scores(votes, np.array([1, 1, 1, 0]), sizes=[3])]
    [(1.0, 0.75)]
    """
    counts = np.asarray(votes, np.int64)
    if not len(counts) or counts.sum(axis=1).min() <= max(sizes):
        least = counts.sum(axis=1).min() if len(counts) else 0
        raise InputError(f"expected images with more than {max(sizes)} annotators each; got one with {least}")
    random = np.random.default_rng(seed)
    right = (
        np.array([_draw(counts, np.asarray(answers), sizes, random) for _ in range(draws)])
        .sum(axis=3)
        .mean(axis=0)
    )
    return tuple(_score(size, len(counts), *both) for size, both in zip(sizes, right.tolist(), strict=True))


def _score(annotators: int, n: int, people: float, network: float) -> AnnotatorScore:
    return AnnotatorScore(annotators, n, people / n, *wilson(people, n), network / n, *wilson(network, n))


def _draw(
    votes: NDArray[np.int64], answers: NDArray[np.integer], sizes: Sequence[int], random: np.random.Generator
) -> NDArray[np.bool_]:
    """``(sizes, 2, n)`` whether people and network are right, in one deal."""
    dealt = _dealt(votes, random)
    rows = []
    for size in sizes:
        said, rest = _plurality(dealt[:, :size], random), _plurality(dealt[:, size:], random)
        rows.append([(said == rest) & (said >= 0), (answers == rest) & (rest >= 0)])
    return np.array(rows)


def _dealt(votes: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.uint8]:
    """``(n, most)`` what each annotator of an image said, in an order by chance; `_NOBODY` at the end of
    shorter rows."""
    most = int(votes.sum(axis=1).max())
    said = np.full((len(votes), most), _NOBODY, np.uint8)
    there = np.arange(most) < votes.sum(axis=1)[:, None]
    said[there] = np.repeat(np.tile(np.arange(votes.shape[1]), len(votes)), votes.ravel())
    order = np.where(there, random.random(said.shape), 2.0).argsort(axis=1)
    return np.take_along_axis(said, order, axis=1)


def _plurality(said: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.int64]:
    """``(n,)`` expression with the most votes, or -1 without any."""
    counts = (said[:, :, None] == np.arange(len(FERPLUS))).sum(axis=1)
    winner = (counts + random.random(counts.shape) / 2).argmax(axis=1)
    return np.where(counts.any(axis=1), winner, -1)
