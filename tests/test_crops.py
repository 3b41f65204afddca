"""Parts of images: several at once are cut like each alone, also those that have the size already."""

import numpy as np
import pytest
from PIL import Image

from mien.inference.crop import crop_resize, crop_resize_each

RANDOM = np.random.default_rng(3)
READY = RANDOM.integers(0, 256, (48, 48, 3), np.uint8)
LARGE = RANDOM.integers(0, 256, (90, 120, 3), np.uint8)


@pytest.mark.parametrize("gray", [True, False])
def test_images_that_have_the_size_stay_as_they_are_beside_others(gray: bool) -> None:
    images = [READY, LARGE, READY[:, ::-1], LARGE, READY]
    boxes = np.array(
        [[0, 0, 48, 48], [10, 5, 58, 53], [0, 0, 48, 48], [-4.5, 60, 40.25, 104.75], [1, 0, 47, 46]]
    )
    together = crop_resize_each(images, boxes, 48, gray=gray)
    for image, box, part in zip(images, boxes, together, strict=True):
        np.testing.assert_array_equal(part, crop_resize(image, box, 48, gray=gray)[0])
    for place, image in ((0, READY), (1, LARGE[5:53, 10:58]), (2, READY[:, ::-1])):
        whole = Image.fromarray(np.ascontiguousarray(image))
        np.testing.assert_array_equal(together[place], np.asarray(whole.convert("L") if gray else whole))


def test_gray_images_that_have_the_size_stay_as_they_are() -> None:
    faces = RANDOM.integers(0, 256, (3, 48, 48), np.uint8)
    np.testing.assert_array_equal(
        crop_resize_each(list(faces), np.tile([0.0, 0, 48, 48], (3, 1)), 48, gray=True), faces
    )
