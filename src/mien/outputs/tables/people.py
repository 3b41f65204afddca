"""A row per person: when they were seen, what they showed, for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mien.core.labels import Labels

if TYPE_CHECKING:
    from mien.tracking.persons import PersonSummary

_PARTS = ("share", "mean", "stretches", "stretch", "longest")


def people_keys(labels: Labels) -> list[str]:
    """Columns of the table."""
    plain = ["source", "track", "first", "last", "seconds", "frames", "mostly", "confidence", "uncertain"]
    return plain + [f"{part}_{name}" for part in _PARTS for name in labels]


def person_row(source: str, person: PersonSummary, labels: Labels) -> dict[str, Any]:
    """One person as plain values by the names of the columns.

    ``share_happy``: share of the time in view with that smoothed emotion. ``mean_happy``: mean probability.
    ``stretches_happy``: how often it was shown without a break; ``stretch_happy`` and ``longest_happy``:
    seconds of such a stretch, on average and at most.
    """
    row: dict[str, Any] = {
        "source": source,
        "track": person.track,
        "first": round(person.first, 6),
        "last": round(person.last, 6),
        "seconds": round(person.seconds, 3),
        "frames": person.frames,
        "mostly": person.mostly,
        "confidence": round(person.confidence, 6),
        "uncertain": round(person.uncertain, 6),
    }
    row |= {f"share_{name}": round(person.shares[name], 6) for name in labels}
    row |= {f"mean_{name}": round(person.probs[name], 6) for name in labels}
    row |= {f"stretches_{name}": person.dwells[name].count for name in labels}
    row |= {f"stretch_{name}": round(person.dwells[name].mean, 3) for name in labels}
    return row | {f"longest_{name}": round(person.dwells[name].longest, 3) for name in labels}
