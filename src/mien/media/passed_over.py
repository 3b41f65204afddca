"""Parts of a file of which FFmpeg made nothing."""

from __future__ import annotations

from typing import Any

from av.packet import Packet

from mien.media.content import Content
from mien.media.layout import Layout

_SMALL = 512
"""Bytes between two packets that are not looked at: headers of blocks."""


class PassedOver:
    """Where FFmpeg passed over bytes because they are damaged: frames may be missing there.

    Args:
        form: FFmpeg's name of the container.
        content: The file.

    Attributes:
        watched: Whether packets of all streams must be seen, because FFmpeg does not tell what it passes over.
        any: Whether something was passed over so far.
    """

    def __init__(self, form: str, content: Content) -> None:
        self.watched = "matroska" in form or form == "flv"
        self.any = False
        self._layout = Layout(content) if self.watched else None
        self._after = 0
        self._pending = False
        self._places: list[tuple[int | None, int | None]] = []

    def see(self, packet: Packet[Any]) -> None:
        """Look at a packet of any stream as it comes out of the file."""
        if packet.is_corrupt:
            self.mark()
        if self._layout is None or packet.pos is None or not packet.size:
            return
        if self._after and packet.pos - self._after > _SMALL and not self._layout.is_whole(packet.pos):
            self.mark()
        self._after = packet.pos + packet.size

    def mark(self) -> None:
        """Something is passed over here."""
        self.any = self._pending = True

    def sent(self, packet: Packet[Any]) -> None:
        """Take note of a packet of the video itself, which goes to the decoder."""
        if self._pending:
            self._places.append((packet.dts, packet.pts))
            self._pending = False

    def before(self, pts: int | None, missing: int) -> bool:
        """Whether what was passed over explains that frames are missing before one.

        Args:
            pts: The frame's timestamp, if it has one.
            missing: How many frames there would be room for since the last one.
        """
        found = False
        while self._places and self._is_reached(pts, missing > 0):
            self._places.pop(0)
            found = True
        return found and missing > 0

    def _is_reached(self, pts: int | None, gap: bool) -> bool:
        # Pictures that are stored after the damage may be shown before the first packet's own.
        dts, first = self._places[0]
        if pts is None or dts is None or first is None:
            return True
        return pts >= first or (gap and pts >= dts)
