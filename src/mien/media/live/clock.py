"""The time of a live stream: its own timestamps, held to the clock of this machine."""

from __future__ import annotations

_STEP = 1e-6  # s by which a frame comes after the one before it at least.
_BACKLOG = 30.0  # s of a stream that may come at once when it is opened.
_LEAK = 0.001  # By how much slower a camera's clock may run than this machine's.


class Clock:
    """Gives frames their times: seconds since the first one, always growing.

    A stream's own timestamps say best how far apart two frames are. But they start anywhere, and anew after
    each loss, and a camera's clock can jump. So they are believed as long as frames arrive when they should.
    The frame that came with the least delay says when that is: streams begin with a backlog that comes at
    once.

    Args:
        tolerance: Seconds by which a frame may come late; beyond it the timestamps are tied to the arrival
            anew. Infinite for videos, whose timestamps are the truth however long somebody took to read
            them.

    >>> clock = Clock(tolerance=1.0)
    >>> clock.time(stamp=512.00, arrival=7.00), round(clock.time(stamp=512.04, arrival=7.09), 6)
    (0.0, 0.04)
    >>> clock.restart()  # lost, and opened again five seconds later
    >>> clock.time(stamp=0.0, arrival=12.0)
    5.0
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._first: float | None = None  # Arrival of 0 s.
        self._offset: float | None = None  # From timestamps to times.
        self._lead = 0.0  # How much older than its arrival the first frame was.
        self._last = -_STEP

    def restart(self) -> None:
        """The source was opened again: its timestamps begin anew, time goes on."""
        self._offset, self._lead = None, 0.0

    def time(self, stamp: float | None, arrival: float) -> float:
        """Time of the next frame.

        Args:
            stamp: Its timestamp in seconds, or None where there is none.
            arrival: When it came, in seconds of a clock that never jumps.
        """
        if self._first is None:
            self._first = arrival
        elapsed = arrival - self._first + self._lead
        time = elapsed if stamp is None else self._by_stamp(stamp, elapsed)
        self._last = max(time, self._last + _STEP)
        return self._last

    def _by_stamp(self, stamp: float, elapsed: float) -> float:
        early = 0.0 if self._offset is None else stamp + self._offset - elapsed
        if self._offset is None or not -self._tolerance <= early <= max(_BACKLOG, self._tolerance):
            self._offset = elapsed - stamp
        else:
            # What counts as in time becomes a little later with each frame, until one is early.
            step = stamp + self._offset - self._last
            self._lead += max(0.0, early) - _LEAK * min(1.0, max(0.0, step))
        return stamp + self._offset


class Pacer:
    """Says how long to wait so that frames come at the pace of their timestamps, as in a player.

    A frame that comes late is given at once, and those after it follow from there, so that nothing is
    hurried. Frames are given a thousandth faster than their clock, so that what was held up for this drains,
    and two clocks that differ do not drift apart.

    >>> pace = Pacer()
    >>> [round(pace.pause(stamp, now), 3) for stamp, now in ((0.0, 5.0), (0.1, 5.0), (0.2, 5.5), (0.3, 5.5))]
    [0.0, 0.1, 0.0, 0.1]
    """

    def __init__(self, hurry: float = 0.001) -> None:
        self._rate = 1 - hurry
        self._due: float | None = None
        self._stamp = 0.0

    def pause(self, stamp: float, now: float) -> float:
        """Seconds until the next frame is due."""
        step = stamp - self._stamp
        # Timestamps that jump say nothing about when the frame is due.
        due = now if self._due is None or not 0 <= step <= 10 else self._due + step * self._rate
        self._due, self._stamp = max(due, now), stamp
        return self._due - now
