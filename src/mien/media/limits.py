"""What images and frames may cost, decided before any memory is taken: pixels of every frame, and the
seconds and bytes of an image, told from its header.

Small files can take minutes and gigabytes. The figures are the worst that were measured with Pillow 13 on one
core of a server, on flat images and on noise.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from PIL import ImageFile

from mien.core.errors import MediaError
from mien.core.formatting import counted
from mien.media.byte_source import ByteSource

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
            self._refuse(counted(self.max_pixels, "pixel"), f"{width} x {height} = {width * height:,}")
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


MOST_SCANS = 100
"""Most scans of a JPEG: each goes over all of the image. Usual ones have one, progressive ones ten or
so."""
_MOST_STRIPS = 200_000
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)

_SECONDS = {
    "JPEG": (0.05, 0.05),
    "PNG": (0.03, 0.03),
    "GIF": (0.04, 0.05),
    "WEBP": (0.1, 0.3),
    "AVIF": (0.06, 0.3),
    "HEIF": (0.06, 0.3),
    "JPEG2000": (1.2, 0.6),
    "TIFF": (0.03, 0.05),
    "BMP": (0.02, 0.02),
    "DIB": (0.02, 0.02),
    "PPM": (0.02, 0.02),
    "SGI": (0.03, 0.03),
    "PSD": (0.05, 0.1),
    "ICO": (0.1, 0.2),
    "QOI": (0.1, 8.0),
}
"""Seconds a megapixel and, on top, a megabyte of the file."""
_UNKNOWN_SECONDS = (0.3, 0.5)
_SECONDS_A_SCAN = 0.003  # and a megapixel
_SECONDS_A_STRIP = 3e-5
_SECONDS_A_MEGABYTE_IN_PYTHON = 3.0  # Pillow reads some forms in Python.

_BYTES = {
    "GIF": 5.0,
    "WEBP": 19.0,
    "AVIF": 13.0,
    "QOI": 10.0,
    "ICO": 12.0,
    "HEIF": 16.0,
    "PSD": 8.0,
    "SGI": 7.0,
}
"""Bytes a pixel where they do not follow from the form of the pixels."""
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}


@dataclass(frozen=True)
class Effort:
    """What decoding an image takes at worst, about.

    Args:
        seconds: On one core.
        memory: Bytes, those of the image included.
    """

    seconds: float
    memory: int


def effort(image: ImageFile.ImageFile, content: ByteSource, max_pixels: int) -> Effort:
    """What decoding takes, told before it begins.

    Args:
        image: The image, header read.
        content: Its file.
        max_pixels: Most pixels.

    Raises:
        MediaError: It is too large, or would take far longer than its size says.
    """
    FrameLimit(content.name, max_pixels).check(*image.size)
    pixels, scans = image.width * image.height, 1
    if image.format == "JPEG":
        scans = _scans(content)
        if scans > MOST_SCANS:
            message = f"{content.name}: expected a JPEG of at most {MOST_SCANS} scans; got more, each of which goes over the whole image"
            raise MediaError(f"{message}: save it anew", "too_complex")
    elif image.format == "TIFF":
        _check_strips(image, content, max_pixels)
    return Effort(
        _seconds(image, pixels / 1e6, content.size / 1e6, scans), int(pixels * _bytes_a_pixel(image, scans))
    )


def _seconds(image: ImageFile.ImageFile, megapixels: float, megabytes: float, scans: int) -> float:
    a_megapixel, a_megabyte = _SECONDS.get(str(image.format), _UNKNOWN_SECONDS)
    if image.format == "JPEG":
        a_megapixel += _SECONDS_A_SCAN * len(image.getbands()) * scans
    if image.format in ("PPM", "BMP", "DIB", "SGI") and any(tile[0] != "raw" for tile in image.tile):
        a_megabyte = _SECONDS_A_MEGABYTE_IN_PYTHON
    strips = len(image.tile) if image.format == "TIFF" else 0
    return megapixels * a_megapixel + megabytes * a_megabyte + strips * _SECONDS_A_STRIP


def _bytes_a_pixel(image: ImageFile.ImageFile, scans: int) -> float:
    form, bands = str(image.format), len(image.getbands())
    held = _PIXEL_BYTES.get(image.mode, 4)
    if form == "JPEG":
        return held + 0.5 + (2 * bands if scans > 1 else 0)
    if form == "JPEG2000":
        return 6.5 * bands
    return held + 4.5 if form == "TIFF" else _BYTES.get(form, held + 1.0)


def _scans(content: ByteSource) -> int:
    """How often a JPEG goes over all of the image."""
    with content.open() as file:
        if _first_scan_has_all(file):
            return 1
        file.seek(0)
        return count_scans(file)


def _first_scan_has_all(file: BinaryIO) -> bool:
    """Whether a JPEG is not progressive, and its first scan holds all components: a decoder stops after that
    one."""
    components = 0
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        if head[1] == 0xFF:
            file.seek(-3, 1)
            continue
        if head[1] == 0xDA:
            return file.read(1)[:1] == bytes([components])
        if head[1] in _PROGRESSIVE:
            return False
        if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):
            components = (file.read(6) or b"\0")[-1]
            file.seek(-6, 1)
        file.seek(struct.unpack(">H", head[2:])[0] - 2, 1)
    return False


def count_scans(file: BinaryIO) -> int:
    """How many times a JPEG says that a scan begins; what is said inside of other parts, such as a small
    image, counts too.

    >>> import io
    >>> count_scans(io.BytesIO(bytes([255, 216, 255, 218, 1, 2, 255, 0, 255, 218, 7, 255, 217])))
    2
    """
    count, last = 0, b""
    while block := file.read(2**20):
        count += (last + block).count(b"\xff\xda")
        last = block[-1:]
    return count


def check_icon(file: BinaryIO, name: str, max_pixels: int) -> None:
    """Refuse an icon that holds more than its list of contents says: Pillow decodes icons as it opens them.

    Args:
        file: An ICO at its start.
        name: What messages call it.
        max_pixels: Most pixels of each image in it.

    Raises:
        MediaError: One has more.
    """
    limit = FrameLimit(name, max_pixels)
    (count,) = struct.unpack("<4xH", file.read(6).ljust(6, b"\0"))
    places = [struct.unpack("<12xI", entry)[0] for _ in range(count) if len(entry := file.read(16)) == 16]
    for place in places:
        file.seek(place)
        head = file.read(24).ljust(24, b"\0")
        png = head.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", head[16:]) if png else struct.unpack("<ii", head[4:12])
        limit.check(abs(width), abs(height) // (1 if png else 2))


def _check_strips(image: ImageFile.ImageFile, content: ByteSource, max_pixels: int) -> None:
    """Refuse a TIFF of too many parts, or of parts that are larger than the image may be."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    width, height = tags.get(322) or image.width, tags.get(323) or 1
    FrameLimit(content.name, max_pixels).check(int(width), int(height))
    if len(image.tile) > _MOST_STRIPS:
        message = f"{content.name}: expected a TIFF of at most {_MOST_STRIPS:,} strips or tiles; got {len(image.tile):,}"
        raise MediaError(f"{message}: save it anew", "too_complex")
