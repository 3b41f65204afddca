"""``FER``: faces and their expressions in one image, in the shapes of the package fer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.compat.common import Given, emotions, rgb_image, rounded, without_effect
from mien.core.errors import InputError
from mien.core.face import Face
from mien.core.faces import Faces
from mien.core.names import quoted
from mien.inference.detectors.images import found
from mien.inference.pipeline import Pipeline

_HEIGHT_OF_SQUARE = (
    1.08  # Of a face, from forehead to chin, in sides of the cascade's square: mien.inference.detectors.haar.
)


class Emotions(TypedDict):
    """A face: ``box`` as ``[x, y, width, height]`` in px, ``emotions`` as a probability of each of seven
    names."""

    box: list[int]
    emotions: dict[str, float]


class FER:
    """Finds faces and reads their expressions, with the arguments of the package fer.

    Threads may share one.

    Args:
        cascade_file: None; cascades of one's own are not read.
        mtcnn: True for MTCNN, which finds faces from 20 px up; False for OpenCV's Haar cascade, from 50 px
            (``mien[haar]``). When left out it is MTCNN from 40 px: it misses fewer faces than the cascade, in
            less time, and needs nothing installed.
        tfserving: False; no server is asked.
        use_tflite: Without meaning here.
        scale_factor: Without effect.
        min_face_size: Smallest face in px, in the place of those above: for MTCNN the height from forehead to
            chin, for Haar the side of the cascade's square.
        min_neighbors: Without effect.
        offsets: Without effect; the network's card says how a face is cut.

    Raises:
        InputError: An argument asks for what mien does not do, or is out of range.
        MissingExtraError: The cascade was asked for and is not installed.
    """

    def __init__(
        self,
        cascade_file: str | None = None,
        mtcnn: bool | None = None,
        tfserving: bool = False,
        use_tflite: bool = True,
        scale_factor: float = 1.1,
        min_face_size: int | None = None,
        min_neighbors: int = 5,
        offsets: tuple[int, int] = (10, 10),
    ) -> None:
        if cascade_file is not None:
            raise InputError(
                f"cascade_file: expected None; got {quoted(cascade_file)}: mien reads OpenCV's frontal cascade alone, mtcnn=True finds more"
            )
        if tfserving:
            raise InputError("tfserving: expected False; got True: mien asks no server, leave it out")
        if min_face_size is not None and min_face_size < 1:
            raise InputError(f"min_face_size: expected 1 px or more; got {min_face_size}")
        without_effect(
            scale_factor=(scale_factor, 1.1),
            min_neighbors=(min_neighbors, 5),
            offsets=(tuple(offsets), (10, 10)),
        )
        if mtcnn is False:
            self.pipeline = Pipeline("haar", min_face=round((min_face_size or 50) * _HEIGHT_OF_SQUARE))
        else:
            self.pipeline = Pipeline("mtcnn", min_face=min_face_size or (20 if mtcnn else 40))

    def detect_emotions(self, img: Given, face_rectangles: ArrayLike | None = None) -> list[Emotions]:
        """Faces of an image, the surest first, with the probability of every expression.

        Args:
            img: A path, the bytes of a file, a ``data:image/`` text, or an array as OpenCV reads it: ``(h, w,
                3)`` uint8 **BGR**, or gray.
            face_rectangles: ``(n, 4)`` ``x, y, width, height`` of faces, where they are already known.

        Returns:
            One dict per face: ``{"box": [x, y, width, height], "emotions": {"angry": 0.01, ...}}``; empty
            where there is none.

        Raises:
            InputError: The image is none of these, or cannot be read (`MediaError`).
        """
        return [as_emotions(face) for face in self._faces(rgb_image(img), face_rectangles)]

    def batch_detect_emotions(self, imgs: Iterable[Given]) -> list[list[Emotions]]:
        """`detect_emotions` of each image."""
        return [self.detect_emotions(img) for img in imgs]

    def top_emotion(self, img: Given) -> tuple[str, float] | tuple[None, None]:
        """The most probable expression of the surest face and its probability, or ``(None, None)`` where
        there is no face."""
        every = self.detect_emotions(img)
        if not every:
            return None, None
        probs = every[0]["emotions"]
        best = max(probs, key=probs.__getitem__)
        return best, probs[best]

    def find_faces(
        self, img: Given, bgr: bool = True, gray_img: NDArray[np.uint8] | None = None
    ) -> list[list[int]]:
        """``[x, y, width, height]`` of each face, the surest first.

        Args:
            img: As in `detect_emotions`.
            bgr: Without meaning here: an array's shape says whether it is gray.
            gray_img: Without meaning here.
        """
        [faces] = self.pipeline.detector.detect([rgb_image(img)])
        return [_rectangle(face) for face in faces]

    def _faces(self, image: NDArray[np.uint8], rectangles: ArrayLike | None) -> Faces:
        if rectangles is None:
            return self.pipeline([image])[0]
        corners = _corners(rectangles)
        return self.pipeline.classifier.classify([image], [found(corners, np.ones(len(corners)))])[0]


def as_emotions(face: Face, origin: Sequence[int] = (0, 0)) -> Emotions:
    """A face as fer gives it; ``origin`` is where the image lies in the frame that the box is told in."""
    x, y, width, height = _rectangle(face)
    return {"box": [x + origin[0], y + origin[1], width, height], "emotions": emotions(face)}


def _rectangle(face: Face) -> list[int]:
    x1, y1, x2, y2 = rounded(face)
    return [x1, y1, x2 - x1, y2 - y1]


def _corners(rectangles: ArrayLike) -> NDArray[np.float32]:
    given: NDArray[Any] = np.asarray(rectangles, np.float32)
    given = given.reshape(-1, 4) if given.size == 0 else given
    if given.ndim != 2 or given.shape[1] != 4 or not (given[:, 2:] > 0).all():
        raise InputError(
            f"face_rectangles: expected x, y, width, height of each face, the sides above 0; got {quoted(rectangles)}"
        )
    return np.concatenate([given[:, :2], given[:, :2] + given[:, 2:]], axis=1)
