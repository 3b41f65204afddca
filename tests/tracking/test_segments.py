"""Stretches and people, by the stream's own time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.tracking.options import Smoothing
from mien.tracking.persons import People, PersonSummary
from mien.tracking.segments import FrameSpans, Segmenter, segments
from mien.tracking.smoothing_offline import smooth_offline
from tests.tracking.people_reading import LABELS, probs, result, told


def spans(found: list[Any]) -> list[tuple[int, str, float, float]]:
    return [(one.track, one.label, round(one.start, 3), round(one.end, 3)) for one in found]


def summed_up(results: list[FrameResult]) -> list[PersonSummary]:
    lasting, segmenter, people = FrameSpans(), Segmenter(), People(LABELS)
    for one in results:
        people.add(lasting.update(one), segmenter.update(one))
    people.add(lasting.close(), segmenter.close())
    return people.summaries()


def test_stretches_meet_where_the_label_changes() -> None:
    found = list(segments(told(["happy"] * 10 + ["sad"] * 5, 10)))
    assert spans(found) == [(1, "happy", 0.0, 1.0), (1, "sad", 1.0, 1.5)]
    assert [one.confidence for one in found] == pytest.approx([0.7, 0.7])


def test_time_counts_not_frames() -> None:
    # Nine frames in the first second, one for the next.
    times = [*np.arange(9) / 9, 1.0, 2.0]
    results = [
        result(float(time), {1: probs("happy" if index < 9 else "sad")}, index)
        for index, time in enumerate(times)
    ]
    [person] = summed_up(results)
    assert person.seconds == pytest.approx(3.0)
    assert person.shares["happy"] == pytest.approx(1 / 3)
    assert person.shares["sad"] == pytest.approx(2 / 3)
    assert sum(person.shares.values()) == pytest.approx(1)
    assert person.probs["happy"] == pytest.approx((0.7 * 1 + 0.1 * 2) / 3)


def test_a_gap_ends_a_stretch() -> None:
    nobody = [result(index / 10, {}, index) for index in range(10, 50)]
    found = list(segments(told(["happy"] * 10, 10) + nobody + told(["happy"] * 10, 10, start=5)))
    assert spans(found) == [(1, "happy", 0.0, 1.0), (1, "happy", 5.0, 6.0)]
    short = told(["happy"] * 10, 10) + told(["happy"] * 10, 10, start=1.5)
    assert spans(list(segments(short))) == [(1, "happy", 0.0, 2.5)]


def test_steady_labels_are_used_where_there_are_some() -> None:
    labels = ["happy"] * 20 + ["sad"] + ["happy"] * 20
    found = list(segments(smooth_offline(told(labels), Smoothing(), LABELS)))
    assert [one.label for one in found] == ["happy"]


def test_nothing_is_kept_of_what_is_over() -> None:
    segmenter = Segmenter()
    count = 0
    for index in range(2000):
        count += len(
            segmenter.update(
                result(index / 10, {index // 4: probs("happy"), 10**6: probs(LABELS[index // 7 % 4])}, index)
            )
        )
        assert len(segmenter._open) <= 6
        assert len(segmenter._spans._open) <= 6
    assert count > 700


def test_people_in_numbers() -> None:
    results = []
    for index in range(100):
        sure = 0.4 if index < 20 else 0.8
        seen = {1: probs("happy" if index % 40 < 30 else "sad", sure)}
        if 30 <= index < 50:
            seen[2] = probs("angry")
        results.append(result(index / 10, seen, index))
    first, second = summed_up(results)
    assert (first.track, first.first, first.last, first.frames) == (1, 0.0, 9.9, 100)
    assert first.seconds == pytest.approx(10)
    assert first.uncertain == pytest.approx(0.2)
    assert first.confidence == pytest.approx(0.72)
    assert first.shares["happy"] == pytest.approx(0.8)
    assert first.dwells["happy"].count == 3
    assert first.dwells["happy"].longest == pytest.approx(3)
    assert first.dwells["happy"].mean == pytest.approx(8 / 3)
    assert (first.dwells["angry"].count, first.dwells["angry"].mean) == (0, 0.0)
    assert (second.first, second.seconds) == (3.0, pytest.approx(2.0))


def test_a_single_frame_is_a_person_too() -> None:
    [person] = summed_up([result(3.0, {7: probs("sad")})])
    assert (person.track, person.frames, person.seconds, person.shares["sad"]) == (7, 1, 0.0, 1.0)
    assert next(iter(segments([result(3.0, {7: probs("sad")})]))).confidence == pytest.approx(0.7)


def test_nobody() -> None:
    nobody = [
        FrameResult("clip.mp4", 0, 0.0, Faces.empty(LABELS)),
        FrameResult("clip.mp4", None, None, Faces.empty(LABELS)),
    ]
    assert summed_up(nobody) == []
    assert list(segments([])) == []


def test_time_that_goes_back() -> None:
    found = list(segments(told(["happy"] * 10, 10, start=100) + told(["sad"] * 10, 10)))
    assert spans(found) == [(1, "happy", 100.0, 101.0), (1, "sad", 0.0, 1.0)]


def test_faces_without_tracks_are_refused() -> None:
    one = told(["happy"])[0]
    with pytest.raises(InputError, match="expected faces with tracks"):
        list(segments([FrameResult("a", 0, 0.0, one.faces.with_columns(tracks=None))]))
