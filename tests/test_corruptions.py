"""Images made worse: the same every time, worse with strength, and only in the way that the name says."""

from __future__ import annotations

import numpy as np
import pytest

from mien import InputError
from mien.core.drawn_face import draw_portrait
from mien.data.corruptions import CORRUPTIONS, corrupted, reframed
from mien.evaluation import EvaluateOptions, evaluate
from mien.evaluation.robustness import robustness

ORDERED = [name for name in CORRUPTIONS if name != "crop margin"]


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    from PIL import Image

    gray = Image.fromarray(draw_portrait()).convert("L").resize((48, 48))
    return np.stack([np.asarray(gray)] * 6)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_strength_gives_faces_of_the_same_size_and_the_same_every_time(
    name: str, faces: np.ndarray
) -> None:
    for strength in range(1, 6):
        worse = corrupted(faces, name, strength, seed=3)
        assert worse.shape == faces.shape
        assert worse.dtype == np.uint8
        assert (worse != faces).any()
        np.testing.assert_array_equal(worse, corrupted(faces, name, strength, seed=3))


@pytest.mark.parametrize("name", ORDERED)
def test_the_stronger_the_further_from_the_image(name: str, faces: np.ndarray) -> None:
    far = [np.abs(corrupted(faces, name, strength).astype(float) - faces).mean() for strength in (1, 3, 5)]
    assert far[0] < far[1] < far[2]


def test_images_of_a_batch_do_not_share_their_chance(faces: np.ndarray) -> None:
    worse = corrupted(faces, "noise", 3)
    assert (worse[0] != worse[1]).any()
    np.testing.assert_array_equal(worse[:1], corrupted(faces[:1], "noise", 3))


def test_what_is_not_covered_stays(faces: np.ndarray) -> None:
    np.testing.assert_array_equal(corrupted(faces, "lower-face mask", 5)[:, :24], faces[:, :24])
    bar = corrupted(faces, "eye bar", 5)
    assert not bar[:, 17:21].any()
    np.testing.assert_array_equal(bar[:, 30:], faces[:, 30:])


def test_a_frame_of_the_same_place_is_the_image(faces: np.ndarray) -> None:
    np.testing.assert_array_equal(reframed(faces[0]), faces[0])
    shifted = reframed(faces[0], shift=(0.25, 0))
    np.testing.assert_array_equal(shifted[:, :36], faces[0][:, 12:])
    turned = reframed(faces[0], angle=90)
    np.testing.assert_array_equal(turned, np.rot90(faces[0]))


def test_bad_input_is_one_clear_line(faces: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a corruption out of illumination, contrast"):
        corrupted(faces, "rain", 1)
    with pytest.raises(InputError, match="expected a strength from 1 to 5; got 0"):
        corrupted(faces, "noise", 0)
    assert corrupted(faces[:0], "noise", 1).shape == (0, 48, 48)


def test_a_subject_that_looks_at_brightness_suffers_from_less_of_it_alone() -> None:
    """It says 1 where the mean is above 100: half of the images are bright, and only light, masks and bars
    darken them.
    """
    images = np.stack([np.full((48, 48), 60 if place % 2 else 140, np.uint8) for place in range(20)])
    truth = (np.arange(20) + 1) % 2

    found = robustness(images, truth, lambda faces: (faces.mean(axis=(1, 2)) > 100).astype(int))
    errors = {worse.name: worse.errors for worse in found.worse}
    assert found.clean_error == 0
    assert found.unchanged == 1
    assert found.error_ratio is None
    assert errors["illumination"][4] == 0.5
    assert errors["illumination"][0] == 0
    for name in (
        "contrast",
        "defocus blur",
        "motion blur",
        "JPEG",
        "resolution",
        "rotation",
        "crop margin",
        "shift",
    ):
        assert not any(errors[name]), name


def test_jitter_counts_the_answers_that_a_moved_box_keeps() -> None:
    """It says where the edge is, half of the images have it in the middle: a box moved left or right loses
    those, one moved up or down none.
    """
    images = np.zeros((10, 48, 48), np.uint8)
    images[:5, :, 24:] = 255
    images[5:] = 255

    def wide(faces: np.ndarray) -> np.ndarray:
        """How many twelfths are bright, of those that are not all of one brightness."""
        return np.rint((faces > 127).mean(axis=(1, 2)) * 12).astype(int)

    found = robustness(images, np.zeros(10, int), wide)
    assert found.kept == {"left": 0.5, "right": 0.5, "up": 1.0, "down": 1.0, "smaller": 1.0, "larger": 1.0}
    assert found.unchanged == pytest.approx(5 / 6)
    assert found.facts()["kept_under_jitter"]["left"] == 0.5


def test_an_evaluation_has_them_only_when_asked() -> None:
    from mien.data import FaceDataset

    images = np.random.default_rng(0).integers(0, 256, (14, 48, 48), dtype=np.uint8)
    data = FaceDataset(images, np.arange(14) % 7, None, np.array(["PublicTest"] * 14), np.arange(14))

    def happy(faces: np.ndarray) -> np.ndarray:
        return np.eye(7)[[3] * len(faces)]

    assert evaluate(happy, data).facts()["robustness"] is None
    facts = evaluate(happy, data, EvaluateOptions(corruptions=True)).facts()["robustness"]
    assert facts["clean_error"] == facts["mean_error"] == pytest.approx(12 / 14, abs=1e-6)
    assert len(facts["corruptions"]) == len(CORRUPTIONS)
    assert facts["unchanged_under_jitter"] == 1


def test_the_report_has_them() -> None:
    pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install 'mien[evaluate]'")
    from mien.data import FaceDataset
    from mien.evaluation.report import render

    images = np.random.default_rng(0).integers(0, 256, (14, 48, 48), dtype=np.uint8)
    data = FaceDataset(images, np.arange(14) % 7, None, np.array(["PublicTest"] * 14), np.arange(14))

    def bright(faces: np.ndarray) -> np.ndarray:
        return np.eye(7)[(faces.mean(axis=(1, 2)) > 127).astype(int)]

    found = evaluate(bright, data, EvaluateOptions(corruptions=True))
    page = render(found)
    assert "Bad images" in page
    assert found.robustness is not None
    for worse in found.robustness.worse:
        assert worse.name in page
    assert "Bad images" not in render(evaluate(bright, data))
