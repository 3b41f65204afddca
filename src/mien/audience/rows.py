"""Windows and changes as rows of tables, and all of a measurement as plain facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mien.audience.options import AudienceOptions
from mien.audience.result import Audience, Change, Shift, Window
from mien.core.labels import NOTICE, Labels
from mien.metrics.sentiment import SENTIMENTS

LAW = (
    "In the EU it is forbidden to infer emotions of people at work and in education (AI Act, Article 5(1)(f)); "
    "elsewhere, too, everybody has to know and agree first."
)

_FIRST = ("start", "end", "status", "samples", "participants", "coverage", "agreement")
CHANGE_COLUMNS = (
    "time",
    "label",
    "status",
    "participants",
    "of",
    "name",
    "before",
    "after",
    "change",
    "low",
    "high",
    "clear",
)
"""Columns of a table of changes."""


def columns(labels: Labels) -> list[str]:
    """Columns of a table of windows: the expressions bear their names, sentiments begin with
    ``sentiment_``."""
    return [*_FIRST, *labels, *(f"sentiment_{name}" for name in SENTIMENTS), "key_points"]


def window_row(window: Window, labels: Labels) -> dict[str, Any]:
    """One window as plain values, by `columns`; None where there is no figure."""
    shares: Mapping[str, float | None] = window.shares or dict.fromkeys(labels)
    sentiment: Mapping[str, float | None] = window.sentiment or dict.fromkeys(SENTIMENTS)
    return {
        **{name: getattr(window, name) for name in _FIRST},
        **shares,
        **{f"sentiment_{name}": value for name, value in sentiment.items()},
        "key_points": "; ".join(window.key_points) or None,
    }


def change_rows(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """A row for each expression and sentiment of each key point, by `CHANGE_COLUMNS`; one row where nothing
    could be compared."""
    for change in changes:
        lead = {
            "time": change.time,
            "label": change.label,
            "status": change.status,
            "participants": change.participants,
        }
        if change.shifts is None:
            yield {**dict.fromkeys(CHANGE_COLUMNS), **lead}
        for of, shifts in (("expression", change.shifts), ("sentiment", change.sentiment)):
            yield from (
                {**lead, "of": of, "name": name, **asdict(shift)} for name, shift in (shifts or {}).items()
            )


def facts(audience: Audience) -> dict[str, Any]:
    """All of a measurement as plain values, ready for JSON."""
    return {
        "source": audience.source,
        "note": f"{NOTICE} {LAW}",
        "length": round(audience.length, 3),
        "finished": audience.finished,
        "options": settings(audience.options),
        "reader": audience.reader,
        "windows": [asdict(window) for window in audience.windows],
        "key_points": [_change(change) for change in audience.changes],
        "remarks": list(audience.remarks),
    }


def _change(change: Change) -> dict[str, Any]:
    def plain(shifts: Mapping[str, Shift] | None) -> dict[str, Any] | None:
        return None if shifts is None else {name: asdict(shift) for name, shift in shifts.items()}

    told = {
        "time": change.time,
        "label": change.label,
        "status": change.status,
        "participants": change.participants,
    }
    return {**told, "expression": plain(change.shifts), "sentiment": plain(change.sentiment)}


def settings(options: AudienceOptions) -> dict[str, Any]:
    """Options as plain values."""
    names = ("interval", "window", "context", "min_group", "min_coverage", "offset", "duration", "seed")
    return {**{name: getattr(options, name) for name in names}, "mapping": options.mapping.name}
