"""What the header of a video promises, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.media.byte_source import ByteSource
from mien.media.layout import is_cut

BARE_STREAMS = ("h264", "hevc", "vvc", "obu", "av1", "m4v", "mpegvideo", "vc1", "h263")
"""FFmpeg's names of streams without a container."""


_CLOCKED = ("mpegts", "mpeg")
"""FFmpeg's names of containers whose clock runs on from anywhere, and wraps."""


@dataclass(frozen=True)
class Extent:
    """What the header promises.

    Args:
        frames: How many frames are shown; None if the file does not tell.
        packets: How many packets with frames that are shown a table lists (MP4, AVI); None: there is no table
            of all of them.
        hidden: How many frames an edit list hides.
        duration: Seconds, or None.
        rate: Frames per second on average, or None.
        start: Timestamp of 0 s, in seconds.
        cut: Whether the file is shorter than it says of itself.
    """

    frames: int | None
    packets: int | None
    hidden: int
    duration: float | None
    rate: Fraction | None
    start: Fraction
    cut: bool


def extent(container: InputContainer, stream: VideoStream, content: ByteSource) -> Extent:
    """Read what the header promises."""
    rate = _rate(container, stream)
    duration: float | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration = container.duration / av.time_base
    if container.format.name == "avi" and stream.time_base is not None:
        duration = max(
            duration or 0.0, float(stream.frames * stream.time_base)
        )  # FFmpeg takes the shorter of two lengths.
    cut, packets, hidden = is_cut(content), None, 0
    if _has_table(container, stream, cut=cut):
        # A dropped frame has no bytes.
        table = [entry for entry in stream.index_entries if entry.size]
        packets = sum(not entry.is_discard for entry in table)
        hidden = max(0, stream.frames - packets) if _is_mp4(container) else 0
        cut = cut or any(entry.pos + entry.size > content.size for entry in table)
    frames = packets or stream.frames or None
    if frames is None and duration is not None and rate:
        frames = max(1, round(duration * float(rate)))
    return Extent(frames, packets, hidden, duration, rate, _start(container, stream), cut)


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    told, guessed = stream.average_rate or stream.guessed_rate, stream.guessed_rate
    if container.format.name in BARE_STREAMS:
        told = (
            stream.codec_context.framerate or guessed
        )  # FFmpeg says 25 on average, whatever the codec tells.
    elif guessed and told and 1.9 < told / guessed < 2.1:
        told = guessed  # Some containers count fields.
    return (
        Fraction(told.numerator, told.denominator) if told else None
    )  # PyAV 19 has a kind of fraction of its own.


def _has_table(container: InputContainer, stream: VideoStream, *, cut: bool) -> bool:
    """Whether FFmpeg holds a table of all frames: not of a fragmented MP4, nor of an AVI whose index is not
    there."""
    if _is_mp4(container):
        return stream.frames > 0
    return container.format.name == "avi" and not cut and 2 * len(stream.index_entries) > stream.frames > 0


def _is_mp4(container: InputContainer) -> bool:
    return "mov" in container.format.name


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    """Where players start: the container's start time, or 0 where an edit list says what is shown when.

    FFmpeg rounds it to microseconds, so the stream's own is taken where it is the same.
    """
    if _is_mp4(container) and stream.frames:
        return Fraction(0)
    start = Fraction(container.start_time or 0, av.time_base)
    if start < 0 and container.format.name not in _CLOCKED:
        start = Fraction(0)  # Sound that begins earlier, to be thrown away.
    if stream.start_time is not None and stream.time_base is not None:
        own = stream.start_time * stream.time_base
        if abs(own - start) <= Fraction(1, av.time_base):
            return own
    return start
