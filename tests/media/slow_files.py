"""Small files that take long, or much memory, to decode; for tests."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def many_scans(side: int, scans: int) -> bytes:
    """A gray progressive JPEG whose last scan comes again and again."""
    file = io.BytesIO()
    Image.new("L", (side, side), 128).save(file, "JPEG", progressive=True)
    data, found, at = file.getvalue(), [], 2
    while data[at + 1] != 0xD9:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] == 0xDA:
            while not (data[end] == 0xFF and data[end + 1] != 0 and not 0xD0 <= data[end + 1] <= 0xD7):
                end += 1
            found.append(end)
        at = end
    return data[:at] + data[found[-2] : found[-1]] * scans + data[at:]


def qoi(side: int) -> bytes:
    """A QOI image of one byte a pixel, for which Pillow takes some microseconds each."""
    indices = np.random.default_rng(0).integers(0, 64, side * side, dtype=np.uint8)
    return b"qoif" + struct.pack(">II", side, side) + bytes([3, 0]) + indices.tobytes() + bytes(7) + b"\1"


def png(side: int, depth: int, colour: int) -> bytes:
    """A black PNG; colour 0: gray, 2: RGB, 6: RGBA."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes(1 + side * {0: 1, 2: 3, 6: 4}[colour] * depth // 8)
    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(row * side))
        + chunk(b"IEND", b"")
    )


def icon(inner: bytes) -> bytes:
    """An icon that says 256 x 256 of whatever it holds."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inner), 22) + inner


def strips(count: int, tile: tuple[int, int] | None = None) -> bytes:
    """A TIFF one pixel wide, of so many strips that all lie at the same place; or of one tile of a size of
    its own.
    """
    many = 1 if tile else count
    tags = [(256, 1), (257, count), (258, 8), (259, 1), (262, 1), (277, 1)]
    tags += [(322, tile[0]), (323, tile[1]), (324, 8), (325, 1)] if tile else [(273, 0), (278, 1), (279, 0)]
    base = 14 + 12 * len(tags)
    out = struct.pack("<H", len(tags))
    for tag, value in sorted(tags):
        apart = tag in (273, 279) and many > 1
        out += struct.pack(
            "<HHII",
            tag,
            4,
            many if apart else 1,
            (base if tag == 273 else base + 4 * many) if apart else value,
        )
    lists = struct.pack("<I", 8) * many + struct.pack("<I", 1) * many
    return b"II*\0" + struct.pack("<I", 8) + out + bytes(4) + lists
