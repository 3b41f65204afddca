"""Calibration by a neutral face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing
from mien.tracking.persons import baseline_remarks
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.video.summary import Overview
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
    assert label(smoother, 5.0, [0.5, 0.05, 0.4, 0.05], track=2) == "neutral"
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


def shift(habit: list[float]) -> list[float]:
    """What a neutral face of these probabilities takes off each log-probability, up to what all share."""
    neutral = NeutralBaseline(LABELS, 1.0)
    for index in range(12):
        neutral.calibrated(faces(index / 10, {1: habit}), index / 10)
    [calibrated] = neutral.calibrated(faces(1.2, {1: [0.25] * 4}), 1.2)
    taken = np.log(0.25) - calibrated
    return [round(float(value - taken[0]), 3) for value in taken]


def test_what_a_neutral_face_seldom_shows_counts_more_and_what_it_shows_counts_less() -> None:
    """Labels: angry, happy, neutral, sad; a neutral face is expected to have one half and a sixth each."""
    assert shift([1 / 6, 1 / 6, 1 / 2, 1 / 6]) == [0, 0, 0, 0]
    # Neutral above one half by log 1.7, but half a nat is the most; the others below a sixth by more than that.
    assert shift([0.05, 0.05, 0.85, 0.05]) == [0, 0, 1, 0]
    # Sad above a sixth by log 1.8, neutral below one half by log 0.8.
    assert shift([1 / 6, 1 / 6, 0.4, 4 / 15]) == [0, 0, round(np.log(0.8), 3), round(np.log(1.6), 3)]


def test_a_weak_smile_in_a_face_that_is_seldom_happy_is_seen() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline=2.0))
    for index in range(60):
        label(smoother, index / 30, [0.02, 0.03, 0.9, 0.05])
    weak = [0.02, 0.38, 0.55, 0.05]
    assert [label(smoother, 2 + index / 30, weak) for index in range(30)][-1] == "happy"
    assert [label(smoother, 3 + index / 30, [0.03, 0.07, 0.8, 0.1]) for index in range(30)][-1] == "neutral"
    plain = OnlineSmoother(LABELS)
    assert label(plain, 0.0, weak) == "neutral"


@pytest.mark.parametrize("source", [2.0, "median"])
def test_a_smile_of_many_seconds_stays_one(source: Any) -> None:
    """Nobody is calibrated by a face that is hardly neutral at all."""
    smoother = OnlineSmoother(LABELS, Smoothing(baseline=source))
    assert {label(smoother, index / 10, [0.02, 0.9, 0.06, 0.02]) for index in range(200)} == {"happy"}


def test_a_doubtful_smile_that_became_neutral_is_told() -> None:
    doubtful = [0.05, 0.45, 0.4, 0.1]
    results = [result(index / 10, {1: doubtful, 2: probs("neutral")}, index) for index in range(100)]
    for source, told in ((2.0, True), (None, False)):
        overview = Overview("clip.mp4", LABELS)
        for one in smooth_offline(results, Smoothing(baseline=source), LABELS):
            overview.add(one)
        overview.end()
        remarks = baseline_remarks("clip.mp4", overview.people)
        assert bool(remarks) == told
        if told:
            [remark] = remarks
            assert remark == (
                "clip.mp4: person 1 looked happy in single frames for 10 s that are counted as neutral now: "
                "if that was no neutral face, run again without --baseline"
            )


def test_brief_people_take_the_videos_median() -> None:
    results = [result(index / 10, {1: GLOOMY}, index) for index in range(200)] + [
        result(30.0, {2: probs("happy")}, 300)
    ]
    learned = NeutralBaseline.learn(results, LABELS)
    assert set(learned.state()["people"]) == {"1"}
    brief, long = learned.calibrated(faces(31.0, {2: GLOOMY, 1: GLOOMY}), 31.0)
    assert np.allclose(brief, long, atol=0.1)


def test_labels_without_neutral() -> None:
    with pytest.raises(InputError, match="expected labels with neutral"):
        OnlineSmoother(Labels(("sad", "happy")), Smoothing(baseline="median"))


def test_people_who_left_are_forgotten() -> None:
    smoother = OnlineSmoother(LABELS, Smoothing(baseline="median"))
    for index in range(300):
        smoother.update(faces(float(index), {index: GLOOMY}))
    assert len(smoother.state()["neutral"]["people"]) <= 11
