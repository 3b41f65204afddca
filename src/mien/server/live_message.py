"""A frame of the service's own source as it is sent: what was read of it, and the image."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.faces import Faces
from mien.media.blur import Blur, blur

_LENGTH = struct.Struct("<I")
_QUALITY = 80
_KEPT = 2.0  # s for which a face that is not seen any more stays covered where it was.


def packed(told: dict[str, Any], image: NDArray[np.uint8], side: int) -> bytes:
    """One message: the length of the JSON as a little-endian uint32, the JSON, the image as JPEG.

    Args:
        told: What is said of the frame.
        image: ``(h, w, 3)`` uint8, RGB.
        side: Longest side in px of the image that is sent; boxes stay in px of the frame.

    >>> data = packed({"frame": 0}, np.zeros((20, 40, 3), np.uint8), side=10)
    >>> told, jpeg = unpacked(data)
    >>> told, Image.open(io.BytesIO(jpeg)).size
    ({'frame': 0}, (10, 5))
    """
    text = json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    small, file = Image.fromarray(image), io.BytesIO()
    small.thumbnail((side, side), Image.Resampling.BILINEAR)
    small.save(file, "JPEG", quality=_QUALITY)
    return _LENGTH.pack(len(text)) + text + file.getvalue()


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The two halves of such a message: JSON and JPEG."""
    [length] = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    return json.loads(data[_LENGTH.size : end]), data[end:]


class Cover:
    """Covers faces frame by frame; one that is missed for a moment stays covered where it was.

    Args:
        rule: Whose.

    >>> cover, image = Cover(Blur()), np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    >>> seen = Faces([[20, 20, 40, 40]], [1], [0], [0.0], tracks=[1])
    >>> [bool((cover(image, faces, time) == image).all()) for faces, time in ((seen, 0.0), (seen[:0], 1.9), (seen[:0], 2.1))]
    [False, False, True]
    """

    def __init__(self, rule: Blur) -> None:
        self._rule = rule
        self._seen: dict[int, tuple[float, NDArray[np.float32]]] = {}

    def __call__(self, image: NDArray[np.uint8], faces: Faces, time: float) -> NDArray[np.uint8]:
        """A copy of the next frame.

        Args:
            image: ``(h, w, 3)`` uint8, RGB.
            faces: In it, with ``tracks``.
            time: Its time in seconds.
        """
        covered = self._rule.covers(faces.tracks, len(faces))
        tracks = np.arange(len(faces)) if faces.tracks is None else faces.tracks
        self._seen |= {
            int(track): (time, box) for track, box in zip(tracks[covered], faces.boxes[covered], strict=True)
        }
        self._seen = {track: (then, box) for track, (then, box) in self._seen.items() if time - then <= _KEPT}
        return (
            blur(image, [box for _, box in self._seen.values()], self._rule.strength) if self._seen else image
        )
