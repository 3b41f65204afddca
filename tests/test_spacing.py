"""Seconds that fit how far apart frames come: patience, how long a frame lasts, and what is made of them
for people and labels.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import numpy as np
import pytest

from mien.clips.aggregate import durations
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.spacing import Spacing
from mien.tracking.options import Smoothing
from mien.tracking.segments import segments
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.video.results import VideoResult

LABELS = Labels(("sad", "happy"))


def video(
    times: Sequence[float], seen: Sequence[bool] | None = None, tracks: Sequence[int] | None = None
) -> VideoResult:
    """A person who is happy, or in some frames nobody."""
    here = np.flatnonzero(np.ones(len(times), bool) if seen is None else np.array(seen))
    faces = Faces(
        [[0, 0, 40, 50]] * len(here),
        np.ones(len(here)),
        here,
        np.array(times)[here],
        tracks=np.ones(len(here), int) if tracks is None else np.array(tracks),
        probs=[[0.1, 0.9]] * len(here),
        labels=LABELS,
    )
    return VideoResult("a.mp4", faces, np.arange(len(times)), np.array(times))


@pytest.mark.parametrize("step", [0.04, 0.5, 1.0, 1.001, 2.0, 5.0, 30.0, 3600.0])
def test_time_in_view_is_frames_times_step(step: float) -> None:
    whole = video([index * step for index in range(12)])
    [person] = whole.people()
    assert person.seconds == pytest.approx(12 * step)
    assert [(segment.label, segment.start, segment.end) for segment in whole.segments()] == [
        ("happy", 0.0, pytest.approx(12 * step))
    ]
    assert durations(whole).sum() == pytest.approx(12 * step)


def test_each_frame_counts_as_long_as_it_lasts() -> None:
    times = [0.0, 3.0, 4.0, 34.0, 34.5, 41.0]
    whole = video(times)
    [person] = whole.people()
    assert person.seconds == pytest.approx(41.0 + 6.5)  # The last frame lasts as long as the one before.
    assert durations(video([0.0, 20.0, 45.0, 60.0])).tolist() == [20.0, 25.0, 15.0, 20.0]


@pytest.mark.parametrize("step", [0.4, 1.5, 30.0])
def test_one_missed_frame_is_no_absence_and_many_are(step: float) -> None:
    def spans(seen: Sequence[bool]) -> list[tuple[float, float]]:
        found = video([index * step for index in range(len(seen))], seen).segments()
        return [(round(segment.start / step, 6), round(segment.end / step, 6)) for segment in found]

    assert spans([True, True, False, True, True]) == [(0, 5)]
    assert spans([True, True, False, False, False, True]) == [(0, 2), (5, 6)]


def test_a_hole_in_a_fast_stream_is_nobodys_time() -> None:
    times = [0.0, 0.04, 0.08, 20.0, 20.04, 20.08]
    people = video(times, tracks=[1, 1, 1, 2, 2, 2]).people()
    assert [round(person.seconds, 6) for person in people] == [0.12, 0.12]
    assert durations(video(times)).tolist() == pytest.approx([0.04] * 6)


def test_a_slow_stream_is_as_steady_as_one_that_is_sampled() -> None:
    """A second opinion of a small face needs evidence over frames, whatever the step."""

    def faces(index: int, time: float) -> Faces:
        probs = [[0.55, 0.45]] if index == 6 else [[0.45, 0.55]]
        return Faces([[0, 0, 10, 10]], [0.3], [index], [time], tracks=[1], probs=probs, labels=LABELS)

    for step in (0.9, 1.001):
        smoother = OnlineSmoother(LABELS, Smoothing(evidence=0.2))
        live = [smoother.update(faces(index, index * step)).smoothed_emotion_ids for index in range(12)]
        assert [int(label[0]) for label in live if label is not None] == [1] * 12
        results = (FrameResult("a", index, index * step, faces(index, index * step)) for index in range(12))
        settled = [
            result.faces.smoothed_emotion_ids
            for result in smooth_offline(results, Smoothing(evidence=0.2), LABELS)
        ]
        assert [int(label[0]) for label in settled if label is not None] == [1] * 12


def test_steps_are_learned_and_forgotten() -> None:
    spacing = Spacing(1.0)
    assert spacing.patience == float("inf")
    for time in (0.0, 0.04, 0.08):
        spacing.take(time)
    assert spacing.patience == 1.0
    assert spacing.lasting(5.0) == pytest.approx(0.04)
    spacing.take(5.08)
    assert spacing.patience == pytest.approx(12.5)
    assert spacing.lasting(6.0) == 6.0
    assert spacing.take(2.0) < 0
    other = Spacing(1.0)
    other.restore(json.loads(json.dumps(spacing.state())))
    for time in itertools.accumulate([2.04] + [0.04] * 8):
        assert spacing.take(time) == other.take(time)
    assert spacing.patience == other.patience == 1.0


def test_what_could_not_be_read_says_nothing_about_people() -> None:
    from mien.core.errors import MediaError

    whole = video([0.0, 0.1, 0.2, 0.5])
    lost = FrameResult("a.mp4", 3, 0.3, Faces.empty(LABELS), MediaError("lost"))
    results = list(whole.results())
    with_error = [*results[:3], lost, *results[3:]]
    assert list(segments(with_error)) == list(segments(results))
