"""Parts of a file of which FFmpeg made nothing."""

from __future__ import annotations

from typing import Any

from av.packet import Packet

from mien.media.byte_source import ByteSource
from mien.media.layout import ContainerLayout

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
