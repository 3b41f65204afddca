"""The record: checked once, frozen, plain when iterated."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.boxes import clip, overlap, suppress
from mien.core.errors import InputError, RecordError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels, canonical_label


def some(n: int = 3, **columns: Any) -> Faces:
    boxes = np.arange(n)[:, None] * 10 + np.array([0, 0, 4, 5])
    return Faces(boxes, np.linspace(0.5, 1, n), np.arange(n), np.arange(n) / 30, **columns)


def test_columns_have_their_types_and_cannot_be_written_to() -> None:
    faces = some()
    assert (faces.boxes.dtype, faces.frames.dtype, faces.times.dtype) == (np.float32, np.int64, np.float64)
    with pytest.raises(ValueError, match="read-only"):
        faces.boxes[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        faces.boxes = faces.boxes  # type: ignore[misc]


def test_the_callers_array_stays_writable() -> None:
    boxes = np.zeros((1, 4), np.float32)
    Faces(boxes, [1], [0], [0])
    boxes[0] = 1


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"detection_scores": [1.0]}, "detection_scores: expected shape"),
        ({"landmarks": np.zeros((3, 4, 2))}, "landmarks: expected shape"),
        ({"probs": np.zeros((3, 7))}, "probs: expected shape"),
        ({"labels": EXPRESSIONS}, "without the other"),
        ({"times": [0, np.nan, 1]}, "times: expected finite"),
        (
            {"smoothed_probs": np.zeros((3, 7)), "smoothed_emotion_ids": [0, 0, 0]},
            "smoothed_probs: expected shape",
        ),
        ({"smoothed_emotion_ids": [0, 0, 0]}, "beside probs"),
        (
            {"probs": np.zeros((3, 7)), "labels": EXPRESSIONS, "smoothed_emotion_ids": [0, 7, 0]},
            "smoothed_emotion_ids as columns 0 to 6",
        ),
        (
            {"probs": np.zeros((3, 7)), "labels": EXPRESSIONS, "smoothed_probs": np.zeros((3, 6))},
            "smoothed_probs: expected shape",
        ),
        ({"boxes": [[5, 0, 1, 1]] * 3}, "x1 <= x2"),
        ({"boxes": "abc"}, "boxes: expected float32"),
    ],
)
def test_impossible_columns_are_refused(columns: dict[str, Any], word: str) -> None:
    good: dict[str, Any] = {
        "boxes": np.zeros((3, 4)),
        "detection_scores": np.ones(3),
        "frames": np.zeros(3),
        "times": np.zeros(3),
    }
    with pytest.raises(RecordError, match=word):
        Faces(**{**good, **columns})


def test_rows_are_plain_and_fit_json() -> None:
    faces = some(
        1, tracks=[4], probs=np.full((1, 7), 1 / 7), labels=EXPRESSIONS, landmarks=np.zeros((1, 5, 2))
    )
    row = json.loads(json.dumps(asdict(next(iter(faces)))))
    assert row["track"] == 4
    assert row["box"] == [0.0, 0.0, 4.0, 5.0]
    assert list(row["probs"]) == list(EXPRESSIONS)
    assert row["confidence"] == row["probs"][row["emotion"]]


def test_smoothed_values_stand_beside_the_raw_ones() -> None:
    raw, smooth = np.eye(7)[[3, 5]], np.eye(7)[[3, 3]] * 0.5 + 0.5 / 7
    faces = some(
        2, tracks=[4, 4], probs=raw, smoothed_probs=smooth, smoothed_emotion_ids=[3, 3], labels=EXPRESSIONS
    )
    rows = list(faces)
    assert [row.emotion for row in rows] == ["happy", "sad"]
    assert [row.smoothed_emotion for row in rows] == ["happy", "happy"]
    assert rows[1].probs["sad"] == 1.0
    assert rows[1].smoothed_probs == {
        name: round(float(value), 6)
        for name, value in zip(EXPRESSIONS, np.asarray(smooth[1], np.float32), strict=True)
    }
    assert faces[1:].smoothed_emotion_ids.tolist() == [3]
    assert len(Faces.concatenate([faces, Faces.empty(EXPRESSIONS)]).smoothed_probs) == 2
    plain = next(iter(some(1)))
    assert (plain.smoothed_emotion, plain.smoothed_probs) == (None, None)


def test_choosing_rows() -> None:
    faces = some()
    assert faces[1] == list(faces)[1]
    assert (faces[-1].frame, faces[np.int64(2)].frame) == (2, 2)
    with pytest.raises(IndexError):
        faces[3]
    assert faces[1:].frames.tolist() == [1, 2]
    assert faces[np.array([True, False, True])].frames.tolist() == [0, 2]
    assert faces[[2, 0]].frames.tolist() == [2, 0]


def test_largest_keeps_one_row_per_frame() -> None:
    faces = Faces([[0, 0, 2, 2], [0, 0, 5, 5], [0, 0, 1, 1]], [1, 1, 1], [0, 0, 7], [0, 0, 1])
    assert faces.largest().boxes[:, 2].tolist() == [5, 1]
    assert len(Faces.empty().largest()) == 0


def test_concatenate_needs_the_same_columns() -> None:
    with pytest.raises(RecordError, match="tracks in all parts or in none"):
        Faces.concatenate([some(1), some(1, tracks=[1])])
    read = some(1, probs=np.ones((1, 2)), labels=Labels(("sad", "happy")))
    with pytest.raises(RecordError, match="same labels"):
        Faces.concatenate([some(1), read])
    assert len(Faces.concatenate([])) == 0
    assert Faces.concatenate([Faces.empty(EXPRESSIONS)]).labels == EXPRESSIONS


def test_labels_are_names_not_numbers() -> None:
    assert set(EXPRESSIONS) == {"angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"}
    assert set(FERPLUS) == {*EXPRESSIONS, "contempt"}
    for name in FERPLUS:
        assert FERPLUS.colour(name).startswith("#")
    assert canonical_label("Fearful") == "fear"
    for names in [("happy",), ("happy", "Happiness")]:
        with pytest.raises(InputError, match="two distinct"):
            Labels(names)


corners = st.floats(-100, 100, width=32)
some_boxes = st.lists(st.tuples(corners, corners, corners, corners), min_size=1, max_size=12).map(
    lambda rows: np.array(
        [[min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1] for a, b, c, d in rows], np.float32
    )
)


@given(some_boxes)
def test_overlap_is_symmetric_and_a_share(boxes: np.ndarray) -> None:
    shares = overlap(boxes, boxes)
    assert np.allclose(shares, shares.T, atol=1e-6)
    assert np.allclose(np.diag(shares), 1, atol=1e-4)
    assert shares.min() >= 0
    assert shares.max() <= 1 + 1e-4


@given(some_boxes, st.floats(0.1, 0.9))
def test_suppression_leaves_no_pair_above_the_limit(boxes: np.ndarray, limit: float) -> None:
    scores = np.linspace(1, 0.5, len(boxes))
    kept = suppress(boxes, scores, limit)
    shares = overlap(boxes[kept], boxes[kept])
    np.fill_diagonal(shares, 0)
    assert shares.max(initial=0) <= limit
    # Every box that went overlaps a better one that stayed.
    for gone in set(range(len(boxes))) - set(kept.tolist()):
        better = [other for other in kept if scores[other] >= scores[gone]]
        assert overlap(boxes[[gone]], boxes[better]).max() > limit


@given(some_boxes)
def test_clipped_boxes_lie_inside(boxes: np.ndarray) -> None:
    inside = clip(boxes, 50, 40)
    assert inside.min() >= 0
    assert inside[:, [0, 2]].max() <= 50
    assert inside[:, [1, 3]].max() <= 40
