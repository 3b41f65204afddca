"""Calibration by a neutral face."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_online import OnlineSmoother
from tests.tracking.people_reading import LABELS, faces, probs, result

GLOOMY = [0.05, 0.05, 0.3, 0.6]  # A neutral face that looks sad.


def label(smoother: OnlineSmoother, time: float, values: list[float], track: int = 1) -> str | None:
    [face] = smoother.update(faces(time, {track: values}))
    return face.smoothed_emotion


def test_seconds_of_a_neutral_face() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline=2.0))
    early = [label(smoother, index / 30, GLOOMY) for index in range(60)]
    assert set(early) == {"neutral"}
    # Really sad now, and happy later: what was learned stays.
    assert [label(smoother, 2 + index / 30, [0.02, 0.01, 0.02, 0.95]) for index in range(30)][-1] == "sad"
    assert [label(smoother, 3 + index / 30, [0.02, 0.8, 0.1, 0.08]) for index in range(30)][-1] == "happy"
    assert [label(smoother, 4 + index / 30, GLOOMY) for index in range(30)][-1] == "neutral"
    # Someone else is not calibrated by this person's face.
    assert label(smoother, 5.0, probs("angry"), track=2) == "neutral"
    plain = OnlineSmoother(LABELS)
    assert label(plain, 0.0, GLOOMY) == "sad"


def test_a_running_median() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline="median"))
    labels = [label(smoother, index / 10, GLOOMY) for index in range(100)]
    assert labels[0] == "sad"
    assert set(labels[50:]) == {"neutral"}


def test_the_raw_values_stay() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline=1.0))
    assert np.allclose(smoother.update(faces(0.0, {1: GLOOMY})).probs, GLOOMY)


def test_a_face_that_is_read_as_neutral_is_left_alone() -> None:
    neutral = NeutralBaseline(LABELS, 1.0)
    logs = np.log(np.array(probs("happy")))
    for index in range(12):
        neutral.calibrated(1, index / 10, np.log(np.array(probs("neutral", 0.85))))
    assert np.allclose(neutral.calibrated(1, 1.2, logs), logs)


def test_brief_people_take_the_videos_median() -> None:
    results = [result(index / 10, {1: GLOOMY}, index) for index in range(200)] + [
        result(30.0, {2: probs("happy")}, 300)
    ]
    learned = NeutralBaseline.learn(results, LABELS)
    assert set(learned.state()["people"]) == {"1"}
    assert np.allclose(
        learned.calibrated(2, 31.0, np.log(np.array(GLOOMY))),
        learned.calibrated(1, 31.0, np.log(np.array(GLOOMY))),
        atol=0.1,
    )


def test_labels_without_neutral() -> None:
    with pytest.raises(InputError, match="expected labels with neutral"):
        OnlineSmoother(Labels(("sad", "happy")), Smoothing(baseline="median"))


def test_people_who_left_are_forgotten() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline="median"))
    for index in range(300):
        smoother.update(faces(float(index), {index: GLOOMY}))
    assert len(smoother.state()["neutral"]["people"]) <= 11
