from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.core.boxes import overlap
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference.detectors import mtcnn
from mien.inference.detectors.mtcnn import MTCNN
from tests.inference import samples


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(threads=1)


def assert_same(first: list[Faces], second: list[Faces]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert len(one) == len(other)
        for column in ("boxes", "detection_scores", "landmarks"):
            assert np.allclose(getattr(one, column), getattr(other, column), rtol=1e-5, atol=1e-3), column


def test_astronaut_is_where_other_mtcnns_see_her(detector: MTCNN) -> None:
    (faces,) = detector.detect([samples.astronaut()])
    # facenet-pytorch: 181, 62, 268, 172; the mtcnn package on TensorFlow: 182, 64, 265, 171.
    assert np.abs(faces.boxes - [[180, 61, 268, 174]]).max() < 4
    assert faces.detection_scores[0] > 0.99
    left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert left_mouth[0] < right_mouth[0]


def test_grace_hopper_is_found_once(detector: MTCNN) -> None:
    (faces,) = detector.detect([samples.grace()])
    assert len(faces) == 1
    assert overlap(faces.boxes, [[174, 112, 352, 337]])[0, 0] > 0.9


@pytest.mark.parametrize(("name", "count"), [("one_face.jpg", 1), ("many_faces.jpg", 5)])
def test_photos_hold_as_many_faces_as_people(detector: MTCNN, name: str, count: int) -> None:
    (faces,) = detector.detect([samples.image(name)])
    assert len(faces) == count
    assert (np.diff(faces.detection_scores) <= 0).all()
    assert (faces.frames == 0).all()
    assert (faces.times == 0).all()


def test_video_of_one_face_holds_one_in_every_frame(detector: MTCNN) -> None:
    found = [len(faces) for faces in detector.detect(samples.frames("one_face.mp4"))]
    assert np.mean(np.array(found) == 1) >= 0.95


def test_video_without_a_face_holds_none(detector: MTCNN) -> None:
    assert not any(len(faces) for faces in detector.detect(samples.frames("no_face.mp4")))


def test_an_image_gets_the_same_answer_in_any_company(detector: MTCNN) -> None:
    images = [
        samples.astronaut(),
        samples.noise((90, 120), 40),
        samples.grace(),
        np.ascontiguousarray(samples.astronaut()[:240, 60:400]),
    ]
    alone = [detector.detect([image])[0] for image in images]
    assert_same(detector.detect(images), alone)
    order = [2, 3, 0, 1, 2]
    assert_same(detector.detect([images[index] for index in order]), [alone[index] for index in order])


def test_threads_share_a_detector(detector: MTCNN) -> None:
    images = [samples.astronaut(), samples.grace()]
    expected = detector.detect(images)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: detector.detect(images), range(12)):
            assert_same(found, expected)


@pytest.mark.parametrize("shape", [(1, 1), (11, 500), (500, 11), (12, 12), (40, 40), (1, 30_000)])
def test_small_and_thin_images_hold_no_face(detector: MTCNN, shape: tuple[int, int]) -> None:
    (faces,) = detector.detect([samples.noise(shape, 50)])
    assert len(faces) == 0
    assert faces.landmarks.shape == (0, 5, 2)


def test_no_images_no_records(detector: MTCNN) -> None:
    assert detector.detect([]) == []


@pytest.mark.parametrize("spread", [0, 5, 20, 60, 200])
def test_gray_noise_holds_no_face(detector: MTCNN, spread: float) -> None:
    assert len(detector.detect([samples.noise((480, 640), spread)])[0]) == 0


def test_wide_image_is_looked_at_within_bounds(detector: MTCNN) -> None:
    wide = np.full((600, 30_000, 3), 90, np.uint8)
    wide[44:556, 20_000:20_512] = samples.astronaut()
    (faces,) = detector.detect([wide])
    assert len(faces) == 1
    assert overlap(faces.boxes, [[20_180, 105, 20_268, 218]])[0, 0] > 0.8


def test_largest_level_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = MTCNN(20, threads=1)
    monkeypatch.setattr(mtcnn, "LARGEST_LEVEL", 10_000)
    sizes = detector._pyramid(samples.astronaut()).layout.sizes
    assert 10_000 <= sizes[0].prod() <= 10_300
    assert sizes[-1].min() >= 12
    (faces,) = detector.detect([samples.astronaut()])
    assert len(faces) == 1


def test_min_face_is_the_height_of_the_smallest_box() -> None:
    image = samples.astronaut()
    height = float(np.diff(MTCNN(threads=1).detect([image])[0].boxes[0, 1::2])[0])
    assert len(MTCNN(int(height) - 20, threads=1).detect([image])[0]) == 1
    assert len(MTCNN(int(height) + 20, threads=1).detect([image])[0]) == 0
    small = np.array(Image.fromarray(image).resize((140, 140), Image.Resampling.BOX))
    assert len(MTCNN(20, threads=1).detect([small])[0]) == 1
    assert len(MTCNN(40, threads=1).detect([small])[0]) == 0


def test_face_at_the_edge_has_a_box_inside_the_image(detector: MTCNN) -> None:
    cut = np.ascontiguousarray(samples.astronaut()[72:, 186:])
    (faces,) = detector.detect([cut])
    assert len(faces) == 1
    assert (faces.boxes >= 0).all()
    assert (faces.boxes <= [cut.shape[1], cut.shape[0]] * 2).all()


@pytest.mark.parametrize(
    "options",
    [{"min_face": 11}, {"factor": 1.0}, {"thresholds": (0.5, 0.5, 1.0)}, {"thresholds": (0.5, 0.5)}],
)
def test_impossible_options_are_refused(options: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        MTCNN(**options)


def test_images_of_another_kind_are_refused(detector: MTCNN) -> None:
    images: list[Any] = [
        np.zeros((5, 5)),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 3), np.float32),
    ]
    for wrong in images:
        with pytest.raises(InputError, match="at position 1"):
            detector.detect([np.zeros((5, 5, 3), np.uint8), wrong])
