"""Videos, read with PyAV (FFmpeg)."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.errors import InputError, MediaError
from mien.media.content import Content
from mien.media.frame import BadFrame, Frame
from mien.media.opened import Frames, Media
from mien.media.sampling import Chooser, Sampling

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,ivf,mxf,nut,rm,dv,yuv4mpegpipe,"
    "h264,hevc,vvc,obu,av1,m4v,mpegvideo,vc1,h263,gxf,wtv,"
    "mp3,aac,flac,wav,w64,aiff,au,caf,amr,ac3,eac3,dts,ape,wv,tta"
)
"""FFmpeg's containers that are read; the last line only to say of a recording of sound that it has no picture. Left out
is everything that is text or points to other files or addresses: playlists, concat, sdp, dash, subtitles, pictures."""

_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif")


@dataclass(frozen=True)
class _Wanted:
    """How a video is to be read."""

    sampling: Sampling
    max_pixels: int
    threads: int | None


def open_video(content: Content, sampling: Sampling | None = None, *, max_pixels: int, threads: int | None = None) -> Media | None:
    """Open a video and learn from its header and first frame what is to be expected.

    Times are in seconds from the start of the recording, as a player shows them: timestamp x time base - the container's
    start time. A frame without a timestamp follows the one before by the average length of a frame. Pixels are square and
    upright: rotation, mirroring and pixel shape that the file asks for are applied.

    Args:
        content: The file.
        sampling: Which frames are given; the others are decoded but not converted to RGB.
        max_pixels: A video with larger frames is refused.
        threads: Threads of the decoder; by default one up to 1 megapixel, above it one per core up to 8.

    Returns:
        The video, or None where FFmpeg does not know the content.

    Raises:
        MediaError: It has no pictures, is damaged beyond reading or is too large.
        InputError: ``threads`` is below 1.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads: expected 1 or more; got {threads}")
    wanted = _Wanted(sampling or Sampling(), max_pixels, threads)
    if content.head(12)[4:] in [b"ftyp" + brand for brand in _PHOTO_BRANDS]:
        raise MediaError(f"{content.name}: expected a picture or video that can be read; got a HEIF photo: convert it to JPEG or PNG", "unsupported")
    try:
        with _opened(content, wanted, threads=1) as (container, stream):
            width, height = _shown_size(container, stream)
            rate = stream.average_rate or stream.guessed_rate
            total, duration = _extent(container, stream, rate)
    except FFmpegError:
        return None
    expected = None if total is None else wanted.sampling.count(total, duration or 0.0)
    frame_rate = None if rate is None else float(rate)
    return Media(content.name, "video", width, height, expected, duration, frame_rate, lambda: _read(content, wanted), content.close)


@contextmanager
def _opened(content: Content, wanted: _Wanted, threads: int | None) -> Iterator[tuple[InputContainer, VideoStream]]:
    # FFmpeg gets a file object and may open nothing else by itself, so that no file can make it read another.
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
    with content.open() as file, av.open(file, "r", container_options=options, metadata_errors="replace") as container:
        stream = _video_stream(container, content.name)
        context = stream.codec_context
        size = context.width * context.height
        if size > wanted.max_pixels:
            shape = f"{context.width} x {context.height} = {size:,}"
            raise MediaError(
                f"{content.name}: expected at most {wanted.max_pixels:,} pixels; got {shape}: scale it down or raise max_pixels", "too_large"
            )
        context.thread_count = threads or (1 if size <= 1_000_000 else min(8, os.cpu_count() or 1))
        if context.thread_count > 1:
            context.thread_type = "AUTO"
        yield container, stream


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        what = "only sound" if container.streams.audio else "none"
        raise MediaError(f"{name}: expected a stream of pictures; got {what}: name a video", "no_video")
    for stream in streams:
        if stream.codec_context is not None:
            return stream
    raise MediaError(f"{name}: expected a codec that FFmpeg can decode; got an unknown one: convert it to H.264", "unsupported")


def _extent(container: InputContainer, stream: VideoStream, rate: Fraction | None) -> tuple[int | None, float | None]:
    """How many frames there are and how many seconds they last, as far as the header tells."""
    duration: float | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration = container.duration / av.time_base
    total = _indexed(container, stream) or stream.frames or None
    if total is None and duration is not None and rate:
        total = max(1, round(duration * float(rate)))
    return total, duration


def _indexed(container: InputContainer, stream: VideoStream) -> int:
    """Frames in the table of an MP4, less those that its edit list hides; 0 without such a table."""
    if "mov" not in container.format.name:
        return 0
    return sum(1 for entry in stream.index_entries if not entry.is_discard)


def _shown_size(container: InputContainer, stream: VideoStream) -> tuple[int, int]:
    """Width and height as shown; the rotation is only known from a frame."""
    packets = 0
    try:
        for packet in container.demux(stream):
            for frame in packet.decode():
                assert isinstance(frame, VideoFrame)
                width, height = _square_size(frame, stream)
                return (height, width) if _matrix(frame)[0] else (width, height)
            packets += 1
            if packets > 100:
                break
    except FFmpegError:
        pass
    return stream.codec_context.width, stream.codec_context.height


class _Ledger:
    """The timestamps of what was given to the decoder and has not come out of it."""

    def __init__(self) -> None:
        self._due: list[int] = []

    def sent(self, packet: Packet[VideoStream]) -> None:
        if packet.pts is not None and not packet.is_discard:
            heapq.heappush(self._due, packet.pts)

    def overdue(self, pts: int | None) -> list[int]:
        """Take out what should have come before ``pts`` (None: everything), and ``pts`` itself without naming it."""
        lost = []
        while self._due and (pts is None or self._due[0] <= pts):
            stamp = heapq.heappop(self._due)
            if stamp != pts:
                lost.append(stamp)
        return lost


class _Reading:
    """One pass over a video."""

    def __init__(self, content: Content, wanted: _Wanted, container: InputContainer, stream: VideoStream) -> None:
        self._name, self._size, self._max_pixels = content.name, content.size, wanted.max_pixels
        self._container, self._stream = container, stream
        self._chooser: Chooser = wanted.sampling.chooser()
        self._ledger = _Ledger()
        self._reformatter = VideoReformatter()
        self._index = 0
        self._time = 0.0
        self._start = _start(container, stream)
        rate = stream.average_rate or stream.guessed_rate
        self._step = float(1 / rate) if rate else 0.04
        # Where each packet of the file is one frame, one that does not come out is lost.
        self._trouble = "mov" in container.format.name
        self._error = "no picture came of its data"

    def frames(self) -> Iterator[Frame | BadFrame]:
        for packet in self._packets():
            for frame in self._decoded(packet):
                yield from self._lost(self._ledger.overdue(frame.pts) if frame.pts is not None else [])
                yield from self._one(frame)
        yield from self._lost(self._ledger.overdue(None))
        yield from self._end()

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        failures = 0
        while True:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
                return
            except FFmpegError as error:
                self._note(error)
                failures += 1
                if failures > 3:
                    yield from ()
                    return

    def _decoded(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        hidden = self._stream.codec_context.name == "vp8" and packet.size and not bytes(packet)[0] & 0x10
        if packet.size and not hidden:
            self._ledger.sent(packet)
        try:
            return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except FFmpegError as error:
            self._note(error)
            return []

    def _note(self, error: FFmpegError) -> None:
        self._trouble = True
        self._error = error.strerror or type(error).__name__

    def _seconds(self, pts: int | None) -> float:
        if pts is None or self._stream.time_base is None:
            return self._time + self._step if self._index else 0.0
        return float(pts * self._stream.time_base - self._start)

    def _lost(self, stamps: list[int]) -> Iterator[BadFrame]:
        if self._trouble:
            for stamp in stamps:
                yield from self._bad(self._seconds(stamp), self._error)

    def _bad(self, time: float, what: str) -> Iterator[BadFrame]:
        if self._chooser.takes(time):
            message = f"{self._name}: expected frame {self._index} at {time:.3f} s; got damaged data ({what}): 1 frame is missing"
            yield BadFrame(self._index, time, MediaError(message, "unreadable"))
        self._index, self._time = self._index + 1, time

    def _one(self, frame: VideoFrame) -> Iterator[Frame | BadFrame]:
        time = self._seconds(frame.pts)
        if frame.is_corrupt:
            self._trouble = True
            yield from self._bad(time, "FFmpeg could not decode all of it")
            return
        if self._chooser.takes(time):
            yield self._converted(frame, time)
        self._index, self._time = self._index + 1, time

    def _converted(self, frame: VideoFrame, time: float) -> Frame | BadFrame:
        if frame.width * frame.height > self._max_pixels:
            message = f"{self._name}: expected at most {self._max_pixels:,} pixels; got {frame.width} x {frame.height} at {time:.3f} s"
            return BadFrame(self._index, time, MediaError(message, "too_large"))
        try:
            return Frame(self._index, time, _to_rgb(frame, self._stream, self._reformatter))
        except (FFmpegError, ValueError) as error:
            message = f"{self._name}: expected frame {self._index} at {time:.3f} s in a known pixel format; got {frame.format.name} ({error})"
            return BadFrame(self._index, time, MediaError(message, "unsupported"))

    def _end(self) -> Iterator[BadFrame]:
        total = _indexed(self._container, self._stream)
        missing = total - self._index
        if missing <= 0:
            return
        cut = any(entry.pos + entry.size > self._size for entry in self._stream.index_entries)
        time = self._time + self._step if self._index else 0.0
        got = f"{self._name}: expected {total} frames; got {self._index}, the last {missing} are missing"
        message = f"{got}: the file is truncated: get it again" if cut else f"{got}: {self._error}"
        yield BadFrame(self._index, time, MediaError(message, "truncated" if cut else "unreadable"), missing)


def _read(content: Content, wanted: _Wanted) -> Frames:
    with _opened(content, wanted, wanted.threads) as (container, stream):
        yield from _Reading(content, wanted, container, stream).frames()


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    """The container's start time; FFmpeg rounds it to microseconds, so the stream's own is taken where it is the same."""
    start = Fraction(container.start_time or 0, av.time_base)
    if stream.start_time is not None and stream.time_base is not None:
        own = stream.start_time * stream.time_base
        if abs(own - start) <= Fraction(1, av.time_base):
            return own
    return start


def _square_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height before rotation with square pixels: one side of each pixel is stretched, none is shrunk."""
    shape = stream.sample_aspect_ratio
    if not shape or shape == 1 or not Fraction(1, 4) <= shape <= 4:
        return frame.width, frame.height
    return (round(frame.width * shape), frame.height) if shape > 1 else (frame.width, round(frame.height / shape))


def _matrix(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """Whether rows and columns are exchanged, and then whether left and right, top and bottom are.

    The display matrix ``a b u, c d v, x y w`` maps the pixel at ``p, q`` to ``a p + c q, b p + d q`` (ISO/IEC 14496-12);
    only its turns by 90 degrees and mirrors are heeded.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _to_rgb(frame: VideoFrame, stream: VideoStream, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    width, height = _square_size(frame, stream)
    exchange, mirror, flip = _matrix(frame)
    image = np.asarray(reformatter.reformat(frame, width, height, "rgb24").to_ndarray(), np.uint8)
    if not (exchange or mirror or flip):
        return image
    if exchange:
        image = image.transpose(1, 0, 2)
    image = image[:: -1 if flip else 1, :: -1 if mirror else 1]
    return np.ascontiguousarray(image)
