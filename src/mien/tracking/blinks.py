"""Blinks: short closings of both eyes, told by how far a person's eyes are usually open."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from mien.core.faces import Faces
from mien.core.measures import MEASURES
from mien.core.spacing import Spacing

CLOSED, OPEN = 0.6, 0.7
"""Parts of the usual opening below which eyes close and above which they are open again."""
LONGEST = 0.5
"""Seconds; eyes that are shut for longer do not blink."""
REMEMBERED = 3.0
"""Seconds from which the usual opening is taken: their median. Eyes that a smile narrows are usual soon."""
FIRST = 0.5
"""Seconds of open eyes that must be known before one blink is."""
COARSEST = 1 / 15
"""Seconds between frames beyond which many blinks fall between two of them."""
_EYES = [list(MEASURES).index(name) for name in ("left_eye_opening", "right_eye_opening")]


@dataclass(frozen=True)
class Blink:
    """One person closing both eyes for a moment.

    Args:
        track: Id of the person.
        start: Seconds of the first frame with closed eyes.
        end: Seconds of the first frame after it.
    """

    track: int
    start: float
    end: float


@dataclass
class _Eyes:
    """One person's."""

    openings: deque[tuple[float, float]] = field(default_factory=deque)
    shut: float | None = None

    def usual(self) -> float:
        return float(np.median([opening for _, opening in self.openings]))


class Blinks:
    """Finds the blinks of everybody in one stream, as it comes.

    Args:
        gap: Seconds; a person not seen for longer was away.

    Attributes:
        watched: Seconds for which each person's eyes could be seen, by id, in frames that come fast enough.
        counts: Blinks of each person so far, by id.
    """

    def __init__(self, gap: float = 1.0) -> None:
        self.watched: dict[int, float] = {}
        self.counts: dict[int, int] = {}
        self._spacing = Spacing(gap)
        self._eyes: dict[int, _Eyes] = {}

    def update(self, faces: Faces) -> list[Blink]:
        """Take in the faces of the next frame, which may be none; gives the blinks that are now over."""
        if faces.measures is None or faces.tracks is None or not len(faces):
            return []
        now = float(faces.times[0])
        self._spacing.take(now)
        openings = faces.measures[:, _EYES].mean(axis=1).tolist()
        found = [
            self._take(track, now, opening)
            for track, opening in zip(faces.tracks.tolist(), openings, strict=True)
        ]
        return [blink for blink in found if blink is not None]

    def per_minute(self, track: int) -> float | None:
        """Blinks a minute of a person; None where their eyes were not seen often enough: for less than a
        second, or in frames that are further apart than `COARSEST`."""
        watched = self.watched.get(track, 0.0)
        return None if watched < 1 else 60 * self.counts.get(track, 0) / watched

    def _take(self, track: int, now: float, opening: float) -> Blink | None:
        eyes = self._eyes.setdefault(track, _Eyes())
        if np.isnan(opening):
            eyes.shut = None
            return None
        step = now - eyes.openings[-1][0] if eyes.openings else 0.0
        if step < 0 or step > self._spacing.least:
            self._eyes[track] = eyes = _Eyes()
        elif 0 < step <= COARSEST * 1.05:
            self.watched[track] = self.watched.get(track, 0.0) + step
            self.counts.setdefault(track, 0)
        else:
            eyes.shut = None
        eyes.openings.append((now, opening))
        while now - eyes.openings[0][0] > REMEMBERED:
            eyes.openings.popleft()
        if now - eyes.openings[0][0] < FIRST:
            return None
        return self._judge(track, eyes, now, opening)

    def _judge(self, track: int, eyes: _Eyes, now: float, opening: float) -> Blink | None:
        usual = eyes.usual()
        if eyes.shut is None:
            before = eyes.openings[-2][1] if len(eyes.openings) > 1 else opening
            if opening < CLOSED * usual <= before:
                eyes.shut = now
            return None
        if opening < OPEN * usual:
            return None
        start, eyes.shut = eyes.shut, None
        if now - start > LONGEST:
            return None
        self.counts[track] = self.counts.get(track, 0) + 1
        return Blink(track, start, now)


class BlinkRates:
    """How often everybody in one stream blinked a minute, over the last minute, as it comes.

    A rate is known once somebody's eyes were seen for `KNOWN` seconds of it, in frames that come fast enough
    (`COARSEST`); whoever is away for a minute begins anew.

    >>> rates = BlinkRates()
    >>> rates.update(Faces.empty())
    {}
    """

    WINDOW, KNOWN = 60.0, 15.0

    def __init__(self) -> None:
        self._blinks = Blinks()
        # Of each person time, seconds watched and blinks by then.
        self._seen: dict[int, deque[tuple[float, float, int]]] = {}

    def update(self, faces: Faces) -> dict[int, float]:
        """Take in the faces of the next frame; gives the rates that are known of them, by id."""
        self._blinks.update(faces)
        if faces.measures is None or faces.tracks is None or not len(faces):
            return {}
        now = float(faces.times[0])
        self._seen = {
            track: seen for track, seen in self._seen.items() if 0 <= now - seen[-1][0] <= self.WINDOW
        }
        rates = {track: self._rate(track, now) for track in faces.tracks.tolist()}
        return {track: rate for track, rate in rates.items() if rate is not None}

    def _rate(self, track: int, now: float) -> float | None:
        seen = self._seen.setdefault(track, deque())
        seen.append((now, self._blinks.watched.get(track, 0.0), self._blinks.counts.get(track, 0)))
        while now - seen[0][0] > self.WINDOW:
            seen.popleft()
        watched, blinks = seen[-1][1] - seen[0][1], seen[-1][2] - seen[0][2]
        return None if watched < self.KNOWN else 60 * blinks / watched
