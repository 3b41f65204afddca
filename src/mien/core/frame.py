"""An image with its place in time, and a place in time whose image is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import MediaError


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    Args:
        index: Position in the source, 0-based, counting every frame of it, sampled or not.
        time: Seconds, from the stream's own timestamps; 0.0 for a still image.
        image: ``(h, w, 3)`` uint8, RGB, upright.
        lasting: Seconds for which a video shows it, up to the next one that is looked at; None where that
            is not known, as of what is live.

    >>> frame = Frame(index=3, time=0.12, image=np.zeros((480, 640, 3), np.uint8))
    >>> frame.width, frame.height
    (640, 480)
    """

    index: int
    time: float
    image: NDArray[np.uint8]
    lasting: float | None = field(default=None, kw_only=True)

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True, eq=False)
class BadFrame:
    """A frame, or a stretch of frames, that could not be decoded.

    Args:
        index: Position in the source of the (first) lost frame, 0-based, counted as in `Frame`.
        time: Seconds, or None where the stream does not tell.
        error: What happened, in one line; it says how many frames are missing when they are more than one.
        count: How many frames it stands for.

    >>> bad = BadFrame(index=30, time=1.0, error=MediaError("clip.mp4: expected a frame at 1.000 s; got damaged data"))
    >>> bad.count, bad.error.kind
    (1, 'unreadable')
    """

    index: int
    time: float | None
    error: MediaError
    count: int = 1
