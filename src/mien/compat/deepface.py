"""The expressions of an image in the shape of the package deepface: ``from mien.compat import deepface as
DeepFace``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compat.common import Given, emotions, remark, rgb_image, rounded, without_effect
from mien.core.errors import InputError
from mien.core.face import Face
from mien.core.names import quoted
from mien.inference.config import DetectorName
from mien.inference.detectors import detector_name
from mien.inference.pipeline import Pipeline

_OURS: dict[str, DetectorName] = {"mtcnn": "mtcnn", "fastmtcnn": "mtcnn", "opencv": "haar", "skip": "whole"}
_OTHERS = ("retinaface", "ssd", "dlib", "mediapipe", "yunet", "centerface")
_REFUSED = ("age", "gender", "race")
_MISSING = ("verify", "find", "represent", "stream", "build_model", "extract_faces", "register", "search")

Answer = dict[str, Any]


def __getattr__(name: str) -> Any:
    """Says of what deepface has besides why it is not here."""
    if name in _MISSING:
        raise AttributeError(
            f"{name}: mien has analyze alone of deepface: it identifies nobody; mien.Pipeline finds faces"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def analyze(
    img_path: Given | Sequence[Given],
    actions: str | Sequence[str] = ("emotion",),
    enforce_detection: bool = True,
    detector_backend: str = "mtcnn",
    align: bool = True,
    expand_percentage: int = 0,
    silent: bool = False,
    anti_spoofing: bool = False,
) -> list[Answer] | list[list[Answer]]:
    """Faces of an image with the expression that each one shows.

    Args:
        img_path: A path, bytes, a binary file object, a ``data:image/`` text or a ``(h, w, 3)`` uint8 **BGR**
            array; or a list or a ``(n, h, w, 3)`` array of those.
        actions: ``emotion``; mien reads nothing else about a person.
        enforce_detection: An image without a face is an error; otherwise all of it counts as one face, with
            the confidence 0.
        detector_backend: ``mtcnn``, ``opencv`` (Haar cascade, ``mien[haar]``) or ``skip`` (each image is
            one face). For the others that deepface has, MTCNN is used, with a remark.
        align: Without meaning here: faces are not turned upright.
        expand_percentage: Without effect; the network's card says how a face is cut.
        silent: Without meaning here.
        anti_spoofing: False; mien does not tell a photograph of a face from a face.

    Returns:
        A dict per face, the surest first; a list of such lists for several images. Its keys: ``emotion``, 0
        to 100 for each of seven names; ``dominant_emotion``; ``region``, ``x, y, w, h`` in px and ``left_eye,
        right_eye``, the person's own left and right, as ``(x, y)`` or None; ``face_confidence``, 0 to 1.

    Raises:
        InputError: The image has no face, or an argument asks for what mien does not do.
        MediaError: A file cannot be read.
        MissingExtraError: ``opencv`` was asked for and OpenCV's cascades are not installed.

    >>> [answer] = analyze(np.zeros((64, 64, 3), np.uint8), detector_backend="skip")
    >>> sorted(answer), round(sum(answer["emotion"].values()))
    (['dominant_emotion', 'emotion', 'face_confidence', 'region'], 100)
    >>> analyze(np.zeros((64, 64, 3), np.uint8), actions=["age"])
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: actions: expected emotion; got age: mien reads what a face shows, not who somebody is
    """
    _check_actions([actions] if isinstance(actions, str) else list(actions))
    if anti_spoofing:
        raise InputError(
            "anti_spoofing: expected False; got True: mien does not tell a photograph of a face from a face, leave it out"
        )
    without_effect(expand_percentage=(expand_percentage, 0))
    pipeline = _pipeline(_detector(detector_backend))
    if isinstance(img_path, (list, tuple)) or (isinstance(img_path, np.ndarray) and img_path.ndim == 4):
        return [_answers(pipeline, given, enforce_detection) for given in img_path]
    return _answers(pipeline, img_path, enforce_detection)  # type: ignore[arg-type]


def _answers(pipeline: Pipeline, given: Given, enforce: bool) -> list[Answer]:
    image = rgb_image(given)
    [faces] = pipeline([image])
    whole = detector_name(pipeline.detector) == "whole"
    if not len(faces):
        if enforce:
            raise InputError(
                "expected a face in the image; got none: give another image, or enforce_detection=False to take all of it for one"
            )
        [faces], whole = _pipeline("whole")([image]), True
    return [_answer(face, image, whole) for face in faces]


def _answer(face: Face, image: NDArray[np.uint8], whole: bool) -> Answer:
    percent = {name: round(100 * probability, 4) for name, probability in emotions(face).items()}
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (0, 0, width, height) if whole else rounded(face)
    # The record says left and right as seen in the image; deepface means the person's own.
    right, left = (
        (None, None)
        if face.landmarks is None or whole
        else (tuple(round(value) for value in point) for point in face.landmarks[:2])
    )
    return {
        "emotion": percent,
        "dominant_emotion": max(percent, key=percent.__getitem__),
        "region": {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1, "left_eye": left, "right_eye": right},
        "face_confidence": 0.0 if whole else round(face.detection_score, 2),
    }


def _check_actions(actions: list[str]) -> None:
    refused = [action for action in actions if action in _REFUSED]
    if refused:
        why = "mien reads what a face shows, not who somebody is"
        raise InputError(f"actions: expected emotion; got {', '.join(refused)}: {why}")
    if set(actions) != {"emotion"}:
        raise InputError(f"actions: expected emotion; got {', '.join(map(repr, actions)) or 'none'}")


def _detector(backend: str) -> DetectorName:
    if backend in _OTHERS or backend.startswith("yolo"):
        remark(f"detector_backend: mien has no {backend}; MTCNN finds the faces")
        return "mtcnn"
    if backend not in _OURS:
        raise InputError(
            f"detector_backend: expected one of {', '.join((*_OURS, *_OTHERS))}; got {quoted(backend)}"
        )
    return _OURS[backend]


@lru_cache(maxsize=len(_OURS))
def _pipeline(detector: DetectorName) -> Pipeline:
    """Built once for each detector, as a function holds nothing itself."""
    return Pipeline(detector)
