"""The faces of an image, each as the network sees it and as a person does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.frame import Frame
from mien.inference.classifier import Classifier
from mien.inference.crop import crop_resize
from mien.inference.detectors import create_detector
from mien.media import open_media

_CROP_SIDE = 64
"""An image of at most so many px a side is taken for a face already, unless a detector is named."""
_VIEW_SIDE = 288


@dataclass(frozen=True, eq=False)
class Crop:
    """One face.

    Args:
        pixels: ``(channels, h, w)`` float32, 0 to 255: what the network is given, gray or RGB.
        view: ``(side, side, 3)`` uint8 RGB: the same square, larger, to draw on.
        probabilities: ``(k,)`` of each expression.

    >>> from mien.core.drawn_face import draw_portrait
    >>> from mien.explain import open_explained
    >>> [crop] = crops_of(draw_portrait(), open_explained("small").classifier)
    >>> crop.pixels.shape, round(float(crop.probabilities.sum()), 3)
    ((1, 48, 48), 1.0)
    """

    pixels: NDArray[np.float32]
    view: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


def crops_of(
    image: str | Path | NDArray[np.uint8], classifier: Classifier, detector: str | None = None
) -> list[Crop]:
    """The faces of an image, best first.

    Args:
        image: A file, or ``(h, w, 3)`` uint8 RGB.
        classifier: The network.
        detector: ``mtcnn``, ``blaze``, ``auto``, ``haar`` or ``whole``; by default ``whole`` for an image of up to 64 px a side,
            else ``mtcnn``.

    Raises:
        MediaError: The image cannot be read.
        InputError: There is no face in it, it is a video, or there is no such detector.

    >>> from mien.explain import open_explained
    >>> from mien.core.drawn_face import draw_portrait
    >>> [face] = crops_of(draw_portrait(), open_explained().classifier)
    >>> face.pixels.shape, face.view.shape, len(face.probabilities)
    ((1, 48, 48), (288, 288, 3), 7)
    """
    with open_media(image) as media:
        if media.kind != "image":
            raise InputError(f"expected an image; {media.name} is a {media.kind}: mien analyze reads those")
        frame = next(iter(media))
        name = media.name
    if not isinstance(frame, Frame):
        raise frame.error
    chosen = detector or ("whole" if max(frame.image.shape[:2]) <= _CROP_SIDE else "mtcnn")
    [faces] = create_detector(chosen).detect([frame.image])
    if not len(faces):
        raise InputError(
            f"expected an image with a face; {chosen} finds none in {name}: give another one, or --detector whole for a face crop"
        )
    pixels = classifier.crop_faces(frame.image, faces)
    views = crop_resize(frame.image, classifier.crop.squares(faces.boxes), _VIEW_SIDE)
    return [Crop(*row) for row in zip(pixels, views, classifier.probabilities(pixels), strict=True)]
