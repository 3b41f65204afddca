"""What may be asked for, by name; what is left out is as the service was started. The service checks the values."""

from __future__ import annotations

from typing import TypedDict


class ReadingChoices(TypedDict, total=False):
    """What reads, and which faces."""

    model: str
    head: str
    detector: str
    min_face: int
    largest: bool
    landmarks: bool


class ImageChoices(ReadingChoices, total=False):
    """Options of images: those of ``POST /v1/images``."""

    points: bool


class VideoChoices(ReadingChoices, total=False):
    """Options of videos: those of ``POST /v1/videos``."""

    interval: float
    fps: float
    tau: float
    baseline: float | str
    results: str | list[str]
    thumbnails: bool
    blur: str
    start: float
    end: float


class StreamChoices(ImageChoices, total=False):
    """Options of streams: those of the first message of ``/v1/stream``."""

    cuts: bool
    tau: float
    baseline: float
