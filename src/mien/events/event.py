"""One labelled time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch or a moment with a label, as a file says.

    Args:
        start: Seconds on the recording's clock; below 0 where the file says so.
        end: Seconds, after ``start``; None for a moment.
        label: What the file calls it; may be empty.
        tier: The row or category that it stands in, as programs for annotation have them; empty where there is none.
        subject: Whom it is about; empty where the file does not say.
        line: The line of the file, from 1 on; None where the format has none to show.

    >>> Event(1.0, 2.5, "smile", subject="anna")
    Event(start=1.0, end=2.5, label='smile', tier='', subject='anna', line=None)
    """

    start: float
    end: float | None
    label: str
    tier: str = ""
    subject: str = ""
    line: int | None = None
