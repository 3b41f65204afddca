"""People in a fixed number of places, as streams need them whose width never changes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mien.core.face import Face
from mien.outlets.base import StreamFacts

_HELD = 2.0
"""Seconds for which the place of a person who is not in view stays free."""


class Places:
    """Gives each person a place for as long as they are there. Who comes when all places are taken has none.

    Args:
        count: How many places there are.

    >>> places, box = Places(2), (0.0, 0.0, 9.0, 9.0)
    >>> def seen(time, *tracks):
    ...     faces = places.update([Face(0, time, box, 1.0, track=track) for track in tracks], time)
    ...     return [None if face is None else face.track for face in faces]
    >>> seen(0.0, 1, 2, 3), seen(1.0, 2), seen(1.5, 2, 4), seen(3.0, 2, 4)
    ([1, 2], [None, 2], [None, 2], [4, 2])
    """

    def __init__(self, count: int) -> None:
        self._owners: list[int | None] = [None] * count
        self._seen = [-math.inf] * count

    def update(self, faces: Sequence[Face], time: float) -> list[Face | None]:
        """Who is in each place; None: nobody is in view."""
        there = {face.track: face for face in faces if face.track is not None}
        for track in sorted(there):
            if track not in self._owners:
                self._take(track, time)
        for place, owner in enumerate(self._owners):
            if owner in there:
                self._seen[place] = time
        return [None if owner is None else there.get(owner) for owner in self._owners]

    def _take(self, track: int, time: float) -> None:
        free = [place for place, seen in enumerate(self._seen) if time - seen >= _HELD]
        if free:
            place = min(free, key=lambda place: (self._seen[place], place))
            self._owners[place], self._seen[place] = track, time


def values_of(face: Face | None, facts: StreamFacts) -> list[float]:
    """The numbers of `StreamFacts.values` for one person; NaN for what is not known, and for nobody.

    The probabilities are smoothed where people are followed.
    """
    if face is None:
        return [math.nan] * len(facts.values)
    told = {
        "person": face.track,
        "valence": face.valence,
        "expressiveness": face.expressiveness,
        **(face.smoothed_probs or face.probs or {}),
        **(face.measures or {}),
    }
    known = (told.get(name) for name, _ in facts.values)
    return [math.nan if value is None else float(value) for value in known]
