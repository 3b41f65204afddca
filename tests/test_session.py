"""One stream from frames to smoothed emotions; the pipeline beneath is shared and remembers nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mien import Pipeline, Session, Smoothing, Tracking
from mien.inference.detectors.mtcnn import MTCNN
from mien.media import Frame


@pytest.fixture(scope="module")
def film(astronaut: np.ndarray) -> list[Frame]:
    """A real face that moves over a wall, 24 frames at 12 a second; away for four of them."""
    face = astronaut[20:220, 120:320]
    frames = []
    for index in range(24):
        image = np.full((240, 320, 3), 120, np.uint8)
        if index not in range(10, 14):
            image[20:220, 20 + 3 * index : 220 + 3 * index] = face
        frames.append(Frame(index, index / 12, image))
    return frames


def test_everything_in_one_call(film: list[Frame], pipeline: Pipeline) -> None:
    found = Session(pipeline).update(film)
    assert [faces.tracks.tolist() for faces in found] == [
        [] if index in range(10, 14) else [1] for index in range(24)
    ]
    for frame, faces in zip(film, found, strict=True):
        assert faces.frames.tolist() == [frame.index] * len(faces)
        assert len(faces) == 0 or (
            faces.probs is not None
            and faces.smoothed_probs is not None
            and faces.smoothed_emotion_ids is not None
        )
    assert {face.smoothed_emotion for faces in found for face in faces} == {"happy"}


def test_in_batches_it_gives_the_same(film: list[Frame], pipeline: Pipeline) -> None:
    whole, session = Session(pipeline).update(film), Session(pipeline)
    parts = [faces for start in range(0, 24, 5) for faces in session.update(film[start : start + 5])]
    for one, other in zip(whole, parts, strict=True):
        assert one.boxes.tobytes() == other.boxes.tobytes()
        assert np.allclose(one.probs, other.probs, atol=1e-5)
        assert one.tracks.tolist() == other.tracks.tolist()


def test_a_restored_session_goes_on_to_the_same_bits(film: list[Frame], pipeline: Pipeline) -> None:
    first = Session(pipeline)
    first.update(film[:8])
    second = Session(pipeline)
    second.restore(json.loads(json.dumps(first.state())))
    for one, other in zip(first.update(film[8:]), second.update(film[8:]), strict=True):
        assert one.boxes.tobytes() == other.boxes.tobytes()
        assert one.tracks.tolist() == other.tracks.tolist()
        if len(one):
            assert one.smoothed_probs.tobytes() == other.smoothed_probs.tobytes()
    assert first.state() == second.state()


def test_reset_begins_anew(film: list[Frame], pipeline: Pipeline) -> None:
    session = Session(pipeline, Tracking(lost_after=0.2), Smoothing(tau=0.1))
    assert session.update(film[:18])[-1].tracks.tolist() == [2]
    session.reset()
    assert session.state() == Session(pipeline).state()
    assert session.update(film[:1])[0].tracks.tolist() == [1]


def test_only_the_largest_face() -> None:
    image = np.zeros((48, 48, 3), np.uint8)
    session = Session(Pipeline(detector="whole", largest=True))
    assert len(session.update([Frame(0, 0.0, image)])[0]) == 1
    assert session.labels == session.pipeline.labels


def test_refining_confirms_what_is_there(astronaut: np.ndarray) -> None:
    detector = MTCNN(threads=1)
    [found] = detector.detect([astronaut])
    box, size = found.boxes[0], float(np.sqrt(np.prod(found.boxes[0, 2:] - found.boxes[0, :2])))
    for shift in (0.0, 0.15, -0.2):
        [refined] = detector.refine([astronaut], [[box + shift * size, box + 1.5 * size]])
        assert len(refined) == 2
        assert refined.detection_scores[0] > 0.9
        assert np.abs(refined.boxes[0] - box).max() < 0.15 * size
        assert refined.detection_scores[1] < 0.5
    # Again and again it stays where it is.
    boxes = found.boxes
    for _ in range(30):
        [refined] = detector.refine([astronaut], [boxes])
        boxes = refined.boxes
    assert np.abs(boxes[0] - box).max() < 0.1 * size


def test_refining_many_images_at_once(astronaut: np.ndarray) -> None:
    detector = MTCNN(threads=1)
    [found] = detector.detect([astronaut])
    none, outside = np.empty((0, 4)), [[-400.0, -400.0, -300.0, -280.0]]
    first, second, third = detector.refine(
        [astronaut, astronaut, astronaut[::2, ::2]], [none, found.boxes, outside]
    )
    assert (len(first), len(second), len(third)) == (0, 1, 1)
    assert third.detection_scores[0] == 0
    [alone] = detector.refine([astronaut], [found.boxes])
    assert np.allclose(alone.boxes, second.boxes, atol=0.01)
    assert detector.refine([], []) == []
