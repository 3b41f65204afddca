"""Images and videos: frames with their times out of files, and files out of frames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.media.folders import Found as Found
    from mien.media.folders import find_sources as find_sources
    from mien.media.frame import BadFrame as BadFrame
    from mien.media.frame import Frame as Frame
    from mien.media.images import MAX_PIXELS as MAX_PIXELS
    from mien.media.media import Media as Media
    from mien.media.prefetch import Prefetcher as Prefetcher
    from mien.media.sampling import Sampling as Sampling
    from mien.media.source import open_media as open_media
    from mien.media.video_writer import VideoWriter as VideoWriter
    from mien.media.video_writer import save_image as save_image

# Pillow and PyAV are loaded with the first name that needs them, so that `mien.media.frame` stays light.
_HOMES = {
    "BadFrame": "frame",
    "Found": "folders",
    "Frame": "frame",
    "MAX_PIXELS": "images",
    "Media": "media",
    "VideoWriter": "video_writer",
    "Prefetcher": "prefetch",
    "Sampling": "sampling",
    "find_sources": "folders",
    "open_media": "source",
    "save_image": "video_writer",
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
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
