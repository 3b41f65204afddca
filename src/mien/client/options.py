"""What may be asked for, by name; what is left out, or None, is as the service was started. The service checks the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from mien.core.arguments import checked_values


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
    results: str | list[str] | tuple[str, ...]
    thumbnails: bool
    blur: str
    start: float
    end: float


class StreamChoices(ImageChoices, total=False):
    """Options of streams: those of the first message of ``/v1/stream``."""

    cuts: bool
    tau: float
    baseline: float


def chosen(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """What was chosen, ready to be sent.

    Args:
        options: By name; what is None is left out.
        kind: What they are.

    Raises:
        InputError: One is of another type.

    >>> from fractions import Fraction
    >>> chosen({"head": None, "tau": Fraction(1, 2), "largest": True}, StreamChoices)
    {'tau': 0.5, 'largest': True}
    """
    return checked_values({name: value for name, value in options.items() if value is not None}, kind)
