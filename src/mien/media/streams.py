"""Which of a file's video streams is the video."""

from __future__ import annotations

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.core.errors import MediaError

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
