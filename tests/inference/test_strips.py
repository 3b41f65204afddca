"""Strips of a canvas, whose sides are even, say what all of it says, to the bit, and take less memory."""

from __future__ import annotations

import numpy as np
import pytest

from mien.inference.detectors import mtcnn
from mien.inference.detectors.mtcnn import MTCNN, _normalised
from mien.inference.detectors.pyramid import STRIDE, WINDOW


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(threads=1)


@pytest.mark.parametrize("strip", [1, 3000, 20_000, 100_000])
@pytest.mark.parametrize("size", [(12, 12), (14, 40), (14, 700), (62, 90), (64, 92), (300, 432), (334, 600)])
def test_strips_change_no_bit(
    size: tuple[int, int], strip: int, detector: MTCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = np.random.default_rng(7).integers(0, 256, (*size, 3), np.uint8)
    whole = detector._pnet.run({"image": _normalised(level[None])})
    monkeypatch.setattr(mtcnn, "STRIP", strip)
    faces, shifts = detector._judged(level)
    assert np.array_equal(faces, whole["face"][0, 1])
    assert np.array_equal(shifts, whole["shift"][0])


def test_no_run_is_larger_than_a_strip(detector: MTCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    run = detector._pnet.run
    monkeypatch.setattr(
        detector._pnet, "run", lambda feeds: seen.append(feeds["image"].size // 3) or run(feeds)
    )
    detector._judged(np.zeros((648, 1152, 3), np.uint8))
    assert len(seen) > 1
    assert max(seen) <= mtcnn.STRIP + 1152 * (WINDOW + STRIDE)
