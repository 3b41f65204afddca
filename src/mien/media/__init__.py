"""Images and videos: frames with their times out of files, and files out of frames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.core.frame import BadFrame as BadFrame
    from mien.core.frame import Frame as Frame
    from mien.media.folders import Found as Found
    from mien.media.folders import find_sources as find_sources
    from mien.media.images import MAX_PIXELS as MAX_PIXELS
    from mien.media.media import Media as Media
    from mien.media.prefetch import Prefetcher as Prefetcher
    from mien.media.sampling import Sampling as Sampling
    from mien.media.source import open_media as open_media
    from mien.media.video_writer import VideoWriter as VideoWriter
    from mien.media.video_writer import save_image as save_image

# Pillow and PyAV are loaded with the first name that needs them, so that `mien.core.frame` stays light.
_HOMES = {
    "BadFrame": "mien.core.frame",
    "Found": "mien.media.folders",
    "Frame": "mien.core.frame",
    "MAX_PIXELS": "mien.media.images",
    "Media": "mien.media.media",
    "VideoWriter": "mien.media.video_writer",
    "Prefetcher": "mien.media.prefetch",
    "Sampling": "mien.media.sampling",
    "find_sources": "mien.media.folders",
    "open_media": "mien.media.source",
    "save_image": "mien.media.video_writer",
}

__all__ = [
    "MAX_PIXELS",
    "BadFrame",
    "Found",
    "Frame",
    "Media",
    "Prefetcher",
    "Sampling",
    "VideoWriter",
    "find_sources",
    "open_media",
    "save_image",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
