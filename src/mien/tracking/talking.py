"""Talking: stretches in which a mouth opens and closes as often as in speech.

Mouths of people who speak open two to seven times a second (Chandrasekaran et al. 2009, "The natural statistics of
audiovisual speech"). A *turn* is a moment in which a mouth that was opening begins to close, or the other way round,
by `SWING` and by `DEPTH` of its opening at least; somebody talks between the first and the last of `TURNS` turns within
`WINDOW` seconds. Who smiles, yawns or laughs once turns more seldom, who chews (one to two times a second) as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.measures import MEASURES

WINDOW, TURNS = 1.0, 6
SWING = 0.03
"""Parts of the eyes' distance by which the opening must change for a turn."""
DEPTH = 0.3
"""Part of the wider opening by which it must change: points of a mouth that stands wide open tremble more."""
LEAST_RATE = 12.0
"""Frames a second below which syllables fall between two of them."""
LEAST_FACE = 50.0
"""px of the square root of the box's area: in smaller faces the noise of the points is as large as syllables."""
BREAK = 0.35
"""Seconds without a measure after which nothing is known of what came before."""
HELD = 1.5
"""Seconds for which results are held back: a stretch around a frame may be that long in being told."""

NOT_KNOWN, SILENT, TALKING = -1, 0, 1
"""Values of `mien.core.faces.Faces.talking`."""

_OPENING = list(MEASURES).index("mouth_opening")


@dataclass
class _Mouth:
    """One person's mouth for as long as it was seen without a break.

    Args:
        start: Seconds of the first frame.
        high: Widest opening since the last turn, and when.
        low: Least opening since the last turn, and when.
        opens: Which way it goes; None where it has not moved yet.
        times: Of the frames in which it was measured, as far as they matter.
        turns: Times of the last turns.
        stretches: Of talk, that are not over at the time asked for last.
    """

    start: float
    high: tuple[float, float]
    low: tuple[float, float]
    opens: bool | None = None
    times: deque[float] = field(default_factory=deque)
    turns: deque[float] = field(default_factory=deque)
    stretches: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, time: float, opening: float) -> None:
        """Take in the next measure, and forget what lies too far back. Frames of one time count once."""
        if not self.times or time > self.times[-1]:
            self.times.append(time)
        while time - self.times[0] > WINDOW + HELD:
            self.times.popleft()
        self.high = max(self.high, (opening, time), key=lambda extreme: extreme[0])
        self.low = min(self.low, (opening, time), key=lambda extreme: extreme[0])
        if self.opens is not False and self.high[0] - opening >= max(SWING, DEPTH * self.high[0]):
            self._turn(self.high[1], opens=False)
            self.low = (opening, time)
        elif self.opens is not True and opening - self.low[0] >= max(SWING, DEPTH * opening):
            self._turn(self.low[1], opens=True)
            self.high = (opening, time)

    def _turn(self, time: float, opens: bool) -> None:
        first, self.opens = self.opens is None, opens
        if first:
            return  # Where a mouth was when it came into view is no turn.
        self.turns.append(time)
        if len(self.turns) > TURNS:
            self.turns.popleft()
        if len(self.turns) == TURNS and time - self.turns[0] <= WINDOW:
            self._stretch(self.turns[0], time)

    def _stretch(self, start: float, end: float) -> None:
        if self.stretches and start <= self.stretches[-1][1]:
            start = self.stretches.pop()[0]
        self.stretches.append((start, end))

    def around(self, time: float) -> int:
        """Whether it talks at a time of which what came before and after is known."""
        if not self._known(time - WINDOW / 2, time + WINDOW / 2):
            return NOT_KNOWN
        while self.stretches and self.stretches[0][1] < time:
            self.stretches.popleft()
        return TALKING if self.stretches and self.stretches[0][0] <= time else SILENT

    def now(self) -> int:
        """Whether it has talked over the last second."""
        time = self.times[-1]
        if not self._known(time - WINDOW, time):
            return NOT_KNOWN
        lately = sum(time - turn <= WINDOW for turn in self.turns)
        return TALKING if lately >= TURNS else SILENT

    def _known(self, start: float, end: float) -> bool:
        """Whether it was seen for a second, and often enough at this time."""
        if self.times[-1] - self.start < WINDOW - 1e-6:
            return False
        seen = [time for time in self.times if start - 1e-6 <= time <= end + 1e-6]
        return len(seen) > 1 and (len(seen) - 1) / (seen[-1] - seen[0]) > LEAST_RATE * 0.95


def _openings(faces: Faces) -> Iterator[tuple[int, int, float]]:
    """Row, person and opening of each mouth that is large enough to be told from noise."""
    if faces.measures is None or faces.tracks is None:
        return
    sides = np.sqrt(np.prod(faces.boxes[:, 2:] - faces.boxes[:, :2], axis=1))
    for row in np.flatnonzero((sides >= LEAST_FACE) & np.isfinite(faces.measures[:, _OPENING])).tolist():
        yield row, int(faces.tracks[row]), float(faces.measures[row, _OPENING])


class _Mouths:
    """Those of everybody in one stream."""

    def __init__(self) -> None:
        self.people: dict[int, _Mouth] = {}

    def add(self, time: float, faces: Faces) -> dict[int, _Mouth]:
        """Take in the next frame; gives the mouths in it by row."""
        self.people = {
            track: mouth for track, mouth in self.people.items() if 0 <= time - mouth.times[-1] <= BREAK
        }
        found = {}
        for row, track, opening in _openings(faces):
            extreme = (opening, time)
            found[row] = self.people.setdefault(track, _Mouth(time, extreme, extreme))
            found[row].add(time, opening)
        return found


class TalkingNow:
    """Adds ``talking`` to the faces of one live stream, frame by frame, by the last second.

    It holds the state of one stream: not for several threads at once.

    >>> from mien.core.faces import Faces
    >>> faces = TalkingNow().update(Faces([[0, 0, 40, 50]], [1], [0], [0.0], tracks=[1]))
    >>> faces.talking is None  # without landmarks that cannot be told
    True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next faces are the first of another stream."""
        self._mouths = _Mouths()

    def update(self, faces: Faces) -> Faces:
        """The faces of one frame with ``talking``; without ``measures`` or ``tracks`` they come back as they are."""
        if faces.measures is None or faces.tracks is None or not len(faces):
            return faces
        talking = np.full(len(faces), NOT_KNOWN)
        for row, mouth in self._mouths.add(float(faces.times[0]), faces).items():
            talking[row] = mouth.now()
        return faces.with_columns(talking=talking)

    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON."""
        return {
            str(track): {
                name: list(value) if isinstance(value, deque | tuple) else value
                for name, value in vars(mouth).items()
            }
            for track, mouth in self._mouths.people.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._mouths.people = {int(track): _restored(**mouth) for track, mouth in state.items()}


def _restored(
    *, high: Sequence[float], low: Sequence[float], stretches: Iterable[Sequence[float]], **rest: Any
) -> _Mouth:
    """A mouth out of what JSON has made of it."""
    rest |= {name: deque(rest[name]) for name in ("times", "turns")}
    return _Mouth(
        high=(high[0], high[1]),
        low=(low[0], low[1]),
        stretches=deque((start, end) for start, end in stretches),
        **rest,
    )


MOST_HELD = 4096  # Results held back at most, should the times stand still.


def mark_talking(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
    """Add ``talking`` to the results of one video, by what came before and after each frame.

    They come out as they came in, in order, `HELD` seconds later; those without measures or tracks as they are.

    Args:
        results: Of one source, in order of time. Times that go back begin anew.

    >>> from mien.core.faces import Faces
    >>> result = FrameResult("talk.mp4", 0, 0.0, Faces([[0, 0, 40, 50]], [1], [0], [0.0], tracks=[1]))
    >>> [marked.faces.talking for marked in mark_talking([result])]  # without landmarks that cannot be told
    [None]
    """
    mouths, held = _Mouths(), deque[tuple[FrameResult, dict[int, _Mouth]]]()
    latest = -np.inf
    for result in results:
        time = latest if result.time is None else result.time
        if time < latest:
            yield from (_marked(*one) for one in held)
            held.clear()
            mouths = _Mouths()
        latest = time
        held.append((result, {} if result.time is None else mouths.add(time, result.faces)))
        while held and (_over(held[0][0], latest) or len(held) > MOST_HELD):
            yield _marked(*held.popleft())
    yield from (_marked(*one) for one in held)


def _over(result: FrameResult, latest: float) -> bool:
    """Whether a result needs to be held back no longer."""
    return result.time is None or result.faces.measures is None or latest - result.time > HELD


def _marked(result: FrameResult, mouths: dict[int, _Mouth]) -> FrameResult:
    faces, time = result.faces, result.time
    if time is None or faces.measures is None or faces.tracks is None:
        return result
    talking = np.full(len(faces), NOT_KNOWN)
    for row, mouth in mouths.items():
        talking[row] = mouth.around(time)
    return replace(result, faces=faces.with_columns(talking=talking))
