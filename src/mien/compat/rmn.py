"""``RMN``: faces and their expressions in one frame, in the shapes of the package rmn: ``from
mien.compat.rmn import RMN``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compat.common import EMOTIONS, bgr, emotions, rgb_image, rounded
from mien.core.errors import InputError
from mien.core.face import Face
from mien.core.labels import Labels
from mien.inference.detectors.images import found
from mien.inference.pipeline import Pipeline
from mien.media.draw import draw

Result = dict[str, Any]
_LABELS = Labels(EMOTIONS)


class RMN:
    """Finds faces and reads their expressions. Frames are arrays as OpenCV reads them: ``(h, w, 3)`` uint8
    **BGR**, or ``(h, w)`` gray.

    Args:
        face_detector: Whether frames will be searched for faces; False for
            `detect_emotion_for_single_face_image` alone.

    >>> RMN().detect_emotion_for_single_frame(np.zeros((80, 80, 3), np.uint8))
    []
    """

    def __init__(self, face_detector: bool = True) -> None:
        self._whole = Pipeline("whole")
        self._pipeline = Pipeline("mtcnn") if face_detector else None

    def detect_emotion_for_single_frame(self, frame: NDArray[np.uint8]) -> list[Result]:
        """Faces of a frame, the surest first.

        Returns:
            A dict per face: ``xmin, ymin, xmax, ymax`` in px, from forehead to chin; ``emo_label``;
            ``emo_proba``, 0 to 1; ``proba_list``, one dict ``{name: probability}`` for each of seven names.
        """
        [faces] = self._searching()([rgb_image(frame)])
        return [{**_corners(face), **_told(face)} for face in faces]

    def detect_emotion_for_single_face_image(
        self, face_image: NDArray[np.uint8]
    ) -> tuple[str, float, list[dict[str, float]]]:
        """The expression of an image that shows one face and nothing else: ``emo_label, emo_proba,
        proba_list``."""
        [[face]] = self._whole([rgb_image(face_image)])
        told = _told(face)
        return told["emo_label"], told["emo_proba"], told["proba_list"]

    def detect_faces(self, frame: NDArray[np.uint8]) -> list[dict[str, int]]:
        """``xmin, ymin, xmax, ymax`` in px of each face, the surest first."""
        [faces] = self._searching().detector.detect([rgb_image(frame)])
        return [_corners(face) for face in faces]

    @staticmethod
    def draw(frame: NDArray[np.uint8], results: list[Result]) -> NDArray[np.uint8]:
        """Draw boxes and labels into a BGR frame, and give it back; a gray frame stays as it is, and a BGR
        copy comes back."""
        boxes = [[result[key] for key in ("xmin", "ymin", "xmax", "ymax")] for result in results]
        probs = [[share for entry in result["proba_list"] for share in entry.values()] for result in results]
        faces = found(np.array(boxes), np.ones(len(results))).with_columns(
            probs=np.array(probs), labels=_LABELS
        )
        drawn = bgr(draw(rgb_image(frame), faces))
        if frame.shape != drawn.shape or not frame.flags.writeable:
            return drawn
        frame[...] = drawn
        return frame

    def _searching(self) -> Any:
        if self._pipeline is None:
            raise InputError(
                "expected RMN() to search a frame for faces; this one was made with face_detector=False"
            )
        return self._pipeline


def _corners(face: Face) -> dict[str, int]:
    return dict(zip(("xmin", "ymin", "xmax", "ymax"), rounded(face), strict=True))


def _told(face: Face) -> Result:
    probs = emotions(face)
    best = max(probs, key=probs.__getitem__)
    return {
        "emo_label": best,
        "emo_proba": probs[best],
        "proba_list": [{name: probs[name]} for name in EMOTIONS],
    }
