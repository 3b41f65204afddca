"""Decoded frames as they should be seen: upright, with square pixels, in RGB with the brightness and
colours of an ordinary screen."""

from __future__ import annotations

import errno
from fractions import Fraction
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.core.errors import MediaError
from mien.media.limits import FrameLimit

Turn = tuple[bool, bool, bool]
_Pool = dict[tuple[object, ...], list[VideoReformatter]]

_ready: _Pool = {}
"""Converters of HDR and wide colours that nobody uses just now, by what they convert. To work one out takes FFmpeg two and a half
seconds of a core, so the next video of the kind, such as of the same phone, gets it."""
_MOST = 4
"""Kinds of which converters are kept."""

_HDR = (16, 18)
"""What FFmpeg calls the brightness curves PQ (SMPTE ST 2084) and HLG (ARIB STD-B67)."""
_WIDE = (9, 11, 12)
"""The primary colours of BT.2020, DCI-P3 and Display P3."""
_BT709, _UNSPECIFIED = 1, 2
_HD = 720
"""Height in px from which a video that does not say how its colours are coded has them as HD does; players
agree on it."""


class Upright:
    """Makes the images of one stream: rotation, mirroring and pixel shape that it asks for are applied.

    Args:
        stream: The stream.
        limit: Larger frames are refused.
    """

    def __init__(self, stream: VideoStream, limit: FrameLimit) -> None:
        self._limit = limit
        # Asked now, for an image may be wanted when the stream has been closed.
        self._shape = stream.sample_aspect_ratio
        self._reformatter = VideoReformatter()
        self._turns: dict[int, Turn] = {}

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8 RGB.

        Raises:
            MediaError: The frame is too large, or in a pixel format that is not known.
        """
        self._limit.check(frame.width, frame.height)
        try:
            # To ask a frame for its side data keeps it in memory until the next sweep, so only one per
            # rotation is asked.
            if frame.rotation not in self._turns:
                self._turns[frame.rotation] = turn(frame)
            return _to_rgb(
                frame, square_size(frame, self._shape), self._turns[frame.rotation], self._reformatter
            )
        except (FFmpegError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENOMEM:
                raise MemoryError from None
            message = f"{self._limit.name}: expected a known pixel format; got {frame.format.name} ({error}): convert the video to H.264"
            raise MediaError(message, "unsupported") from None


def square_size(frame: VideoFrame, shape: Any) -> tuple[int, int]:
    """Width and height before rotation with square pixels: one side of each pixel is stretched, none is
    shrunk.

    Args:
        frame: A decoded frame.
        shape: Width over height of a pixel, a fraction of Python's or of PyAV's own; None or 0: not told,
            square.
    """
    if not shape or shape == 1 or not Fraction(1, 4) <= shape <= 4:
        return frame.width, frame.height
    return (
        (round(frame.width * shape), frame.height)
        if shape > 1
        else (frame.width, round(frame.height / shape))
    )


def turn(frame: VideoFrame) -> Turn:
    """Whether rows and columns are exchanged, and then whether left and right, top and bottom are.

    The display matrix ``a b u, c d v, x y w`` maps the pixel at ``p, q`` to ``a p + c q, b p + d q`` (ISO/IEC
    14496-12); only its turns by 90 degrees and mirrors are heeded.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _to_rgb(
    frame: VideoFrame, size: tuple[int, int], turn: Turn, reformatter: VideoReformatter
) -> NDArray[np.uint8]:
    exchange, mirror, flip = turn
    colours = _colours(frame)
    convert = _tone_mapped if "dst_color_trc" in colours else reformatter.reformat
    image = np.asarray(convert(frame, *size, "rgb24", **colours).to_ndarray(), np.uint8)
    if not (exchange or mirror or flip):
        return image
    if exchange:
        image = image.transpose(1, 0, 2)
    return np.ascontiguousarray(image[:: -1 if flip else 1, :: -1 if mirror else 1])


def _tone_mapped(frame: VideoFrame, width: int, height: int, form: str, **colours: int) -> VideoFrame:
    """`VideoReformatter.reformat` by a converter that is ready, where one is. No two threads have the same."""
    kind = (
        (frame.width, frame.height, frame.format.name, width, height, form),
        (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc),
    )
    free = _ready.setdefault(kind, [])
    try:
        reformatter = free.pop()
    except IndexError:  # The first of its kind, or another thread has it.
        reformatter = VideoReformatter()
    converted = reformatter.reformat(frame, width, height, form, **colours)
    free.append(reformatter)
    for other in list(_ready)[: max(0, len(_ready) - _MOST)]:
        _ready.pop(other, None)
    return converted


def _colours(frame: VideoFrame) -> dict[str, int]:
    """How FFmpeg makes a frame one for an ordinary screen: networks learned from such images.

    HDR is tone-mapped, and colours that only wide screens have are brought in. Matrix and range are the
    frame's own.
    """
    if frame.color_trc in _HDR or frame.color_primaries in _WIDE:
        return {"dst_color_trc": _BT709, "dst_color_primaries": _BT709}
    if frame.colorspace == _UNSPECIFIED and frame.height >= _HD and not frame.format.is_rgb:
        return {"src_colorspace": _BT709}
    return {}
