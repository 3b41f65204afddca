"""What one person of a recording shows, as series over its frames: expressions, valence, expressiveness, and what landmarks
measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.clips.aggregate import durations
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.formatting import counted, percent
from mien.core.measures import MEASURES
from mien.video.results import VideoResult

Floats = NDArray[np.float64]
PersonRule = Literal["longest", "largest", "all"] | int
RULES = ("longest", "largest", "all")


@dataclass(frozen=True, eq=False)
class Signals:
    """Series of one person, a row for each frame of the recording.

    Args:
        names: Of the columns; the expressions come first.
        expressions: How many of them are expressions: 0 where a program measured landmarks alone.
        times: ``(n,)`` seconds at which each frame begins.
        lasting: ``(n,)`` seconds that it stands for (`mien.clips.aggregate.durations`).
        values: ``(n, s)`` smoothed where they were; NaN where the person was not seen or not measured.
        shown: ``(n,)`` column of the expression that is shown, -1 for uncertain or nobody.
        uncertain: ``(n,)`` whether its probability is low (`Faces.uncertain`).
    """

    names: tuple[str, ...]
    expressions: int
    times: Floats
    lasting: Floats
    values: Floats
    shown: NDArray[np.int64]
    uncertain: NDArray[np.bool_]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """``(n,)`` in which frames the person was read."""
        return np.asarray(np.isfinite(self.values).any(axis=1))

    def between(self, start: float, end: float) -> Signals:
        """The frames that stand for a part of a stretch, in seconds."""
        inside = np.flatnonzero((self.times + self.lasting > start) & (self.times < end))
        columns = {
            name: getattr(self, name)[inside] for name in ("times", "lasting", "values", "shown", "uncertain")
        }
        return replace(self, **columns)


def read_signals(video: VideoResult, rule: PersonRule = "longest") -> tuple[Signals, list[str]]:
    """The series of one person.

    An image stands for one second, as it has no length of its own.

    Args:
        video: With probabilities, with what landmarks measure, or with both.
        rule: Who: the person in view ``longest``; the ``largest`` face of each frame; ``all``, whose values are averaged in
            each frame; or the number of a person (``track``).

    Returns:
        The series, and what a person should know of the choice.

    Raises:
        InputError: The faces have neither, or there is no such person.
    """
    faces = video.faces
    if faces.labels is None and faces.measures is None:
        raise InputError(
            f"{video.source}: expected faces with expressions or measures of landmarks; got neither: give the rows that mien analyze writes"
        )
    lasting = durations(video)
    lasting = lasting if lasting.sum() > 0 else np.ones(len(lasting))
    chosen, remarks = _person(video, rule, lasting)
    names, values = _columns(chosen)
    if not names:
        raise InputError(
            f"{video.source}: expected faces with expressions or measures of landmarks; nothing was measured"
        )
    place = np.searchsorted(video.frames, chosen.frames)
    table = _per_frame(values, place, len(video.frames))
    shown, uncertain = _shown(chosen, table, place, averaged=rule == "all")
    expressions = 0 if faces.labels is None else len(faces.labels)
    return Signals(names, expressions, video.times, lasting, table, shown, uncertain), remarks


def _person(video: VideoResult, rule: PersonRule, lasting: Floats) -> tuple[Faces, list[str]]:
    """The rows of whom it is about."""
    faces = video.faces
    if rule == "all" or not len(faces):
        return faces, []
    if faces.tracks is None:
        if isinstance(rule, int):
            raise InputError(
                f"{video.source}: expected people with numbers; nobody was followed: analyze again without --no-track"
            )
        return faces.largest(), []
    if rule == "largest":
        return faces.largest(), []
    tracks, seconds = _in_view(video, lasting)
    if isinstance(rule, int) and rule not in tracks:
        there = ", ".join(map(str, tracks.tolist()[:10]))
        raise InputError(f"{video.source}: expected person {rule}; there are {there}: give one of them")
    track = rule if isinstance(rule, int) else int(tracks[seconds.argmax()])
    remarks = []
    if len(tracks) > 1:
        together = seconds.sum() or 1.0  # Frames of one and the same time do not last.
        share = seconds[tracks.tolist().index(track)] / together
        remarks = [
            f"{video.source}: {counted(len(tracks), 'person', 'people')} in view; person {track} is taken, "
            f"who has {percent(float(share))} of the time of all"
        ]
    return faces[np.flatnonzero(faces.tracks == track)], remarks


def _in_view(video: VideoResult, lasting: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The numbers of the people, and how many seconds each was in view."""
    assert video.faces.tracks is not None
    tracks, which = np.unique(video.faces.tracks, return_inverse=True)
    each = lasting[np.searchsorted(video.frames, video.faces.frames)]
    return tracks, np.bincount(which, weights=each, minlength=len(tracks)).astype(np.float64)


def _columns(faces: Faces) -> tuple[tuple[str, ...], Floats]:
    """Names, and a value of each for each row."""
    columns: dict[str, Floats] = {}
    if faces.labels is not None:
        probs = np.asarray(faces.probs if faces.smoothed_probs is None else faces.smoothed_probs, np.float64)
        columns = dict(zip(faces.labels, probs.T, strict=True))
    for name in ("valence", "expressiveness"):
        if (column := getattr(faces, name)) is not None:
            columns[name] = column
    if faces.measures is not None:
        measured = [bool(np.isfinite(column).any()) for column in faces.measures.T]
        columns |= {
            name: faces.measures[:, number].astype(np.float64)
            for number, name in enumerate(MEASURES)
            if measured[number]
        }
    return tuple(columns), np.array(list(columns.values())).T


def _per_frame(values: Floats, place: NDArray[np.int64], frames: int) -> Floats:
    """``(frames, s)`` the mean of the rows of each frame that have a value; NaN where there is none."""
    there = np.isfinite(values)
    sums, counts = np.zeros((frames, values.shape[1])), np.zeros((frames, values.shape[1]))
    np.add.at(sums, place, np.where(there, values, 0.0))
    np.add.at(counts, place, there)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _shown(
    faces: Faces, table: Floats, place: NDArray[np.int64], *, averaged: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which expression each frame shows, and whether that is uncertain."""
    shown, uncertain = np.full(len(table), -1), np.zeros(len(table), np.bool_)
    labels = faces.labels
    if labels is None or not len(faces):
        return shown, uncertain
    if averaged:
        seen = ~np.isnan(table[:, 0])
        probs = table[seen, : len(labels)]
        shown[seen], uncertain[seen] = probs.argmax(axis=1), probs.max(axis=1) < labels.uncertainty_threshold
    else:
        shown[place], uncertain[place] = faces.label_ids, faces.uncertain
    return shown, uncertain
