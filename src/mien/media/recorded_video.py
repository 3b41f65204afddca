"""A video that is written while it happens: it can be played at any moment, also after the process was killed, and what was
stored of a frame is known at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from mien.core.atomic import translate_os_errors
from mien.media.limits import MAX_VIDEO_PIXELS, FrameLimit
from mien.media.rotation import Upright
from mien.media.video_writer import letterboxed

TICKS = 90_000
_BT709, _LIMITED = 1, 1
_FRAGMENT = 500_000
"""Microseconds of a fragment: what a process that is killed loses at most."""


class RecordedVideo:
    """An MP4 in fragments (H.264, 4:2:0), each of which is on the disk when it is over.

    Args:
        path: The file; it must not exist.
        width: Of its frames in px; frames of another size are scaled to fit, with black bars.
        height: Of its frames in px.

    Raises:
        InputError: It cannot be written.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self.path, self._width, self._height = path, width, height
        even = width + width % 2, height + height % 2
        self._padding = (even[1] - height, even[0] - width)
        movement = "empty_moov+default_base_moof+frag_keyframe"
        with translate_os_errors(path):
            self._container = av.open(
                f"file:{path}",
                "w",
                format="mp4",
                container_options={
                    "movflags": movement,
                    "frag_duration": str(_FRAGMENT),
                    "flush_packets": "1",
                },
            )
        self._stream = self._encoder(even)
        self._container.start_encoding()
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self._decoder.extradata = self._stream.codec_context.extradata
        self._decoder.thread_count = 1
        self._upright = Upright(self._stream, FrameLimit(str(path), max(MAX_VIDEO_PIXELS, even[0] * even[1])))
        self._reformatter = VideoReformatter()
        self._last = -1

    def _encoder(self, size: tuple[int, int]) -> Any:
        # Each frame comes out of the encoder before the next one goes in.
        options = {"preset": "veryfast", "crf": "18", "tune": "zerolatency", "g": "60"}
        stream = self._container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        context: Any = stream.codec_context
        stream.time_base = context.time_base = Fraction(1, TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        return stream

    def write(self, image: NDArray[np.uint8], time: float) -> tuple[NDArray[np.uint8], float]:
        """Store a frame.

        Args:
            image: ``(h, w, 3)`` uint8, RGB.
            time: Seconds at which it is shown; one that is not after the last is moved to the next 1/90000 s.

        Returns:
            The image and the time that whoever opens the file gets.

        Raises:
            InputError: The disk is full, or the file cannot be written.
        """
        stamp = self._last = max(round(time * TICKS), self._last + 1)
        whole = VideoFrame.from_ndarray(self._fitted(image), format="rgb24")
        frame = self._reformatter.reformat(
            whole, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED
        )
        frame.pts, frame.time_base, frame.duration = stamp, Fraction(1, TICKS), TICKS // 30
        packets = self._stream.encode(frame)
        # Before the muxer has them: it takes their data away.
        [stored] = [found for packet in packets for found in self._decoder.decode(packet)]
        with translate_os_errors(self.path):
            for packet in packets:
                self._container.mux(packet)
        return self._upright(stored), stamp / TICKS

    def close(self) -> None:
        """Write what is left."""
        with translate_os_errors(self.path):
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def _fitted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if image.shape[:2] != (self._height, self._width):
            image = letterboxed(image, self._width, self._height)
        below, right = self._padding
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge") if below or right else image
        return np.ascontiguousarray(padded)
