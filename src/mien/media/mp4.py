"""The tables of an MP4, held against its file before FFmpeg makes room for what they claim."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import MediaError
from mien.media.byte_source import ByteSource

MAX_SAMPLES = 8_000_000
"""Most samples of all tracks of a file together, such as a day of frames and sound. FFmpeg takes about 40
bytes for each."""

_MAX_BOXES = 1_000_000
_MAX_DEPTH = 10
_MAX_UNPACKED = 64 * 2**20
"""Bytes of a compressed header."""

_INSIDE = frozenset(
    b"moov trak mdia minf stbl edts moof traf mvex mfra dinf udta meta ilst tref wave sinf schi".split()
)
_TABLES = frozenset(b"stts ctts stsc stco co64 stss stps elst".split())
"""Tables of version and flags, a count, and the entries (ISO/IEC 14496-12)."""

_PIECE = 160
"""FFmpeg takes uncompressed sound in pieces of at least so many samples, where each lasts one tick."""


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int  # Of what is in it, after size and kind.
    end: int


@dataclass
class _Track:
    """What FFmpeg makes its list of samples of."""

    kinds: set[bytes] = field(default_factory=set)
    steps: list[tuple[int, int]] = field(
        default_factory=list
    )  # Entries, and the length of a sample in ticks.
    samples: int = 0
    alike: bool = False
    chunks: int = 0
    runs: NDArray[np.int64] = field(
        default_factory=lambda: np.empty((0, 3), np.int64)
    )  # First chunk, samples in each, description.
    edits: int = 0

    @property
    def claimed(self) -> int:
        """Entries of FFmpeg's list."""
        uncompressed = self.alike and self.kinds == {b"soun"} and self.steps == [(1, 1)]
        if not uncompressed:
            return self.samples
        chunks = np.diff(self.runs[:, 0], append=self.chunks + 1).clip(0)
        return int((chunks * (self.runs[:, 1] // _PIECE + 1)).sum())


def check_tables(content: ByteSource) -> None:
    """Refuse an MP4 or MOV whose tables claim more than the file can hold, or more samples than anybody
    records.

    Whatever is no such file passes.

    Raises:
        MediaError: One does.
    """
    with content.open() as file:
        _Walk(content.name, content.size).check(file, _Box(b"", 0, content.size))


class _Walk:
    """One way through all boxes of a file.

    Args:
        name: What messages call it.
        size: Its bytes; no sample can be without one.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size, self._most = name, size, min(size, MAX_SAMPLES)
        self._samples = self._boxes = 0

    def check(self, file: BinaryIO, around: _Box, track: _Track | None = None, depth: int = 0) -> None:
        """Look into a box and all those in it."""
        for box in self._boxes_in(file, around):
            if box.kind == b"cmov":
                self._check_packed(file, box, depth)
            elif depth < _MAX_DEPTH and (box.kind in _INSIDE or _is_disguised(file, box)):
                own = _Track() if box.kind == b"trak" else track
                self.check(file, box, own, depth + 1)
                if own is not None and own is not track:
                    self._close(own)
            else:
                self._check_table(file, box, track or _Track())

    def _boxes_in(self, file: BinaryIO, around: _Box) -> Iterator[_Box]:
        """As FFmpeg finds them: what claims to be longer than what it is in ends with that."""
        at = around.start
        while at + 8 <= around.end:
            self._boxes += 1
            if self._boxes > _MAX_BOXES:
                self._refuse(f"at most {_MAX_BOXES:,} boxes", "more")
            file.seek(at)
            head = file.read(16).ljust(16, b"\0")
            size, kind, long = struct.unpack(">I4sQ", head)
            size, start = (long, at + 16) if size == 1 else (size, at + 8)
            end = around.end if size == 0 else min(at + size, around.end)
            if end < start:
                return
            yield _Box(kind, start + _before(file, kind, start), end)
            at = end

    def _check_table(self, file: BinaryIO, box: _Box, track: _Track) -> None:
        file.seek(box.start)
        _, second, third, fourth = struct.unpack(
            ">4I", file.read(min(16, box.end - box.start)).ljust(16, b"\0")
        )
        if box.kind == b"hdlr":
            track.kinds.add(struct.pack(">I", third))
        elif box.kind in (b"stsz", b"stz2"):
            track.samples, track.alike = max(track.samples, third), bool(second) and box.kind == b"stsz"
        elif box.kind == b"trun":
            self._add(second)
        elif box.kind == b"stsd" and any(kind in _content(file, box) for kind in (b"stsz", b"stz2")):
            self._refuse("descriptions of samples", "a table of samples in them")
        elif box.kind in _TABLES:
            if second > self._most:
                self._refuse(f"at most {self._most:,} entries in {box.kind.decode()}", f"{second:,}")
            self._take(file, box, track, second, fourth)

    def _take(self, file: BinaryIO, box: _Box, track: _Track, count: int, length: int) -> None:
        if box.kind == b"stts":
            track.steps.append((count, length))
        elif box.kind in (b"stco", b"co64"):
            track.chunks = count
        elif box.kind == b"elst":
            track.edits += count
        elif box.kind == b"stsc":
            rows = _content(file, box)[8 : 8 + 12 * count]
            track.runs = np.frombuffer(rows[: len(rows) // 12 * 12], ">u4").reshape(-1, 3).astype(np.int64)

    def _check_packed(self, file: BinaryIO, box: _Box, depth: int) -> None:
        """A header that is compressed, as QuickTime once wrote it: dcom, then cmvd, which holds its length
        and zlib's data."""
        packed = _content(file, box)
        at = packed.find(b"cmvd")
        if at < 0 or depth >= _MAX_DEPTH:
            return
        try:
            header = zlib.decompressobj().decompress(packed[at + 8 :], _MAX_UNPACKED)
        except zlib.error:
            return
        claimed = int.from_bytes(packed[at + 4 : at + 8], "big")
        if claimed > _MAX_UNPACKED or len(header) >= _MAX_UNPACKED:
            self._refuse(f"a header of at most {_MAX_UNPACKED:,} bytes", "more")
        self.check(BytesIO(header), _Box(b"cmov", 0, len(header)), None, depth + 1)

    def _close(self, track: _Track) -> None:
        self._add(track.claimed)
        if track.edits > 1 and track.edits * track.claimed > 4 * MAX_SAMPLES:
            self._refuse(f"at most {4 * MAX_SAMPLES // max(1, track.claimed):,} edits", f"{track.edits:,}")

    def _add(self, samples: int) -> None:
        self._samples += samples
        if self._samples > self._most:
            self._refuse(
                f"at most {self._most:,} frames and pieces of sound in a file of {self._size:,} bytes",
                f"a table of {self._samples:,}",
            )

    def _refuse(self, most: str, came: str) -> None:
        raise MediaError(
            f"{self._name}: expected {most}; got {came}: get the file again, or cut it into parts",
            "too_large",
        )


def _before(file: BinaryIO, kind: bytes, start: int) -> int:
    """Bytes before the boxes in a box: metadata has version and flags there, or not."""
    if kind != b"meta":
        return 0
    file.seek(start)
    return max(0, file.read(64).find(b"hdlr") - 4)


def _is_disguised(file: BinaryIO, box: _Box) -> bool:
    """FFmpeg takes a header for one even where it was marked as free."""
    if box.kind not in (b"free", b"hoov") or box.end - box.start < 8:
        return False
    file.seek(box.start + 4)
    return file.read(4) in (b"mvhd", b"cmov")


def _content(file: BinaryIO, box: _Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, 16 * MAX_SAMPLES))
