"""HEIF photos (HEIC), which phones take, read with pillow-heif or with pi-heif, the part of it that reads. Neither is
registered with Pillow, where all of a program would see it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from mien.core.errors import MediaError
from mien.core.installation import install_command
from mien.media.byte_source import ByteSource

FORMAT = "HEIF"
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
"""What a file says of itself; ``mif1`` may be an AVIF as well. Sequences (``hevc``, ``msf1``) are videos."""
_BYTES_A_PIXEL = 4
"""More is in no file: it is read as a whole."""


def looks_like_heif(start: bytes) -> bool:
    r"""Whether the first bytes of a file say that it is a HEIF photo.

    >>> looks_like_heif(b"\0\0\0\x18ftypheic"), looks_like_heif(b"\0\0\0\x18ftypqt  ")
    (True, False)
    """
    return start[4:8] == b"ftyp" and start[8:12] in _BRANDS


def factory(content: ByteSource, max_pixels: int) -> Any:
    """What makes Pillow's image of a file, of several images the one that it says is the main one, upright; its header
    is read, nothing decoded.

    Args:
        content: The file.
        max_pixels: Most pixels.

    Raises:
        MediaError: No package that reads such photos is installed, or the file is larger than one may be.
    """
    made = _factory()
    if made is None:
        message = "expected an image that can be read; got a HEIC photo, for which pi-heif is not installed"
        raise MediaError(f"{content.name}: {message}: {install_command('heic')}", "unsupported")
    if content.size > max_pixels * _BYTES_A_PIXEL:
        most = f"{max_pixels * _BYTES_A_PIXEL:,} bytes"
        raise MediaError(
            f"{content.name}: expected a HEIC photo of at most {most}; got {content.size:,}: scale it down",
            "too_large",
        )
    return made


@lru_cache(maxsize=1)
def _factory() -> Any:
    for package in ("pillow_heif", "pi_heif"):
        try:
            return import_module(package).HeifImageFile
        except ImportError:
            continue
    return None
