"""The readings of the published shares of second guesses; the first is what `mien.metrics` counts."""

from __future__ import annotations

import numpy as np

from benchmarks.studies.second_guesses import PUBLISHED, READINGS, counted, table
from mien.metrics import second_guesses
from tests.data.making_data import small_dataset


def test_each_reading_of_a_few_answers() -> None:
    """Of classes 0 and 1: two are called 0 and are 1, one with the right second guess; one the other way about; one right."""
    probs = np.array(
        [[0.6, 0.3, 0.1], [0.6, 0.1, 0.3], [0.3, 0.6, 0.1], [0.6, 0.3, 0.1], [0.5, 0.1, 0.4]],
    )
    truth = np.array([1, 1, 0, 0, 2])
    assert list(counted(probs, truth, 0, 1).values()) == [
        (2, 1),
        (3, 2),
        (3, 1),
        (1, 1),
        (2, 2),
        (3, 3),
        (2, 1),
    ]


def test_the_first_reading_is_the_measure() -> None:
    faces = small_dataset(350, votes=False)
    rng = np.random.default_rng(5)
    probs = rng.random((len(faces), len(faces.labels))).astype(np.float32)
    for pair in second_guesses(probs, faces.expressions).pairs:
        first = next(iter(READINGS))
        assert counted(probs, faces.expressions, pair.predicted, pair.was)[first] == (pair.n, pair.right)


def test_the_table_has_a_line_for_each_part_and_reading() -> None:
    faces = small_dataset(350, votes=False)
    probs = np.random.default_rng(6).random((len(faces), len(faces.labels)))
    lines = table(faces, [probs, probs]).splitlines()
    assert len(lines) == 3 + 3 * len(READINGS)
    assert {line.count("|") for line in lines} == {len(PUBLISHED) + 3}
    assert "76.7%" in lines[2]
