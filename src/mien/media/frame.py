"""A picture with its place in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Args:
        index: Position in the source, 0-based, counting every frame of it, sampled or not.
        time: Seconds, from the stream's own timestamps; 0.0 for a still picture.
        image: ``(h, w, 3)`` uint8, RGB, upright.
    """

    index: int
    time: float
    image: NDArray[np.uint8]

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])
