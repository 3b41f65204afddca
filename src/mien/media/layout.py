"""How containers lay their bytes out: whether a file is shorter than it says, and whether bytes between
two packets are anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

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
