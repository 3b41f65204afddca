"""Key points of a presentation: what was said or shown when, out of a file of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.events import Event, read_events


@dataclass(frozen=True)
class KeyPoint:
    """A moment that matters.

    Args:
        time: Seconds from the beginning of the presentation.
        label: In a few words.
    """

    time: float
    label: str


def read_key_points(path: str | Path) -> tuple[list[KeyPoint], list[str]]:
    r"""Key points in order of time, and remarks on what was amiss, a line each.

    The beginnings and labels of the events of a file (`mien.events.read_events`), such as a CSV with a time and a label in each
    line, or the cues of WebVTT. Points out of order are put in order, and those at the same time become one; both is remarked on.

    Raises:
        InputError: The file cannot be read, is of another format, holds no key point that can be used, or one before the
            beginning; the message names the line.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "points.csv"
    >>> _ = path.write_text("time,label\n1:30,Prices\n12.5,Welcome\n", encoding="utf-8")
    >>> points, remarks = read_key_points(path)
    >>> [(point.time, point.label) for point in points], remarks[0].endswith("put in order")
    ([(12.5, 'Welcome'), (90.0, 'Prices')], True)
    """
    events, remarks = read_events(path, samples=False)
    if not events:
        raise InputError(
            f"{path}: expected key points, a time and a label in each line; got none: add lines such as 1:30,Prices"
        )
    first = events[0]
    if first.start < 0:
        where = path if first.line is None else f"{path}, line {first.line}"
        raise InputError(f"{where}: expected a time from 0 s on; got {first.start:g}: correct the line")
    lines = [event.line for event in events if event.line is not None]
    if any(later < earlier for earlier, later in pairwise(lines)):
        remarks.append(f"{path}: key points were not in order of time and have been put in order")
    return _joined(events, remarks, path), remarks


def _joined(events: Sequence[Event], remarks: list[str], path: str | Path) -> list[KeyPoint]:
    joined: list[KeyPoint] = []
    for time, group in groupby(events, key=lambda event: event.start):
        labels = list(dict.fromkeys(event.label for event in group if event.label))
        joined.append(KeyPoint(time, " / ".join(labels) or f"key point {len(joined) + 1}"))
    if len(joined) < len(events):
        remarks.append(
            f"{path}: {counted(len(events) - len(joined), 'key point')} at the same time as another: joined with it"
        )
    return joined
