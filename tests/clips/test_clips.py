"""One answer per clip, on rows made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.clips.aggregate import GAP, ClipRule, durations, read_clip
from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.metrics.sentiment import PRESETS
from mien.video.results import VideoResult
from tests.clips.making_rows import clip, sure


def moments(times: list[float], failures: tuple[float, ...] = ()) -> VideoResult:
    lost = tuple(
        FrameResult("a", number, time, Faces.empty(), MediaError("damaged"))
        for number, time in enumerate(failures)
    )
    return VideoResult("a", Faces.empty(EXPRESSIONS), np.arange(len(times)), np.array(times), lost)


@pytest.mark.parametrize(
    ("times", "failures", "lasting"),
    [
        ([], (), []),
        ([0.0], (), [0]),
        ([0, 0.1, 0.3, 0.4], (), [0.1, 0.2, 0.1, 0.1]),  # irregular
        ([0, 0.1, 0.2, 9.2, 9.3], (), [0.1, 0.1, 0.1, 0.1, 0.1]),  # a gap
        ([0, 2, 4, 9, 11], (), [2, 2, 5, 2, 2]),  # sampled every 2 s; one sample is missing
        ([0, 2, 4, 11, 13], (), [2, 2, 2, 2, 2]),  # three are
        ([0, 0.1, 0.2, 0.1, 0.2], (), [0.1, 0.1, 0.1, 0.1, 0.1]),  # a jump back
        ([0, 0.2, 0.4, 1.0], (0.5,), [0.2, 0.2, 0.1, 0.2]),  # something not read
        ([0, 0.2, 0.4, 1.0], (0.9,), [0.2, 0.2, 0.2, 0.2]),
        ([5.0, 5.0, 5.0], (), [0, 0, 0]),
    ],
)
def test_how_long_frames_stand_for(
    times: list[float], failures: tuple[float, ...], lasting: list[float]
) -> None:
    assert durations(moments(times, failures)).tolist() == pytest.approx(lasting)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_a_frame_stands_for_its_own_step_or_the_usual_one(steps: list[float]) -> None:
    times = np.cumsum([0.0, *steps])
    lasting, real = durations(moments(times.tolist())), np.diff(times)
    usual = float(np.median(real[real > 0])) if (real > 0).any() else 0.0
    assert all(own == usual or own == step >= 0 for own, step in zip(lasting, [*real, usual], strict=True))


def test_counting_and_evidence_differ_where_frames_last_differently() -> None:
    # Three short frames of happy, one of sad that lasts.
    shown = clip("a.mp4", ["happy", "happy", "happy", "sad", "neutral"], [0.0, 0.1, 0.2, 0.3, 1.2])
    counted, weighed = read_clip(shown, ClipRule("count")), read_clip(shown, ClipRule("evidence"))
    assert counted.expression.label == "happy"
    assert counted.expression.confidence == pytest.approx(3 / 5)
    assert counted.sentiment.counts.tolist() == [3, 1, 1]
    assert weighed.expression.label == "sad"
    happy, sad = (weighed.expression.shares[EXPRESSIONS.index(name)] for name in ("happy", "sad"))
    assert sad / happy > 1.5
    assert weighed.expression.shares.sum() == pytest.approx(1, abs=1e-6)
    assert weighed.expression.counts.tolist() == counted.expression.counts.tolist()


def test_of_equal_counts_the_surer_goes_first() -> None:
    faces = Faces(
        [[0, 0, 9, 9]] * 2,
        [1, 1],
        [0, 1],
        [0, 0.1],
        probs=[sure("happy", 0.5), sure("sad", 0.9)],
        labels=EXPRESSIONS,
    )
    assert (
        read_clip(
            VideoResult("a", faces, np.arange(2), np.array([0, 0.1])), ClipRule("count")
        ).expression.label
        == "sad"
    )


def test_frames_without_a_face_lower_the_coverage_and_are_not_neutral() -> None:
    seen = read_clip(clip("a", [None, "happy", None, None]), ClipRule("count"))
    assert (seen.frames, seen.seen, seen.coverage) == (4, 1, pytest.approx(0.25))
    assert seen.sentiment.counts.tolist() == [1, 0, 0]
    assert seen.sentiment.label == "positive"
    nobody = read_clip(clip("a", [None, None]))
    assert (nobody.expression.label, nobody.expression.confidence, nobody.coverage) == (None, None, 0)
    assert nobody.sentiment.counts.tolist() == [0, 0, 0]


def test_what_was_not_read_is_neither_covered_nor_counted() -> None:
    part = read_clip(clip("a", ["happy", "happy", "!", "!", "happy"]))
    assert (part.frames, part.seen, part.failures) == (3, 3, 2)
    assert part.seconds == pytest.approx(0.1 * 2 + 0.2, abs=0.11)
    assert part.coverage == 1
    lost = read_clip(clip("a", ["!"]))
    assert (lost.frames, lost.coverage, lost.expression.label) == (0, 0, None)


def test_a_single_image_is_a_clip() -> None:
    image = read_clip(clip("a.jpg", ["sad"]))
    assert (image.expression.label, image.seconds, image.coverage) == ("sad", 0, 1)


def test_the_right_to_abstain() -> None:
    unsure = clip("a", ["happy", "sad", "angry", "fear"])
    assert read_clip(unsure, ClipRule(min_confidence=0)).expression.label is not None
    assert read_clip(unsure).expression.label is None
    assert read_clip(unsure).expression.confidence == pytest.approx(0.2375, abs=0.01)
    assert read_clip(unsure).sentiment.label == "negative"
    assert read_clip(unsure, ClipRule(min_confidence=0.9)).sentiment.label is None
    assert read_clip(clip("a", ["happy", "sad"]), ClipRule("count")).expression.label in ("happy", "sad")


def test_whose_face() -> None:
    boxes = [[0, 0, 10, 10], [20, 0, 60, 50], [0, 0, 10, 10]]
    probs = [sure("happy"), sure("sad", 0.8), sure("happy")]
    faces = Faces(boxes, [1] * 3, [0, 0, 1], [0, 0, 0.1], tracks=[1, 2, 1], probs=probs, labels=EXPRESSIONS)
    two = VideoResult("a", faces, np.arange(2), np.array([0, 0.1]))
    assert read_clip(two, ClipRule("count")).expression.counts[EXPRESSIONS.index("sad")] == 1
    everybody = read_clip(two, ClipRule(person="all", min_confidence=0)).expression
    assert everybody.shares[EXPRESSIONS.index("happy")] == pytest.approx(((0.9 + 0.2 / 6) / 2 + 0.9) / 2)
    assert read_clip(two, ClipRule(person=2)).expression.label == "sad"
    assert read_clip(two, ClipRule(person=2)).coverage == pytest.approx(0.5)
    assert read_clip(two, ClipRule(person=3)).expression.label is None
    with pytest.raises(InputError, match="nobody was followed: analyze again without --no-track"):
        read_clip(replace(two, faces=faces.with_columns(tracks=None)), ClipRule(person=2))


def test_sentiments_follow_the_mapping() -> None:
    surprised = clip("a", ["surprise"])
    assert read_clip(surprised, mapping=PRESETS["yin"]).sentiment.label == "positive"
    assert read_clip(surprised, ClipRule(min_confidence=0), PRESETS["valence"]).sentiment.label == "negative"


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"method": "vote"}, "expected evidence or count; got 'vote'"),
        ({"person": "tallest"}, "expected largest, all or the number of a person; got 'tallest'"),
        ({"min_confidence": 1.5}, "expected min_confidence from 0 to 1; got 1.5"),
        ({"min_confidence": float("nan")}, "from 0 to 1"),
    ],
)
def test_impossible_rules(rule: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ClipRule(**rule)  # type: ignore[arg-type]


def test_faces_must_have_been_read() -> None:
    found = VideoResult("a", Faces([[0, 0, 9, 9]], [1], [0], [0]), np.arange(1), np.zeros(1))
    with pytest.raises(InputError, match="expected faces whose expressions were read"):
        read_clip(found)


def test_the_gap_is_that_of_the_house() -> None:
    from mien.tracking.segments import FrameSpans

    assert FrameSpans().gap == GAP
