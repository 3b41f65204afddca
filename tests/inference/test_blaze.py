"""BlazeFace on faces that fill the frame, and together with MTCNN."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.boxes import overlap
from mien.core.drawn_face import draw_portrait
from mien.core.errors import InputError, NetworkError
from mien.inference import weights
from mien.inference.card import FER_CROP
from mien.inference.detectors import create_detector
from mien.inference.detectors.auto import Auto
from mien.inference.detectors.blaze import Blaze
from mien.inference.detectors.mtcnn import MTCNN
from tests.inference import samples

ASTRONAUT = Path(__file__).parents[2] / "docs" / "images" / "astronaut.jpg"


@pytest.fixture(scope="module")
def blaze() -> Blaze:
    if not (weights.FOLDER / "blazeface.onnx").is_file():
        pytest.skip("mien was built without npm, which brings the network of blaze")
    return Blaze(threads=1)


@pytest.fixture(scope="module")
def auto(blaze: Blaze) -> Auto:
    return Auto(threads=1)


@pytest.fixture(scope="module")
def mtcnn() -> MTCNN:
    return MTCNN(threads=1)


def face() -> np.ndarray:
    """A real face that fills a good part of the image."""
    return np.asarray(Image.open(ASTRONAUT).convert("RGB").crop((110, 20, 350, 260)))


def tilted(degrees: float) -> np.ndarray:
    return np.asarray(Image.fromarray(face()).rotate(degrees, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("image", [face(), draw_portrait(160)], ids=["astronaut", "drawn"])
def test_boxes_and_eyes_are_where_mtcnn_has_them(image: np.ndarray, blaze: Blaze, mtcnn: MTCNN) -> None:
    [near], [far] = blaze.detect([image]), mtcnn.detect([image])
    assert len(near) == len(far) == 1
    squares = [FER_CROP.squares(faces.boxes)[0] for faces in (near, far)]
    assert overlap([squares[0]], [squares[1]])[0, 0] > 0.75
    side = squares[1][2] - squares[1][0]
    assert near.landmarks.shape == (1, 5, 2)
    assert np.abs(near.landmarks[0, :3] - far.landmarks[0, :3]).max() < 0.08 * side
    assert np.abs(near.landmarks[0, 3:] - far.landmarks[0, 3:].mean(axis=0)).max() < 0.1 * side
    assert 0.6 <= near.detection_scores[0] <= 1


@pytest.mark.parametrize("degrees", [70, -60])
def test_tilted_faces_that_mtcnn_misses(degrees: float, blaze: Blaze, mtcnn: MTCNN, auto: Auto) -> None:
    image = tilted(degrees)
    assert not len(mtcnn.detect([image])[0])
    [near], [both] = blaze.detect([image]), auto.detect([image])
    assert len(near) == len(both) == 1
    assert np.array_equal(near.boxes, both.boxes)
    assert np.hypot(*((near.boxes[0, :2] + near.boxes[0, 2:]) / 2 - 120)) < 45
    left, right = near.landmarks[0, :2]
    angle = np.degrees(np.arctan2(*(right - left)[::-1]))
    assert angle == pytest.approx(-degrees, abs=20)


def test_an_image_gets_the_same_answer_in_any_company(blaze: Blaze, auto: Auto) -> None:
    images = [
        face(),
        samples.noise((90, 120), 40),
        tilted(60),
        np.ascontiguousarray(face()[:, 30:200]),
        face(),
    ]
    for detector in (blaze, auto):
        for got, image in zip(detector.detect(images), images, strict=True):
            [alone] = detector.detect([image])
            assert len(got) == len(alone)
            assert np.allclose(got.boxes, alone.boxes, atol=1e-2)
            assert np.allclose(got.detection_scores, alone.detection_scores, atol=1e-4)


@pytest.mark.parametrize("shape", [(600, 240), (240, 600), (241, 333)])
def test_boxes_follow_the_face_into_other_frames(shape: tuple[int, int], blaze: Blaze) -> None:
    frame = np.full((*shape, 3), 90, np.uint8)
    top, left = shape[0] - 240, shape[1] - 240
    frame[top : top + 240, left : left + 240] = face()
    [moved], [alone] = blaze.detect([frame]), blaze.detect([face()])
    assert len(moved) == 1
    assert overlap(moved.boxes, alone.boxes + np.array([left, top] * 2, np.float32))[0, 0] > 0.7


def test_two_faces_are_two(blaze: Blaze) -> None:
    [faces] = blaze.detect([np.concatenate([face(), face()], axis=1)])
    assert len(faces) == 2
    assert sorted(int(x) // 240 for x in (faces.boxes[:, 0] + faces.boxes[:, 2]) / 2) == [0, 1]


def test_boxes_are_clipped_and_low_ones_dropped(blaze: Blaze) -> None:
    cut = np.ascontiguousarray(face()[50:])
    [faces] = blaze.detect([cut])
    assert len(faces)
    assert (faces.boxes >= 0).all()
    assert (faces.boxes <= [cut.shape[1], cut.shape[0]] * 2).all()
    height = int(np.diff(blaze.detect([face()])[0].boxes[0, 1::2])[0])
    assert len(Blaze(height - 5, threads=1).detect([face()])[0]) == 1
    assert len(Blaze(height + 5, threads=1).detect([face()])[0]) == 0


def test_the_least_score_counts(blaze: Blaze) -> None:
    score = float(blaze.detect([face()])[0].detection_scores[0])
    for least, count in ((score - 0.01, 1), (score + 0.01, 0)):
        assert len(create_detector("blaze", min_detection_score=least).detect([face()])[0]) == count


@pytest.mark.parametrize("spread", [0, 20, 200])
@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (480, 640)])
def test_noise_holds_no_face(shape: tuple[int, int], spread: float, blaze: Blaze, auto: Auto) -> None:
    image = samples.noise(shape, spread)
    assert len(blaze.detect([image])[0]) == len(auto.detect([image])[0]) == 0


def test_no_images_no_records(blaze: Blaze, auto: Auto) -> None:
    assert blaze.detect([]) == auto.detect([]) == []
    assert auto.refine([], []) == []


def test_auto_leaves_mtcnn_out_where_faces_must_fill_the_frame(
    auto: Auto, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, ...]] = []
    detect = MTCNN.detect
    monkeypatch.setattr(
        MTCNN,
        "detect",
        lambda self, images: asked.extend(one.shape for one in images) or detect(self, images),
    )
    wide = np.full((240, 600, 3), 90, np.uint8)
    wide[:, :240] = face()
    records = Auto(100, threads=1).detect([face(), wide])
    assert asked == [wide.shape], "240 is less than five times 100, 600 is not"
    assert [len(faces) for faces in records] == [1, 1]
    [small] = auto.detect([np.asarray(Image.fromarray(np.pad(face(), ((0, 480), (0, 900), (0, 0)))))])
    assert len(small) == 1, "a face of a tenth of the frame is MTCNN's"


def test_auto_confirms_what_either_finds(auto: Auto, mtcnn: MTCNN) -> None:
    known = [auto.detect([image])[0].boxes for image in (face(), tilted(60))]
    away = np.array([[1, 1, 60, 70]], np.float32)
    images = [face(), tilted(60), np.zeros((240, 240, 3), np.uint8)]
    first, second, third = auto.refine(images, [known[0], np.concatenate([away, known[1]]), known[0]])
    assert np.array_equal(first.boxes, mtcnn.refine([face()], [known[0]])[0].boxes)
    assert first.detection_scores[0] > 0.9
    assert second.detection_scores[0] < 0.6 <= second.detection_scores[1]
    assert overlap(second.boxes[1:], known[1])[0, 0] > 0.9
    assert third.detection_scores[0] < 0.5


def test_a_copy_of_auto_looks_for_other_faces(auto: Auto) -> None:
    """As the service does for a client who asks for larger ones."""
    other = copy(auto)
    other.min_face = 200
    assert (auto.min_face, other.min_face) == (40, 200)
    assert [len(one.detect([face()])[0]) for one in (auto, other)] == [1, 0]


@pytest.mark.parametrize("name", ["blaze", "auto"])
def test_a_missing_network_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in weights.FOLDER.glob("mtcnn-*.onnx"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(
        NetworkError, match=r"blazeface\.onnx: this network is missing.*need npm.*install mien"
    ):
        create_detector(name)


def test_impossible_options_are_refused(blaze: Blaze) -> None:
    with pytest.raises(InputError, match="expected min_face of 1 px or more"):
        Blaze(0)
    with pytest.raises(InputError, match="at position 0"):
        blaze.detect([np.zeros((5, 5), np.uint8)])
