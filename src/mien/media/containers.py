"""Opening what FFmpeg reads, alike with each PyAV that mien takes."""

from __future__ import annotations

from typing import Any, BinaryIO

import av
from av.container import InputContainer

_LENIENT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
"""A title that is no UTF-8 is no reason to refuse a video. PyAV 19, which needs Python 3.12, is lenient by
itself and has no such setting."""


def open_container(file: str | BinaryIO, form: str | None = None, **settings: Any) -> InputContainer:
    """Open a video, device or address to read from.

    Args:
        file: What is read.
        form: FFmpeg's name of the device or container; None: it finds out.
        settings: What ``av.open`` takes besides.

    Raises:
        FFmpegError: It is not there or not readable.
    """
    container: InputContainer = av.open(file, "r", form, **_LENIENT, **settings)
    return container
