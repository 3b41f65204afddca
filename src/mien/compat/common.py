"""What those packages share: images as their scripts hand them over, options that mean nothing here, and a
face in their terms."""

from __future__ import annotations

import base64
import binascii
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, MediaError
from mien.core.face import Face
from mien.core.frame import BadFrame
from mien.media import open_media
from mien.media.pixels import array_to_rgb

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven names in the order that those packages use."""

Given = str | Path | bytes | BinaryIO | NDArray[Any]


def rgb_image(given: Given) -> NDArray[np.uint8]:
    """An image as ``(h, w, 3)`` uint8 RGB.

    Args:
        given: A path, the bytes of a file, a binary file object, a ``data:image/...;base64,`` text, or an
            array in OpenCV's order: ``(h, w, 3)`` BGR, ``(h, w)`` gray or ``(h, w, 4)`` BGRA.

    Raises:
        MediaError: The file cannot be read.
        InputError: It is none of these; addresses on the network are never fetched.

    >>> blue = np.zeros((2, 2, 3), np.uint8)
    >>> blue[..., 0] = 255
    >>> rgb_image(blue)[0, 0].tolist()
    [0, 0, 255]
    """
    if isinstance(given, np.ndarray):
        return array_to_rgb(given, "bgr")
    if isinstance(given, str) and given.startswith("data:image/"):
        given = _decoded(given)
    elif isinstance(given, str) and given.lower().startswith(("http://", "https://", "ftp://")):
        raise InputError(
            f"expected an image on this machine; got the address {given[:80]}: mien fetches nothing, so save the image first"
        )
    elif not isinstance(given, (str, Path, bytes)) and not hasattr(given, "read"):
        raise InputError(f"expected a path, bytes or an array as OpenCV reads it; got {type(given).__name__}")
    with open_media(given) as media:
        first = next(iter(media), None)
    if first is None or isinstance(first, BadFrame):
        raise (
            first.error
            if first is not None
            else MediaError(f"{media.name}: expected an image; got a file without any", "empty")
        )
    return first.image


def bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same image in OpenCV's order, and back."""
    return np.ascontiguousarray(image[..., ::-1])


def remark(message: str) -> None:
    """Say that something a script asks for is done otherwise here; Python shows it on stderr, once for each
    line of the script."""
    warnings.warn(message, UserWarning, stacklevel=_depth())


def without_effect(**options: tuple[Any, Any]) -> None:
    """Remark on options that are given but mean nothing here: ``name=(given, usual)``.

    >>> without_effect(scale_factor=(1.1, 1.1))
    """
    named = [name for name, (given, usual) in options.items() if given != usual]
    if named:
        remark(f"{', '.join(named)}: without effect in mien")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise InputError(
            f"expected data:image/...;base64, and an image in base64; got {text[:40]}...: {error}"
        ) from None


def _depth() -> int:
    """How many calls above `remark` the script is."""
    import sys

    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("mien."):
        depth, frame = depth + 1, frame.f_back
    return depth


def emotions(face: Face) -> dict[str, float]:
    """Probability of each of the seven, in the order of those packages."""
    probs = face.probs or {}
    return {name: probs.get(name, 0.0) for name in EMOTIONS}


def rounded(face: Face) -> tuple[int, int, int, int]:
    """``x1, y1, x2, y2`` in whole pixels."""
    x1, y1, x2, y2 = (round(value) for value in face.box)
    return x1, y1, x2, y2
