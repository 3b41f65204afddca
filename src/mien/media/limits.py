"""How large images and frames may be, decided before any memory is taken: headers and every change of a
video's size are held against these."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.core.errors import MediaError

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.format import VideoFormat

MAX_VIDEO_PIXELS = 4096 * 4096
"""Most pixels of a frame of a video by default: 4K, 5.3K and 5.7K. Less than of an image, for a decoder
keeps up to 16 frames to build others on."""

_FRAME_BYTES = 40_000_000
"""Bytes of a decoded frame that are allowed in any case: 4K in 10 bits (4:2:2). Seventeen of them are less
than half of 1.5 GB."""

_THREADS_BYTES = 128_000_000
"""Each thread of a decoder works on a frame of its own: bytes of all of them."""

_PROBED_PIXELS = 4096 * 2304
"""Larger frames are not decoded while FFmpeg finds out what a file holds, where it may decode a frame of
every stream."""

_MAX_STREAMS = 32

_ROUNDING = 2**18
"""Pixels, beside an eighth: FFmpeg compares sizes whose sides are rounded up to whole blocks of up to 64
px."""


@dataclass(frozen=True)
class FrameLimit:
    """How large the decoded frames of a source may be.

    Args:
        name: What messages call the source.
        max_pixels: Most pixels of a frame. In memory it may be as large as one of so many pixels in 8 bits
            (4:2:0), and 40 MB in any case.

    >>> FrameLimit("clip.mp4", max_pixels=1_000_000).check(1280, 720)
    """

    name: str
    max_pixels: int

    @property
    def probing(self) -> dict[str, str]:
        """FFmpeg's options for opening a container."""
        return {"max_streams": str(_MAX_STREAMS), "max_pixels": str(min(_PROBED_PIXELS, self._rounded))}

    @property
    def decoding(self) -> dict[str, str]:
        """FFmpeg's options for a decoder, which then refuses larger frames before it makes room for them,
        wherever they begin."""
        return {"max_pixels": str(self._rounded)}

    @property
    def _rounded(self) -> int:
        return self.max_pixels * 9 // 8 + _ROUNDING

    def check(self, width: int, height: int, form: VideoFormat | None = None) -> None:
        """Refuse frames that are too large.

        Args:
            width: In px.
            height: In px.
            form: How a decoded frame lies in memory, where that is known.

        Raises:
            MediaError: They are.

        >>> FrameLimit("clip.mp4", max_pixels=1_000_000).check(1280, 1024)
        Traceback (most recent call last):
        ...
        mien.core.errors.MediaError: clip.mp4: expected at most 1,000,000 pixels; got 1280 x 1024 = 1,310,720: scale it down or raise --max-pixels
        """
        if width * height > self.max_pixels:
            self._refuse(f"{self.max_pixels:,} pixels", f"{width} x {height} = {width * height:,}")
        held, most = _bytes(width, height, form), max(_FRAME_BYTES, self.max_pixels * 3 // 2)
        if form is not None and held > most:
            self._refuse(
                f"{most / 1e6:.0f} MB a frame", f"{width} x {height} in {form.name} = {held / 1e6:.0f} MB"
            )

    def check_decoder(self, context: VideoCodecContext) -> None:
        """Refuse frames that a decoder has room for and that take too much of it: there may soon be many.

        Raises:
            MediaError: They do.
        """
        if context.width * context.height <= self.max_pixels:  # Of larger ones the decoder makes none.
            self.check(context.width, context.height, context.format)

    def refused(self, context: VideoCodecContext) -> str | None:
        """What came, where a decoder has just raised an error for the size of a frame; None where that was
        not why."""
        pixels = context.width * context.height
        if 0 < pixels <= self.max_pixels:
            return None
        # Some decoders forget the size that they refuse.
        what = (
            f"{context.width} x {context.height} = {pixels:,} pixels"
            if pixels
            else "too many pixels, or none"
        )
        return f"a frame of {what}, where max_pixels allows {self.max_pixels:,}"

    def _refuse(self, most: str, came: str) -> None:
        raise MediaError(
            f"{self.name}: expected at most {most}; got {came}: scale it down or raise --max-pixels",
            "too_large",
        )


def decoder_threads(context: VideoCodecContext) -> int:
    """Threads that a stream deserves: one up to 1 megapixel, above it one per core up to 8, as far as memory
    goes."""
    pixels = context.width * context.height
    if pixels <= 1_000_000:
        return 1
    held = max(_bytes(context.width, context.height, context.format), pixels * 3 // 2)
    return max(1, min(8, os.cpu_count() or 1, _THREADS_BYTES // held))


def _bytes(width: int, height: int, form: VideoFormat | None) -> int:
    return 0 if form is None else width * height * form.padded_bits_per_pixel // 8
