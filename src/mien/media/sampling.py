"""Which frames of a video are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mien.core.arguments import check_fields
from mien.core.errors import InputError, MediaError
from mien.core.formatting import clock
from mien.core.names import quoted

_SLACK = 1e-3
"""Seconds by which a frame may come before its tick: Matroska and WebM round times to the millisecond."""


@dataclass(frozen=True)
class Sampling:
    """A fixed grid of ticks from the start on; the first frame at or after each tick is taken. Without arguments:
    every frame.

    Of a span of a recording the first frame at or after ``start`` is the first that is taken, and the last one before
    ``end`` the last. Times and numbers of frames stay those of the whole recording.

    The grid does not drift, whatever the frame rate and however much it varies: a frame that comes late for
    its tick does not move the next one. A frame counts as in time when it is less than a millisecond (or a
    quarter of the grid's step, if that is less) early, because files round their times.

    Args:
        interval: Seconds between two ticks.
        fps: Ticks per second, so that at most this many frames are taken in any second of the grid.
        hidden_frames: Whether the grid lies over all that an MP4 or MOV holds, also what its edit list hides
            from players (trimmed clips keep what was cut off); those before the start then have times below
            0.
        start: Seconds of the recording at which the span begins; None: its beginning.
        end: Seconds of the recording at which the span is over; None: its end.

    Raises:
        InputError: Both ``interval`` and ``fps`` are given, one is not a positive finite number, or the span is
            empty.

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
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.interval is not None and self.fps is not None:
            raise InputError("expected interval or fps; got both: choose one of them")
        for name, value in (("interval", self.interval), ("fps", self.fps)):
            if value is not None and not _is_positive(value):
                raise InputError(f"{name}: expected a positive number; got {quoted(value)}")
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not 0 <= value < math.inf:
                raise InputError(f"{name}: expected seconds from 0 on; got {quoted(value)}")
        if self.end is not None and self.end <= (self.start or 0.0):
            raise InputError(
                f"expected a span that ends after it begins; got {self.start or 0:g} to {self.end:g} s: give a later end"
            )

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
        return Chooser(self.rate, self.start, self.end)

    @property
    def span(self) -> str | None:
        """The span in words; None where it is the whole recording.

        >>> Sampling(start=60, end=90.5).span, Sampling(start=60).span, Sampling(end=5).span, Sampling().span
        ('1:00 to 1:30.5', '1:00 to the end', 'the beginning to 0:05', None)
        """
        if self.start is None and self.end is None:
            return None
        first = "the beginning" if self.start is None else _clock(self.start)
        return f"{first} to {'the end' if self.end is None else _clock(self.end)}"

    def within(self, duration: float) -> float:
        """Seconds of a recording of ``duration`` seconds that lie in the span.

        >>> Sampling(start=5, end=8).within(7.0), Sampling(start=9).within(7.0), Sampling().within(7.0)
        (2.0, 0.0, 7.0)
        """
        last = duration if self.end is None else min(self.end, duration)
        return max(0.0, last - (self.start or 0.0))

    def remarks(self, name: str, duration: float | None) -> tuple[str, ...]:
        """What a person should know of a span of a recording of ``duration`` seconds (None: not known).

        >>> Sampling(end=60).remarks("a.mp4", 12.5)
        ('a.mp4: the span ends at 1:00, the recording at 0:12.5: read up to its end',)
        """
        if self.end is None or duration is None or self.end <= duration or not self.within(duration):
            return ()
        ends = f"the span ends at {_clock(self.end)}, the recording at {_clock(duration)}"
        return (f"{name}: {ends}: read up to its end",)

    def missed(self, name: str, last: float) -> MediaError:
        """That no frame lies in the span, of a recording whose last frame seen is at ``last`` seconds."""
        return MediaError(
            f"{name}: expected frames from {self.span}; got none: the last frame before is at {_clock(max(0.0, last))}: "
            "choose a span of the recording",
            "empty_span",
        )

    def count(self, frames: int, duration: float) -> int:
        """About how many of ``frames`` that are spread evenly over ``duration`` seconds would be taken.

        >>> Sampling(fps=2).count(frames=75, duration=2.5), Sampling().count(frames=75, duration=2.5)
        (5, 75)
        """
        if frames < 1 or duration <= 0:
            return frames
        if self.span is not None:
            within = self.within(duration)
            frames, duration = round(frames * within / duration), within
        if self.rate is None or not frames:
            return frames
        step = duration / frames
        if 1 / self.rate <= step:
            return frames
        return min(frames, max(1, math.floor((frames - 1) * step * self.rate + _slack(self.rate)) + 1))


class Chooser:
    """Says of each frame in turn whether it is taken; made by `Sampling.chooser`.

    Args:
        rate: Ticks per second, or None to take every frame.
        start: Seconds of the first tick, before which none is taken; None: 0 s, and whatever comes before.
        end: Seconds from which on none is taken.

    Attributes:
        count: How many were taken so far.
    """

    def __init__(self, rate: float | None, start: float | None = None, end: float | None = None) -> None:
        self.count = 0
        self._start, self._end = start, math.inf if end is None else end
        # Beyond a million ticks per second no video has two frames for one tick.
        self._rate = rate if rate is not None and rate < 1e6 else None
        self._slack = 0.0 if self._rate is None else _slack(self._rate)
        self._next: float = -math.inf

    def takes(self, time: float) -> bool:
        """Whether the frame at ``time`` seconds is taken; to be asked once per frame, in order of time."""
        if self.over(time) or (self._start is not None and time < self._start) or not self._ticks(time):
            return False
        self.count += 1
        return True

    def over(self, time: float) -> bool:
        """Whether the span is over at ``time`` seconds."""
        return time >= self._end

    def _ticks(self, time: float) -> bool:
        if self._rate is None:
            return True
        ticks = (time - (self._start or 0.0)) * self._rate + self._slack
        if ticks < self._next:
            return False
        self._next = math.floor(ticks) + 1
        return True


def _clock(seconds: float) -> str:
    """A time as it was given: with decimals where it has some."""
    return clock(seconds, 3).rstrip("0").removesuffix(".")


def _slack(rate: float) -> float:
    return min(_SLACK * rate, 0.25)


def _is_positive(value: float) -> bool:
    return 0 < value < math.inf and math.isfinite(1 / value)
