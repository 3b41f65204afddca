"""One pass over a video: every frame that the file promises comes out, as a picture or as a note that it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.errors import MediaError
from mien.media.content import Content
from mien.media.frame import BadFrame, Frame
from mien.media.limits import FrameLimit
from mien.media.sampling import Sampling

_MOST_LOST = 1_000_000
"""A gap of more frames than this is a damaged timestamp, not a loss."""


@dataclass(frozen=True)
class Extent:
    """What the header promises.

    Args:
        frames: How many frames are shown; None if the file does not tell.
        exact: Whether ``frames`` comes from a table of all frames (MP4) and not from duration x rate.
        duration: Seconds, or None.
        rate: Frames per second on average, or None.
        start: Timestamp of 0 s, in seconds.
        cut: Whether the file is shorter than it says of itself.
    """

    frames: int | None
    exact: bool
    duration: float | None
    rate: Fraction | None
    start: Fraction
    cut: bool


def extent(container: InputContainer, stream: VideoStream, content: Content) -> Extent:
    """Read what the header promises."""
    told = stream.average_rate or stream.guessed_rate
    rate = Fraction(told.numerator, told.denominator) if told else None  # PyAV 19 has a kind of fraction of its own.
    duration: float | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration = container.duration / av.time_base
    # The table of an MP4; a fragmented one has no table of all frames.
    table = list(stream.index_entries) if "mov" in container.format.name and stream.frames else []
    frames = len(table) or stream.frames or None
    if frames is None and duration is not None and rate:
        frames = max(1, round(duration * float(rate)))
    cut = _is_cut(content) or any(entry.pos + entry.size > content.size for entry in table)
    return Extent(frames, bool(table), duration, rate, _start(container, stream), cut)


class Decoding:
    """One pass over the frames of a stream.

    A codec builds pictures on those before. After a lost one FFmpeg gives what it can make of the rest; up to the next
    key frame it may be smeared, without any mark from FFmpeg.

    Args:
        content: The file, for its name and size.
        container: The open file.
        stream: Which of its streams.
        sampling: Which frames are given.
        to_rgb: Makes the upright picture of a decoded frame; raises MediaError where it cannot.
        limit: How large the frames may be.
    """

    def __init__(
        self,
        content: Content,
        container: InputContainer,
        stream: VideoStream,
        sampling: Sampling,
        to_rgb: Callable[[VideoFrame], NDArray[np.uint8]],
        limit: FrameLimit,
    ) -> None:
        self._name = content.name
        self._container, self._stream, self._to_rgb, self._limit = container, stream, to_rgb, limit
        self._sized = stream.codec_context.width > 0
        self._promised = extent(container, stream, content)
        self._chooser = sampling.chooser()
        self._ledger = _Ledger()
        self._step = float(1 / self._promised.rate) if self._promised.rate else 0.04
        self._index, self._time = 0, -self._step
        # Of AVI, FFmpeg guesses timestamps, and wrongly where frames are stored out of order; its rate is constant.
        self._timed = container.format.name != "avi"
        self._shift = 0.0
        # Signs of damage: without one a packet that gives no picture is taken for one that needs not, as some codecs have.
        self._damaged = False
        self._skipped = False
        self._after = 0
        self._told = False  # Whether anything has been said to be lost.
        self._error, self._kind = "damaged data (no picture came of its data)", "unreadable"

    def frames(self) -> Iterator[Frame | BadFrame]:
        """The frames in order of time."""
        try:
            for packet in self._packets():
                for frame in self._decoded(packet):
                    yield from self._frame(frame)
        except MediaError as error:
            # Frames that take too much memory: the decoder has made room for one, and shall not for more.
            yield BadFrame(self._index, self._time + self._step, error, max(1, (self._promised.frames or 0) - self._index))
            return
        if self._damaged:
            yield from self._lost(self._ledger.overdue(None))
        yield from self._missing_end()
        if self._kind == "too_large" and not self._told:
            yield from self._bad(self._time + self._step, self._error, self._kind)

    def _packets(self) -> Iterator[Packet[Any]]:
        # Of these all streams are read, to see whether FFmpeg skips bytes.
        watched = "matroska" in self._container.format.name or self._container.format.name == "flv"
        failures = 0
        while True:
            try:
                for packet in self._container.demux() if watched else self._container.demux(self._stream):
                    if watched:
                        self._watch(packet)
                    if packet.stream_index == self._stream.index:
                        failures = 0
                        yield packet
                return
            except FFmpegError as error:
                self._note(error)
                self._skipped = True
                failures += 1
                if failures > 3:
                    return

    def _watch(self, packet: Packet[Any]) -> None:
        """Notice bytes between two packets that FFmpeg made nothing of."""
        if packet.pos is not None and packet.size:
            self._skipped |= self._after > 0 and packet.pos - self._after > 512
            self._after = packet.pos + packet.size

    def _decoded(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        # VP8 has packets that only prepare later pictures.
        hidden = self._stream.codec_context.name == "vp8" and packet.size and not bytes(packet)[0] & 0x10
        if packet.size and not hidden and self._timed:
            self._ledger.sent(packet)
        if packet.is_corrupt:
            self._damaged = self._skipped = True
        try:
            frames = [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except FFmpegError as error:
            self._note(error, self._limit.refused(self._stream.codec_context) if self._sized else None)
            return []
        self._limit.check_decoder(self._stream.codec_context)
        return frames

    def _note(self, error: FFmpegError, refused: str | None = None) -> None:
        self._damaged = True
        self._error = refused or f"damaged data ({error.strerror or type(error).__name__})"
        self._kind = "too_large" if refused else "unreadable"

    def _seconds(self, pts: int | None) -> float:
        """Time of a frame; always after the one before."""
        if pts is None or self._stream.time_base is None or not self._timed:
            return self._time + self._step
        time = float(pts * self._stream.time_base - self._promised.start) + self._shift
        if self._index and time <= self._time:
            if self._time - time > 1 or self._ledger.restarted:
                # The clock was set back, as where recordings were joined.
                self._shift += self._time + self._step - time
            time = self._time + self._step
        return time

    def _frame(self, frame: VideoFrame) -> Iterator[Frame | BadFrame]:
        if frame.pts is not None and self._timed:
            if self._damaged:
                yield from self._lost(self._ledger.overdue(frame.pts))
            if not self._ledger.came(frame) and self._damaged:
                return  # Late, after it was given up for lost.
        time = self._seconds(frame.pts)
        if self._skipped:
            yield from self._stretch(round((time - self._time) / self._step) - 1, "a part of the file is damaged", "unreadable")
        if frame.is_corrupt:
            self._damaged = True
            yield from self._bad(time, "damaged data (FFmpeg could not decode all of it)", "unreadable")
            return
        if self._chooser.takes(time):
            yield self._converted(frame, time)
        self._index, self._time = self._index + 1, time

    def _converted(self, frame: VideoFrame, time: float) -> Frame | BadFrame:
        try:
            return Frame(self._index, time, self._to_rgb(frame))
        except MediaError as error:
            return BadFrame(self._index, time, error)

    def _lost(self, stamps: list[int]) -> Iterator[BadFrame]:
        for stamp in stamps:
            yield from self._bad(self._seconds(stamp), self._error, self._kind)

    def _bad(self, time: float, what: str, kind: str) -> Iterator[BadFrame]:
        if self._chooser.takes(time):
            told = f"got {what}: 1 frame is missing, those after it may be smeared"
            message = f"{self._name}: expected frame {self._index} at {time:.3f} s; {told}"
            self._told = True
            yield BadFrame(self._index, time, MediaError(message, kind))
        self._index, self._time = self._index + 1, time

    def _missing_end(self) -> Iterator[BadFrame]:
        promised = self._promised
        signs = self._damaged or self._skipped or promised.cut
        if promised.exact or not self._timed:
            missing = (promised.frames or 0) - self._index
        elif promised.duration is not None and signs:
            missing = round((promised.duration - self._time) / self._step) - 1
        else:
            return
        if missing < 3 and not (promised.exact or promised.cut):
            return  # The header of such a file is not that precise.
        if promised.cut:
            yield from self._stretch(missing, "the file is truncated: get it again", "truncated")
        else:
            yield from self._stretch(missing, f"at the end came {self._error}", self._kind)

    def _stretch(self, missing: int, what: str, kind: str) -> Iterator[BadFrame]:
        """One note for many frames, if any of them would have been taken."""
        if not 0 < missing <= _MOST_LOST:
            return
        index, start = self._index, self._time + self._step
        count = sum(self._chooser.takes(start + self._step * number) for number in range(missing))
        self._index, self._time = index + missing, self._time + self._step * missing
        if count:
            about = "" if self._promised.exact else "about "
            whole = f" of {self._promised.frames}" if self._promised.frames else ""
            span = f"{about}{missing}{whole} frame(s), {start:.3f} to {self._time:.3f} s"
            message = f"{self._name}: expected frame {index} at {start:.3f} s; got nothing there, {span}, missing: {what}"
            self._told = True
            yield BadFrame(index, start, MediaError(message, kind), count)


class _Ledger:
    """The timestamps of what was given to the decoder and has not come out of it.

    Attributes:
        restarted: Whether the last frame was the first of a clock that was set back.
    """

    def __init__(self) -> None:
        self._due: set[int] = set()
        self._last: int | None = None
        self._decoded_at: int | None = None
        self._restart: int | None = None
        self.restarted = False

    def sent(self, packet: Packet[Any]) -> None:
        if packet.dts is not None:
            # Decoding times only grow, unless another recording begins here.
            if self._decoded_at is not None and packet.dts < self._decoded_at and packet.is_keyframe:
                self._restart = packet.pts
            self._decoded_at = packet.dts
        if packet.pts is not None and not packet.is_discard:
            self._due.add(packet.pts)
        if len(self._due) > 512:
            # Of a codec some of whose packets give no picture.
            self._due = set(sorted(self._due)[-256:])

    def came(self, frame: VideoFrame) -> bool:
        """Take note of a frame; whether it comes in order."""
        pts = frame.pts
        assert pts is not None
        self._due.discard(pts)
        self.restarted = frame.key_frame and pts == self._restart
        if not self.restarted and self._last is not None and pts <= self._last:
            return False
        self._restart = None if self.restarted else self._restart
        self._last = pts
        return True

    def overdue(self, pts: int | None) -> list[int]:
        """Take out what should have come between the last frame and ``pts`` (None: the end)."""
        last = self._last
        lost = sorted(stamp for stamp in self._due if (last is None or stamp > last) and (pts is None or stamp < pts))
        self._due.difference_update(lost)
        return lost


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    """Where players start: the container's start time, or 0 where an edit list hides what comes before.

    FFmpeg rounds it to microseconds, so the stream's own is taken where it is the same.
    """
    start = Fraction(max(0, container.start_time or 0), av.time_base)
    if stream.start_time is not None and stream.time_base is not None:
        own = stream.start_time * stream.time_base
        if abs(own - start) <= Fraction(1, av.time_base):
            return own
    return start


def _is_cut(content: Content) -> bool:
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


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """A size as Matroska writes it, and how many bytes it takes (RFC 8794, section 4)."""
    if at >= len(data) or data[at] == 0:
        return 0, 1
    width = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1), width
