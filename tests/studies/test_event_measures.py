"""What is measured in a window, by hand-made series whose values are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS
from mien.core.measures import MEASURES
from mien.studies.event_measures import EventMeasure, EventWindow, measure_window
from mien.studies.signals import read_signals
from mien.video.results import VideoResult
from tests.studies.making_studies import happiness


def measured(video: VideoResult, window: EventWindow, name: str = "happy") -> EventMeasure:
    signals, _ = read_signals(video)
    return next(one for one in measure_window(signals, window) if one.measure == name)


def test_a_window_in_numbers() -> None:
    """0.2 for a second, 0.8 for two, 0.4 for one; event at 1 s, baseline the second before."""
    video = happiness([0.2, 0.2, 0.8, 0.8, 0.9, 0.8, 0.4, 0.4])
    happy = measured(video, EventWindow("joke", 1, 1.0, 1.0, 4.0, (0.0, 1.0)))
    assert happy.mean == pytest.approx((0.8 + 0.8 + 0.9 + 0.8 + 0.4 + 0.4) / 6)
    assert (happy.peak, happy.peak_time) == (pytest.approx(0.9), 1.0)
    assert (happy.onset, happy.duration) == (0.0, 2.0)
    assert happy.share == pytest.approx(2 / 3)
    assert happy.baseline == pytest.approx(0.2)
    assert happy.change == pytest.approx(happy.mean - 0.2)
    assert happy.area == pytest.approx(3 * (happy.mean - 0.2))
    assert (happy.seconds, happy.coverage, happy.uncertain) == (3.0, 1.0, 0.0)
    neutral = measured(video, EventWindow("joke", 1, 1.0, 1.0, 4.0))
    assert math.isnan(neutral.change)
    assert neutral.area == pytest.approx(3 * neutral.mean)


def test_frames_count_by_the_time_they_stand_for() -> None:
    video = happiness([0.1, 0.9, 0.5], times=[0.0, 0.3, 1.0])
    happy = measured(video, EventWindow("e", 1, 0.0, 0.0, 1.0))
    assert happy.mean == pytest.approx(0.1 * 0.3 + 0.9 * 0.7)
    inner = measured(video, EventWindow("e", 1, 0.2, 0.2, 0.5))  # Of either frame only what lies inside.
    assert inner.mean == pytest.approx((0.1 * 0.1 + 0.9 * 0.2) / 0.3)
    assert inner.peak_time == pytest.approx(0.1)


def test_gaps_stay_gaps() -> None:
    video = happiness([0.9, 0.9, None, None, 0.3, 0.3])
    happy = measured(video, EventWindow("e", 1, 0.0, 0.0, 3.0))
    assert happy.mean == pytest.approx(0.6)
    assert (happy.seconds, happy.coverage) == (2.0, pytest.approx(2 / 3))
    assert happy.duration == 1.0
    hole = measured(video, EventWindow("e", 1, 1.0, 1.0, 2.0))
    assert (hole.coverage, hole.seconds) == (0.0, 0.0)
    assert all(
        math.isnan(value)
        for value in (hole.mean, hole.peak, hole.peak_time, hole.onset, hole.share, hole.area)
    )


def test_a_stream_that_stops_is_a_gap_too() -> None:
    times = [0.0, 0.5, 1.0, 9.0, 9.5]
    happy = measured(happiness([0.9] * 5, times=times), EventWindow("e", 1, 0.0, 0.0, 10.0))
    assert happy.coverage == pytest.approx(0.25)
    assert happy.duration == pytest.approx(1.5)


def test_an_onset_lasts_a_while_and_comes_after_the_event() -> None:
    step = 0.05
    values = [0.1] * 10 + [0.9] + [0.1] * 9 + [0.8] * 10 + [0.1] * 10
    happy = measured(happiness(values, step), EventWindow("e", 1, 0.25, 0.0, 2.0))
    assert happy.onset == pytest.approx(1.0 - 0.25)  # The one frame at 0.5 s is too short.
    assert happy.duration == pytest.approx(0.5)
    already = measured(happiness([0.9] * 40, step), EventWindow("e", 1, 1.0, 0.0, 2.0))
    assert (already.onset, already.duration) == (0.0, pytest.approx(1.0))
    never = measured(happiness([0.1] * 40, step), EventWindow("e", 1, 0.0, 0.0, 2.0))
    assert math.isnan(never.onset)
    assert math.isnan(never.duration)
    assert never.share == 0


def test_other_signals_are_active_well_above_their_baseline() -> None:
    values = [0.2, 0.4] * 5 + [0.45] * 4 + [0.8] * 6  # The baseline is 0.3 with a standard deviation of 0.1.
    window = EventWindow("e", 1, 5.0, 5.0, 10.0, (0.0, 5.0))
    shown = measured(happiness(values), window, "expressiveness")
    assert shown.baseline == pytest.approx(0.3)
    assert (shown.onset, shown.duration) == (2.0, 3.0)
    assert shown.share == pytest.approx(3 / 5)
    without = measured(happiness(values), EventWindow("e", 1, 5.0, 5.0, 10.0), "expressiveness")
    assert math.isnan(without.share)
    assert math.isnan(without.onset)


def test_moments_that_are_not_sure_are_told() -> None:
    labels, probs = EXPRESSIONS, np.full((4, len(EXPRESSIONS)), 0.1)
    probs[:, 0] = 0.4
    probs[3] = 0
    probs[3, 1] = 1
    faces = Faces(np.tile([[0, 0, 9, 9]], (4, 1)), np.ones(4), range(4), range(4), probs=probs, labels=labels)
    video = VideoResult("a.mp4", faces, np.arange(4), np.arange(4.0))
    assert measured(video, EventWindow("e", 1, 0, 0, 4)).uncertain == pytest.approx(0.75)


def test_landmarks_are_measured_where_there_are_any() -> None:
    video = happiness([0.5] * 4)
    measures = np.full((4, len(MEASURES)), np.nan)
    smile = list(MEASURES).index("smile")
    measures[:, smile] = [0.1, np.nan, 0.3, 0.2]
    faces = video.faces.with_columns(measures=measures, measure_reasons=np.zeros(4))
    landmarks = VideoResult("a.mp4", faces, video.frames, video.times)
    shown = measured(landmarks, EventWindow("e", 1, 0.0, 0.0, 2.0), "smile")
    assert (shown.mean, shown.peak, shown.coverage) == (pytest.approx(0.2), pytest.approx(0.3), 0.75)
    signals, _ = read_signals(landmarks)
    assert "yaw" not in signals.names
    alone = VideoResult(
        "a.mp4",
        Faces(
            faces.boxes,
            faces.detection_scores,
            faces.frames,
            faces.times,
            measures=measures,
            measure_reasons=np.zeros(4),
        ),
        video.frames,
        video.times,
    )
    assert [one.measure for one in measure_window(read_signals(alone)[0], EventWindow("e", 1, 0, 0, 2))] == [
        "smile"
    ]
    with pytest.raises(InputError, match="expressions or measures of landmarks"):
        read_signals(VideoResult("a.mp4", Faces([[0, 0, 1, 1]], [1], [0], [0]), np.arange(1), np.arange(1.0)))


def crowd() -> VideoResult:
    """Person 2 is in view for three of four frames, person 1 large in two."""
    faces = Faces(
        [[0, 0, 90, 90], [0, 0, 9, 9], [0, 0, 90, 90], [0, 0, 9, 9], [0, 0, 9, 9]],
        np.ones(5),
        [0, 0, 1, 2, 3],
        [0, 0, 1, 2, 3],
        tracks=[1, 2, 1, 2, 2],
        probs=[[0.2, 0.8], [0.6, 0.4], [0.2, 0.8], [0.6, 0.4], [0.9, 0.1]],
        labels=happiness([0.5]).faces.labels,
    )
    return VideoResult("a.mp4", faces, np.arange(4), np.arange(4.0))


def test_the_person_longest_in_view_is_the_participant() -> None:
    signals, remarks = read_signals(crowd())
    assert np.isnan(signals.values[:, 0]).tolist() == [False, True, False, False]
    assert remarks == ["a.mp4: 2 people in view; person 2 is taken, who has 60 % of the time of all"]
    largest, _ = read_signals(crowd(), "largest")
    assert largest.values[:, 0] == pytest.approx([0.2, 0.2, 0.6, 0.9])
    everybody, _ = read_signals(crowd(), "all")
    assert everybody.values[:, 0] == pytest.approx([0.4, 0.2, 0.6, 0.9])
    assert everybody.shown.tolist() == [1, 1, 0, 0]
    second, _ = read_signals(crowd(), 1)
    assert second.seen.tolist() == [True, True, False, False]
    with pytest.raises(InputError, match="expected person 7; there are 1, 2"):
        read_signals(crowd(), 7)


def test_an_image_stands_for_a_second() -> None:
    happy = measured(happiness([0.7]), EventWindow("whole", 1, 0.0, 0.0, 1.0))
    assert (happy.mean, happy.seconds, happy.coverage) == (pytest.approx(0.7), 1.0, 1.0)
