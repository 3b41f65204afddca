"""Rendered talking faces: the mouth opens, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lib import talking

FACE = talking.Photograph(
    np.full((talking.SIDE, talking.SIDE), 150, np.float32)
    + np.linspace(0, 20, talking.SIDE, dtype=np.float32),
    talking.Mouth(np.array([48.0, 80.0]), np.array([80.0, 84.0])),
    person=1,
)


def test_a_closed_mouth_is_the_photograph() -> None:
    assert talking.opened(FACE, 0.0) == pytest.approx(FACE.image, abs=0.5)


@pytest.mark.parametrize("height", [0.1, 0.3, 0.5])
def test_an_open_mouth_is_dark_between_its_corners_and_as_high_as_asked(height: float) -> None:
    image = talking.opened(FACE, height)
    dark = image < 90
    columns = np.flatnonzero(dark.any(axis=0))
    assert columns.min() > 46
    assert columns.max() < 82
    across = float(np.hypot(32, 4))
    middle = dark[:, 64].sum()
    assert middle == pytest.approx(height * (1 + 0.35) * across, rel=0.45, abs=2)
    assert image[:50] == pytest.approx(FACE.image[:50], abs=1), "eyes and brows stay"


def test_speech_opens_and_closes_some_times_a_second_and_pauses() -> None:
    height, width = talking.speech(np.random.default_rng(0), 30.0)
    openings = int(((height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:])).sum())
    assert 2 < openings / 30 < 6
    assert (height < 1e-6).mean() > 0.05
    assert height.max() <= talking.WIDEST
    assert 0.6 < width.min() < width.max() < 1.2
