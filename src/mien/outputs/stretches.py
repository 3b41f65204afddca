"""What each person showed when, as programs for annotation have it: tiers of stretches that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mien.core.names import printable
from mien.video.summary import Overview

EXPRESSION, BLINK = "expression", "blink"


class Stretch(NamedTuple):
    """A person's expression, or a blink, for a while.

    Args:
        person: Its number.
        kind: `EXPRESSION` or `BLINK`.
        start: Seconds, to the millisecond, from 0 on.
        end: Seconds, after ``start``.
        label: The expression, or ``blink``, in one line.
        confidence: Of the expression, 0 to 1; None for a blink.
    """

    person: int
    kind: str
    start: float
    end: float
    label: str
    confidence: float | None


def tiers(video: Overview) -> dict[str, list[Stretch]]:
    """The stretches of each tier in order of time: ``person 1``, ``person 1 blinks``, ``person 2`` ...

    What lies before 0 s, where such programs know no time, is cut off. A tier of blinks without any says that there were none,
    and no tier that nobody knows.
    """
    found: dict[str, list[Stretch]] = {}
    blinks = video.blinks_by_person()
    for person in sorted({*(segment.track for segment in video.segments), *blinks}):
        shown = [
            Stretch(person, EXPRESSION, each.start, each.end, each.label, each.confidence)
            for each in video.segments
            if each.track == person
        ]
        if shown:
            found[f"person {person}"] = list(_apart(shown))
        if person in blinks:
            closed = [Stretch(person, BLINK, each.start, each.end, BLINK, None) for each in blinks[person]]
            found[f"person {person} blinks"] = list(_apart(closed))
    return found


def all_stretches(video: Overview) -> list[Stretch]:
    """Those of all tiers, in order of time."""
    own = [stretch for stretches in tiers(video).values() for stretch in stretches]
    return sorted(own, key=lambda stretch: (stretch.start, stretch.person, stretch.end))


def _apart(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    last = 0.0
    for each in sorted(stretches, key=lambda each: each.start):
        start, end = max(last, round(each.start, 3)), round(each.end, 3)
        if end > start:
            yield each._replace(start=start, end=end, label=" ".join(printable(each.label).split()))
            last = end
