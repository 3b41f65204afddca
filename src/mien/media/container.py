"""What the container of a video says before anything is decoded: what its header promises, how its bytes lie,
whether the file is shorter than it says, and whether bytes between two packets are anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.media.byte_source import ByteSource

_SEGMENT, _CLUSTER, _GROUP = 0x18538067, 0x1F43B675, 0xA0
_INSIDE = {_SEGMENT, _CLUSTER, _GROUP}
_ELEMENTS = {
    *_INSIDE,
    0x1A45DFA3,  # the header of a file, also in the middle of joined ones
    *(
        0x114D9B74,
        0x1549A966,
        0x1654AE6B,
        0x1C53BB6B,
        0x1941A469,
        0x1043A770,
        0x1254C367,
    ),  # what a segment holds besides clusters
    *(0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xAF),  # what a cluster holds: its time and place, and blocks
    *(0xA1, 0xA2, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A1, 0x75A2, 0x8E, 0xC8),  # what a group of blocks holds
    *(0xEC, 0xBF),  # empty room and checksums, which may stand anywhere
}
_FLV_TAGS = (8, 9, 18)
_SEARCHED = 2**20

Step = Callable[[BinaryIO, int, int], tuple[int, int] | None]
"""Where what an element holds begins, and where the element after it does; None: there is no element."""


class ContainerLayout:
    """The elements of a Matroska or the tags of an FLV.

    FFmpeg gives one position for all packets of a laced block and none for what is not a packet (script data,
    additions to blocks, attachments), so that only the layout itself tells what is whole.

    Args:
        content: The file.
    """

    def __init__(self, content: ByteSource) -> None:
        self._content = content
        head = content.head(16)
        self._flv = head.startswith(b"FLV")
        self._step: Step = _flv_step if self._flv else _matroska_step
        # Up to here all is known.
        self._at = int.from_bytes(head[5:9], "big") + 4 if self._flv else 0

    def is_whole(self, start: int, stop: int) -> bool:
        """Whether nothing but elements stands between the end of a packet and the beginning of another, or
        the end of the file.

        To be asked of places from the beginning of the file to its end.
        """
        with self._content.open() as file:
            if self._walked(file, start, stop)[1]:
                return True
            # In the middle of a laced block, or of something damaged: told by going all the way from what is
            # known.
            self._at, whole = self._walked(file, self._at, stop)
            if not whole:
                self._at = stop if self._flv else _next_cluster(file, self._at + 1, self._content.size)
        return whole

    def _walked(self, file: BinaryIO, at: int, stop: int) -> tuple[int, bool]:
        """The last element up to a position, and whether it or its content begins there."""
        while at < stop:
            element = self._step(file, at, self._content.size)
            if element is None:
                return at, False
            if element[0] == stop:
                return at, True
            if element[1] > stop:
                return at, False
            at = element[1]
        return at, at == stop


def is_cut(content: ByteSource) -> bool:
    """Whether a Matroska or AVI says at its start that it is longer than it is."""
    head = content.head(256)
    if head.startswith(b"RIFF"):
        return int.from_bytes(head[4:8], "little") + 8 > content.size + 1
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return False
    header, width = _ebml_size(head, 4)
    segment = 4 + width + header
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return False
    size, width = _ebml_size(head, segment + 4)
    unknown = size == (1 << 7 * width) - 1
    return not unknown and segment + 4 + width + size > content.size


def _matroska_step(file: BinaryIO, at: int, size: int) -> tuple[int, int] | None:
    file.seek(at)
    head = file.read(12)
    width = 9 - head[0].bit_length() if head else 9
    kind = int.from_bytes(head[:width], "big")
    if kind not in _ELEMENTS:
        return None
    length, more = _ebml_size(head, width)
    start = at + width + more
    if kind in _INSIDE:
        return start, start
    return (start, start + length) if start + length <= size else None


def _flv_step(file: BinaryIO, at: int, size: int) -> tuple[int, int] | None:
    file.seek(at)
    head = file.read(11)
    length = 11 + int.from_bytes(head[1:4], "big")
    if len(head) < 11 or head[0] & 0x1F not in _FLV_TAGS or at + length + 4 > size:
        return None
    file.seek(at + length)
    # Behind a tag stands how long it was.
    known = int.from_bytes(file.read(4), "big") in (0, length, length - 11)
    return (at + 11, at + length + 4) if known else None


def _next_cluster(file: BinaryIO, at: int, size: int) -> int:
    mark = _CLUSTER.to_bytes(4, "big")
    while at < size:
        file.seek(at)
        found = file.read(_SEARCHED).find(mark)
        if found >= 0:
            return at + found
        at += _SEARCHED - len(mark) + 1
    return size


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """A size as Matroska writes it, and how many bytes it takes (RFC 8794, section 4)."""
    if at >= len(data) or data[at] == 0:
        return 0, 1
    width = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1), width


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
    rate, guessed = stream.average_rate or stream.guessed_rate, stream.guessed_rate
    if container.format.name in BARE_STREAMS:
        rate = (
            stream.codec_context.framerate or guessed
        )  # FFmpeg says 25 on average, whatever the codec tells.
    elif guessed and rate and 1.9 < rate / guessed < 2.1:
        rate = guessed  # Some containers count fields.
    return (
        Fraction(rate.numerator, rate.denominator) if rate else None
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
