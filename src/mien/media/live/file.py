"""A video at the pace of its own clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event

import numpy as np
from numpy.typing import NDArray

from mien.core.frame import BadFrame
from mien.media.live.capture import CapturedFrame, LiveOptions
from mien.media.live.clock import Pacer
from mien.media.source import open_media


class FileCapture:
    """A file, given as if it were happening now; it ends where it ends.

    Args:
        path: A video, an animation or an image.
        options: How it is opened.
    """

    tolerance = float("inf")

    def __init__(self, path: str, options: LiveOptions) -> None:
        self._path, self._options = path, options

    @contextmanager
    def open(self, stop: Event) -> Iterator[Iterator[CapturedFrame]]:
        with open_media(self._path, max_pixels=self._options.max_pixels) as media:
            frames = (frame for frame in media if not isinstance(frame, BadFrame))
            pace = Pacer(hurry=0.0)

            def shots() -> Iterator[CapturedFrame]:
                for frame in frames:
                    stop.wait(pace.pause(frame.time, time.monotonic()))
                    yield CapturedFrame(frame.time, partial(_same, frame.image))

            yield shots()


def _same(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image
