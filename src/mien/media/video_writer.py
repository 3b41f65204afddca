"""Writing images and videos, whole or not at all."""

from __future__ import annotations

import math
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError
from mien.core.names import quoted

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

    from mien.media.sound import Sound

_TICKS = 90_000
"""Time base of a movie: timestamps are kept to 1/90000 s, which every common frame rate divides."""

_SMALLEST = 16
"""Least width and height in px that are written: below it some players show nothing."""

_LARGE = 4_000_000
"""Pixels of a frame above which memory is spared."""

_BT709, _LIMITED = 1, 1
"""What FFmpeg calls the colours of HD video and its range of 16 to 235."""

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_SAVING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 92},
    "WEBP": {"quality": 92},
    "AVIF": {"quality": 80},
}


class VideoWriter:
    """Writes an MP4 (H.264, 4:2:0) that browsers play, with the sound of another video if it is given one.

    Each frame keeps its own time, so the frame rate may vary; a time that is not after the one before is
    moved to the next 1/90000 s. Odd widths and heights, and those below 16 px, are filled up by repeating the
    pixels at the right and lower edge. A frame of another size is scaled to fit, with black bars. The file
    appears under its name when the ``with`` block ends without an exception; otherwise nothing is left.

    Args:
        path: The file to write; an existing one is replaced.
        width: Of the movie in px.
        height: Of the movie in px.
        rate: Frames per second, if it is known: how long the last frame is shown, and what players display.
        sound: What is heard with it, as it is stored; one that does not fit into an MP4 is left out.

    Attributes:
        sound: What is heard with it; None where nothing is, or where it turned out to be damaged.

    Raises:
        InputError: A size below 1 or a rate that is not positive, an image that is not RGB uint8, or a file
            that cannot be written.

    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp(), "gray.mp4")
    >>> with VideoWriter(path, 64, 48, rate=10) as movie:
    ...     for index in range(3):
    ...         movie.write(np.full((48, 64, 3), 99, np.uint8), index / 10)
    >>> path.stat().st_size > 500
    True
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        *,
        rate: float | None = None,
        sound: Sound | None = None,
    ) -> None:
        if width < 1 or height < 1:
            raise InputError(f"expected a width and height of 1 px or more; got {width} x {height}")
        if rate is not None and not 0 < rate < 10_000:
            raise InputError(f"rate: expected frames per second above 0; got {quoted(rate)}")
        self.path, self.width, self.height = Path(path), width, height
        self._rate = rate
        self.sound = sound if sound is not None and sound.fits_mp4 else None
        self._heard: AudioStream | None = None
        self._padded = (_even(width), _even(height))
        self._last: int | None = None
        self._step = round(_TICKS / rate) if rate else round(_TICKS / 25)
        self._aside = ExitStack()
        self._part = self._aside.enter_context(atomic_write(self.path))
        try:
            self._container, self._stream, self._reformatter = self._open()
        except BaseException:
            self._forget()
            raise

    def write(self, image: NDArray[np.uint8], time: float) -> None:
        """Add a frame.

        Args:
            image: ``(h, w, 3)`` uint8, RGB.
            time: Seconds at which it is shown.
        """
        _check(image)
        if self._container is None or self._stream is None:
            raise InputError(f"{self.path}: expected an open movie; it is already closed")
        if not np.isfinite(time):
            raise InputError(f"{self.path}: expected a time in seconds; got {time}")
        stamp = round(time * _TICKS)
        if self._last is not None:
            stamp = max(stamp, self._last + 1)
            self._step = self._step if self._rate else stamp - self._last
        self._last = stamp
        self._copy_sound(stamp / _TICKS)
        self._encode(self._fitted(image), stamp)

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._container is None or self._stream is None:
            return
        if self._last is None:
            self.discard()
            raise InputError(f"{self.path}: expected at least one frame to write; got none")
        try:
            with translate_os_errors(self.path):
                for packet in self._stream.encode(None):
                    self._container.mux(packet)
                self._copy_sound(math.inf)
                self._container.close()
        except BaseException:
            self.discard()
            raise
        self._container = self._stream = None
        self._aside.close()

    def discard(self) -> None:
        """Give up: nothing is left of the file."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(OSError, ValueError):  # What is thrown away need not be whole.
                container.close()
        self._forget()

    def _forget(self) -> None:
        # The file aside goes when its block is left by an exception, whichever.
        given_up = InputError(f"{self.path}: given up")
        self._aside.__exit__(InputError, given_up, None)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _open(self) -> tuple[OutputContainer | None, VideoStream | None, VideoReformatter]:
        import av
        from av.video.reformatter import VideoReformatter

        container = av.open(
            f"file:{self._part}", "w", format="mp4", container_options={"movflags": "faststart"}
        )
        try:
            stream = self._add_images(container)
            if self.sound is not None:
                self._heard = container.add_stream_from_template(self.sound.stream)
            container.start_encoding()
        except BaseException as error:
            with suppress(ValueError):  # What is thrown away need not be whole.
                container.close()
            if self.sound is None or not isinstance(error, ValueError):
                raise
            self.sound = self._heard = None  # Its header is damaged.
            return self._open()
        return container, stream, VideoReformatter()

    def _add_images(self, container: OutputContainer) -> VideoStream:
        # No frames out of order: then the first timestamp needs no edit list, which some players ignore.
        options = {"preset": "veryfast", "crf": "20", "bf": "0"}
        if self.width * self.height > _LARGE:
            # Frames that are held back: of 4K, ten of them are more than half the encoder's memory.
            options["rc-lookahead"] = "1"
        rate = Fraction(self._rate or 25).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = self._padded
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.colorspace = stream.codec_context.color_primaries = (
            stream.codec_context.color_trc
        ) = _BT709
        stream.codec_context.color_range = _LIMITED
        return stream

    def _copy_sound(self, time: float) -> None:
        """Pass on the sound up to a time in seconds: side by side with the frames, as players want it."""
        if self.sound is None or self._heard is None or self._container is None:
            return
        for packet in self.sound.until(time):
            packet.stream = self._heard
            try:
                self._container.mux(packet)
            except ValueError:  # Damaged; a full disk is an OSError.
                self.sound = None
                return

    def _encode(self, image: NDArray[np.uint8], stamp: int) -> None:
        import av

        assert self._container is not None
        assert self._stream is not None
        whole = av.VideoFrame.from_numpy_buffer(
            image, format="rgb24"
        )  # Without a copy: it is gone before the caller has the image back.
        frame = self._reformatter.reformat(
            whole, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED
        )
        frame.pts, frame.time_base, frame.duration = stamp, Fraction(1, _TICKS), self._step
        with translate_os_errors(self.path):
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def _fitted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if image.shape[:2] != (self.height, self.width):
            image = letterboxed(image, self.width, self.height)
        right, below = self._padded[0] - self.width, self._padded[1] - self.height
        return (
            np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge")
            if right or below
            else np.ascontiguousarray(image)
        )


def letterboxed(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """An image scaled to fit into a size, in the middle, the rest black.

    >>> letterboxed(np.full((2, 4, 3), 9, np.uint8), width=4, height=4)[:, 0, 0].tolist()
    [0, 9, 9, 0]
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    out = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    out[top : top + size[1], left : left + size[0]] = np.asarray(
        Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    )
    return out


def save_image(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write an image; the suffix decides the format. The file appears whole or not at all.

    Args:
        path: The file to write; an existing one is replaced.
        image: ``(h, w, 3)`` uint8, RGB.

    Raises:
        InputError: The suffix is not known, the image is not RGB uint8, or the file cannot be written.

    >>> save_image("face.doc", np.zeros((2, 2, 3), np.uint8))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: face.doc: expected a suffix of an image (.png, .jpg, .jpeg, .webp, .avif, .bmp, .tif, .tiff); got '.doc'
    """
    path = Path(path)
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise InputError(
            f"{path}: expected a suffix of an image ({', '.join(_FORMATS)}); got {quoted(path.suffix)}"
        )
    _check(image)
    with atomic_write(path) as aside, translate_os_errors(path):
        Image.fromarray(np.ascontiguousarray(image)).save(aside, format=form, **_SAVING.get(form, {}))


def _even(side: int) -> int:
    return max(_SMALLEST, side + side % 2)


def _check(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(f"expected an image as (h, w, 3) uint8, RGB; got {image.shape} {image.dtype}")
