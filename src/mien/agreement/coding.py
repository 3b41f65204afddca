"""What one rater made of one recording: stretches of one label that do not overlap, and valence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.clips.aggregate import durations
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.video.results import VideoResult

Floats = NDArray[np.float64]

_TOUCHING = 1e-3
"""Seconds; stretches that are no further apart touch: files have whole milliseconds."""


class CodedStretch(NamedTuple):
    """From when to when a label holds.

    Args:
        start: Seconds.
        end: Seconds, after ``start``.
        label: What was coded.
        line: Where it stands in the file; None where that has no lines.
    """

    start: float
    end: float
    label: str
    line: int | None = None


class Overlap(NamedTuple):
    """Two stretches of one rater that say two things of the same time."""

    one: CodedStretch
    other: CodedStretch


@dataclass(frozen=True, eq=False)
class Coding:
    """What one rater made of one recording.

    Args:
        stretches: In order of time; none overlap.
        levels: ``(m, 3)`` start, end and valence of stretches in order of time; none overlap.
    """

    stretches: tuple[CodedStretch, ...] = ()
    levels: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def codes(self, times: Floats, classes: Sequence[str]) -> NDArray[np.int64]:
        """``(n,)`` place of the label in ``classes`` at each time; -1 where nothing is coded."""
        table = np.array([stretch[:2] for stretch in self.stretches], np.float64).reshape(-1, 2)
        places = np.array([classes.index(stretch.label) for stretch in self.stretches], np.int64)
        at, there = _covering(table, times)
        codes = np.full(len(times), -1, np.int64)
        codes[there] = places[at[there]]
        return codes

    def valence(self, times: Floats) -> Floats:
        """``(n,)`` valence at each time; NaN where nothing is coded."""
        at, there = _covering(self.levels[:, :2], times)
        values = np.full(len(times), np.nan)
        values[there] = self.levels[at[there], 2]
        return values


def _covering(table: Floats, times: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which row of starts and ends covers each time, and whether one does."""
    if not len(table):
        return np.zeros(len(times), np.int64), np.zeros(len(times), np.bool_)
    at = np.searchsorted(table[:, 0], times, "right") - 1
    return at, (at >= 0) & (times < table[np.maximum(at, 0), 1])


def coding_of_rows(video: VideoResult, person: str | int) -> Coding:
    """What the rows say of one face: the label that is shown, and its valence; a frame holds up to the next one.

    Raises:
        InputError: Nobody has classified the faces, or the person is not there.
    """
    faces = face_of(video, person)
    if faces.probs is None or faces.labels is None:
        raise InputError(f"{video.source}: expected rows with expressions; got none: analyze it with mien")
    lasting = np.maximum(durations(video), _TOUCHING)
    ends = video.times + lasting
    at = np.searchsorted(video.frames, faces.frames)
    shown = [] if faces.label_ids is None else faces.label_ids.tolist()
    stretches = [
        CodedStretch(float(video.times[place]), float(ends[place]), faces.labels.display_name(label))
        for place, label in zip(at.tolist(), shown, strict=True)
    ]
    valence = faces.valence
    levels = np.empty((0, 3)) if valence is None else np.column_stack([video.times[at], ends[at], valence])
    return Coding(tuple(merged(stretches)), levels)


def face_of(video: VideoResult, person: str | int) -> Faces:
    """The faces of one person, at most one in a frame.

    Raises:
        InputError: The person is not there, or people have no numbers.
    """
    if person == "largest":
        return video.faces.largest() if len(video.faces) else video.faces
    tracks = video.faces.tracks
    numbers = [] if tracks is None else np.unique(tracks).tolist()
    wanted = [number for number in numbers if person in (number, video.names.get(number))]
    if tracks is None or not wanted:
        known = ", ".join(video.names.get(number, str(number)) for number in numbers[:20])
        raise InputError(
            f"{video.source}: expected a person of the rows; got {person}: there are {known or 'none'}"
        )
    return video.faces[np.isin(tracks, wanted)].largest()


def merged(stretches: Iterable[CodedStretch]) -> Iterator[CodedStretch]:
    """Stretches that touch and have one label as one.

    >>> list(merged([CodedStretch(0, 1, "sad"), CodedStretch(1, 2, "sad"), CodedStretch(3, 4, "sad")]))
    [CodedStretch(start=0, end=2, label='sad', line=None), CodedStretch(start=3, end=4, label='sad', line=None)]
    """
    held: CodedStretch | None = None
    for stretch in stretches:
        if held is not None and held.label == stretch.label and stretch.start <= held.end + _TOUCHING:
            held = held._replace(end=max(held.end, stretch.end))
            continue
        if held is not None:
            yield held
        held = stretch
    if held is not None:
        yield held


def apart(stretches: Iterable[CodedStretch]) -> tuple[list[CodedStretch], list[Overlap]]:
    """Stretches in order of time without the times of which they say two things, and which these are.

    >>> kept, overlaps = apart([CodedStretch(0, 2, "sad", 1), CodedStretch(1.5, 3, "happy", 2)])
    >>> [stretch[:3] for stretch in kept], [(one.line, other.line) for one, other in overlaps]
    ([(0, 1.5, 'sad'), (2, 3, 'happy')], [(1, 2)])
    """
    kept: list[CodedStretch] = []
    overlaps: list[Overlap] = []
    for group in _groups(merged(sorted(stretches))):
        for place, one in enumerate(group):
            for other in group[place + 1 :]:
                if other.start >= one.end - _TOUCHING:
                    break
                if other.label != one.label:
                    overlaps.append(Overlap(one, other))
        kept += group if len(group) == 1 else _unequivocal(group)
    return list(merged(kept)), overlaps


def _groups(stretches: Iterable[CodedStretch]) -> Iterator[list[CodedStretch]]:
    """Stretches in order of time, those that overlap together."""
    group: list[CodedStretch] = []
    end = -np.inf
    for stretch in stretches:
        if group and stretch.start >= end - _TOUCHING:
            yield group
            group = []
        group.append(stretch)
        end = stretch.end if len(group) == 1 else max(end, stretch.end)
    if group:
        yield group


def _unequivocal(group: Sequence[CodedStretch]) -> Iterator[CodedStretch]:
    edges = sorted({edge for stretch in group for edge in stretch[:2]})
    covering: list[CodedStretch] = []
    begun = 0
    for start, end in pairwise(edges):
        while begun < len(group) and group[begun].start < end:
            covering.append(group[begun])
            begun += 1
        covering = [each for each in covering if each.end > start]
        if len({each.label for each in covering}) == 1 and end - start > _TOUCHING:
            yield covering[0]._replace(start=start, end=end)


def filled(coding: Coding, label: str, start: float, end: float) -> Coding:
    """The same with a label for the time between ``start`` and ``end`` that is not coded.

    >>> filled(Coding((CodedStretch(1, 2, "happy"),)), "neutral", 0, 3).stretches[0]
    CodedStretch(start=0, end=1, label='neutral', line=None)
    """
    added, reached = [], start
    for stretch in coding.stretches:
        if stretch.start - reached > _TOUCHING:
            added.append(CodedStretch(reached, min(stretch.start, end), label))
        reached = max(reached, stretch.end)
    if end - reached > _TOUCHING:
        added.append(CodedStretch(reached, end, label))
    return replace(coding, stretches=tuple(merged(sorted([*coding.stretches, *added]))))
