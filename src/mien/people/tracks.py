"""The tracks of one recording while lines change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.core.formatting import clock, counted
from mien.video.results import VideoResult

_MOST_NUMBER = 1_000_000_000
"""Tables have 32 bits for the number of a person."""


class TrackChange(Protocol):
    """What a line asks for (`mien.people.corrections.Correction`)."""

    @property
    def change(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def other(self) -> str: ...
    @property
    def start(self) -> float | None: ...
    @property
    def end(self) -> float | None: ...
    @property
    def name(self) -> str: ...


class Tracks:
    """The tracks of one recording; every change sees what the ones before it have made.

    Two faces of one frame never become one person: a change that would do so is refused whole.

    Args:
        video: The recording.
    """

    def __init__(self, video: VideoResult) -> None:
        self._video = video
        self._followed = video.faces.tracks is not None
        self._tracks = np.array(
            video.faces.tracks if self._followed else np.zeros(len(video.faces)), np.int64
        )
        self._kept = np.ones(len(video.faces), np.bool_)
        self._looked = np.ones(len(video.times), np.bool_)
        self._names = dict(video.names)
        self._highest = int(self._tracks.max(initial=0))

    def change(self, line: TrackChange) -> str:
        """Do what a line asks for.

        Returns:
            Why it cannot be done, in words; empty when it was.
        """
        if not line.person:
            return self._exclude_stretch(line)
        if not self._followed:
            return "nobody was followed, so there are no persons"
        person = self._number(line.person)
        if person is None:
            return f"there is no person {line.person}{self._known()}"
        return _CHANGES[line.change](self, line, person)

    def result(self) -> VideoResult:
        """The recording as changed."""
        video = self._video
        faces = video.faces[self._kept]
        if self._followed and len(faces):
            faces = faces.with_columns(tracks=self._tracks[self._kept])
        there = {*self._tracks[self._kept].tolist()}
        names = {number: name for number, name in self._names.items() if number in there}
        return replace(
            video,
            faces=faces,
            frames=video.frames[self._looked],
            times=video.times[self._looked],
            names=names,
        )

    def _join(self, line: TrackChange, person: int) -> str:
        other = self._number(line.other)
        if other is None:
            return f"there is no person {line.other}{self._known()}"
        if other == person:
            return f"{line.person} and {line.other} are one person already"
        problem = self._become(self._of(other, line), person)
        if not problem and other in self._names and not self._of(other).any():
            self._names.setdefault(person, self._names.pop(other))
        return problem

    def _split(self, line: TrackChange, person: int) -> str:
        where = self._of(person, line)
        if not where.any():
            return f"person {line.person} is not seen then"
        if not line.other:
            return self._become(where, self._highest + 1)
        other = self._number(line.other)
        if other is None and not (line.other.isdecimal() and int(line.other) <= _MOST_NUMBER):
            return f"expected a number up to {_MOST_NUMBER:,} for the new person; got {line.other}"
        return self._become(where, int(line.other) if other is None else other)

    def _swap(self, line: TrackChange, person: int) -> str:
        other = self._number(line.other)
        if other is None:
            return f"there is no person {line.other}{self._known()}"
        one, two = self._of(person, line), self._of(other, line)
        if other == person or not (one.any() or two.any()):
            return "there is nobody to swap then"
        self._tracks[one], self._tracks[two] = other, person
        return ""

    def _name(self, line: TrackChange, person: int) -> str:
        holder = next((number for number, name in self._names.items() if name == line.name), person)
        if holder != person and self._of(holder).any():
            return f"person {holder} is called {line.name} already: join {holder} and {person}, or give another name"
        self._names[person] = line.name
        return ""

    def _exclude(self, line: TrackChange, person: int) -> str:
        where = self._of(person, line)
        self._kept &= ~where
        return "" if where.any() else f"person {line.person} is not seen then"

    def _exclude_stretch(self, line: TrackChange) -> str:
        frames = self._during(self._video.times, line)
        self._looked &= ~frames
        self._kept &= ~self._during(self._video.faces.times, line)
        return "" if frames.any() else "the recording has no frame then"

    def _become(self, where: NDArray[np.bool_], number: int) -> str:
        """Faces get a number, unless somebody in their frames has it."""
        taken = self._video.faces.frames[self._of(number) & ~where]
        both = where & np.isin(self._video.faces.frames, taken)
        if both.any():
            first = clock(float(self._video.faces.times[both][0]), 2)
            return f"both are seen in {counted(int(both.sum()), 'frame')}, first at {first}: exclude one of them there, or split before"
        self._tracks[where] = number
        self._highest = max(self._highest, number)
        return ""

    def _of(self, number: int, line: TrackChange | None = None) -> NDArray[np.bool_]:
        """Faces of a person that are not excluded; of a line, in its time."""
        own = self._kept & (self._tracks == number)
        return np.asarray(own if line is None else own & self._during(self._video.faces.times, line))

    @staticmethod
    def _during(times: NDArray[np.float64], line: TrackChange) -> NDArray[np.bool_]:
        start = -np.inf if line.start is None else line.start
        end = np.inf if line.end is None else line.end
        return np.asarray((times >= start) & (times < end))

    def _number(self, person: str) -> int | None:
        """The number of a person that is there, by number or name."""
        there = {*self._tracks[self._kept].tolist()}
        if person.isdecimal() and int(person) in there:
            return int(person)
        return next(
            (number for number, name in self._names.items() if name == person and number in there), None
        )

    def _known(self) -> str:
        there = sorted({*self._tracks[self._kept].tolist()})
        if not there:
            return ": there is nobody"
        more = "" if len(there) <= 12 else f" and {len(there) - 12} more"
        return f": there are {', '.join(map(str, there[:12]))}{more}"


_CHANGES: Mapping[str, Callable[[Tracks, TrackChange, int], str]] = {
    "join": Tracks._join,
    "split": Tracks._split,
    "swap": Tracks._swap,
    "name": Tracks._name,
    "exclude": Tracks._exclude,
}
