"""One door for every image and video: what it is, is decided by what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.errors import MediaError, source_error
from mien.core.formatting import counted
from mien.core.frame import BadFrame
from mien.media import images
from mien.media.byte_source import ByteSource, Readable, name_of
from mien.media.decoder import DECODE_SECONDS
from mien.media.folders import find_sources
from mien.media.pixels import Channels, array_to_rgb
from mien.media.sampling import Sampling

if TYPE_CHECKING:
    from mien.media.media import Media

EVERY_FRAME = Sampling()

Source: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Readable
    | ByteSource
    | NDArray[Any]
    | Image.Image
)
"""What an image or a video may be: a path, the bytes of a file, a binary file object, an image of Pillow's or an
array (`mien.media.pixels.array_to_rgb`)."""


def open_media(
    source: Source,
    sampling: Sampling = EVERY_FRAME,
    *,
    name: str | None = None,
    max_pixels: int | None = None,
    decode_seconds: float = DECODE_SECONDS,
    threads: int | None = None,
) -> Media:
    """Open an image, an animation or a video.

    Pillow is asked first, then FFmpeg; the suffix of the name is not looked at. FFmpeg reads nothing but what
    it is given: playlists and files that point to others are refused.

    Args:
        source: A path, the bytes of a file, a binary file object (``sys.stdin.buffer`` too), a `ByteSource`,
            which stays open, an image of Pillow's, or an array in RGB.
        sampling: Which frames are given.
        name: What messages and tables call it; by default `mien.media.byte_source.name_of` the source.
        max_pixels: Images and frames with more pixels are refused; by default 128 megapixels of an image,
            and of a frame of a video 4096 x 4096.
        decode_seconds: Longest time, on one core, that decoding one image may take.
        threads: Threads of the video decoder; by default as many as the size of the frames deserves.

    Returns:
        What is known of it; iterating gives `Frame` and `BadFrame`.

    Raises:
        MediaError: It cannot be read; ``kind`` says why in a word.
        InputError: An argument is of the wrong type or shape.

    >>> with open_media(np.zeros((20, 30, 3), np.uint8)) as media:
    ...     print(media.kind, media.width, media.height, [frame.time for frame in media])
    image 30 20 [0.0]
    """
    if isinstance(source, np.ndarray):
        return images.still(array_to_rgb(source, name=name), name or name_of(source))
    if isinstance(source, Image.Image):
        return images.open_pillow(source, name or name_of(source), max_pixels or images.MAX_PIXELS)
    try:
        return _opened(source, name, sampling, max_pixels, decode_seconds, threads)
    except Exception as error:  # Readers of damaged files raise errors of all kinds.
        raise source_error(name or name_of(source), error) from error


def read_image(source: Source, channels: Channels = "rgb", name: str | None = None) -> NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 RGB of one still image, whatever holds it.

    Args:
        source: As `open_media` takes it.
        channels: Order of the colours of an array; files and Pillow's images know theirs.
        name: What messages call it; by default `mien.media.byte_source.name_of` the source.

    Raises:
        MediaError: It cannot be read, or is a video, an animation or several images.
        InputError: It is nothing that holds an image.

    >>> read_image(Image.new("L", (6, 4))).shape
    (4, 6, 3)
    """
    if isinstance(source, np.ndarray):
        return array_to_rgb(source, channels, name)
    if isinstance(source, str | os.PathLike):
        found = find_sources([source]).sources
        if len(found) != 1:
            message = f"{name_of(source)}: expected one image; got {len(found)}: mien.analyze reads many"
            raise MediaError(message, "unsupported")
        source = found[0]
    with open_media(source, name=name) as media:
        if media.kind != "image":
            message = f"{media.name}: expected one image; got {_A[media.kind]}: mien.analyze reads its frames"
            raise MediaError(message, "unsupported")
        frame = next(iter(media))
    if isinstance(frame, BadFrame):
        raise frame.error
    return frame.image


_A = {"animation": "an animation", "video": "a video"}


def is_several(source: object) -> bool:
    """Whether this is several sources, and not one.

    >>> is_several("a.jpg"), is_several(["a.jpg"]), is_several(np.zeros((4, 4, 3))), is_several(np.zeros((2, 4, 4, 3)))
    (False, True, False, True)
    """
    if isinstance(source, np.ndarray):
        return source.ndim == 4 or (source.ndim == 1 and source.dtype.kind in "OU")
    if isinstance(source, str | bytes | bytearray | memoryview | Mapping) or hasattr(source, "read"):
        return False
    # Tensors and tables can be gone through as well, row by row; a column of a table is one of sources.
    return isinstance(source, Iterable) and len(getattr(source, "shape", ())) < 2


def _opened(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | ByteSource,
    name: str | None,
    sampling: Sampling,
    max_pixels: int | None,
    decode_seconds: float,
    threads: int | None,
) -> Media:
    content = source if isinstance(source, ByteSource) else ByteSource(source, name)
    try:
        media = images.open_image(content, sampling, max_pixels or images.MAX_PIXELS, decode_seconds)
        if media is None:
            media = _video(content, sampling, max_pixels, threads)
        if media is None:
            raise MediaError(
                f"{content.name}: expected an image or a video; got {_describe(content)}: {_advice(content)}",
                _kind(content),
            )
    except BaseException:
        if content is not source:
            content.close()
        raise
    if content is source:
        media.release = _keep  # Whoever made it reads it again, or closes it.
    return media


def _keep() -> None:
    pass


def _video(
    content: ByteSource, sampling: Sampling, max_pixels: int | None, threads: int | None
) -> Media | None:
    if images.looks_like_text(content.head()):
        return None
    from mien.media.limits import MAX_VIDEO_PIXELS
    from mien.media.videos import open_video

    return open_video(content, sampling, max_pixels=max_pixels or MAX_VIDEO_PIXELS, threads=threads)


def _is_headless_video(content: ByteSource) -> bool:
    return content.head(12)[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _describe(content: ByteSource) -> str:
    head = content.head()
    if _is_headless_video(content):
        return "an MP4 without its table of frames, which comes at the end: the file is truncated"
    if images.looks_like_text(head):
        return "an SVG drawing" if b"<svg" in head else "a text file"
    return f"{counted(content.size, 'byte')} that neither Pillow nor FFmpeg knows"


def _advice(content: ByteSource) -> str:
    return (
        "get the file again"
        if _is_headless_video(content)
        else "name an image (JPEG, PNG, ...) or a video (MP4, WebM, ...)"
    )


def _kind(content: ByteSource) -> str:
    return "truncated" if _is_headless_video(content) else "unreadable"
