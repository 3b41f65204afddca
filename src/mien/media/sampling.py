"""Which frames of a video are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mien.core.errors import InputError

_SLACK = 1e-3
"""Seconds by which a frame may come before its tick: Matroska and WebM round times to the millisecond."""


@dataclass(frozen=True)
class Sampling:
    """A fixed grid of ticks from 0 s on; the first frame at or after each tick is taken. Without arguments:
    every frame.

    The grid does not drift, whatever the frame rate and however much it varies: a frame that comes late for
    its tick does not move the next one. A frame counts as in time when it is less than a millisecond (or a
    quarter of the grid's step, if that is less) early, because files round their times.

    Args:
        interval: Seconds between two ticks.
        fps: Ticks per second, so that at most this many frames are taken in any second of the grid.
        hidden_frames: Whether the grid lies over all that an MP4 or MOV holds, also what its edit list hides
            from players (trimmed clips keep what was cut off); those before the start then have times below
            0.

    Raises:
        InputError: Both are given, or one is not a positive finite number.

    >>> choose = Sampling(interval=0.5).chooser()
    >>> [time for time in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9999999, 1.2, 1.5) if choose.takes(time)]
    [0.0, 0.6, 0.9999999, 1.5]
    >>> Sampling(interval=1, fps=2)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected interval or fps; got both: choose one of them
    """

    interval: float | None = None
    fps: float | None = None
    hidden_frames: bool = False

    def __post_init__(self) -> None:
        if self.interval is not None and self.fps is not None:
            raise InputError("expected interval or fps; got both: choose one of them")
        for name, value in (("interval", self.interval), ("fps", self.fps)):
            if value is not None and not _is_positive(value):
                raise InputError(f"{name}: expected a positive number; got {value!r}")

    @property
    def rate(self) -> float | None:
        """Ticks per second, or None where every frame is taken.

        >>> Sampling(interval=0.25).rate, Sampling(fps=3).rate, Sampling().rate
        (4.0, 3.0, None)
        """
        if self.fps is not None:
            return float(self.fps)
        return None if self.interval is None else 1 / self.interval

    def chooser(self) -> Chooser:
        """A new chooser for one pass over one video."""
        return Chooser(self.rate)

    def count(self, frames: int, duration: float) -> int:
        """About how many of ``frames`` that are spread evenly over ``duration`` seconds would be taken.

        >>> Sampling(fps=2).count(frames=75, duration=2.5), Sampling().count(frames=75, duration=2.5)
        (5, 75)
        """
        if self.rate is None or frames < 1 or duration <= 0:
            return frames
        step = duration / frames
        if 1 / self.rate <= step:
            return frames
        return min(frames, max(1, math.floor((frames - 1) * step * self.rate + _slack(self.rate)) + 1))


class Chooser:
    """Says of each frame in turn whether it is taken; made by `Sampling.chooser`.

    Args:
        rate: Ticks per second, or None to take every frame.
    """

    def __init__(self, rate: float | None) -> None:
        # Beyond a million ticks per second no video has two frames for one tick.
        self._rate = rate if rate is not None and rate < 1e6 else None
        self._slack = 0.0 if self._rate is None else _slack(self._rate)
        self._next: float = -math.inf

    def takes(self, time: float) -> bool:
        """Whether the frame at ``time`` seconds is taken; to be asked once per frame, in order of time."""
        if self._rate is None:
            return True
        ticks = time * self._rate + self._slack
        if ticks < self._next:
            return False
        self._next = math.floor(ticks) + 1
        return True


def _slack(rate: float) -> float:
    return min(_SLACK * rate, 0.25)


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value > 0 and math.isfinite(1 / value)
