"""Levels of an image on one canvas: what lies where, and that the network sees there what it sees of each alone."""

from __future__ import annotations

import numpy as np
import pytest

from mien.inference import crop
from mien.inference.detectors import pyramid
from mien.inference.detectors.mtcnn import MTCNN
from mien.inference.detectors.pyramid import STRIDE, WINDOW, Pyramid, layout

SIZES = [(640, 360), (360, 640), (13, 300), (12, 12), (97, 101), (1000, 667), (3000, 20)]


@pytest.mark.parametrize("factor", [0.5, 0.709, 0.9])
@pytest.mark.parametrize("scale", [1.0, 0.6, 0.3])
@pytest.mark.parametrize("size", SIZES)
def test_levels_lie_apart_and_own_their_windows(size: tuple[int, int], scale: float, factor: float) -> None:
    told = layout(*size, scale, factor)
    width, height = told.canvas
    taken = np.zeros((height, width), int)
    for (left, top), (wide, high) in zip(told.corners, told.sizes, strict=True):
        assert left % STRIDE == top % STRIDE == wide % STRIDE == high % STRIDE == 0
        taken[top : top + high, left : left + wide] += 1
    assert taken.max(initial=0) <= 1
    for level, ((left, top), (wide, high)) in enumerate(zip(told.corners, told.sizes, strict=True)):
        rows, columns = np.nonzero(told.owner == level)
        assert len(rows) == ((wide - WINDOW) // STRIDE + 1) * ((high - WINDOW) // STRIDE + 1)
        assert (columns * STRIDE >= left).all()
        assert (columns * STRIDE + WINDOW <= left + wide).all()
        assert (rows * STRIDE >= top).all()
        assert (rows * STRIDE + WINDOW <= top + high).all()
    if told.sizes.size:
        assert told.sizes.prod(axis=1).sum() > 0.5 * width * height, "little of the canvas is empty"


def test_windows_of_the_canvas_say_what_those_of_a_level_say() -> None:
    detector = MTCNN(threads=1)
    image = np.random.default_rng(3).integers(0, 256, (270, 480, 3), np.uint8)
    own = Pyramid(image, 0.3, 0.709)
    faces, shifts = detector._judged(own.canvas())
    for level, picture in enumerate(own._levels):
        face, shift = detector._judged(np.asarray(picture))
        mine = own.layout.owner == level
        assert np.allclose(faces[mine], face.ravel(), atol=1e-5)
        assert np.allclose(shifts[:, mine], shift.reshape(4, -1), atol=1e-4)


def test_crops_come_from_the_smallest_picture_that_shows_enough() -> None:
    """A slope looks alike in every picture, but for rounding; which one was taken tells a mark in the image alone."""
    slope = np.add.outer(np.arange(400) * 0.2, np.arange(400) * 0.2)
    image = np.repeat(slope[..., None], 3, axis=2).astype(np.uint8)
    own = Pyramid(image, 0.3, 0.709)
    boxes = np.array(
        [[10, 20, 40, 50], [10, 20, 80, 90], [30, 30, 330, 330], [-20, 300, 100, 420]], np.float32
    )
    direct = crop.crop_resize(image, boxes, 24)
    got = own.cut(boxes, 24, least=24)
    assert np.abs(got.astype(int) - direct).max() <= 6
    image[::2, ::2] = 255  # The smaller pictures are made already, and do not have this.
    assert np.array_equal(own.cut(boxes[:1], 24, least=24), crop.crop_resize(image, boxes[:1], 24))
    assert np.array_equal(own.cut(boxes[1:], 24, least=24), got[1:])


@pytest.mark.parametrize("size", [(20, 12), (21, 12), (20, 13), (21, 13), (3, 3), (1, 4), (301, 77)])
def test_strips_of_a_halved_image_change_nothing(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    whole = np.asarray(pyramid.halved(image))
    assert whole.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2, 3)
    monkeypatch.setattr(pyramid, "STRIP", 100)
    assert np.array_equal(np.asarray(pyramid.halved(image)), whole)
