"""Real faces on clips with known truth, and results with known changes: a small part of ``python -m
benchmarks.suite.tracking``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.inference.detectors import create_detector
from mien.media import Frame, open_media
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.tracking.tracker import Tracker

crowds = pytest.importorskip(
    "benchmarks.lib.crowds", reason="benchmarks are not part of a source distribution"
)


def test_ids_keep_to_people_on_a_real_video(tmp_path: Path) -> None:
    from benchmarks.lib.identities import identities

    truths = crowds.easy(7, seconds=2.5).write(tmp_path / "crowd.mp4")
    tracker = Tracker(create_detector(threads=1))
    with open_media(tmp_path / "crowd.mp4") as media:
        found = identities(
            [[(tracker.update(item), truths[item.index]) for item in media if isinstance(item, Frame)]]
        )
    assert found.faces > 100
    assert found.switches == 0
    assert found.idf1 > 0.97


@pytest.mark.parametrize("way", ["live", "recorded"])
def test_labels_flicker_less_and_follow_in_time(way: str) -> None:
    from benchmarks.lib import expressions

    def label(scene: expressions.Scene) -> np.ndarray:
        smoother = OnlineSmoother(scene.labels)
        live = (smoother.update(result.faces) for result in scene.results())
        recorded = (result.faces for result in smooth_offline(scene.results(), Smoothing(), scene.labels))
        return np.array(
            [int(faces.smoothed_emotion_ids[0]) for faces in (live if way == "live" else recorded)]
        )

    stretches = [(number, expressions.SHOWN) for number in range(5)]
    scenes = [expressions.drawn(np.random.default_rng(seed), stretches) for seed in range(6)]
    found = expressions.steadiness(scenes, label)
    assert found.raw > 5 * found.steady
    assert found.unseen == 0
    assert np.percentile(found.delays, 90) <= 0.4
