"""A row per person: when they were seen, what they showed, for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mien.core.labels import Labels
from mien.core.measures import MEASURES

if TYPE_CHECKING:
    from mien.tracking.persons import PersonSummary

_PARTS = ("share", "mean", "stretches", "stretch", "longest")


_STATS = ("median", "low", "high")


def person_keys(labels: Labels, landmarks: bool = False) -> list[str]:
    """Columns of the table."""
    plain = ["source", "track", "first", "last", "seconds", "frames", "mostly", "confidence", "uncertain"]
    plain += ["valence", "expressiveness"]
    keys = plain + [f"{part}_{name}" for part in _PARTS for name in labels]
    if landmarks:
        keys += ["talking", "left_out", "blinks", "blinks_per_minute"]
        keys += [f"{stat}_{name}" for name in MEASURES for stat in _STATS]
    return keys


def person_row(source: str, person: PersonSummary, labels: Labels, landmarks: bool = False) -> dict[str, Any]:
    """One person as plain values by the names of the columns.

    ``share_happy``: share of the time in view with that smoothed emotion. ``mean_happy``: mean probability.
    ``stretches_happy``: how often it was shown without a break; ``stretch_happy`` and ``longest_happy``:
    seconds of such a stretch, on average and at most. With landmarks ``median_smile``, the person's usual value, and
    ``low_smile`` and ``high_smile``, below and above which lies a tenth of the frames.
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
        "valence": _rounded(person.valence, 6),
        "expressiveness": _rounded(person.expressiveness, 6),
    }
    row |= {f"share_{name}": round(person.shares[name], 6) for name in labels}
    row |= {f"mean_{name}": round(person.probs[name], 6) for name in labels}
    row |= {f"stretches_{name}": person.dwells[name].count for name in labels}
    row |= {f"stretch_{name}": round(person.dwells[name].mean, 3) for name in labels}
    row |= {f"longest_{name}": round(person.dwells[name].longest, 3) for name in labels}
    return row | _measures(person) if landmarks else row


def _measures(person: PersonSummary) -> dict[str, Any]:
    row: dict[str, Any] = {
        "talking": _rounded(person.talking, 6),
        "left_out": round(person.left_out, 3),
        "blinks": person.blinks,
        "blinks_per_minute": _rounded(person.blinks_per_minute, 2),
    }
    for name in MEASURES:
        stats = person.measures.get(name)
        row |= {
            f"{stat}_{name}": _rounded(None if stats is None else getattr(stats, stat), 4) for stat in _STATS
        }
    return row


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
