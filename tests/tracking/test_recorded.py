"""Smoothing of videos: no delay, the same backwards, a bounded look ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from tests.tracking.people_reading import LABELS, probs, result, steady, told


def wandering(seed: int = 0, count: int = 200) -> list[FrameResult]:
    """Two people at uneven times; the second comes and goes."""
    chance = np.random.default_rng(seed)
    times = np.cumsum(chance.uniform(0.01, 0.09, count)).round(6)
    out = []
    for index, time in enumerate(times.tolist()):
        people = {1: chance.dirichlet([1, 3 + 5 * (index // 50 % 2), 1, 2]).tolist()}
        if index % 70 < 30:
            people[2] = chance.dirichlet([1, 1, 4, 1]).tolist()
        out.append(result(time, people, index))
    return out


def reversed_in_time(results: list[FrameResult]) -> list[FrameResult]:
    end = results[-1].time
    return [
        FrameResult(
            one.source,
            one.frame,
            end - one.time,
            one.faces.with_columns(times=np.full(len(one.faces), end - one.time)),
        )
        for one in reversed(results)
    ]


def test_backwards_gives_the_same_backwards() -> None:
    results = wandering()
    there = list(smooth_offline(results, Smoothing(), LABELS))
    back = list(smooth_offline(reversed_in_time(results), Smoothing(), LABELS))[::-1]
    for one, other in zip(there, back, strict=True):
        assert np.allclose(one.faces.smoothed_probs, other.faces.smoothed_probs, atol=1e-6)
        assert one.faces.smoothed_emotion_ids.tolist() == other.faces.smoothed_emotion_ids.tolist()


def test_the_mean_is_the_kernels() -> None:
    results, options = wandering(3, 120), Smoothing(tau=0.2)
    found = list(smooth_offline(results, options, LABELS))
    times = np.array([one.time for one in results])
    logs = np.log(np.maximum(np.stack([one.faces.probs[0] for one in results]).astype(float), 0.01))
    shares = np.exp(logs - np.log(np.exp(logs).sum(1, keepdims=True)))
    sure = 1 + 0.5 * (shares * np.log(shares)).sum(1) / np.log(4)
    spans = np.gradient(times)
    spans[[0, -1]] = (times[1] - times[0]) / 2, (times[-1] - times[-2]) / 2
    for middle in (0, 60, 119):
        kernel = np.maximum(0, np.exp(-np.abs(times - times[middle]) / 0.2) - np.exp(-4)) * spans * sure
        mean = np.exp(kernel @ logs / kernel.sum())
        assert np.allclose(found[middle].faces.smoothed_probs[0], mean / mean.sum(), atol=1e-5)


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_a_change_is_shown_when_it_happens(rate: int) -> None:
    labels = ["happy"] * (2 * rate) + ["sad"] * (2 * rate) + ["neutral"] * rate
    assert steady(smooth_offline(told(labels, rate), Smoothing(), LABELS)) == labels


def test_flicker_goes() -> None:
    chance = np.random.default_rng(5)
    labels = ["happy" if chance.random() < 0.8 else str(chance.choice(LABELS.names)) for _ in range(600)]
    assert steady(smooth_offline(told(labels, sure=0.6), Smoothing(), LABELS)) == ["happy"] * 600


def test_every_reading_comes_out_in_order_and_the_raw_values_stay() -> None:
    results = wandering(1)
    empty = Faces.empty(LABELS)
    results.insert(40, FrameResult("clip.mp4", 999, None, empty, MediaError("clip.mp4: damaged")))
    results.insert(90, FrameResult("clip.mp4", 998, results[89].time, empty))
    found = list(smooth_offline(iter(results), Smoothing(), LABELS))
    assert [one.frame for one in found] == [one.frame for one in results]
    for one, before in zip(found, results, strict=True):
        assert one.error is before.error
        assert one.faces.probs.tobytes() == before.faces.probs.tobytes()
        assert len(before.faces) == 0 or one.faces.smoothed_probs is not None


def test_the_look_ahead_is_bounded() -> None:
    taken = 0

    def source() -> Iterator[FrameResult]:
        nonlocal taken
        for one in told(["happy", "sad"] * 1500):
            taken += 1
            yield one

    for given, _ in enumerate(smooth_offline(source(), Smoothing(), LABELS), 1):
        assert taken - given <= 30 * (4 * 0.35 + 1) + 2


def test_times_that_stand_still_or_go_back() -> None:
    results = [result(1.0, {1: probs("happy")}, index) for index in range(5000)]
    found = smooth_offline(results, Smoothing(), LABELS)
    assert all(np.isfinite(one.faces.smoothed_probs).all() for one, _ in zip(found, range(5), strict=False))
    jump = told(["happy"] * 20, start=10) + told(["sad"] * 20)
    assert steady(smooth_offline(jump, Smoothing(), LABELS)) == ["happy"] * 20 + ["sad"] * 20


def test_a_gap_separates() -> None:
    parts = told(["happy"] * 20) + told(["sad"] * 20, start=2)
    found = list(smooth_offline(parts, Smoothing(), LABELS))
    assert np.allclose(found[19].faces.smoothed_probs, probs("happy"), atol=1e-6)
    assert np.allclose(found[20].faces.smoothed_probs, probs("sad"), atol=1e-6)


def test_neutral_learned_in_a_first_pass() -> None:
    # Someone whose neutral face is read as sad, and who smiles for a moment.
    usual = [0.02, 0.03, 0.35, 0.6]
    people = [usual] * 400 + [[0.02, 0.8, 0.12, 0.06]] * 60 + [usual] * 200
    results = [result(index / 30, {1: values}, index) for index, values in enumerate(people)]
    raw = steady(smooth_offline(results, Smoothing(), LABELS))
    learned = NeutralBaseline.learn(results, LABELS)
    found = steady(smooth_offline(results, Smoothing(baseline="median"), LABELS, learned))
    assert raw == ["sad"] * 400 + ["happy"] * 60 + ["sad"] * 200
    assert found == ["neutral"] * 400 + ["happy"] * 60 + ["neutral"] * 200
