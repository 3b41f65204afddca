"""Still and animated images, read with Pillow; they become RGB some rows at a time, so that the step between
takes little memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin

from mien.core.errors import InputError, MediaError
from mien.core.frame import BadFrame, Frame
from mien.media.byte_source import ByteSource
from mien.media.decoder import DECODE_SECONDS, own_decoders
from mien.media.limits import FrameLimit, check_icon, effort
from mien.media.media import Frames, Media
from mien.media.motion_jpeg import is_motion_jpeg
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
(MPEG) or have no mark of their own at the start (TGA). HEIF is there when the caller has registered a
plugin for it."""

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


def open_array(array: NDArray[Any], name: str | None = None) -> Media:
    """An image that is already in memory.

    Args:
        array: ``(h, w, 3)`` RGB, ``(h, w)`` gray or ``(h, w, 4)`` RGBA, uint8.
        name: What tables show; by default ``<array>``.

    Raises:
        InputError: Another shape or dtype.

    >>> next(iter(open_array(np.zeros((4, 6), np.uint8)))).image.shape
    (4, 6, 3)
    """
    if array.dtype != np.uint8:
        raise InputError(f"expected an image of dtype uint8, 0 to 255; got {array.dtype}: convert it first")
    known = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not known or 0 in array.shape:
        raise InputError(f"expected an image of shape (h, w, 3), (h, w) or (h, w, 4); got {array.shape}")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    elif array.shape[2] == 4:
        array = on_white(Image.fromarray(np.ascontiguousarray(array)))
    return still(array, "<array>" if name is None else name)


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
        if name not in Image.OPEN:
            continue
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


_STRIP = 1_000_000
"""About so many pixels are converted at once."""

_AS_STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""How an image lies in its file, by its orientation (EXIF), as a view of the upright one."""


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 of a loaded image, upright and without transparency, which becomes white.

    Gray of more than 8 bits is brought to 8. Where a file of 16 bits holds no value of more than 14 bits, it
    is taken for a camera's image of as many as it has. Other values that 8 or 16 bits do not hold are
    stretched.
    """
    orientation = _orientation(image)
    width, height = image.size
    shape = (width, height) if orientation >= 5 else (height, width)
    pixels = np.empty((*shape, 3), np.uint8)
    stored = _AS_STORED[orientation](pixels) if orientation in _AS_STORED else pixels
    convert = (
        _wide(image)
        if image.mode.startswith("I") or image.mode == "F"
        else on_white
        if image.has_transparency_data
        else _plain
    )
    for top, strip in _strips(image):
        part = convert(strip)
        stored[top : top + len(part)] = part
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Rows of an image, and where they begin."""
    width, height = image.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        yield 0, image
        return
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # Damaged camera data do not make the image unreadable.
        return 1


def _plain(strip: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(strip.convert("RGB"))


def on_white(strip: Image.Image) -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of an image with transparent parts, which become white."""
    strip = strip.convert("RGBA")
    white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, strip).convert("RGB"))


def _wide(image: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """What brings gray of more than 8 bits to 8."""
    extremes = [
        (float(values.min()), float(values.max()))
        for _, strip in _strips(image)
        if (values := _numbers(strip)).size
    ]
    low, high = min(pair[0] for pair in extremes), max(pair[1] for pair in extremes)
    dark, bright = _range(low, high, image.mode, image.format)

    def convert(strip: Image.Image) -> NDArray[np.uint8]:
        levels = np.rint((_numbers(strip) - dark) * (255 / ((bright - dark) or 1.0)))
        return np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)

    return convert


def _numbers(strip: Image.Image) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(strip).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _range(low: float, high: float, mode: str, form: str | None) -> tuple[float, float]:
    """Which values become black and white."""
    sixteen = mode.startswith("I;16") or form == "PPM"
    if sixteen or (mode == "I" and low >= 0 and 255 < high <= 65535):
        bits = max(8, int(high).bit_length())
        return 0.0, float(2**bits - 1 if bits <= 14 else 65535)
    if mode == "F" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if low < 0 or high > 255 else (0.0, 255.0)
