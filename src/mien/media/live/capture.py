"""What is between a live source and a device, a server or the screen: how it is opened, the interface of a
device, and the frames that come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.errors import InputError
from mien.core.frame import Frame
from mien.core.names import quoted
from mien.media.limits import MAX_VIDEO_PIXELS
from mien.media.sampling import Sampling


@dataclass(frozen=True)
class LiveOptions:
    """Options of `open_live`; all times are seconds.

    Args:
        sampling: Which frames are given, by their times; the screen is looked at no more often than that.
            Without: every frame of a stream, and the screen ``rate`` times a second.
        drop: Pass over frames for which the reader was too slow: the newest wins. Without it the source has
            to wait, which only a video can; it is for those who want every frame of one at its own pace.
        timeout: After so long without a sign of life a source is lost.
        retry: Pause before a lost source is opened again, and the longest to which it doubles; None: a loss
            is the end.
        patient: Wait in the same way for a source that is not there to begin with, which is a mistake
            otherwise.
        size: Width and height in px asked of a camera; its own choice by default.
        rate: Frames per second asked of a camera (its own choice by default) or taken of the screen (10 by
            default).
        transport: How RTSP carries images: ``tcp`` loses none, ``udp`` is for cameras that know nothing
            else.
        max_pixels: Larger frames are refused.

    Raises:
        InputError: A value is out of range.

    >>> LiveOptions(retry=(5, 1))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected retry as a first pause above 0 s and a longest not below it; got (5, 1)
    """

    sampling: Sampling = field(default_factory=Sampling)
    drop: bool = True
    timeout: float = 5.0
    retry: tuple[float, float] | None = (0.5, 30.0)
    patient: bool = False
    size: tuple[int, int] | None = None
    rate: float | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    max_pixels: int = MAX_VIDEO_PIXELS

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.timeout > 0:
            raise InputError(f"expected timeout above 0 s; got {self.timeout}")
        if self.retry is not None and not 0 < self.retry[0] <= self.retry[1]:
            raise InputError(
                f"expected retry as a first pause above 0 s and a longest not below it; got {self.retry}"
            )
        if self.size is not None and not min(self.size) >= 1:
            raise InputError(f"expected size as width and height in px; got {self.size}")
        if self.rate is not None and not self.rate > 0:
            raise InputError(f"expected rate above 0 frames per second; got {self.rate}")
        if self.transport not in ("tcp", "udp"):
            raise InputError(f"expected transport tcp or udp; got {quoted(self.transport)}")


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


@dataclass(frozen=True, eq=False)
class LiveFrame(Frame):
    """A frame of a live source.

    Args:
        captured: When it arrived, in seconds of `time.monotonic`, by which its age is told; `time` belongs to
            the stream, and begins at 0.
    """

    captured: float
