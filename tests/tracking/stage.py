"""A detector that knows where the faces are, because the frame bears its number and the script says what
is in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.core.faces import Faces
from mien.inference.detectors.images import found
from mien.media import Frame

SIZE = (120, 200)  # Height and width of the images.


class Play:
    """Faces by frame: a script with a list of ``(x, y, size)`` or ``(x, y, size, score)`` for each."""

    name = "play"

    def __init__(self, script: Sequence[Sequence[tuple[float, ...]]], rate: float = 30.0) -> None:
        self.script, self.rate = script, rate
        self.detected: list[int] = []

    def frame(self, index: int, time: float | None = None) -> Frame:
        image = np.full((*SIZE, 3), 60, np.uint8)
        image[0, 0] = (index // 256, index % 256, 0)
        for x, y, size, *_ in self.script[index]:
            image[max(0, int(y - size)) : int(y + size), max(0, int(x - size)) : int(x + size)] = 200
        return Frame(index, index / self.rate if time is None else time, image)

    def frames(self) -> list[Frame]:
        return [self.frame(index) for index in range(len(self.script))]

    def detect(self, images: Sequence[np.ndarray]) -> list[Faces]:
        self.detected += [self._number(image) for image in images]
        return [self._faces(self.script[self._number(image)]) for image in images]

    @staticmethod
    def _number(image: np.ndarray) -> int:
        return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])

    @staticmethod
    def _faces(faces: Sequence[tuple[float, ...]]) -> Faces:
        boxes = [[x - size / 2, y - size / 2, x + size / 2, y + size / 2] for x, y, size, *_ in faces]
        return found(np.array(boxes).reshape(-1, 4), [face[3] if len(face) > 3 else 0.99 for face in faces])


class RefiningPlay(Play):
    """The same with a last network: a box within a third of a face's size of it becomes its box."""

    def __init__(self, script: Sequence[Sequence[tuple[float, ...]]], rate: float = 30.0) -> None:
        super().__init__(script, rate)
        self.refined: list[int] = []

    def refine(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Faces]:
        return [self._refined(image, np.asarray(part)) for image, part in zip(images, boxes, strict=True)]

    def _refined(self, image: np.ndarray, boxes: np.ndarray) -> Faces:
        self.refined.append(self._number(image))
        there = self._faces(self.script[self._number(image)])
        out, scores = boxes.copy(), np.zeros(len(boxes))
        for row, box in enumerate(boxes):
            for other, score in zip(there.boxes, there.detection_scores, strict=True):
                if np.hypot(*(other[:2] + other[2:] - box[:2] - box[2:]) / 2) < (other[2] - other[0]) / 3:
                    out[row], scores[row] = other, score
        return found(out, scores)
