"""The whole image is one face: for images that are cut to the face already, such as those of FER-2013."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference.card import FER_CROP, CropRule
from mien.inference.detectors.images import checked, found


class Whole:
    """A detector that does not look: it takes each image for one face that is framed by a crop rule.

    Its box is the one whose square by that rule is the image, or the centred square over the longer side
    where the image is not a square. Unlike the other detectors' boxes it may leave the image, since
    otherwise the square would be another.

    Args:
        crop: How the images are framed; as FER-2013's are by default.

    >>> import numpy as np
    >>> faces = Whole().detect([np.zeros((48, 48, 3), np.uint8)])[0]
    >>> np.allclose(FER_CROP.squares(faces.boxes), [[0, 0, 48, 48]], atol=1e-3)
    True
    """

    name = "whole"

    def __init__(self, crop: CropRule = FER_CROP) -> None:
        self.crop = crop

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """One face for each image, with score 1 and no points.

        Args:
            images: ``(h, w, 3)`` uint8 RGB, each of its own size.

        Raises:
            InputError: An image is not of that kind.
        """
        sizes = np.array([image.shape[:2] for image in checked(images)], np.float64).reshape(-1, 2)
        centres, halves = sizes[:, ::-1] / 2, sizes.max(axis=1, initial=0, keepdims=True) / 2
        boxes = self.crop.boxes(np.concatenate([centres - halves, centres + halves], axis=1))
        return found(boxes, np.ones(len(boxes))).split([1] * len(boxes))


def create(min_face: int, min_detection_score: float | None, threads: int | None, device: str) -> Whole:
    """What `mien.inference.detectors.create_detector` gives under the name ``whole``; only the score is looked at.

    Raises:
        InputError: A least score is asked for.
    """
    if min_detection_score is not None:
        raise InputError(
            f"min_detection_score: expected mtcnn, blaze, auto or haar; got {min_detection_score} for whole, which has no score: leave it out"
        )
    return Whole()
