"""What is between a live source and a device, a server or the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = Callable[[], NDArray[np.uint8]]
"""Makes a ``(h, w, 3)`` uint8 RGB image."""


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """A frame as it comes in.

    Args:
        stamp: The stream's own timestamp in seconds, or None.
        image: Makes its image; only done for frames that somebody takes.
    """

    stamp: float | None
    image: Image


class CaptureDevice(Protocol):
    """Opens one source, again and again.

    Attributes:
        tolerance: See `mien.media.live.clock.Clock`.
    """

    tolerance: float

    def open(self, stop: Event) -> AbstractContextManager[Iterator[CapturedFrame]]:
        """Open it. The iterator gives shots as they come, and ends when the source has come to its end, as a
        video has.

        Args:
            stop: Set when nobody wants more: pauses end at once then.

        Raises:
            LostError: It is not there, or not any more; also from the iterator.
        """
        ...
