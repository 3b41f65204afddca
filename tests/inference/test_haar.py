from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from mien.core.boxes import overlap
from mien.core.errors import MissingExtraError
from mien.inference.detectors import Detector, availability, create_detector
from mien.inference.detectors.haar import _converted
from mien.inference.detectors.mtcnn import MTCNN
from tests.inference import samples


@pytest.fixture(scope="module")
def detector() -> Detector:
    pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    try:
        return create_detector("haar")
    except MissingExtraError as error:
        pytest.skip(str(error))


def test_boxes_follow_the_common_convention(detector: Detector) -> None:
    images = [samples.astronaut(), samples.grace()]
    for faces, others in zip(detector.detect(images), MTCNN(threads=1).detect(images), strict=True):
        assert len(faces) >= 1
        assert overlap(faces.boxes[:1], others.boxes)[0, 0] > 0.75
        assert faces.landmarks is None
        assert 0.5 < faces.detection_scores[0] <= 1


def test_real_people_are_found(detector: Detector) -> None:
    (faces,) = detector.detect([samples.image("many_faces.jpg")])
    (others,) = MTCNN(threads=1).detect([samples.image("many_faces.jpg")])
    assert (overlap(faces.boxes, others.boxes).max(axis=1) > 0.6).sum() >= 4


def test_batch_is_the_same_as_one_by_one(detector: Detector) -> None:
    images = [samples.grace(), samples.noise((60, 80), 30), samples.astronaut()]
    for together, image in zip(detector.detect(images), images, strict=True):
        (alone,) = detector.detect([image])
        assert np.array_equal(together.boxes, alone.boxes)
        assert np.array_equal(together.detection_scores, alone.detection_scores)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (23, 23), (40, 40)])
def test_small_images_hold_no_face(detector: Detector, shape: tuple[int, int]) -> None:
    assert len(detector.detect([samples.noise(shape, 40)])[0]) == 0


def test_large_images_are_scaled_down(detector: Detector) -> None:
    wide = np.full((600, 30_000, 3), 90, np.uint8)
    wide[44:556, 20_000:20_512] = samples.astronaut()
    (faces,) = detector.detect([wide])
    assert overlap(faces.boxes, [[20_180, 105, 20_268, 218]]).max() > 0.6


def test_min_face_is_the_height_of_the_smallest_box() -> None:
    pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    assert len(create_detector("haar", min_face=85).detect([samples.astronaut()])[0]) == 1
    assert len(create_detector("haar", min_face=140).detect([samples.astronaut()])[0]) == 0


def test_squares_become_tall_boxes_with_nearly_the_same_centre() -> None:
    assert _converted(np.array([[100.0, 50.0, 200.0, 200.0]])).round(1).tolist() == [
        [118.0, 45.0, 282.0, 261.0]
    ]


def test_without_opencv_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[haar\]'"):
        create_detector("haar")
    reasons = availability()
    assert (reasons["mtcnn"], reasons["whole"]) == (None, None)
    assert "[haar]" in reasons["haar"]


@pytest.mark.parametrize("gone", ["CascadeClassifier", "files"])
def test_opencv_5_is_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gone: str) -> None:
    cv2 = types.SimpleNamespace(__version__="5.0.0", data=types.SimpleNamespace(haarcascades=f"{tmp_path}/"))
    if gone == "files":
        cv2.CascadeClassifier = object
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    with pytest.raises(
        MissingExtraError,
        match=r"not in OpenCV 5\.0\.0 \(OpenCV 5 has none\); they need opencv-python-headless<5, .*pip install '.*\[haar\]'",
    ) as caught:
        create_detector("haar")
    assert "\n" not in str(caught.value)
