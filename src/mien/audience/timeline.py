"""Windows as a chart shows them: in a bounded number of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.core.formatting import clock

if TYPE_CHECKING:
    from mien.audience.result import Audience, Window

MOST = 360
"""Columns of a chart; more could not be told apart."""


@dataclass(frozen=True)
class Column:
    """Some windows that follow one another, in the mean of those with figures.

    Args:
        start: Seconds.
        end: Seconds.
        shares: Of expressions, or None where no window has figures.
        sentiment: Of sentiments, or None.
        similarity: 0 to 1, or None.
        participants: Of the window with the most, or None.
        status: Of the first window.
    """

    start: float
    end: float
    shares: Mapping[str, float] | None
    sentiment: Mapping[str, float] | None
    similarity: float | None
    participants: int | None
    status: str

    @property
    def span(self) -> str:
        """From when to when, for people."""
        return f"{clock(self.start, 0)} to {clock(self.end, 0)}"


def course(windows: Sequence[Window], most: int = MOST) -> list[Column]:
    """At most so many columns.

    >>> from mien.audience.result import Window
    >>> [column.end for column in course([Window(start, start + 10.0, "too_few", 10) for start in (0.0, 10.0, 20.0)], most=2)]
    [20.0, 30.0]
    """
    joined = -(-len(windows) // most) if windows else 1
    return [_column(windows[first : first + joined]) for first in range(0, len(windows), joined)]


def overall(audience: Audience) -> Column | None:
    """Everything in one column; None where no window has figures."""
    return _column(audience.windows) if audience.reported else None


def _column(windows: Sequence[Window]) -> Column:
    # Of what has been told, so that the joining tells nothing more.
    reported = [window for window in windows if window.status == "reported"]
    return Column(
        windows[0].start,
        windows[-1].end,
        _mean([window.shares for window in reported if window.shares is not None]),
        _mean([window.sentiment for window in reported if window.sentiment is not None]),
        float(np.mean([window.similarity for window in reported])) if reported else None,
        max((window.participants or 0 for window in reported), default=None),
        windows[0].status,
    )


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float] | None:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else None


def pieces(shares: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """Name, lower end and height of each share in a stack of height 1: figures that were rounded need not add
    up."""
    whole, start = sum(shares.values()) or 1.0, 0.0
    for name, share in shares.items():
        yield name, start, share / whole
        start += share / whole
