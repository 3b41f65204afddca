"""What a video lost: packets that were given to a decoder and have not come out of it, and parts of the file
of which FFmpeg made nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from av.packet import Packet
from av.video.frame import VideoFrame

from mien.media.byte_source import ByteSource
from mien.media.container import ContainerLayout

Clock = Literal["timestamps", "ticks", "count"]

_MOST = 512
"""Timestamps that may be due: more come of a codec some of whose packets give no image."""


class Ledger:
    """The timestamps of packets that have not come out of the decoder as frames.

    Args:
        clock: Where times come from: ``timestamps``; ``ticks``, the places of packets in their stream (dts),
            where the container stores no timestamps (AVI, ASF); or ``count``, where there is no container.

    Attributes:
        restarted: Whether the last frame was the first of a clock that was set back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._due: set[int] = set()
        self._failed: set[int] = set()
        self._last: int | None = None
        self._decoded_at: int | None = None
        self._restart: int | None = None
        self.restarted = False

    def sent(self, packet: Packet[Any], codec: str) -> None:
        """Take note of a packet before it is decoded."""
        if self._clock == "count":
            packet.dts, self._count = self._count, self._count + 1
        if self._clock != "timestamps":
            packet.pts = packet.dts
        if packet.dts is not None:
            # Decoding times only grow, unless another video begins here.
            if self._decoded_at is not None and packet.dts < self._decoded_at and packet.is_keyframe:
                self._restart = packet.pts
            self._decoded_at = packet.dts
        if packet.pts is not None and not packet.is_discard and not _is_hidden(packet, codec):
            self._due.add(packet.pts)
        if len(self._due) > _MOST:
            self._due = set(sorted(self._due)[-_MOST // 2 :])

    def told_by_packets(self, *, reordered: bool) -> bool:
        """Whether packets alone tell when their frames are shown; ``reordered`` as in `stamp`."""
        return self._clock == "timestamps" or (self._clock == "ticks" and not reordered)

    def shown_at(self, packet: Packet[Any]) -> int | None:
        """The timestamp of the frame of a packet, if it has one."""
        return packet.pts if self._clock == "timestamps" else packet.dts

    def passed(self, packets: Sequence[Packet[Any]], codec: str) -> list[int]:
        """Take note of packets up to a key frame that are not decoded.

        Returns:
            The timestamps of the frames that they would have given, in order.
        """
        for packet in packets:
            self.sent(packet, codec)
        stamps = shown_stamps(packets, codec)
        self._due = set()
        self._last = stamps[-1] if stamps else self._last
        return stamps

    def failed(self, packet: Packet[Any] | None) -> None:
        """Take note that a packet (None: the rest) could not be decoded."""
        if packet is not None and packet.pts is not None:
            self._failed.add(packet.pts)

    def stamp(self, frame: VideoFrame, *, reordered: bool) -> int | None:
        """The timestamp of a frame.

        Args:
            frame: A frame that has just come.
            reordered: Whether frames may come in another order than that of their packets; then the n-th of
                them has the n-th tick.
        """
        if self._clock == "timestamps" or not reordered:
            return frame.pts
        return min(self._due - self._failed, default=frame.pts)

    def came(self, frame: VideoFrame, pts: int) -> bool:
        """Take note of a frame; whether it comes in order."""
        self._due.discard(pts)
        self.restarted = frame.key_frame and pts == self._restart
        if not self.restarted and self._last is not None and pts <= self._last:
            return False
        self._restart = None if self.restarted else self._restart
        self._last = pts
        return True

    def overdue(self, pts: int | None, apart: float = 0.0) -> list[int]:
        """Take out what should have come between the last frame and ``pts`` (None: the end).

        Args:
            pts: Timestamp of a frame that has come.
            apart: How far a timestamp must be from the one before: the second field of a frame may be a
                packet of its own.
        """
        last = self._last
        lost: list[int] = []
        for stamp in sorted(self._due):
            if (last is None or stamp > last) and (pts is None or stamp < pts):
                self._due.discard(stamp)
                if last is None or stamp - last >= apart:
                    lost.append(stamp)
                    last = stamp
        return lost


def shown_stamps(packets: Sequence[Packet[Any]], codec: str) -> list[int]:
    """The timestamps of the frames that packets give, in order."""
    shown = (packet for packet in packets if not packet.is_discard and not _is_hidden(packet, codec))
    return sorted(packet.pts for packet in shown if packet.pts is not None)


def _is_hidden(packet: Packet[Any], codec: str) -> bool:
    """Whether a packet only prepares later images, as VP8 and VP9 say in its first bits."""
    if codec not in ("vp8", "vp9"):
        return False
    data = memoryview(packet)
    first = data[0]
    if codec == "vp8":
        return not first & 0x10
    if data[-1] & 0xE0 == 0xC0:
        return False  # Several frames together, the last of which is shown.
    profile_3 = first & 0x30 == 0x30
    existing, shown = (first & 0x04, first & 0x01) if profile_3 else (first & 0x08, first & 0x02)
    return not existing and not shown


_SMALL = 512
"""Bytes between two packets that are not looked at: headers of blocks."""

_NEAR = 16
"""Frames after a place among the packets in which it may show: decoders give images in another order, and
parsers mark packets too early."""


class PassedOver:
    """Where FFmpeg passed over bytes because they are damaged: frames may be missing there.

    Args:
        form: FFmpeg's name of the container.
        content: The file.

    Attributes:
        watched: Whether packets of all streams must be seen, because FFmpeg does not tell what it passes
            over.
        any: Whether something was passed over so far.
    """

    def __init__(self, form: str, content: ByteSource) -> None:
        self.watched = "matroska" in form or form == "flv"
        self.any = False
        self._layout = ContainerLayout(content) if self.watched else None
        self._size = content.size
        self._after = 0
        self._pending = False
        self._places: list[int | None] = []
        self._left = 0

    def see(self, packet: Packet[Any]) -> None:
        """Look at a packet of any stream as it comes out of the file."""
        if packet.is_corrupt:
            self.mark()
        if self._layout is None or packet.pos is None or not packet.size:
            return
        if self._after:
            self._check(packet.pos)
        self._after = packet.pos + packet.size

    def end(self) -> None:
        """Look at what is left of the file when no packet comes any more."""
        self._check(self._size)

    def _check(self, stop: int) -> None:
        if (
            self._layout is not None
            and stop - self._after > _SMALL
            and not self._layout.is_whole(self._after, stop)
        ):
            self.mark()

    def mark(self) -> None:
        """Something is passed over here."""
        self.any = self._pending = True

    def sent(self, packet: Packet[Any]) -> None:
        """Take note of a packet of the video itself, which goes to the decoder."""
        if self._pending:
            self._places.append(packet.dts)
            # A packet that is damaged itself is the last one before what is missing.
            self._pending = packet.is_corrupt

    def is_near(self, pts: int | None) -> bool:
        """Whether frames that are missing before one may have been passed over; to be asked once per frame.

        Args:
            pts: The frame's timestamp, if it has one.
        """
        while self._places and (pts is None or self._places[0] is None or pts >= self._places[0]):
            self._places.pop(0)
            self._left = _NEAR
        self._left -= 1
        return self._left >= 0
