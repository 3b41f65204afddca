"""Key points of a presentation: what was said or shown when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyPoint:
    """A moment that matters.

    Args:
        time: Seconds from the beginning of the presentation.
        label: In a few words.
    """

    time: float
    label: str
