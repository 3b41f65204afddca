"""MTCNN and BlazeFace together: whichever finds the smallest face asked for in the least time, and the other where
MTCNN finds nobody."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.core import boxes as box_arithmetic
from mien.core.faces import Faces
from mien.inference.detectors.blaze import NEAREST, Blaze
from mien.inference.detectors.images import checked, found
from mien.inference.detectors.mtcnn import MTCNN

SAME = 0.3
"""A near face that overlaps a known one by more is that one."""


class Auto:
    """Faces in images. It may be shared by threads.

    Where the smallest face asked for is a fifth of the frame's longer side or more, BlazeFace alone looks. Elsewhere MTCNN
    does, and BlazeFace looks at the images in which it finds nobody: tilted, dark and half covered faces, if they are near.

    Args:
        min_face: Height in px of the smallest face to be found.
        min_detection_score: Least probability of a face; None: each one's own.
        threads: Threads per run of a network; None leaves it to ONNX Runtime.
        device: What runs the networks; see `mien.inference.onnx_session.open_network`.

    Raises:
        NetworkError: The networks were not made when mien was built.
        InputError: An option is out of range.
    """

    name = "auto"

    def __init__(
        self,
        min_face: int = 40,
        *,
        min_detection_score: float | None = None,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.far = MTCNN(min_face, min_detection_score=min_detection_score, threads=threads, device=device)
        self.near = Blaze(min_face, min_detection_score=min_detection_score, threads=threads, device=device)

    @property
    def min_face(self) -> int:
        """Height in px of the smallest face to be found."""
        return self.far.min_face

    @min_face.setter
    def min_face(self, height: int) -> None:
        # Copies, as a copy of this one must not change what it was copied from.
        self.far, self.near = copy(self.far), copy(self.near)
        self.far.min_face = self.near.min_face = height

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """Find the faces in each image, best first; as `MTCNN.detect`."""
        arrays = checked(images)
        distant = [at for at, image in enumerate(arrays) if self.min_face * NEAREST < max(image.shape[:2])]
        records = dict(zip(distant, self.far.detect([arrays[at] for at in distant]), strict=True))
        left = [at for at in range(len(arrays)) if not len(records.get(at, ()))]
        records |= zip(left, self.near.detect([arrays[at] for at in left]), strict=True)
        return [records[at] for at in range(len(arrays))]

    def refine(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[ArrayLike]) -> list[Faces]:
        """Look at boxes that are already thought to hold a face, as `MTCNN.refine` does; those that it is not sure of
        are looked for once more by BlazeFace in the whole image."""
        arrays = checked(images)
        records = self.far.refine(arrays, boxes)
        unsure = [
            at for at, faces in enumerate(records) if (faces.detection_scores < self.far.thresholds[2]).any()
        ]
        seen = self.near.detect([arrays[at] for at in unsure])
        for at, faces in zip(unsure, seen, strict=True):
            records[at] = self._completed(
                records[at], np.asarray(boxes[at], np.float32).reshape(-1, 4), faces
            )
        return records

    def _completed(self, faces: Faces, known: NDArray[np.float32], seen: Faces) -> Faces:
        """The faces with each one that is unsure replaced by the near face that overlaps its known box most."""
        if not len(seen) or faces.landmarks is None or seen.landmarks is None:
            return faces
        shares = box_arithmetic.overlap(known, seen.boxes)
        best = shares.argmax(axis=1)
        here = (faces.detection_scores < self.far.thresholds[2]) & (shares.max(axis=1) > SAME)
        columns = (
            np.where(here.reshape(-1, *[1] * (one.ndim - 1)), other[best], one)
            for one, other in (
                (faces.boxes, seen.boxes),
                (faces.detection_scores, seen.detection_scores),
                (faces.landmarks, seen.landmarks),
            )
        )
        return found(*columns)


def create(min_face: int, min_detection_score: float | None, threads: int | None, device: str) -> Auto:
    """What `mien.inference.detectors.create_detector` gives under the name ``auto``."""
    return Auto(min_face, min_detection_score=min_detection_score, threads=threads, device=device)
