"""The least score of a face that counts: in images, where people are followed, and as a setting of a
run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core.drawn_face import draw_portrait
from mien.core.errors import InputError
from mien.inference.detectors import create_detector
from mien.media import VideoWriter
from tests.commands import run_mien


def grained(index: int) -> np.ndarray:
    """A face that the detector is now more, now less sure of."""
    chance, face = np.random.default_rng(index), draw_portrait(160).astype(float)
    return np.clip(face + chance.normal(0, 60 + 60 * np.sin(index / 4), face.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scores") / "grain.mp4"
    with VideoWriter(place, grained(0).shape[1], grained(0).shape[0], rate=10) as writer:
        for index in range(60):
            writer.write(grained(index), index / 10)
    return place


def test_images() -> None:
    images = [grained(index) for index in range(24)]
    scores = [
        faces.detection_scores.max(initial=0)
        for faces in create_detector(min_detection_score=0.3, threads=1).detect(images)
    ]
    least = float(np.median([score for score in scores if score]))
    kept = [
        faces.detection_scores
        for faces in create_detector(min_detection_score=least, threads=1).detect(images)
    ]
    assert all((row >= np.float32(least)).all() for row in kept)
    assert 0 < sum(len(row) > 0 for row in kept) < sum(score > 0 for score in scores)
    plain = create_detector(threads=1).detect(images)
    same = create_detector(min_detection_score=0.8, threads=1).detect(images)
    assert [faces.detection_scores.tolist() for faces in plain] == [
        faces.detection_scores.tolist() for faces in same
    ]


@pytest.mark.parametrize("tracking", [True, False])
def test_videos_whose_people_are_followed(movie: Path, tracking: bool) -> None:
    everyone = mien.analyze(movie, tracking=tracking, threads=1).faces.detection_scores
    least = float(np.median(everyone))
    sure = mien.analyze(movie, tracking=tracking, min_detection_score=least, threads=1).faces.detection_scores
    assert (sure >= np.float32(least)).all()
    assert 0 < len(sure) < len(everyone)


def test_detectors_without_such_a_score_say_so() -> None:
    with pytest.raises(
        InputError, match=r"min_detection_score: expected mtcnn, blaze, auto or haar; got 0\.9 for whole"
    ):
        mien.Pipeline("whole", min_detection_score=0.9, threads=1)
    with pytest.raises(InputError, match="for a detector of your own"):
        mien.Pipeline(create_detector("whole"), min_detection_score=0.9, threads=1)
    for wrong in (-0.1, 0.0, 1.0, 3.0, float("nan")):
        with pytest.raises(InputError, match="expected a score between 0 and 1"):
            create_detector(min_detection_score=wrong)


def test_haar_orders_by_its_own_scores() -> None:
    pytest.importorskip("cv2")
    image = draw_portrait(240)
    [found] = create_detector("haar").detect([image])
    assert len(found), "the cascade finds the drawn face"
    least = min(0.999, float(found.detection_scores.max()) + 0.001)
    assert len(create_detector("haar", min_detection_score=least).detect([image])[0]) == 0


@pytest.mark.integration
def test_a_batch_goes_on_only_with_the_same(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(draw_portrait(160)).save(tmp_path / "in" / "a.png")
    words = ["batch", tmp_path / "in", "-o", tmp_path / "out", "--format", "csv", "--workers", 1]
    first = run_mien(*words, "--min-detection-score", 0.9)
    assert first.returncode == 0, first.stderr
    other = run_mien(*words, "--min-detection-score", 0.95)
    assert other.returncode != 0
    assert "min-detection-score" in other.stderr
