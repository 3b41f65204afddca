"""Images in, faces with expressions out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import EXPRESSIONS, FERPLUS, Faces, Frame, InputError, NetworkError, Pipeline
from mien.inference.card import read_card, write_card
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path, part_path


def images(portrait: np.ndarray) -> list[np.ndarray]:
    """Faces of several sizes, two at once, none, and noise."""
    wide = np.full((260, 520, 3), 120, np.uint8)
    wide[10:250, :240] = portrait
    wide[10:250, 270:510] = portrait[:, ::-1]
    noise = np.random.default_rng(0).integers(0, 255, (200, 180, 3), dtype=np.uint8)
    return [
        portrait,
        wide,
        np.zeros((50, 60, 3), np.uint8),
        portrait[::2, ::2].copy(),
        noise,
        np.full((1, 1, 3), 7, np.uint8),
    ]


def test_faces_are_found_and_read(pipeline: Pipeline, portrait: np.ndarray) -> None:
    one, two, none, small, noise, dot = pipeline(images(portrait))
    assert [len(faces) for faces in (one, two, none, small, noise, dot)] == [1, 2, 0, 1, 0, 0]
    assert one.labels == EXPRESSIONS
    assert np.allclose(two.probs.sum(axis=1), 1, atol=1e-5)
    assert none.probs.shape == (0, 7)


def test_a_batch_gives_the_answers_of_one_by_one(
    pipeline: Pipeline, portrait: np.ndarray, astronaut: np.ndarray, grace_hopper: np.ndarray
) -> None:
    every = [*images(portrait), astronaut, grace_hopper]
    for together, image in zip(pipeline(every), every, strict=True):
        [alone] = pipeline([image])
        assert len(alone) == len(together)
        for column in ("boxes", "landmarks"):
            if len(alone):
                assert np.allclose(getattr(alone, column), getattr(together, column), atol=1e-2)
        assert np.allclose(alone.detection_scores, together.detection_scores, atol=1e-5)
        assert np.allclose(alone.probs, together.probs, atol=1e-5)


def test_the_same_crops_give_the_same_answers_in_any_batch(pipeline: Pipeline) -> None:
    crops = np.random.default_rng(1).integers(0, 255, (150, 1, 48, 48)).astype(np.float32)
    together = pipeline.classifier.probabilities(crops)
    alone = np.concatenate([pipeline.classifier.probabilities(crops[[row]]) for row in range(len(crops))])
    assert together.shape == (150, 7)
    assert np.abs(together - alone).max() < 1e-5


def test_frames_keep_their_index_and_time(pipeline: Pipeline, portrait: np.ndarray) -> None:
    [faces] = pipeline([Frame(41, 1.375, portrait)])
    assert (faces.frames.tolist(), faces.times.tolist()) == ([41], [1.375])


def test_one_image_gives_its_faces(pipeline: Pipeline, portrait: np.ndarray) -> None:
    [expected] = pipeline([portrait])
    assert pipeline(portrait)[0] == expected[0]
    assert pipeline(Frame(7, 0.5, portrait))[0].time == 0.5
    stacked: Any = np.stack([portrait, portrait])
    assert [len(faces) for faces in pipeline(stacked)] == [1, 1]


def test_no_images_give_no_answers(pipeline: Pipeline) -> None:
    assert pipeline([]) == []


def test_threads_may_share_a_pipeline(pipeline: Pipeline, portrait: np.ndarray) -> None:
    images = [np.roll(portrait, shift, axis=0) for shift in range(8)]
    expected = [faces.probs for faces in pipeline(images)]
    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(lambda image: pipeline([image])[0].probs, images))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(expected, got, strict=True))


def test_largest_keeps_one_face(portrait: np.ndarray) -> None:
    wide = np.full((260, 520, 3), 120, np.uint8)
    wide[10:250, :240] = portrait
    wide[60:180, 300:420] = portrait[::2, ::2]
    assert len(Pipeline(threads=1)([wide])[0]) == 2
    [faces] = Pipeline(largest=True, threads=1)([wide])
    assert len(faces) == 1
    assert faces.boxes[0, 2] < 260


def test_whole_images_are_read_as_they_are(portrait: np.ndarray) -> None:
    face = np.random.default_rng(2).integers(0, 255, (48, 48), dtype=np.uint8)
    whole = Pipeline("whole", threads=1)
    [faces] = whole([np.repeat(face[..., None], 3, axis=2)])
    direct = whole.classifier.probabilities(face[None, None].astype(np.float32))
    assert np.allclose(faces.probs, direct, atol=1e-4)


def test_the_other_reading_has_its_own_labels(portrait: np.ndarray) -> None:
    pipeline = Pipeline(head="ferplus", threads=1)
    assert pipeline.labels == FERPLUS
    assert pipeline([portrait])[0].labels == FERPLUS
    with pytest.raises(InputError, match="head out of expression, fer2013, ferplus"):
        Pipeline(head="fer2014")


def test_any_object_with_detect_is_a_detector(portrait: np.ndarray) -> None:
    class Corner:
        def detect(self, images: Sequence[np.ndarray]) -> list[Faces]:
            return [Faces([[0, 0, 20, 25]], [1], [0], [0]) for _ in images]

    [faces] = Pipeline(Corner(), threads=1)([portrait])
    assert faces.boxes.tolist() == [[0, 0, 20, 25]]


def test_wrong_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"comes with mien \(.*small"):
        Pipeline(model="huge")
    with pytest.raises(NetworkError, match="reads expressions; its card says detector"):
        Classifier(open_network(part_path("mtcnn-rnet")))
    for change, told in (
        (
            {"heads": {}},
            r"own\.onnx: expected a network that reads expressions; its card names no classes \(heads\)",
        ),
        ({"crop": None}, r"own\.onnx: expected a card that says which square .*; its crop is null"),
    ):
        own = tmp_path / "own.onnx"
        own.write_bytes(network_path("small-int8").read_bytes())
        write_card(own, read_card(own).model_copy(update=change))
        with pytest.raises(NetworkError, match=told):
            Pipeline(model=own)
    broken = tmp_path / "net.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(NetworkError, match=r"net\.onnx: expected an ONNX file"):
        Pipeline(model=broken)
    with pytest.raises(InputError, match="threads: expected 1 to 1,024"):
        Pipeline(threads=0)


def test_known_portraits(pipeline: Pipeline, astronaut: np.ndarray, grace_hopper: np.ndarray) -> None:
    smiling, serious = pipeline([astronaut, grace_hopper])
    assert smiling.emotions == ["happy"]
    assert serious.emotions == ["neutral"]


def test_real_images(pipeline: Pipeline, shared_media: Path) -> None:
    from mien import analyze

    many = analyze(shared_media / "many_faces.jpg", pipeline=pipeline).faces
    assert len(many) == 5
    assert many.emotions.count("happy") >= 4
    assert len(analyze(shared_media / "one_face.jpg", pipeline=pipeline).faces) == 1
