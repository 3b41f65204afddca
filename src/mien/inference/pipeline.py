"""Images in, faces with expressions out: a detector and a classifier, built once and used by everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import Labels
from mien.inference.classifier import Classifier
from mien.inference.config import PipelineConfig
from mien.inference.detectors import Detector, create_detector
from mien.inference.landmarks import FaceMesh, measured
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path

DEFAULT_MODEL = PipelineConfig.model


class Pipeline:
    """Finds the faces in images and reads the expression that each one shows.

    It holds the networks and nothing of what it has seen, so threads may share one.

    Args:
        detector: ``mtcnn``, ``blaze``, ``auto``, ``haar``, ``whole``, or any object with a ``detect`` method like theirs.
        model: A network that mien ships (``mien models list``) or the path of an ONNX file with a card.
        head: Which output head to use; its card's first by default.
        min_confidence: An expression that is less probable than this, 0 to 1, is shown as ``uncertain``;
            None, the default, shows every one. Below 0.5 an answer is more likely wrong than right. The raw
            answer and its probabilities stay beside it.
        views: How often a face is looked at: ``one``; ``flip``, the face and its mirror image, whose
            probabilities are averaged, for twice the time of the expression network; or ``ten-crop``.
        min_face: Height in px of the smallest face to look for; the detector's own by default.
        min_detection_score: Least score, 0 to 1, of a face that counts, in images and where people are
            followed; the detector's own by default (`mien.inference.detectors.create_detector`).
        largest: Keep only the biggest face of each image.
        landmarks: Find 468 points of each face as well, and measure what moves in it (`mien.core.measures`):
            it takes several times as long as the expression.
        valence: How pleasant expressions are, -1 to 1, by name, in place of mien's own values; what is not named
            counts 0.
        threads: Threads for each network; as many as there are cores by default.
        device: What runs the networks: ``cpu``, ``cuda`` and others of `mien.inference.onnx_session.DEVICES`,
            or ``auto``.

    Raises:
        InputError: There is no such detector or head, or an option is impossible.
        NetworkError: A network file is missing or damaged.
        MissingExtraError: The detector needs a package that is not installed.

    >>> import numpy as np
    >>> pipeline = Pipeline()
    >>> [faces] = pipeline([np.zeros((120, 160, 3), np.uint8)])
    >>> len(faces), pipeline.labels.names[3]
    (0, 'happy')
    """

    def __init__(
        self,
        detector: str | Detector = PipelineConfig.detector,
        model: str | Path = PipelineConfig.model,
        *,
        head: str | None = None,
        min_confidence: float | None = None,
        views: str = PipelineConfig.views,
        min_face: int | None = None,
        min_detection_score: float | None = None,
        largest: bool = False,
        landmarks: bool = False,
        valence: Mapping[str, float] | None = None,
        threads: int | None = None,
        device: str = PipelineConfig.device,
    ) -> None:
        if threads is not None and threads < 1:
            raise InputError(f"expected at least 1 thread; got {threads}")
        choice: dict[str, Any] = {"threads": threads, "device": device}
        self.detector = _detector(detector, min_face, min_detection_score, choice)
        self.classifier = Classifier(
            open_network(network_path(model), **choice), head, min_confidence, views, valence
        )
        self.mesh = FaceMesh(**choice) if landmarks else None
        self.largest = largest

    @classmethod
    def open(cls, config: PipelineConfig) -> Pipeline:
        """A pipeline of these arguments.

        Raises:
            As the class.

        >>> Pipeline.open(PipelineConfig(largest=True)).largest
        True
        """
        return cls(**asdict(config))

    @property
    def labels(self) -> Labels:
        """Names of the columns of ``probs``."""
        return self.classifier.labels

    @overload
    def __call__(self, images: Frame | NDArray[np.uint8]) -> Faces: ...
    @overload
    def __call__(self, images: Sequence[Frame | NDArray[np.uint8]]) -> list[Faces]: ...
    def __call__(
        self, images: Frame | NDArray[np.uint8] | Sequence[Frame | NDArray[np.uint8]]
    ) -> Faces | list[Faces]:
        """Find and classify the faces of an image, or of a batch; each gets the answer that it would get
        alone.

        Args:
            images: A `Frame`, an ``(h, w, 3)`` uint8 RGB array, or several of them; arrays count as frames
                0, 1, 2, ... at 0.0 s. An array of four dimensions is a batch.

        Returns:
            `Faces` with ``probs``, empty where there is no face; of a batch one per image, in a list.

        Raises:
            InputError: An image is not an RGB array of bytes.
        """
        if isinstance(images, Frame) or (isinstance(images, np.ndarray) and images.ndim < 4):
            return self._batch([images])[0]
        return self._batch(list(images))

    def _batch(self, items: Sequence[Frame | NDArray[np.uint8]]) -> list[Faces]:
        frames = [
            item if isinstance(item, Frame) else Frame(index, 0.0, item) for index, item in enumerate(items)
        ]
        for frame in frames:
            _check(frame.image)
        images = [frame.image for frame in frames]
        found = _at(frames, self.detector.detect(images))
        if self.largest:
            found = [faces.largest() for faces in found]
        return self.read(images, found)

    def read(self, images: Sequence[NDArray[np.uint8]], faces: Sequence[Faces]) -> list[Faces]:
        """Read the faces that were found in images.

        Args:
            images: ``(h, w, 3)`` uint8 RGB.
            faces: The faces of each.

        Returns:
            The same faces with ``probs``, and with ``mesh`` and ``measures`` where landmarks were asked for.
        """
        read = self.classifier.classify(images, faces)
        if self.mesh is None:
            return read
        return [
            measured(image, found, *self.mesh.find(image, found))
            for image, found in zip(images, read, strict=True)
        ]


def _detector(
    given: str | Detector, min_face: int | None, min_score: float | None, choice: dict[str, Any]
) -> Detector:
    if isinstance(given, str):
        return create_detector(given, min_face=min_face, min_detection_score=min_score, **choice)
    if min_score is not None:
        raise InputError(
            f"min_detection_score: expected mtcnn, blaze, auto or haar; got {min_score} for a detector of your own: let it leave out what is unsure"
        )
    return given


def _at(frames: Sequence[Frame], found: Sequence[Faces]) -> list[Faces]:
    """The faces with the index and the time of their frame; from a detector they come with 0."""
    counts = [len(faces) for faces in found]
    where = {
        "frames": np.array([frame.index for frame in frames], np.int64),
        "times": np.array([frame.time for frame in frames], np.float64),
    }
    return (
        Faces.concatenate(found)
        .with_columns(**{name: np.repeat(values, counts) for name, values in where.items()})
        .split(counts)
    )


def _check(image: NDArray[np.uint8]) -> None:
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or 0 in image.shape
    ):
        came = (
            f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        )
        raise InputError(
            f"expected images as uint8 arrays of shape (height, width, 3), RGB; got {came}: files go through mien.analyze"
        )
