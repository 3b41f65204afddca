"""Images in, faces with expressions out: a detector and a classifier, built once and used by everything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeAlias, TypedDict, cast, overload

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_threads, checked
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import Labels
from mien.inference.classifier import Classifier
from mien.inference.config import DetectorName, DeviceName, PipelineConfig, TtaName
from mien.inference.detectors import Detector, create_detector
from mien.inference.landmarks import FaceMesh, measured
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.media.pixels import Channels, require_channels
from mien.media.source import Source, is_several, read_image

Image: TypeAlias = Frame | Source
"""What `Pipeline` takes for an image: a `Frame`, a path, bytes, a binary file object, an image of Pillow's or an array."""

_TOGETHER = 32_000_000
"""About so many pixels of a list are held and looked at together."""


class PipelineOptions(TypedDict, total=False):
    """Arguments of a `Pipeline`, by name, for functions that hand them on."""

    detector: DetectorName | Detector
    model: str | os.PathLike[str]
    head: str | None
    min_confidence: float | None
    tta: TtaName
    min_face: int | None
    min_detection_score: float | None
    largest: bool
    landmarks: bool
    valence: Mapping[str, float] | None
    threads: int | None
    device: DeviceName


class Pipeline:
    """Finds the faces in images and reads the expression that each one shows.

    It holds the networks and nothing of what it has seen, so threads may share one. It can be copied and sent to other
    processes, which open the networks anew, once each, and give the same answers.

    Args:
        detector: ``mtcnn``, ``blaze``, ``auto``, ``haar``, ``whole``, or any object with a ``detect`` method like theirs.
        model: A network that mien ships (``mien models list``) or the path of an ONNX file with a card.
        head: Which output head to use; its card's first by default.
        min_confidence: An expression that is less probable than this, 0 to 1, is shown as ``uncertain``;
            None, the default, shows every one. Below 0.5 an answer is more likely wrong than right. The raw
            answer and its probabilities stay beside it.
        tta: Test-time augmentation, how often a face is looked at: ``one``; ``flip``, the face and its mirror image, whose
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

    @checked
    def __init__(
        self,
        detector: DetectorName | Detector = PipelineConfig.detector,
        model: str | os.PathLike[str] = PipelineConfig.model,
        *,
        head: str | None = None,
        min_confidence: float | None = None,
        tta: TtaName = PipelineConfig.tta,
        min_face: int | None = None,
        min_detection_score: float | None = None,
        largest: bool = False,
        landmarks: bool = False,
        valence: Mapping[str, float] | None = None,
        threads: int | None = None,
        device: DeviceName = PipelineConfig.device,
    ) -> None:
        check_threads(threads)
        choice: dict[str, Any] = {"threads": threads, "device": device}
        self.detector = _detector(detector, min_face, min_detection_score, choice)
        self.classifier = Classifier(
            open_network(network_path(model), **choice), head, min_confidence, tta, valence
        )
        self.mesh = FaceMesh(**choice) if landmarks else None
        self.largest = largest

    @classmethod
    def open(cls, config: PipelineConfig) -> Pipeline:
        """A pipeline of these arguments.

        Raises:
            MienError: As the class.

        >>> Pipeline.open(PipelineConfig(largest=True)).largest
        True
        """
        return cls(**asdict(config))

    @property
    def labels(self) -> Labels:
        """Names of the columns of ``probs``."""
        return self.classifier.labels

    @overload
    def __call__(self, images: Image, *, channels: Channels = "rgb") -> Faces: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, images: Iterator[Image], *, channels: Channels = "rgb"
    ) -> Iterator[Faces]: ...
    @overload
    def __call__(self, images: Iterable[Image], *, channels: Channels = "rgb") -> list[Faces]: ...
    def __call__(
        self, images: Image | Iterable[Image], *, channels: Channels = "rgb"
    ) -> Faces | list[Faces] | Iterator[Faces]:
        """Find and classify the faces of an image, or of several; each gets the answer that it would get
        alone.

        Args:
            images: A `Frame`, or an image as a path, the bytes of a file, a binary file object, an image of Pillow's, or
                an array: uint8, ``(h, w, 3)`` or ``(h, w, 4)`` in the order of ``channels``, or ``(h, w)`` gray. Or
                several, in a list or another collection; an array of four dimensions is one. An iterator, such as a
                generator, is read image by image, as its answers are asked for. What is no `Frame` counts as
                frame 0, 1, 2, ... at 0.0 s.
            channels: ``bgr`` for arrays of OpenCV's. Files and Pillow's images know theirs, and a `Frame` is RGB.

        Returns:
            `Faces` with ``probs``, empty where there is no face; of several one per image, in a list, or of an iterator
            in an iterator.

        Raises:
            InputError: An image is none of these, or of another dtype or shape.
            MediaError: An image cannot be read, or is a video, an animation or a folder: `mien.analyze` reads those.

        >>> pipeline = Pipeline("whole")
        >>> [len(faces) for faces in pipeline(np.zeros((48, 48, 3), np.uint8) for _ in range(2))]
        [1, 1]
        """
        require_channels(channels)
        if isinstance(images, Frame) or not is_several(images):
            return self._batch([_frame(cast(Image, images), channels)])[0]
        frames = (_frame(image, channels, index) for index, image in enumerate(cast(Iterable[Image], images)))
        if isinstance(images, Iterator):
            return (self._batch([frame])[0] for frame in frames)
        return [faces for batch in _batches(frames) for faces in self._batch(batch)]

    def _batch(self, frames: Sequence[Frame]) -> list[Faces]:
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


def _frame(image: Image, channels: Channels, index: int | None = None) -> Frame:
    """An image with its place among several, None where it is alone."""
    unnamed = index is not None and not isinstance(image, str | os.PathLike) and not hasattr(image, "read")
    name = f"image {index}" if unnamed else None
    if isinstance(image, Frame):
        return replace(image, image=read_image(image.image, name=name))
    return Frame(index or 0, 0.0, read_image(image, channels, name))


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames, as many together as may be held."""
    batch, pixels = list[Frame](), 0
    for frame in frames:
        batch.append(frame)
        pixels += frame.width * frame.height
        if pixels >= _TOGETHER:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


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
