"""Shares of labels say the same, whether few frames of a video are looked at or many."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lib import expressions
from benchmarks.studies import sampling
from mien.core.labels import Labels


def drawn_scenes(count: int) -> list[expressions.Scene]:
    scenes = []
    for seed in range(count):
        chance = np.random.default_rng(seed)
        scenes.append(expressions.drawn(chance, expressions.now_and_then(chance, 12.0)))
    return scenes


def test_shares_depend_little_on_the_frames_a_second() -> None:
    for step, found in sampling.differences(drawn_scenes(5), sampling.recorded):
        assert found.together < 3, step
        assert found.mean < 7, step
        assert 0.8 < found.segments < 1.25, step


def brief(seconds: float, every: float) -> expressions.Scene:
    """A plain face, and twenty times, every so many seconds, for some tenths another one, as plain."""
    times = np.arange(20 * every * 30) / 30
    other = times % every >= every - seconds
    probs = np.where(other[:, None], [0.05, 0.9, 0.05], [0.9, 0.05, 0.05]).astype(np.float32)
    return expressions.Scene(times, probs, Labels(("happy", "neutral", "sad")), ())


@pytest.mark.parametrize(
    ("seconds", "fps"), [(0.2, 5), (0.2, 10), (0.2, 30), (0.3, 6), (0.4, 5), (0.4, 15), (0.55, 5), (0.55, 10)]
)
def test_short_expressions_count_for_as_long_as_they_last(seconds: float, fps: int) -> None:
    scene = brief(seconds, every=2.37)
    shares = sampling.overview(scene, sampling.recorded, 30 // fps).shares()
    assert shares["neutral"] == pytest.approx(seconds / 2.37, abs=0.03)


def test_what_lasts_for_a_frame_of_thirty_a_second_is_no_expression() -> None:
    scene = brief(1 / 30, every=2.4)
    assert sampling.overview(scene, sampling.recorded).shares() == {"happy": 1.0}
