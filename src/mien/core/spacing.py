"""How far apart the frames of a stream come, learned as they come, so that what is counted in seconds fits
slow streams as well."""

from __future__ import annotations

import math
from typing import Any

KEPT = 8  # Steps that are remembered.
PATIENCE = (
    2.5  # Steps; so many seconds of a slow stream go by before somebody who is missing is thought to be away.
)


def length_of(first: float, last: float, frames: int) -> float:
    """Seconds from the first frame that was looked at to the end of the last one, which lasts as long as the others on
    average.

    Args:
        first: Time of the first one, in seconds of the stream's own clock.
        last: Time of the last one.
        frames: How many were looked at.

    >>> length_of(0.0, 2.0, 5), length_of(3.0, 3.0, 1)
    (2.5, 0.0)
    """
    return last - first + (last - first) / (frames - 1 if frames > 1 else 1)


class Spacing:
    """The last steps between frames, on the stream's own clock, whether they are even or not.

    Args:
        least: Seconds without a sight of somebody after which they are away, where frames come fast.

    Attributes:
        time: Seconds of the last frame; None before the first.
        usual: Seconds that a frame lasts of which the next one does not tell: the last step without a hole; 0
            before the second frame.

    >>> spacing = Spacing(least=1.0)
    >>> [spacing.take(time) for time in (0.0, 5.0, 10.0)], spacing.patience, spacing.usual
    ([0.0, 5.0, 5.0], 12.5, 5.0)
    """

    def __init__(self, least: float) -> None:
        self.least = least
        self.time: float | None = None
        self.usual = 0.0
        self._steps: list[float] = []

    def take(self, time: float) -> float:
        """Take in the time of the next frame; gives the seconds since the one before, below 0 where time goes
        back, 0 for the first."""
        step = 0.0 if self.time is None else time - self.time
        self.time = time
        if step > 0:
            self.usual = self.lasting(step)
            self._steps = [*self._steps[1 - KEPT :], step]
        return step

    @property
    def patience(self) -> float:
        """Seconds without a sight of somebody after which they are away: ``least``, or more where the last
        frames were far apart.

        It is never less than the last step: who is seen in two successive frames was not away. Endless while
        no step is known.
        """
        return max(self.least, PATIENCE * max(self._steps, default=math.inf))

    def lasting(self, step: float) -> float:
        """For how long the last frame stands, when the next one comes ``step`` seconds later; to be asked
        before `take`.

        Up to the next one; as long as frames usually do where that comes so late that there is a hole in the
        stream, or before this one.

        >>> spacing = Spacing(least=1.0)
        >>> for time in (0.0, 0.25, 0.5):
        ...     _ = spacing.take(time)
        >>> spacing.lasting(0.5), spacing.lasting(9.0)
        (0.5, 0.25)
        """
        return step if 0 <= step <= self.patience else self.usual

    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON."""
        return {"time": self.time, "usual": self.usual, "steps": self._steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.time, self.usual, self._steps = state["time"], state["usual"], list(state["steps"])
