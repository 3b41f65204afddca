"""Whether a file may move, by its first bytes: what is asked of many files that are not to be decoded."""

from __future__ import annotations

import os
from pathlib import Path

_HEAD = 1 << 16
_STILL = (
    b"\xff\xd8\xff",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"\0\0\1\0",
    b"8BPS",
    b"qoif",
    b"P1",
    b"P2",
    b"P3",
    b"P4",
    b"P5",
    b"P6",
)
_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")


def may_move(path: str | Path) -> bool:
    """Whether a file may be a video or an animation; False is certain: a still image, or nothing that can
    be read.

    >>> may_move("no-such-file.mp4")
    False
    """
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head or b"IDAT" not in head
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return head[12:16] == b"VP8X" and bool(head[20] & 2)
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS:
        return b"avis" in head[: int.from_bytes(head[:4], "big")]
    return bool(head) and not head.startswith(_STILL)
