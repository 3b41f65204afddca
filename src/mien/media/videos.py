"""Videos, read with PyAV (FFmpeg): how they are opened, and which of a file's streams is the video."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.core.arguments import check_threads
from mien.core.errors import MediaError
from mien.media.byte_source import ByteSource
from mien.media.container import Extent, extent
from mien.media.decoding import Decoding
from mien.media.limits import FrameLimit, decoder_threads
from mien.media.media import Frames, Media
from mien.media.motion_jpeg import is_motion_jpeg
from mien.media.mp4 import check_tables
from mien.media.rotation import Upright, square_size, turn
from mien.media.sampling import Sampling
from mien.media.sound import Sound

_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""Covers, the previews of a seek bar, and images that are shown for as long as the sound lasts."""

_IMAGE_CODECS = {"mjpeg", "png", "apng", "gif", "bmp", "webp", "tiff", "jpeg2000", "jpegxl"}
"""What covers are stored with. FFmpeg does not mark every cover as one."""


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The stream that players show: the one marked as default, else the largest, then the longest; never a
    cover.

    Args:
        container: The open file.
        name: What messages call it.

    Raises:
        MediaError: There is none, or none that FFmpeg can decode.
    """
    streams = _videos(container)
    if not streams:
        what = "only sound" if container.streams.audio else "none"
        raise MediaError(f"{name}: expected a stream of images; got {what}: name a video", "no_video")
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise MediaError(
            f"{name}: expected a codec that FFmpeg can decode; got an unknown one: convert it to H.264",
            "unsupported",
        )
    return max(known, key=lambda stream: (not _is_cover(stream, known), *_rank(stream)))


def choice(container: InputContainer, taken: VideoStream, name: str) -> tuple[str, ...]:
    """A remark about which stream was taken, where there was a choice."""
    count = len(_videos(container))
    if count < 2:
        return ()
    context = taken.codec_context
    why = "the default one" if taken.disposition & Disposition.default else "the largest"
    return (
        f"{name}: of its {count} video streams number {taken.index} was read, {context.width}x{context.height} {context.name}, {why}",
    )


def _videos(container: InputContainer) -> list[VideoStream]:
    return [stream for stream in container.streams.video if not stream.disposition & _NO_VIDEO]


def _is_cover(stream: VideoStream, others: list[VideoStream]) -> bool:
    """Whether a stream is one image beside a video, without being marked as a cover."""
    if stream.frames > 1:
        return False
    image = stream.codec_context.name in _IMAGE_CODECS
    return any(
        other.frames > 1 or (image and other.codec_context.name not in _IMAGE_CODECS) for other in others
    )


def _rank(stream: VideoStream) -> tuple[bool, int, float]:
    context = stream.codec_context
    length = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    return bool(stream.disposition & Disposition.default), context.width * context.height, length


_LENIENT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
"""A title that is no UTF-8 is no reason to refuse a video. PyAV 19, which needs Python 3.12, is lenient by
itself and has no such setting."""


def open_container(file: str | BinaryIO, form: str | None = None, **settings: Any) -> InputContainer:
    """Open a video, device or address to read from.

    Args:
        file: What is read.
        form: FFmpeg's name of the device or container; None: it finds out.
        settings: What ``av.open`` takes besides.

    Raises:
        FFmpegError: It is not there or not readable.
    """
    container: InputContainer = av.open(file, "r", form, **_LENIENT, **settings)
    return container


DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,ivf,mxf,nut,rm,dv,yuv4mpegpipe,"
    "mpjpeg,h264,hevc,vvc,obu,av1,m4v,mpegvideo,vc1,h263,gxf,wtv,"
    "mp3,aac,flac,wav,w64,aiff,au,caf,amr,ac3,eac3,dts,ape,wv,tta"
)
"""FFmpeg's containers that are read; the last line only to say of a video of sound that it has no
image. Left out is everything that is text or points to other files or addresses: playlists, concat, sdp,
dash, subtitles, images."""


@dataclass(frozen=True)
class _Wanted:
    """How a video is to be read."""

    sampling: Sampling
    limit: FrameLimit
    threads: int | None
    form: str | None
    """FFmpeg's name of the container, where it is known; None: FFmpeg finds out."""

    def length(self, start: float) -> float:
        """Seconds from a time on that are wanted."""
        return math.inf if self.sampling.end is None else self.sampling.end - start


def open_video(
    content: ByteSource, sampling: Sampling | None = None, *, max_pixels: int, threads: int | None = None
) -> Media | None:
    """Open a video and learn from its header and first frame what is to be expected.

    Times are in seconds on the clock of a player: timestamp x time base - the container's start time, and for
    an MP4 or MOV from the start of its edit list. A frame without a timestamp follows the one before by the
    average length of a frame. Frames that an edit list hides from players are given only where ``sampling``
    asks for them. Pixels are square and upright: rotation, mirroring and pixel shape that the file asks for
    are applied.

    Args:
        content: The file.
        sampling: Which frames are given; the others are decoded but not converted to RGB.
        max_pixels: A video with larger frames is refused.
        threads: Threads of the decoder; by default one up to 1 megapixel, above it one per core up to 8, as
            far as memory goes.

    Returns:
        The video, or None where FFmpeg does not know the content.

    Raises:
        MediaError: It has no images, is damaged beyond reading or is too large.
        InputError: There cannot be so many threads.
    """
    check_threads(threads)
    form = "mjpeg" if is_motion_jpeg(content) else None
    wanted = _Wanted(sampling or Sampling(), FrameLimit(content.name, max_pixels), threads, form)
    if content.head(12)[4:] == b"ftypavif":  # Pillow can be built without.
        raise MediaError(
            f"{content.name}: expected an image or video that can be read; got an AVIF: convert it to JPEG or PNG",
            "unsupported",
        )
    check_tables(content)
    try:
        with _opened(content, wanted, threads=1) as (container, stream):
            promised = extent(container, stream, content)
            remarks = (
                *choice(container, stream, content.name),
                *_hidden(promised, content.name),
                *wanted.sampling.remarks(content.name, promised.duration),
            )
            width, height = _shown_size(container, stream)
    except (FFmpegError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        return None
    if width * height == 0:
        message = f"{content.name}: expected a video with images; got one whose first frames cannot be decoded: get the file again"
        raise MediaError(message, "truncated" if promised.cut else "unreadable")
    expected = (
        None if promised.frames is None else wanted.sampling.count(promised.frames, promised.duration or 0.0)
    )
    rate = None if promised.rate is None else float(promised.rate)
    return Media(
        content.name,
        "video",
        width,
        height,
        expected,
        promised.duration,
        rate,
        lambda: _read(content, wanted),
        content.close,
        remarks,
        wanted.sampling.start,
        lambda start: _sound(content, wanted, start),
    )


@contextmanager
def _sound(content: ByteSource, wanted: _Wanted, start: float) -> Iterator[Sound | None]:
    """The sound that players would choose beside the video, from a time of its frames on."""
    with _opened(content, wanted, threads=1) as (container, stream):
        chosen = container.streams.best("audio", related=stream)
        first = extent(container, stream, content).start + Fraction(start)
        yield (
            Sound(container, chosen, first, wanted.length(start)) if isinstance(chosen, AudioStream) else None
        )


@contextmanager
def _opened(
    content: ByteSource, wanted: _Wanted, threads: int | None
) -> Iterator[tuple[InputContainer, VideoStream]]:
    # FFmpeg gets a file object and may open nothing else by itself, so that no file can make it read another.
    edits = "0" if wanted.sampling.hidden_frames else "1"
    options = {
        "format_whitelist": wanted.form or DEMUXERS,
        "protocol_whitelist": "none",
        "advanced_editlist": edits,
    }
    with (
        content.open() as file,
        open_container(
            file, wanted.form, options=wanted.limit.probing, container_options=options
        ) as container,
    ):
        stream = video_stream(container, content.name)
        context = stream.codec_context
        wanted.limit.check(context.width, context.height, context.format)
        context.options = wanted.limit.decoding
        context.thread_count = threads or decoder_threads(context)
        if context.thread_count > 1:
            context.thread_type = "AUTO"
        yield container, stream


def _hidden(promised: Extent, name: str) -> tuple[str, ...]:
    """A remark about what an edit list hides, unless it is less than half a second, as encoders leave at the
    start."""
    if promised.rate is None or promised.hidden < promised.rate / 2:
        return ()
    return (
        f"{name}: its edit list hides {promised.hidden} of its frames from players; they were left out: --hidden-frames reads them as well",
    )


def _shown_size(container: InputContainer, stream: VideoStream) -> tuple[int, int]:
    """Width and height as shown; the rotation is only known from a frame."""
    tried = 0
    for packet in container.demux(stream):
        tried += not packet.is_discard
        try:
            frames = packet.decode()
        except FFmpegError:
            frames = []
        for frame in frames:
            if isinstance(frame, VideoFrame):
                width, height = square_size(frame, stream.sample_aspect_ratio)
                return (height, width) if turn(frame)[0] else (width, height)
        if tried > 100:
            break
    return stream.codec_context.width, stream.codec_context.height


def _read(content: ByteSource, wanted: _Wanted) -> Frames:
    with _opened(content, wanted, wanted.threads) as (container, stream):
        to_rgb = Upright(stream, wanted.limit)
        yield from Decoding(content, container, stream, wanted.sampling, to_rgb, wanted.limit).frames()
