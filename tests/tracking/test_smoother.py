"""Live smoothing: causal, in seconds, steady, restored to the same bits."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_online import OnlineSmoother
from tests.tracking.people_reading import LABELS, faces, probs, told


def run(smoother: OnlineSmoother, results: list[Any]) -> list[Faces]:
    return [smoother.update(result.faces) for result in results]


def shown(results: list[Any], options: Smoothing | None = None) -> list[str]:
    return [next(iter(found)).smoothed_emotion for found in run(OnlineSmoother(LABELS, options), results)]


def test_the_raw_values_stay() -> None:
    found = run(OnlineSmoother(LABELS), told(["happy", "sad"]))
    assert found[1].emotions == ["sad"]
    assert np.allclose(found[1].probs[0], probs("sad"))
    assert np.allclose([one.smoothed_probs.sum() for one in found], 1)
    assert np.allclose(found[0].smoothed_probs, found[0].probs, atol=1e-6)


def test_what_comes_later_changes_nothing() -> None:
    chance = np.random.default_rng(0)
    results = told(chance.choice(LABELS.names, 60))
    whole, part = run(OnlineSmoother(LABELS), results), run(OnlineSmoother(LABELS), results[:31])
    assert all(
        a.smoothed_probs.tobytes() == b.smoothed_probs.tobytes()
        and a.smoothed_emotion_ids.tolist() == b.smoothed_emotion_ids.tolist()
        for a, b in zip(whole, part, strict=False)
    )


def test_the_time_constant_is_in_seconds() -> None:
    ends = []
    for rate in (20, 40, 120):
        results = told(["happy"] * 2 * rate + ["sad"] * round(0.35 * rate), rate)
        ends.append(run(OnlineSmoother(LABELS), results)[-1].smoothed_probs[0])
    # After one time constant the mean of the logarithms has come 1 - 1/e of the way.
    way = np.log(ends[1][LABELS.index("sad")] / ends[1][LABELS.index("happy")]) / np.log(0.7 / 0.1)
    assert way == pytest.approx(1 - 2 / np.e, abs=0.03)
    assert np.allclose(ends[0], ends[2], atol=0.06)


@pytest.mark.parametrize("rate", [8, 15, 30, 60])
@pytest.mark.parametrize("sure", [0.4, 0.6, 0.95])
def test_a_change_is_shown_within_two_fifths_of_a_second(rate: int, sure: float) -> None:
    labels = shown(told(["happy"] * (2 * rate) + ["sad"] * rate, rate, sure))
    assert set(labels[: 2 * rate]) == {"happy"}
    assert (labels.index("sad") - 2 * rate) / rate <= 0.4


@pytest.mark.parametrize("rate", [8, 30, 60])
def test_a_single_frame_does_not_show(rate: int) -> None:
    labels = ["happy"] * 100
    labels[20] = labels[50] = labels[70] = "angry"
    assert set(shown(told(labels, rate, 0.97))) == {"happy"}


def test_frames_that_are_far_apart_are_believed() -> None:
    assert shown(told(["happy", "sad", "happy", "angry"], 1)) == ["happy", "sad", "happy", "angry"]


def test_people_are_kept_apart_and_forgotten() -> None:
    smoother = OnlineSmoother(LABELS)
    for index in range(500):
        found = smoother.update(
            faces(index / 30, {index // 3: probs("happy"), index // 3 + 1000: probs("sad")})
        )
        assert [face.smoothed_emotion for face in found] == ["happy", "sad"]
    assert len(smoother.state()["courses"]) < 2 * 15


def test_a_gap_begins_anew() -> None:
    smoother = OnlineSmoother(LABELS)
    run(smoother, told(["happy"] * 30))
    assert np.allclose(smoother.update(faces(3.0, {1: probs("sad")})).smoothed_probs, probs("sad"), atol=1e-6)
    assert np.allclose(
        smoother.update(faces(1.0, {1: probs("happy")})).smoothed_probs, probs("happy"), atol=1e-6
    )  # Back in time.


def test_times_that_stand_still() -> None:
    smoother = OnlineSmoother(LABELS)
    first = smoother.update(faces(1.0, {1: probs("happy")}))
    again = smoother.update(faces(1.0, {1: probs("sad")}))
    assert np.isfinite(again.smoothed_probs).all()
    assert again.smoothed_probs.tobytes() == first.smoothed_probs.tobytes()


def test_an_unsure_small_face_counts_less() -> None:
    ends = []
    for size, score in ((50, 0.99), (15, 0.5)):
        smoother = OnlineSmoother(LABELS)
        run(smoother, told(["happy"] * 30))
        ends.append(
            smoother.update(faces(1.1, {1: probs("sad")}, size=size, score=score)).smoothed_probs[
                0, LABELS.index("sad")
            ]
        )
    assert ends[1] < ends[0]


@pytest.mark.parametrize("baseline", [None, 0.5, "median"])
def test_a_restored_smoother_goes_on_to_the_same_bits(baseline: float | Literal["median"] | None) -> None:
    results = told(np.random.default_rng(1).choice(LABELS.names, 300))
    options = Smoothing(baseline=baseline)
    expected = run(OnlineSmoother(LABELS, options), results)
    first, second = OnlineSmoother(LABELS, options), OnlineSmoother(LABELS, options)
    run(first, results[:140])
    second.restore(json.loads(json.dumps(first.state())))
    for found, wanted in zip(run(second, results[140:]), expected[140:], strict=True):
        assert found.smoothed_probs.tobytes() == wanted.smoothed_probs.tobytes()
        assert found.smoothed_emotion_ids.tolist() == wanted.smoothed_emotion_ids.tolist()


def test_frames_without_faces_pass() -> None:
    smoother = OnlineSmoother(LABELS)
    assert len(smoother.update(Faces.empty(LABELS))) == 0
    assert len(smoother.update(Faces.empty())) == 0


def test_faces_without_tracks_are_refused() -> None:
    with pytest.raises(InputError, match="expected faces with tracks"):
        OnlineSmoother(LABELS).update(faces(0.0, {1: probs("sad")}).with_columns(tracks=None))


def test_options_out_of_range() -> None:
    for wrong in ({"tau": 0}, {"evidence": -1}, {"gap": 0}, {"baseline": -2}):
        with pytest.raises(InputError, match=f"expected {next(iter(wrong))}"):
            Smoothing(**wrong)
    with pytest.raises(InputError, match="baseline: expected a number, median or None; got 'mean'"):
        Smoothing(baseline="mean")  # type: ignore[arg-type]
