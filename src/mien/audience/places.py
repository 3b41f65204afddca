"""Where faces were a moment ago, looked at again: who takes part sits still, and a detector misses one
face in ten."""

from __future__ import annotations

import numpy as np

from mien.core import boxes as box_arithmetic
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import Labels
from mien.inference.detectors import Refiner
from mien.inference.pipeline import Pipeline

_KEPT = 40.0
"""Seconds for which a place is remembered after a face was last found there."""
_SURE = 0.8
"""Least probability of a face at a place, the same as where faces are searched for.

Measured on rendered meetings of PublicTest faces: of 2,599 looks at places whose face the detector missed, 36
% find it; of 844 at tiles whose camera is off or which are no longer there, none finds one, while at 0.6 20
do.
"""
_SAME = 0.3
"""Boxes that share more than this of the smaller one are one place."""


class StreamFaces:
    """Reads the faces of one stream, those too that the detector finds only when it is told where to look.

    It remembers boxes for a while, and nothing else of anybody. With a detector that cannot confirm faces it
    remembers nothing.

    Args:
        pipeline: Detector and classifier.

    >>> import numpy as np
    >>> places = StreamFaces(Pipeline(detector="whole"))
    >>> len(places.read(Frame(0, 0.0, np.zeros((48, 48, 3), np.uint8))))
    1
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._refiner = pipeline.detector if isinstance(pipeline.detector, Refiner) else None
        self._boxes = np.empty((0, 4), np.float32)
        self._seen = np.empty(0)

    @property
    def labels(self) -> Labels:
        """Names of the columns of ``probs``."""
        return self._pipeline.labels

    def read(self, frame: Frame) -> Faces:
        """The faces of the next frame, with ``probs``."""
        [faces] = self._pipeline([frame])
        if self._refiner is None:
            return faces
        covered = (box_arithmetic.overlap(self._boxes, faces.boxes, over="smaller") > _SAME).any(axis=1)
        kept = (np.abs(frame.time - self._seen) <= _KEPT) & ~covered
        self._boxes, self._seen = self._boxes[kept], self._seen[kept]
        again = self._again(frame, self._refiner)
        both = Faces.concatenate([faces, again])
        # A face that is only confirmed does not move its place, which could wander off from look to look.
        self._boxes = np.concatenate([self._boxes, faces.boxes])
        self._seen = np.concatenate([self._seen, np.full(len(faces), frame.time)])
        return (
            both[box_arithmetic.suppress(both.boxes, both.detection_scores, _SAME, "smaller")]
            if len(again)
            else faces
        )

    def _again(self, frame: Frame, refiner: Refiner) -> Faces:
        """Faces at the places where none was found this time."""
        [looked] = refiner.refine([frame.image], [self._boxes])
        there = looked[looked.detection_scores > _SURE]
        rows = len(there)
        there = there.with_columns(frames=np.full(rows, frame.index), times=np.full(rows, frame.time))
        [read] = self._pipeline.classifier.classify([frame.image], [there])
        return read
