"""Frames of a camera or a network stream as FFmpeg hands them over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.core.errors import LostError
from mien.media.limits import FrameLimit
from mien.media.live.capture import CapturedFrame, LiveOptions
from mien.media.rotation import Upright
from mien.media.videos import open_container

# s for which there may be data, but no image: some streams have a key frame only every ten seconds.
_BLIND = 30.0


@dataclass(frozen=True)
class Opening:
    """What FFmpeg is told.

    Args:
        name: What messages call the source.
        url: What is opened.
        form: FFmpeg's name of the device or container; None: it finds out.
        settings: FFmpeg's options.
        explain: Makes an error for people of one of FFmpeg's.
    """

    name: str
    url: str
    explain: Callable[[FFmpegError, float], LostError]
    form: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


@contextmanager
def opened(opening: Opening, options: LiveOptions) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a stream of images.

    Raises:
        LostError: It is not there, is not readable, or holds no images.
    """
    began, limit = time.monotonic(), FrameLimit(opening.name, options.max_pixels)
    try:
        # The timeout is PyAV's own, which works for every protocol; FFmpeg's options for it differ from one
        # to the next.
        container = open_container(
            opening.url, opening.form, options=opening.settings | limit.probing, timeout=options.timeout
        )
    except FFmpegError as error:
        raise opening.explain(error, time.monotonic() - began) from None
    with container:
        stream = _video_stream(container, opening.name)
        context = stream.codec_context
        limit.check(context.width, context.height, context.format)
        context.options = limit.decoding
        context.thread_type = "SLICE"  # Threads that take a frame each hold frames back.
        yield container, stream


def shots(
    opening: Opening, options: LiveOptions, container: InputContainer, stream: VideoStream
) -> Iterator[CapturedFrame]:
    """Frames as they come; ends where the stream ends.

    Raises:
        LostError: Nothing comes any more, or nothing of it can be decoded.
    """
    upright = Upright(stream, FrameLimit(opening.name, options.max_pixels))
    began = seen = time.monotonic()
    try:
        for packet in container.demux(stream):
            for frame in _decoded(packet.decode):
                yield CapturedFrame(frame.time, partial(upright, frame))
                seen = time.monotonic()
            began = time.monotonic()
            if began - seen > _BLIND:
                raise LostError(
                    f"{opening.name}: expected images; got {_BLIND:g} s of data that cannot be decoded: look at the source's codec"
                )
    except FFmpegError as error:
        raise opening.explain(error, time.monotonic() - began) from None


def _decoded(decode: Callable[[], list[VideoFrame]]) -> list[VideoFrame]:
    """Frames of a packet; none of one that is damaged, as the first of a stream that is joined on its way
    are."""
    try:
        return [frame for frame in decode() if isinstance(frame, VideoFrame) and not frame.is_corrupt]
    except FFmpegError:
        return []


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    streams = list(container.streams.video)
    if not streams:
        what = "only sound" if container.streams.audio else "none"
        raise LostError(
            f"{name}: expected a stream of images; got {what}: name another address", "no_video", final=True
        )
    for stream in streams:
        if stream.codec_context is not None:
            return stream
    raise LostError(
        f"{name}: expected a codec that FFmpeg can decode; got an unknown one: set the source to H.264, H.265 or MJPEG",
        "unsupported",
        final=True,
    )
