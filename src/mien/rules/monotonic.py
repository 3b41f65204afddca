"""The time of a stream as rules count it, whatever its timestamps do."""

from __future__ import annotations

from mien.core.spacing import Spacing

GAP = 10.0
"""Seconds between two frames; what was longer out of sight has not been seen to hold. More where frames
always come far apart (`mien.core.spacing`)."""


class SteadyTime:
    """Seconds that never go back and never leap.

    A step back counts as no time. A step of more than `GAP` seconds is a stretch that nobody saw, or a clock
    that jumped: it counts as `GAP` seconds, and the rest is told once the next frame goes on from there.

    Attributes:
        jump: Seconds by which the last frame's time jumped, or None.
        confirmed: Seconds that went by unseen, as the last frame shows; not counted in what `take` gives.

    >>> clock = SteadyTime()
    >>> [clock.take(time) for time in (5.0, 5.5, 2.0, 2.5)]
    [0.0, 0.5, 0.5, 1.0]
    >>> clock.take(3602.5), clock.jump, clock.take(3603.0), clock.confirmed
    (11.0, 3600.0, 11.5, 3590.0)
    """

    def __init__(self) -> None:
        self.jump: float | None = None
        self._spacing = Spacing(GAP)
        self._now = 0.0
        self.confirmed = 0.0
        self._doubted = 0.0

    def take(self, time: float) -> float:
        """Seconds since the first frame, without those that went by unseen."""
        most = self._spacing.patience
        step = self._spacing.take(time)
        self.jump = None if 0 <= step <= most else step
        self._now += min(max(step, 0.0), GAP if self.jump else most)
        self.confirmed = 0.0
        if self.jump is not None:
            self._doubted = max(0.0, step - GAP)
        elif step > 0:
            self.confirmed, self._doubted = self._doubted, 0.0
        return self._now
