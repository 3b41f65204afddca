"""Clips and images that the tests of `mien.media` make for themselves."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

TICKS = 90_000


def corner(width: int = 64, height: int = 48, level: int = 60) -> NDArray[np.uint8]:
    """A gray image whose upper left quarter is red: shows every turn and mirror but one along the
    diagonal.
    """
    image = np.full((height, width, 3), level, np.uint8)
    image[: height // 2, : width // 2] = (220, 20, 20)
    return image


def noisy(index: int, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """An image that costs bytes and moves."""
    rng = np.random.default_rng(7)
    base = rng.integers(0, 255, (height, width, 3), np.uint8)
    return np.roll(base, index * 3, axis=1)


@contextmanager
def usual_priority() -> Iterator[None]:
    """What is encoded within leaves the process as it is: SVT-AV1 gives root's the highest priority in real
    time, which its children have, too, and then nothing else runs any more.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def clip(
    images: Sequence[NDArray[np.uint8]],
    times: Sequence[float] | None = None,
    *,
    codec: str = "libx264",
    form: str = "mp4",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pixel_shape: Fraction | None = None,
) -> bytes:
    """A video file of some images; 25 frames per second where no times are given."""
    height, width = images[0].shape[:2]
    # In a file, because faststart reads back what it has written.
    with (
        usual_priority(),
        tempfile.NamedTemporaryFile() as file,
        av.open(file.name, "w", format=form, container_options=container_options or {}) as container,
    ):
        stream: Any = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        base = Fraction(1, TICKS) if times is not None else Fraction(1, 25)
        stream.time_base = stream.codec_context.time_base = base
        if pixel_shape is not None:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index if times is None else round(times[index] * TICKS)
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.close()
        return file.read()


def sound(form: str = "wav", codec: str = "pcm_s16le") -> bytes:
    """A tenth of a second of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def with_matrix(mp4: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """The same MP4 with another matrix in its track header (ISO/IEC 14496-12, tkhd); values in whole
    numbers.
    """
    at = mp4.index(b"tkhd") + 4
    # version and flags, times and ids (20), reserved (8), layer, group, volume, reserved (8): then the
    # matrix.
    assert mp4[at] == 0
    place = at + 4 + 20 + 8 + 8
    one = 1 << 16
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    return mp4[:place] + matrix + mp4[place + 36 :]


def overwritten(data: bytes, start: float, stop: float, seed: int = 0) -> bytes:
    """The same bytes with noise from one share of the length to another."""
    low, high = int(len(data) * start), int(len(data) * stop)
    return data[:low] + np.random.default_rng(seed).bytes(high - low) + data[high:]
