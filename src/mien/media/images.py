"""Still and animated images, read with Pillow."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin

from mien.core.errors import InputError, MediaError
from mien.core.frame import BadFrame, Frame
from mien.media import heif
from mien.media.byte_source import ByteSource
from mien.media.decoder import DECODE_SECONDS, own_decoders
from mien.media.limits import FrameLimit, check_icon, effort
from mien.media.media import Frames, Media
from mien.media.motion_jpeg import is_motion_jpeg
from mien.media.pixels import to_rgb
from mien.media.sampling import Sampling

MAX_PIXELS = 128_000_000
"""Most pixels of an image by default: 128 megapixels, 384 MB as RGB."""

FORMATS = (
    "JPEG",
    "PNG",
    "GIF",
    "WEBP",
    "AVIF",
    "HEIF",
    "TIFF",
    "BMP",
    "JPEG2000",
    "PPM",
    "QOI",
    "ICO",
    "PSD",
    "SGI",
    "DIB",
)
"""Pillow's formats that are read. Left out: those that run another program (EPS), only pretend to read
(MPEG) or have no mark of their own at the start (TGA). HEIF needs ``mien[heic]`` (`mien.media.heif`)."""

_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_SHORTEST, _INSTEAD = 0.010, 0.100
"""Seconds: browsers show a frame that asks for at most 0.01 s for 0.1 s."""
_MOST_SECONDS_HERE = 2.0
"""What may take longer is decoded in a process that can be ended."""


def open_image(
    content: ByteSource,
    sampling: Sampling | None = None,
    max_pixels: int = MAX_PIXELS,
    decode_seconds: float = DECODE_SECONDS,
) -> Media | None:
    """Open an image or an animation.

    A still image is decoded at once, so that a damaged one is refused here. Of a file with several pages or
    resolutions the first is read. Transparent parts become white; gray of more than 8 bits is brought to 8. An
    image that may take long is decoded in a process of its own, which is ended when it does.

    Args:
        content: The file.
        sampling: Which frames of an animation are given.
        max_pixels: Images with more are refused before they are decoded.
        decode_seconds: Longest time that decoding may take; under two seconds nobody looks at the clock.

    Returns:
        The image, or None where the content is not an image in any of `FORMATS`.

    Raises:
        MediaError: It is an image, but damaged, cut short, too large or too complex.
    """
    if is_motion_jpeg(content):
        return None
    with content.open() as file:
        image = _identify(file, content, max_pixels)
        if image is None:
            return None
        takes = effort(image, content, max_pixels)
        if image.format in _ANIMATED and _is_animated(image, content):
            if takes.seconds > _MOST_SECONDS_HERE:
                raise MediaError(
                    f"{content.name}: expected frames that are decoded at once; got {image.width} x {image.height}: scale it down",
                    "too_large",
                )
            return _animation(image, content, sampling or Sampling(), max_pixels)
        if takes.seconds <= _MOST_SECONDS_HERE:
            pixels = _pixels(image, content)
        else:
            pixels = own_decoders().decode(file_bytes(content), content.name, max_pixels, decode_seconds)
    return still(pixels, content.name, content)


def file_bytes(content: ByteSource) -> bytes:
    """All of a file."""
    with content.open() as file:
        return file.read()


class FirstFrame:
    """An image, or the first frame of an animation, in two steps; a context manager.

    Args:
        content: The file.
        max_pixels: Images with more are refused.

    Attributes:
        width: px as stored.
        height: px as stored.
        memory: Bytes that decoding takes, about.

    Raises:
        MediaError: It is no image, damaged, too large or too complex.
    """

    def __init__(self, content: ByteSource, max_pixels: int) -> None:
        self._content, self._file = content, content.open()
        image = _identify(self._file, content, max_pixels)
        if image is None:
            raise MediaError(
                f"{content.name}: expected an image (JPEG, PNG, WebP, ...); got something else: send an image",
                "unsupported",
            )
        self.memory = effort(image, content, max_pixels).memory
        self.width, self.height = image.size
        self._image: ImageFile.ImageFile | None = image

    def pixels(self) -> NDArray[np.uint8]:
        """``(h, w, 3)`` RGB; once."""
        assert self._image is not None
        pixels, self._image = _pixels(self._image, self._content), None
        return pixels

    def __enter__(self) -> FirstFrame:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def open_pillow(image: Image.Image, name: str, max_pixels: int = MAX_PIXELS) -> Media:
    """An image of Pillow's, upright; of an animation the frame at which it stands.

    Args:
        image: In any mode; one that Pillow has not loaded yet is loaded.
        name: What tables show.
        max_pixels: One with more is refused.

    Raises:
        MediaError: It cannot be loaded, is too large, or in a mode that cannot be shown.
        InputError: It has no pixels.

    >>> next(iter(open_pillow(Image.new("CMYK", (6, 4)), "red.tif"))).image.shape
    (4, 6, 3)
    """
    if 0 in image.size:
        raise InputError(f"{name}: expected an image with pixels; got {image.width} x {image.height}")
    FrameLimit(name, max_pixels).check(*image.size)
    try:
        image.load()
        return still(to_rgb(image), name)
    except MemoryError:
        raise
    except Exception as error:  # What it was opened from may be closed, gone or damaged.
        what = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(
            f"{name}: expected an image of Pillow's that loads; got {image.mode}, {what}: call its load() while its file is open",
            "truncated" if "truncated" in what else "unreadable",
        ) from None


def still(pixels: NDArray[np.uint8], name: str, content: ByteSource | None = None) -> Media:
    """A `Media` of one image."""

    def read() -> Frames:
        yield Frame(0, 0.0, pixels.copy())

    height, width = pixels.shape[:2]
    return Media(name, "image", width, height, 1, 0.0, None, read, content.close if content else lambda: None)


def _identify(file: BinaryIO, content: ByteSource, max_pixels: int) -> ImageFile.ImageFile | None:
    """Pillow's image, header read; without `Image.open`, whose limit of pixels is one for the whole
    process."""
    Image.init()
    start = file.read(16)
    failure: MediaError | None = None
    for name in FORMATS:
        if name == heif.FORMAT:
            if not heif.looks_like_heif(start):
                continue
            factory = heif.factory(content, max_pixels)
        elif name not in Image.OPEN:
            continue
        else:
            factory, accept = Image.OPEN[name]
            if accept is not None and not _accepted(accept, start):
                continue
        file.seek(0)
        if name == "ICO":
            check_icon(file, content.name, max_pixels)
            file.seek(0)
        try:
            # A phone's JPEG may carry more images (MPO); the first is the one meant.
            image = JpegImagePlugin.JpegImageFile(file, "") if name == "JPEG" else factory(file, "")
        except Exception as error:  # Pillow's readers raise all kinds of errors on damaged files.
            failure = _failure(error, name, content)
        else:
            return image if isinstance(image, ImageFile.ImageFile) else None
    if failure is not None and not looks_like_text(content.head()):
        raise failure
    return None


def _accepted(accept: Callable[[bytes], bool | str], start: bytes) -> bool:
    try:
        return accept(start) is True
    except (IndexError, struct.error):  # Some take it for granted that a file has four bytes.
        return False


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text.

    >>> looks_like_text("Grüße".encode()), looks_like_text(bytes(range(40)))
    (True, False)
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in head[:64]:
        return True
    if any(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut at the end of the sample.
        return error.start > len(head) - 4 and len(head) > 4
    return True


def _failure(error: Exception, form: str, content: ByteSource) -> MediaError:
    """What to tell of an error that Pillow raised."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, (Image.DecompressionBombError, MemoryError)):
        return MediaError(
            f"{content.name}: expected a {form} image that fits in memory; got a larger one ({error}): scale it down",
            "too_large",
        )
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, EOFError) or "truncated" in text.lower() or _is_cut(form, content):
        return MediaError(
            f"{content.name}: expected a whole {form} image; got a truncated one, whose end is missing: get the file again",
            "truncated",
        )
    return MediaError(
        f"{content.name}: expected a {form} image; got damaged data ({text}): get the file again",
        "unreadable",
    )


def _is_cut(form: str, content: ByteSource) -> bool:
    with content.open() as file:
        if form == "PNG":
            file.seek(max(0, content.size - 4096))
            return b"IEND" not in file.read()
        if form == "GIF":
            file.seek(max(0, content.size - 16))
            return b";" not in file.read()
        if form == "WEBP":
            return int.from_bytes(file.read(8)[4:], "little") + 8 > content.size
    return False


def _is_animated(image: ImageFile.ImageFile, content: ByteSource) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception as error:
        raise _failure(error, str(image.format), content) from None


def _pixels(image: ImageFile.ImageFile, content: ByteSource) -> NDArray[np.uint8]:
    try:
        image.load()
        return to_rgb(image)
    except Exception as error:
        raise _failure(error, str(image.format), content) from None


def _animation(image: ImageFile.ImageFile, content: ByteSource, sampling: Sampling, max_pixels: int) -> Media:
    # The first frame is decoded here, so that a file without any is refused.
    height, width = _pixels(image, content).shape[:2]
    count = _frame_count(image)

    def read() -> Frames:
        with content.open() as file:
            again = _identify(file, content, max_pixels)
            assert again is not None
            yield from _animation_frames(again, content, sampling, count, max_pixels)

    expected = count if sampling.rate is None and sampling.span is None else None
    return Media(
        content.name,
        "animation",
        width,
        height,
        expected,
        None,
        None,
        read,
        content.close,
        start=sampling.start,
    )


def _animation_frames(
    image: ImageFile.ImageFile, content: ByteSource, sampling: Sampling, count: int | None, max_pixels: int
) -> Frames:
    chooser = sampling.chooser()
    last = time = 0.0
    # A PNG may have an image for those that cannot show the animation; it is not part of it.
    first = 1 if getattr(image, "default_image", False) else 0
    index = 0
    while not chooser.over(time):
        try:
            image.seek(first + index)
            FrameLimit(content.name, max_pixels).check(
                *image.size
            )  # A frame of a GIF may be larger than the first.
            image.load()
            pixels = to_rgb(image) if chooser.takes(time) else None
        except EOFError:
            if count is None or index >= count:
                break
            yield _lost(index, time, count, content, MediaError("its end is missing", "truncated"))
            return
        except Exception as error:
            yield _lost(index, time, count, content, _failure(error, str(image.format), content))
            return
        if pixels is not None:
            yield Frame(index, time, pixels)
        index += 1
        shown = float(image.info.get("duration") or 0) / 1000
        last, time = time, time + (shown if shown > _SHORTEST else _INSTEAD)
    if sampling.span is not None and not chooser.count:
        yield BadFrame(index, sampling.start or 0.0, sampling.missed(content.name, last))


def _lost(index: int, time: float, count: int | None, content: ByteSource, error: MediaError) -> BadFrame:
    missing = 1 if count is None else max(1, count - index)
    whole = "" if count is None else f" of {count}"
    message = f"{content.name}: expected {missing} more frame(s) after the first {index}{whole}; got {error}"
    return BadFrame(index, time, MediaError(message, error.kind), missing)


def _frame_count(image: ImageFile.ImageFile) -> int | None:
    try:
        count = int(getattr(image, "n_frames", 1))
    except Exception:  # A damaged file; what is lost is told where it is lost.
        return None
    return count - 1 if getattr(image, "default_image", False) else count
