"""A frame that has just been seen."""

from __future__ import annotations

from dataclasses import dataclass

from mien.core.frame import Frame


@dataclass(frozen=True, eq=False)
class LiveFrame(Frame):
    """A frame of a live source.

    Args:
        captured: When it arrived, in seconds of `time.monotonic`, by which its age is told; `time` belongs to
            the stream, and begins at 0.
    """

    captured: float
