"""Several views of each face, averaged: the same rule for an evaluation and for what a pipeline answers."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien import InputError
from mien.core.drawn_face import draw_portrait
from mien.evaluation import EvaluateOptions, evaluate, open_subject
from mien.inference.config import TtaName
from mien.inference.pipeline import Pipeline
from mien.inference.tta import TTA
from mien.server.inference import Batcher, SharedClassifier
from tests.evaluation.small_faces import marked_faces


def lopsided() -> np.ndarray:
    """A drawn face that is darker on one side, so that its mirror image is another one."""
    face = draw_portrait().astype(float)
    return (face * np.linspace(0.4, 1.0, face.shape[1])[None, :, None]).astype(np.uint8)


@pytest.fixture(scope="module")
def flipping() -> Pipeline:
    return Pipeline(tta="flip", threads=1)


def test_flips_are_the_mean_of_the_face_and_its_mirror_image(pipeline: Pipeline, flipping: Pipeline) -> None:
    image = lopsided()
    faces = flipping.detector.detect([image])[0]
    crops = pipeline.classifier.crop_faces(image, faces)
    once, mirrored = (pipeline.classifier.probabilities(view) for view in (crops, crops[..., ::-1].copy()))
    assert np.abs(once - mirrored).max() > 0.001
    assert flipping.classifier.probabilities(crops) == pytest.approx((once + mirrored) / 2, abs=1e-6)
    assert flipping(image).probs == pytest.approx((once + mirrored) / 2, abs=1e-6)


def test_a_face_and_its_mirror_image_get_one_answer(flipping: Pipeline) -> None:
    crops = flipping.classifier.crop_faces(lopsided(), flipping(lopsided()))
    assert np.array_equal(
        flipping.classifier.probabilities(crops), flipping.classifier.probabilities(crops[..., ::-1].copy())
    )


@pytest.mark.parametrize("tta", TTA)
def test_many_at_once_get_the_answers_that_each_gets_alone(tta: TtaName) -> None:
    pipeline = Pipeline("whole", tta=tta, threads=1)
    images = [np.roll(lopsided(), shift, axis=1) for shift in range(0, 200, 20)]
    together = pipeline(images)
    for image, found in zip(images, together, strict=True):
        assert np.array_equal(pipeline(image).probs, found.probs)


@pytest.mark.parametrize("tta", TTA)
def test_an_evaluation_gives_the_answers_of_the_pipeline(tta: TtaName) -> None:
    data = marked_faces(28).split("PublicTest")
    judged = evaluate(open_subject("small-int8", threads=1), data, EvaluateOptions(tta=tta))
    pipeline = Pipeline(tta=tta, threads=1)
    crops = data.images[:, None].astype(np.float32)
    assert judged.probs == pytest.approx(pipeline.classifier.probabilities(crops), abs=1e-6)


def test_one_view_is_the_default(pipeline: Pipeline) -> None:
    image = lopsided()
    assert np.array_equal(pipeline(image).probs, Pipeline(tta="one", threads=1)(image).probs)


def test_other_views_are_refused() -> None:
    with pytest.raises(InputError, match="tta: expected one, flip or ten-crop; got 'twice'"):
        mien.Pipeline(tta="twice")  # type: ignore[arg-type]


def test_the_service_looks_as_often(flipping: Pipeline) -> None:
    crops = flipping.classifier.crop_faces(lopsided(), flipping(lopsided()))
    with Batcher() as batcher:
        classifier = SharedClassifier(flipping.classifier, batcher)
        assert np.array_equal(classifier.probabilities(crops), flipping.classifier.probabilities(crops))
