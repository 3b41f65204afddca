from __future__ import annotations

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.inference import crop as crops
from mien.inference.card import FER_CROP
from mien.inference.detectors import DETECTORS, create_detector


@pytest.mark.parametrize(
    ("shape", "square"),
    [
        ((48, 48), [0, 0, 48, 48]),
        ((480, 640), [0, -80, 640, 560]),
        ((100, 20), [-40, 0, 60, 100]),
        ((1, 1), [0, 0, 1, 1]),
    ],
)
def test_cutting_by_the_rule_gives_the_whole_image_again(shape: tuple[int, int], square: list[float]) -> None:
    (faces,) = create_detector("whole").detect([np.zeros((*shape, 3), np.uint8)])
    assert np.abs(FER_CROP.squares(faces.boxes) - square).max() < 1e-3
    assert (len(faces), faces.detection_scores[0], faces.landmarks) == (1, 1.0, None)


def test_pixels_stay_as_they_are() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    (faces,) = create_detector("whole").detect([image])
    (cut,) = crops.crop_resize(image, FER_CROP.squares(faces.boxes), 48)
    assert np.abs(cut.astype(int) - image).max() <= 1


def test_square_around_a_panorama_fits_into_memory() -> None:
    image = np.zeros((10, 60_000, 3), np.uint8)
    image[:, 30_000:] = 200
    (faces,) = create_detector("whole").detect([image])
    (cut,) = crops.crop_resize(image, FER_CROP.squares(faces.boxes), 48)
    assert (cut[:, :23] == 0).all()
    assert (cut[:, 25:] == 200).all()


def test_unknown_detector_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=", ".join(DETECTORS)):
        create_detector("yolo")
