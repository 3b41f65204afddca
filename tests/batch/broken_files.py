"""Files that are no images, or none any more, in twenty ways; made of one good image by chance that
can be repeated.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def _saved(form: str, size: tuple[int, int] = (64, 64), **options: object) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def _bomb() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


def broken_files() -> dict[str, bytes]:
    """Content by file name."""
    jpeg, png, gif, webp, bmp, tiff = (_saved(form) for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"))
    noise = np.random.default_rng(5).bytes(4000)
    flipped = bytearray(png)
    flipped[60:90] = bytes(30)
    kinds = {
        "empty.jpg": b"",
        "one_byte.png": b"\x89",
        "noise.jpg": noise,
        "text.png": "Grüße, this is text.\n".encode() * 20,
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "cut_head.jpg": jpeg[:20],
        "cut_half.jpg": jpeg[: len(jpeg) // 2],
        "cut_half.png": png[: len(png) // 2],
        "cut_half.gif": gif[: len(gif) // 2],
        "cut_half.webp": webp[: len(webp) // 2],
        "cut_half.bmp": bmp[: len(bmp) // 2],
        "cut_half.tiff": tiff[: len(tiff) // 2],
        "flipped.png": bytes(flipped),
        "only_zeros.jpg": bytes(5000),
        "start_then_noise.jpg": jpeg[:3] + noise,
        "bomb.png": _bomb(),
        "archive.png": b"PK\x03\x04" + noise,
        "cut.mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + noise[:200],
        "playlist.mkv": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    }
    assert len(kinds) == 20
    return kinds
