"""OpenCV's cascade of Haar features (Viola and Jones 2001), as a baseline to compare with; needs
``mien[haar]``."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core import boxes as box_arithmetic
from mien.core.errors import InputError, MissingExtraError
from mien.core.faces import Faces
from mien.inference.detectors.images import checked, found

_OPENCV = "opencv-python-headless<5"  # OpenCV 5 has neither the class nor the cascades.
CASCADE = "haarcascade_frontalface_default.xml"
LARGEST = 8_000_000  # px; larger images are scaled down first.

# From the cascade's square to the box from forehead to chin, in units of the square's side. Medians where both detectors find one face:
#                                              width  height  right   down
#   781 FER-2013 training images, gray around 0.829   1.083  -0.012  0.007
#   790 of them, edges repeated                 0.824   1.093  -0.012  0.003
#   7 faces in photos                           0.801   1.025  -0.012  0.030
#   18 frames of a video                        0.756   1.089   0.000  0.027
WIDTH, HEIGHT, DOWN = 0.82, 1.08, 0.015

# The weight of the last stage, squashed by a logistic curve: 6.5 (the median of true faces in FER-2013) is
# 0.91, and 3.4 (the median of the 29 false ones there) is 0.57. It puts faces into an order; it is no
# probability.
MIDDLE, SPREAD = 3.0, 1.5


class Haar:
    """Frontal faces in images; boxes only, no points. It may be shared by threads, which then take turns.

    Args:
        min_face: Height in px of the smallest face to be found.
        min_detection_score: Least score of a face that counts, 0 to 1; it is no probability.

    Raises:
        MissingExtraError: OpenCV is missing or its version has no cascades (OpenCV 5).
        InputError: An option is out of range.
    """

    name = "haar"

    def __init__(self, min_face: int = 40, min_detection_score: float = 0.0) -> None:
        if min_face < 1:
            raise InputError(f"expected min_face of 1 px or more; got {min_face}")
        self.min_face, self.min_detection_score = min_face, min_detection_score
        self._cascade = _cascade()
        self._lock = threading.Lock()  # A cascade keeps the image it is working on.

    def __reduce__(self) -> tuple[type[Haar], tuple[int, float]]:
        return Haar, (self.min_face, self.min_detection_score)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """Find the faces in each image, best first.

        Images above 8 megapixels are scaled down to that first.

        Args:
            images: ``(h, w, 3)`` uint8 RGB, each of its own size.

        Returns:
            A record per image: ``boxes`` from forehead to chin, clipped to the image; ``detection_scores``; no
            ``landmarks``; frames and times 0.

        Raises:
            InputError: An image is not of that kind.
        """
        return [self._detect(image) for image in checked(images)]

    def _detect(self, image: NDArray[np.uint8]) -> Faces:
        height, width = image.shape[:2]
        gray = Image.fromarray(image).convert("L")
        scale = min(1.0, (LARGEST / (width * height)) ** 0.5)
        if scale < 1:
            gray = gray.resize(
                (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX
            )
        least = max(1, int(self.min_face * scale / HEIGHT))
        with self._lock:
            squares, _, weights = self._cascade.detectMultiScale3(
                np.asarray(gray),
                scaleFactor=1.1,
                minNeighbors=5,
                minSize=(least, least),
                outputRejectLevels=True,
            )
        boxes = _converted(
            np.asarray(squares, np.float64).reshape(-1, 4) * ([width / gray.width, height / gray.height] * 2)
        )
        scores = 1 / (1 + np.exp(-(np.asarray(weights, np.float64).ravel() - MIDDLE) / SPREAD))
        high = np.flatnonzero(
            (boxes[:, 3] - boxes[:, 1] >= self.min_face) & (scores >= self.min_detection_score)
        )
        best = high[box_arithmetic.suppress(boxes[high], scores[high], 0.5, over="smaller")]
        return found(box_arithmetic.clip(boxes[best], width, height), scores[best])


def create(min_face: int, min_detection_score: float | None, threads: int | None, device: str) -> Haar:
    """What `mien.inference.detectors.create_detector` gives under the name ``haar``; it has no use for threads and device."""
    return Haar(min_face, min_detection_score or 0.0)


def _converted(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes in mien's convention for the cascade's ``x, y, width, height``."""
    sides = squares[:, 2:]
    centres = squares[:, :2] + sides / 2 + sides * (0, DOWN)
    half = sides * (WIDTH, HEIGHT) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _cascade() -> Any:
    """OpenCV's cascade for frontal faces."""
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("Haar cascades", "haar", _OPENCV) from None
    path = Path(getattr(getattr(cv2, "data", None), "haarcascades", "")) / CASCADE
    if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
        part = f"Haar cascades are not in OpenCV {cv2.__version__} (OpenCV 5 has none); they"
        raise MissingExtraError(part, "haar", _OPENCV)
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise MissingExtraError(f"Haar cascades cannot be read from {path}; they", "haar", _OPENCV)
    return cascade
