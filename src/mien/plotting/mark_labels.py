"""Where names of moments stand above a chart over time, so that none lies upon another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mien.core.formatting import shortened

_ROWS = 3
_LONGEST, _SHORTEST = 34, 5
"""Letters of a name: at most, and below which none is better than a stump."""


class MarkLabel(NamedTuple):
    """The name of one moment.

    Args:
        row: Above the chart, from 0.
        text: The name, shortened where it is too long.
        before: Whether it stands before its moment instead of after it, near the end of the chart.
    """

    row: int
    text: str
    before: bool


def mark_labels(places: Sequence[float], names: Sequence[str], letters: int) -> list[MarkLabel]:
    """Names in rows; of one that has no room in any row a beginning, and where there is none, nothing.

    Args:
        places: Of the moments, in order of time, 0 to 1 of the width.
        names: As many.
        letters: So many fit into the width.

    >>> for label in mark_labels([0.1, 0.12, 0.9], ["Welcome", "The new prices", "Lunch"], 100):
    ...     print(*label)
    0 Welcome False
    1 The new prices False
    0 Lunch False
    """
    taken, labels = [0.0] * _ROWS, []
    for place, name in zip(places, names, strict=True):
        at, text = place * letters, shortened(name, _LONGEST)
        before = at + len(text) > letters
        rooms = [at - end if before else (letters - at) * (end <= at) for end in taken]
        row = next((row for row, room in enumerate(rooms) if room >= len(text)), rooms.index(max(rooms)))
        if len(text) > rooms[row]:
            text = shortened(text, int(rooms[row])) if rooms[row] >= _SHORTEST else ""
        labels.append(MarkLabel(row, text, before))
        if text:
            taken[row] = at + 1 + (0 if before else len(text))
    return labels
