"""Covered faces: nobody finds or restores them, the rest of the image stays, and nobody slips through
for a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from mien.core.errors import InputError
from mien.inference.detectors import Detector, create_detector
from mien.media.blur import Blur, blur, bridged


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Looks for faces far smaller than those that were covered, too."""
    return create_detector("mtcnn", min_face=20, threads=1)


@pytest.fixture(params=["portrait", "astronaut", "grace_hopper"])
def person(request: pytest.FixtureRequest, detector: Detector) -> tuple[np.ndarray, np.ndarray]:
    """An image and the boxes of everything in it that a detector takes for a face."""
    image = request.getfixturevalue(request.param)
    boxes = detector.detect([image])[0].boxes
    assert len(boxes)
    return image, boxes


def sharpened(image: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.UnsharpMask(radius, 500, 0)))


def detail(image: np.ndarray, radius: float) -> np.ndarray:
    """What sets an image apart from its own soft copy: eyes, mouth, edges."""
    gray = Image.fromarray(image).convert("L")
    return np.asarray(gray, float) - np.asarray(gray.filter(ImageFilter.GaussianBlur(radius)), float)


def test_no_detector_finds_a_covered_face(person: tuple[np.ndarray, np.ndarray], detector: Detector) -> None:
    image, boxes = person
    covered = blur(image, boxes)
    assert len(detector.detect([covered])[0]) == 0
    pytest.importorskip("cv2", reason="mien[haar] is not installed")
    assert len(create_detector("haar", min_face=40).detect([covered])[0]) == 0


def test_sharpening_brings_nothing_back(person: tuple[np.ndarray, np.ndarray], detector: Detector) -> None:
    image, boxes = person
    covered = blur(image, boxes)
    x1, y1, x2, y2 = boxes[0].round().astype(int)
    inside = np.s_[y1:y2, x1:x2]
    scale = float(x2 - x1) / 12  # Eyes, nose and mouth are of this size.
    before = detail(image, scale)[inside].ravel()
    for radius in (scale, 2 * scale, 4 * scale):
        again = sharpened(covered, radius)
        assert len(detector.detect([again])[0]) == 0
        assert abs(np.corrcoef(before, detail(again, scale)[inside].ravel())[0, 1]) < 0.35


def test_what_lies_within_a_cell_leaves_no_trace(portrait: np.ndarray, detector: Detector) -> None:
    boxes = detector.detect([portrait])[0].boxes
    rows, columns = np.indices(portrait.shape[:2])
    pattern = np.where((rows // 2 + columns // 2) % 2, 25, -25)[..., None]
    x1, y1, x2, y2 = boxes[0].astype(int)
    inside = np.s_[y1:y2, x1:x2]
    half = (portrait // 2 + 60).astype(np.int64)
    plain, textured = half.astype(np.uint8), (half + pattern).astype(np.uint8)
    assert np.abs(textured[inside].astype(int) - plain[inside]).min() == 25
    assert np.abs(blur(textured, boxes)[inside].astype(int) - blur(plain, boxes)[inside]).max() <= 2


def test_the_rest_stays_bit_by_bit(astronaut: np.ndarray) -> None:
    original = astronaut.copy()
    box = np.array([180, 61, 268, 174])
    covered = blur(astronaut, box[None])
    assert np.array_equal(astronaut, original)
    changed = (covered != astronaut).any(axis=2)
    inside = np.zeros(changed.shape, bool)
    inside[box[1] : box[3], box[0] : box[2]] = True
    # Everything in the box, hair above it and a bit of every side, and nothing a face away from it.
    assert changed[inside].mean() > 0.97
    assert changed[box[1] - 25 : box[1], 215:235].mean() > 0.9
    far = np.ones(changed.shape, bool)
    far[: box[3] + 50, box[0] - 40 : box[2] + 40] = False
    assert not changed[far].any()


def test_real_people(shared_media: Any, detector: Detector) -> None:
    for name in ("one_face.jpg", "many_faces.jpg"):
        image = np.asarray(Image.open(shared_media / name).convert("RGB"))
        boxes = detector.detect([image])[0].boxes
        assert len(boxes) >= (1 if name.startswith("one") else 4)
        assert len(detector.detect([blur(image, boxes)])[0]) == 0


@settings(max_examples=60, deadline=None)
@given(
    corners=st.lists(st.tuples(*[st.floats(-1e7, 1e7)] * 4), max_size=3),
    near=st.lists(st.tuples(*[st.floats(-60, 120)] * 4), max_size=3),
    strength=st.floats(1, 50),
)
def test_any_box_is_taken(
    corners: list[tuple[float, ...]], near: list[tuple[float, ...]], strength: float
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    covered = blur(image, np.array(corners + near).reshape(-1, 4), strength)
    assert covered.shape == image.shape
    assert covered.dtype == np.uint8


def test_boxes_at_and_beyond_the_edge() -> None:
    height, width = 240, 200
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    assert np.array_equal(blur(noise, np.empty((0, 4))), noise)
    assert np.array_equal(blur(noise, [[50, 50, 50, 90], [-90, -90, -40, -40]]), noise)  # no area; outside
    for corner in ([-40, -40, 30, 30], [width - 30, height - 30, width + 40, height + 40]):
        assert (blur(noise, [corner]) != noise).any()
    everything = blur(noise, [[-1e6, -1e6, 1e6, 1e6]])
    assert len(np.unique(everything.reshape(-1, 3), axis=0)) == 1
    assert (blur(noise, [[100, 100, 103, 104]]) != noise).any(axis=2).sum() > 4


def test_stronger_is_coarser(astronaut: np.ndarray) -> None:
    box = [[180, 61, 268, 174]]
    spreads = [
        np.std(blur(astronaut, box, strength)[70:165, 190:258].astype(float), axis=(0, 1)).max()
        for strength in (1, 2, 10)
    ]
    assert spreads[0] > spreads[2]
    assert spreads[2] < 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: blur(np.zeros((4, 4), np.uint8), []), "expected an image as a uint8 array"),
        (
            lambda: blur(np.zeros((4, 4, 3)), []),  # type: ignore[arg-type]
            "got float64 of shape",
        ),
        (
            lambda: blur(np.zeros((4, 4, 3), np.uint8), [[0, 0, 1]]),
            r"boxes: expected finite numbers of shape \(n, 4\)",
        ),
        (lambda: blur(np.zeros((4, 4, 3), np.uint8), [[0, 0, np.nan, 1]]), "boxes: expected finite"),
        (
            lambda: blur(np.zeros((4, 4, 3), np.uint8), [], strength=0.5),
            "strength: expected a number of 1 or more; got 0.5",
        ),
        (lambda: blur(np.zeros((4, 4, 3), np.uint8), [], strength=np.inf), "strength"),
        (lambda: bridged([1], [0, 1], [[0, 0, 1, 1]], [0]), "columns of one length"),
        (lambda: bridged([1], [np.nan], [[0, 0, 1, 1]], [0]), "times: expected finite"),
        (lambda: bridged([1], [0], [[0, 0, 1, 1]], [0], gap=-1), "gap: expected seconds"),
    ],
)
def test_wrong_input_is_told(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()


@pytest.mark.parametrize(
    "text", ["", "all but", "everyone", "1;2", "all 1", "-1", "1,,2", "1.5", "all but x", "²"]
)
def test_a_rule_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(InputError, match="expected all, ids of people such as 2,3, or all but 1"):
        Blur.parse(text)


def test_rules_say_who_is_covered() -> None:
    tracks = np.array([1, 2, 3, 2])
    for text, covered in {
        "all": [1, 1, 1, 1],
        " ALL ": [1, 1, 1, 1],
        "2,3": [0, 1, 1, 1],
        "3": [0, 0, 1, 0],
        "All But 2, 3": [1, 0, 0, 0],
    }.items():
        assert Blur.parse(text).covers(tracks).tolist() == [bool(one) for one in covered]
    assert Blur.parse("all").covers(None, 2).tolist() == [True, True]
    for text in ("2", "all but 2"):
        with pytest.raises(InputError, match="people with ids"):
            Blur.parse(text).covers(None, 2)
    assert Blur.parse("all but 7,2,9").unseen(tracks) == (7, 9)
    assert Blur.parse("all").unseen([]) == ()


def test_a_face_missed_for_a_moment_stays_covered() -> None:
    frames = np.arange(0, 10, 0.1)
    seen = np.r_[1.0:3.05:0.1, 4.0:5.05:0.1]  # missed for a second
    boxes = np.stack([seen * 10, seen * 0, seen * 10 + 20, seen * 0 + 30], axis=1)
    positions, people, where = bridged(np.full(len(seen), 4), seen, boxes, frames)
    assert set(people) == {4}
    np.testing.assert_allclose(frames[positions], np.arange(0.5, 5.55, 0.1), atol=1e-9)
    middle = (frames[positions] > 0.95) & (frames[positions] < 5.05)
    np.testing.assert_allclose(where[middle, 0], frames[positions][middle] * 10, rtol=1e-5)
    assert set(where[frames[positions] < 0.95, 0]) == {np.float32(10)}


def test_a_long_absence_is_not_bridged() -> None:
    positions, _, where = bridged(
        [1, 1], [0.0, 10.0], [[0, 0, 9, 9], [50, 0, 59, 9]], np.arange(0, 11, 0.5), gap=2.0, lead=0.5
    )
    assert positions.tolist() == [0, 1, 19, 20, 21]
    assert where[:, 0].tolist() == [0, 0, 50, 50, 50]


def test_staying_leaves_no_hole_between_two_frames() -> None:
    positions, _, _ = bridged([1, 1], [0.0, 1.9], [[0, 0, 9, 9]] * 2, np.arange(0, 2, 0.1), gap=0.5, lead=1.0)
    assert positions.tolist() == list(range(20))


def test_people_are_bridged_each_on_their_own() -> None:
    positions, people, where = bridged(
        [2, 1, 2], [1.0, 0.5, 0.0], [[9, 0, 10, 1], [5, 5, 6, 6], [7, 0, 8, 1]], [0.5], lead=0.0
    )
    assert positions.tolist() == [0, 0]
    assert people.tolist() == [1, 2]
    assert where[:, 0].tolist() == [5, 8]
    nobody = bridged([], [], np.empty((0, 4)), [0.0, 1.0])
    assert [column.shape for column in nobody] == [(0,), (0,), (0, 4)]
    assert [column.shape for column in bridged([1], [0.0], [[0, 0, 1, 1]], [])] == [(0,), (0,), (0, 4)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_frame_is_covered_where_it_was_seen(data: st.DataObject) -> None:
    times = data.draw(st.lists(st.floats(-5, 50), min_size=1, max_size=30, unique=True))
    tracks = data.draw(st.lists(st.integers(0, 3), min_size=len(times), max_size=len(times)))
    boxes = np.random.default_rng(0).uniform(0, 100, (len(times), 4))
    gap, lead = data.draw(st.floats(0, 5)), data.draw(st.floats(0, 2))
    positions, people, where = bridged(tracks, times, boxes, times, gap=gap, lead=lead)
    found = {
        (position, person): box
        for position, person, box in zip(positions.tolist(), people.tolist(), where, strict=True)
    }
    assert len(found) == len(positions)
    for position, track in enumerate(tracks):
        np.testing.assert_allclose(found[position, track], boxes[position], rtol=1e-4, atol=1e-3)
