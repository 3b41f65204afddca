"""One pass over a video: every frame that the file promises comes out, as an image or as a note that it
is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.core.errors import MediaError
from mien.core.frame import BadFrame, Frame
from mien.media.byte_source import ByteSource
from mien.media.container import BARE_STREAMS, extent
from mien.media.limits import FrameLimit
from mien.media.lost_frames import Ledger, PassedOver, shown_stamps
from mien.media.sampling import Sampling

_SEAM = 1.0
"""Seconds: where videos are joined, FFmpeg marks packets as damaged too, but the second begins with a key
frame, and far from the first."""

_MOST_HELD = 64_000_000
"""Bytes of packets that are kept while a key frame before a span is looked for."""

_MOST_LOST = 1_000_000
"""A gap of more frames than this is a damaged timestamp, not a loss."""


class Decoding:
    """One pass over the frames of a stream.

    A codec builds images on those before. After a lost one FFmpeg gives what it can make of the rest; up to
    the next key frame it may be smeared, without any mark from FFmpeg. A packet that gives no image counts
    as a loss only where something else in the file is damaged: many codecs have packets without one.

    Args:
        content: The file, for its name and size.
        container: The open file.
        stream: Which of its streams.
        sampling: Which frames are given.
        to_rgb: Makes the upright image of a decoded frame; raises MediaError where it cannot.
        limit: How large the frames may be.
    """

    def __init__(
        self,
        content: ByteSource,
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
        self._sampling, self._chooser = sampling, sampling.chooser()
        self._far = False  # Whether what comes out of the file is before the span.
        self._over = False  # Whether the span is over.
        self._first: float = -math.inf  # Timestamp of the first frame that is decoded.
        bare = container.format.name in BARE_STREAMS
        self._ledger = Ledger(
            "ticks" if container.format.name in ("avi", "asf") else "count" if bare else "timestamps"
        )
        self._passed_over = PassedOver(container.format.name, content)
        self._joined = container.format.name == "mpegts"
        self._step = float(1 / self._promised.rate) if self._promised.rate else 0.04
        self._tick = 1 / self._promised.rate if bare and self._promised.rate else stream.time_base
        self._index, self._time = 0, -self._step
        self._shift = 0.0
        self._sent = 0
        self._damaged = False
        self._told = False  # Whether anything has been said to be lost.
        self._error, self._kind = "damaged data (no image came of its data)", "unreadable"

    def frames(self) -> Iterator[Frame | BadFrame]:
        """The frames in order of time."""
        try:
            for packet in chain(self._near(self._packets()), (None,)):
                for frame in self._decoded(packet):
                    yield from self._frame(frame)
                    if self._over:
                        break
                if self._over:
                    break
        except MediaError as error:
            # Frames that take too much memory: the decoder has made room for one, and shall not for more.
            yield BadFrame(
                self._index,
                self._time + self._step,
                error,
                max(1, (self._promised.frames or 0) - self._index),
            )
            return
        if not self._over:
            yield from self._rest()
        if self._sampling.span is not None and not self._chooser.count:
            yield BadFrame(
                self._index, self._sampling.start or 0.0, self._sampling.missed(self._name, self._time)
            )

    def _near(self, packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
        """The packets from the last key frame before the span on. Those before it are counted and not decoded, so
        that numbers and times of frames are those of the whole recording.

        Where that cannot be told, as in a video whose clock is set back, all that follows is decoded.
        """
        held: list[Packet[Any]] = []
        start, told = self._sampling.start, self._ledger.told_by_packets
        if start and told(reordered=self._stream.codec_context.has_b_frames):
            room, self._far = _MOST_HELD, True
            for packet in packets:
                # Of its first packets a Matroska tells no dts.
                stamp, last = packet.pts if packet.dts is None else packet.dts, held[-1].dts if held else None
                set_back = packet.dts is not None and last is not None and packet.dts < last
                self._far = not set_back and self._at(stamp) <= start
                if self._far and packet.is_keyframe and self._at(self._ledger.shown_at(packet)) <= start:
                    self._pass(held)
                    held, room = [], _MOST_HELD
                held.append(packet)
                room -= packet.size
                if not self._far or room < 0:
                    break
            self._leave_out_leading(held if self._far else held[:-1])
            self._far = False
        yield from held
        yield from packets

    def _pass(self, held: list[Packet[Any]]) -> None:
        """Count the frames up to a key frame; what comes before the first key frame of all gives none."""
        stamps = self._ledger.passed(held, self._stream.codec_context.name)
        self._sent += sum(not packet.is_discard for packet in held)
        if held and held[0].is_keyframe and stamps:
            self._index, self._time = self._index + len(stamps), self._at(stamps[-1])

    def _leave_out_leading(self, held: list[Packet[Any]]) -> None:
        """Count frames that are shown before the first one that is decoded: what they are built on is missing."""
        if not self._index or not held or held[0].pts is None:
            return
        self._first = held[0].pts
        stamps = shown_stamps(held, self._stream.codec_context.name)
        leading = [stamp for stamp in stamps if stamp < self._first]
        self._index += len(leading)
        self._time = max([self._time, *map(self._at, leading)])

    def _at(self, pts: int | None) -> float:
        """Time of a timestamp on a clock that is not set back."""
        return math.inf if pts is None else float(pts * (self._tick or 1) - self._promised.start)

    def _rest(self) -> Iterator[BadFrame]:
        """What is missing when no frame comes any more."""
        if self._damaged or self._sent < (self._promised.packets or 0):
            yield from self._lost(self._ledger.overdue(None))
        yield from self._missing_end()
        if self._kind == "too_large" and not self._told:
            yield from self._bad(self._time + self._step, self._error, self._kind)

    def _packets(self) -> Iterator[Packet[Any]]:
        """The packets that hold something; where a frame was dropped, or is that before once more, there are
        empty ones."""
        streams = () if self._passed_over.watched else (self._stream,)
        failures = 0
        while failures <= 3:
            try:
                for packet in self._container.demux(*streams):
                    if not self._far:
                        self._passed_over.see(packet)
                    if packet.size and packet.stream is self._stream:
                        failures = 0
                        yield packet
                self._passed_over.end()
                return
            except FFmpegError as error:
                self._note(error)
                self._passed_over.mark()
                failures += 1
            except IndexError:
                return  # PyAV's own, at the end of a file in which a stream appears late.

    def _decoded(self, packet: Packet[Any] | None) -> list[VideoFrame]:
        """What comes out of the decoder after a packet, or (None) at the end."""
        if packet is not None:
            self._sent += not packet.is_discard
            self._damaged |= packet.is_corrupt
            self._ledger.sent(packet, self._stream.codec_context.name)
            self._passed_over.sent(packet)
        try:
            frames = [frame for frame in self._stream.decode(packet) if isinstance(frame, VideoFrame)]
        except FFmpegError as error:
            if packet is not None and packet.is_discard:
                return []  # It only prepares those that are shown.
            self._note(error, self._limit.refused(self._stream.codec_context) if self._sized else None)
            self._ledger.failed(packet)
            return []
        self._limit.check_decoder(self._stream.codec_context)
        return frames

    def _note(self, error: FFmpegError, refused: str | None = None) -> None:
        self._damaged = True
        self._error = refused or f"damaged data ({error.strerror or type(error).__name__})"
        self._kind = "too_large" if refused else "unreadable"

    def _seconds(self, pts: int | None) -> float:
        """Time of a frame; always after the one before."""
        if pts is None or self._tick is None:
            return self._time + self._step
        time = float(pts * self._tick - self._promised.start) + self._shift
        if self._index and time <= self._time:
            if self._time - time > 1 or self._ledger.restarted:
                # The clock was set back, as where videos were joined.
                self._shift += self._time + self._step - time
            time = self._time + self._step
        return time

    def _frame(self, frame: VideoFrame) -> Iterator[Frame | BadFrame]:
        first, pts = self._first, self._ledger.stamp(frame, reordered=self._stream.codec_context.has_b_frames)
        if pts is not None:
            apart = 0.75 * self._step / float(self._tick or 1) if frame.interlaced_frame else 0.0
            if pts < self._first:
                return
            self._first = -math.inf  # Should the clock be set back later.
            lost = [stamp for stamp in self._ledger.overdue(pts, apart) if stamp >= first]
            if self._damaged:
                yield from self._lost(lost)
            if not self._ledger.came(frame, pts) and self._damaged:
                return  # Late, after it was given up for lost.
        time = self._seconds(pts)
        if not (self._joined and frame.key_frame and time - self._time > _SEAM):
            yield from self._gap(pts, time)
        self._over = self._chooser.over(time)
        if self._over:
            return
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
            time = self._seconds(stamp)
            yield from self._gap(stamp, time)
            yield from self._bad(time, self._error, self._kind)

    def _gap(self, pts: int | None, time: float) -> Iterator[BadFrame]:
        """What is missing before a frame where FFmpeg passed over a part of the file."""
        if self._passed_over.is_near(pts):
            missing = round((time - self._time) / self._step) - 1
            yield from self._stretch(missing, "a part of the file is damaged", "unreadable")

    def _bad(self, time: float, what: str, kind: str) -> Iterator[BadFrame]:
        if self._chooser.takes(time):
            lost = f"got {what}: 1 frame is missing, those after it may be smeared"
            message = f"{self._name}: expected frame {self._index} at {time:.3f} s; {lost}"
            self._told = True
            yield BadFrame(self._index, time, MediaError(message, kind))
        self._index, self._time = self._index + 1, time

    def _missing_end(self) -> Iterator[BadFrame]:
        promised = self._promised
        if promised.packets is not None:
            missing = promised.packets - self._sent
        elif promised.duration is not None and (self._damaged or self._passed_over.any or promised.cut):
            missing = round((promised.duration - self._time) / self._step) - 1
            if missing < 3 and not promised.cut:
                return  # The header of such a file is not that precise.
        else:
            return
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
            about = "" if self._promised.packets is not None else "about "
            whole = f" of {self._promised.frames}" if self._promised.frames else ""
            first = max(0, math.ceil(((self._sampling.start or start) - start) / self._step - 1e-6))
            index, start = index + first, start + self._step * first
            span = f"{about}{missing}{whole} frame(s), {start:.3f} to {self._time:.3f} s"
            message = f"{self._name}: expected frame {index} at {start:.3f} s; got nothing there, {span}, missing: {what}"
            self._told = True
            yield BadFrame(index, start, MediaError(message, kind), count)
