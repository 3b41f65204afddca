"""Telling a stream of JPEGs, one after the other as cameras write them to a file, from a single image."""

from __future__ import annotations

from dataclasses import dataclass

from mien.media.byte_source import ByteSource

_START = b"\xff\xd8\xff"
_PADDING = b"\0\xff\r\n "
_MOST_PADDING = 2**16
_MOST_READ = 128 * 2**20
"""Bytes of a file that are looked through for the ends of its first images."""

_PIECE = 2**22
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _APP2 = 0xDA, 0xD9, 0xE2


def is_motion_jpeg(content: ByteSource) -> bool:
    """Whether a file is nothing but JPEGs of one size, two or more.

    Images that carry others are none: those of several views or with a gain map say so in their head (MPF),
    previews are smaller, and what phones append (a video, depth) is no JPEG of the same size or is followed
    by something else.
    """
    if not content.head(3).startswith(_START):
        return False
    data = _Bytes(content)
    first = _image(data, 0)
    if first is None or first.carries_others:
        return False
    second = _next(data, first)
    if second is None or second.size != first.size:
        return False
    at = _after_padding(data, second.end)
    # What a cut file ends with is no whole image.
    return at >= content.size or content.size - at < len(_START) or data.at(at, 3) == _START


@dataclass(frozen=True)
class _Image:
    size: bytes  # Height and width as they are stored.
    end: int
    carries_others: bool


class _Bytes:
    """The bytes of a file, read in pieces as far as they are looked at."""

    def __init__(self, content: ByteSource) -> None:
        self._content = content
        self._data = bytearray()
        self._whole = False

    def at(self, start: int, count: int) -> bytes:
        """Some bytes; fewer where the file ends."""
        self._read(start + count)
        return bytes(self._data[start : start + count])

    def find(self, what: bytes, start: int) -> int:
        """Where some bytes stand next; -1: nowhere in what is looked through."""
        while True:
            found = self._data.find(what, start)
            if found >= 0 or self._whole:
                return found
            start = max(start, len(self._data) - len(what) + 1)
            self._read(len(self._data) + _PIECE)

    def _read(self, stop: int) -> None:
        if self._whole or stop <= len(self._data):
            return
        with self._content.open() as file:
            file.seek(len(self._data))
            wanted = max(stop - len(self._data), min(len(self._data), _PIECE), 2**18)
            came = file.read(min(wanted, _MOST_READ - len(self._data)))
        self._data += came
        self._whole = len(came) < wanted


def _next(data: _Bytes, before: _Image) -> _Image | None:
    at = _after_padding(data, before.end)
    return _image(data, at) if data.at(at, 3) == _START else None


def _after_padding(data: _Bytes, at: int) -> int:
    room = data.at(at, _MOST_PADDING)
    start = room.find(_START)
    if start >= 0 and not room[:start].strip(_PADDING):
        return at + start
    return at + len(room) - len(room.lstrip(_PADDING))


def _image(data: _Bytes, start: int) -> _Image | None:
    """The JPEG at a place; None where it has no end or no size (ITU-T T.81, annex B)."""
    at, size, others = start + 2, b"", False
    while True:
        head = data.at(at, 9)
        if len(head) < 9 or head[0] != 0xFF:
            return None
        kind, length = head[1], int.from_bytes(head[2:4], "big")
        if kind == 0xFF:  # Padding before a marker.
            at += 1
            continue
        if kind in _FRAME_HEADERS:
            size = head[5:9]
        others |= kind == _APP2 and head[4:8] == b"MPF\0"
        at += 2 + length
        if kind == _SCAN:
            end = data.find(bytes((0xFF, _END)), at)
            return None if end < 0 or not size else _Image(size, end + 2, others)
