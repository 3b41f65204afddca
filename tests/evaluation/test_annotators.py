"""People against people."""

from __future__ import annotations

import numpy as np
import pytest

from mien import InputError
from mien.data import FaceDataset
from mien.evaluation import annotator_scores


def test_one_annotator_by_arithmetic() -> None:
    votes = np.tile([7, 3, 0, 0, 0, 0, 0, 0, 0, 0], (4000, 1))
    [score] = annotator_scores(votes, np.zeros(4000, int), sizes=[1], draws=5)
    assert score.accuracy == pytest.approx(0.7, abs=0.01), "the rest says 0 whoever is drawn"
    assert score.network == 1


def test_unknown_is_no_expression() -> None:
    votes = np.tile([3, 0, 0, 0, 0, 0, 0, 0, 7, 0], (4000, 1))
    [score] = annotator_scores(votes, np.zeros(4000, int), sizes=[1], draws=5)
    assert score.accuracy == pytest.approx(0.3, abs=0.01), (
        "who says unknown is not right, but does not outvote the others either"
    )


def test_equals_are_decided_by_chance() -> None:
    votes = np.tile([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], (4000, 1))
    two, five = annotator_scores(votes, np.zeros(4000, int), sizes=[2, 5], draws=5)
    assert two.network == pytest.approx(0.5, abs=0.02)
    assert five.accuracy < 0.05, "five of ten leave the opposite behind"


def test_an_answer_that_nobody_could_give_is_wrong() -> None:
    votes = np.tile([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], (3, 1))
    [score] = annotator_scores(votes, np.array([0, -1, 3]), sizes=[3])
    assert score.network == pytest.approx(1 / 3)


def test_rows_of_unequal_length() -> None:
    votes = np.array([[10, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 7, 0, 0, 0, 0, 0, 0, 0, 0]])
    [score] = annotator_scores(votes, np.array([0, 1]), sizes=[5])
    assert (score.accuracy, score.network) == (1, 1)


def test_too_few_annotators() -> None:
    with pytest.raises(InputError, match="expected images with more than 5 annotators each; got one with 3"):
        annotator_scores(np.array([[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]]), np.array([0]))


def test_the_figures_of_the_data_set(fer2013: FaceDataset) -> None:
    private = fer2013.split("PrivateTest")
    counted = private.ferplus_majority() >= 0
    votes, truth = private.votes[counted], private.ferplus_majority()[counted]
    found = annotator_scores(votes, truth, sizes=(1, 2, 3, 5))
    assert [score.n for score in found] == [3153] * 4
    assert [score.accuracy * 100 for score in found] == pytest.approx([77.1, 79.7, 85.4, 88.2], abs=0.5)
    assert [score.network for score in found] == sorted((score.network for score in found), reverse=True), (
        "fewer people are a noisier reference"
    )
