"""Calibration for faces that seem to show something also when they are neutral."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.tracking.evidence import FLOOR, apart_of, log_probs, tracks_of

Floats = NDArray[np.float64]

SHARE = 0.5  # Probability of neutral in a neutral face after calibration; the others share the rest.
MOST = 0.5  # Nats by which a label is shifted at most.
NEUTRAL_FROM = 0.1  # Probability of neutral below which a face is taken for an expression, and left alone.
LEAST = 3.0  # s of a person before a running median is used.
ENOUGH = 10.0  # s of a person for a median of their own; with less, the video's is used.
BINS = 64
LONGEST = 1.0  # s that one frame may stand for.


class NeutralBaseline:
    """Learns how a person's neutral face is read, and takes that out of later results.

    Every log-probability is shifted by what the person's neutral face lacks of, or has beyond, that of a face
    in which neutral has one half and the other expressions share the rest alike: less of what they always seem
    to show, more of what they seldom do. A shift is half a nat at most, so that what is clearly shown stays. Who
    is hardly neutral at all in that time (under a tenth) shows something: nothing is shifted for them. How much
    is right was measured (docs/tracking-measured.md, ``benchmarks/studies/baseline.py``). From faces that are smoothed apart
    (`mien.tracking.evidence.apart_of`) nothing is learned.

    Args:
        labels: Names of the columns; ``neutral`` must be among them.
        source: Seconds of neutral face at the start of each person, or ``"median"`` of all that was seen of
            the person so far.

    Raises:
        InputError: There is no label ``neutral``.

    >>> from mien.core.labels import EXPRESSIONS
    >>> NeutralBaseline(EXPRESSIONS, 3.0).source
    3.0
    >>> NeutralBaseline(Labels(("happy", "sad")), "median")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected labels with neutral, to calibrate by; got happy, sad: leave neutral out
    """

    def __init__(self, labels: Labels, source: float | Literal["median"]) -> None:
        if "neutral" not in labels:
            raise InputError(
                f"expected labels with neutral, to calibrate by; got {', '.join(labels)}: leave neutral out"
            )
        self.source = source
        self._column = labels.index("neutral")
        self._usual = np.full(len(labels), np.log((1 - SHARE) / (len(labels) - 1)))
        self._usual[self._column] = np.log(SHARE)
        self._people: dict[int, _Habit] = {}
        self._all = _Habit(len(labels))
        self._learned = False

    @staticmethod
    def learn(results: Iterable[FrameResult], labels: Labels) -> NeutralBaseline:
        """Medians of a whole video, in a first pass over it: each person's own, or everyone's for those
        seen only briefly."""
        found = NeutralBaseline(labels, "median")
        for result in results:
            faces = result.faces
            if result.time is not None and faces.probs is not None and len(faces):
                for track, apart, logs in found._rows(faces):
                    habit = found._habit(track)
                    if apart:
                        habit.last = result.time
                    else:
                        found._all.weigh(habit.add(logs, result.time), logs)
        found._people = {track: habit for track, habit in found._people.items() if habit.seconds >= ENOUGH}
        found._learned = True
        return found

    def calibrated(self, faces: Faces, time: float) -> Floats:
        """``(n, k)`` log-probabilities of the faces of one frame, with each person's neutral face taken out."""
        return np.stack(
            [self._calibrated(track, apart, time, logs) for track, apart, logs in self._rows(faces)]
        )

    def _rows(self, faces: Faces) -> Iterable[tuple[int, bool, Floats]]:
        return zip(tracks_of(faces), apart_of(faces), log_probs(faces), strict=True)

    def _calibrated(self, track: int, apart: bool, time: float, logs: Floats) -> Floats:
        if self._learned:
            return self._shifted(logs, self._people.get(track, self._all).median())
        habit, running = self._habit(track), self.source == "median"
        if apart:
            habit.last = time
        elif running or habit.seconds < float(self.source):
            habit.add(logs, time)
        if not habit.weight or (running and habit.seconds < LEAST):
            return logs
        return self._shifted(logs, habit.median() if running else habit.mean())

    def forget(self, before: float) -> None:
        """Drop people who were last seen before a time: their ids do not come again."""
        if not self._learned:
            self._people = {
                track: habit
                for track, habit in self._people.items()
                if habit.last is not None and habit.last >= before
            }

    def state(self) -> dict[str, Any]:
        """All that was learned, ready for JSON."""
        return {
            "people": {str(track): habit.state() for track, habit in self._people.items()},
            "all": self._all.state(),
            "learned": self._learned,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._people = {int(track): _Habit.restored(habit) for track, habit in state["people"].items()}
        self._all = _Habit.restored(state["all"])
        self._learned = bool(state["learned"])

    def _habit(self, track: int) -> _Habit:
        if track not in self._people:
            self._people[track] = _Habit(len(self._usual))
        return self._people[track]

    def _shifted(self, logs: Floats, habit: Floats) -> Floats:
        if habit[self._column] - _log_sum(habit) < np.log(NEUTRAL_FROM):
            return logs
        shifted = logs - np.clip(habit - self._usual, -MOST, MOST)
        return np.asarray(shifted - _log_sum(shifted))


class _Habit:
    """How a person is usually read: sums for the mean, histograms of log-probabilities for the median."""

    def __init__(self, classes: int) -> None:
        self.last: float | None = None
        self.seconds = 0.0
        self._sums, self.weight = np.zeros(classes), 0.0
        self._bins = np.zeros((classes, BINS))

    def add(self, logs: Floats, time: float) -> float:
        """Take in a frame; returns for how many seconds it stands."""
        step = 0.0 if self.last is None else min(LONGEST, max(0.0, time - self.last))
        self.last = time
        self.seconds += step
        self.weigh(step, logs)
        return step

    def weigh(self, step: float, logs: Floats) -> None:
        weight = max(step, 1e-3)
        self._sums += weight * logs
        self.weight += weight
        places = np.clip((logs / np.log(FLOOR) * BINS).astype(int), 0, BINS - 1)
        self._bins[np.arange(len(places)), places] += weight

    def mean(self) -> Floats:
        """``(k,)`` mean log-probabilities."""
        return self._sums / max(self.weight, 1e-12)

    def median(self) -> Floats:
        """``(k,)`` medians of the log-probabilities, to within half a bin (0.04)."""
        half = self._bins.cumsum(axis=1) >= self._bins.sum(axis=1, keepdims=True) / 2
        return np.asarray((half.argmax(axis=1) + 0.5) / BINS * np.log(FLOOR))

    def state(self) -> dict[str, Any]:
        return {
            "last": self.last,
            "seconds": self.seconds,
            "sums": self._sums.tolist(),
            "weight": self.weight,
            "bins": self._bins.tolist(),
        }

    @staticmethod
    def restored(state: dict[str, Any]) -> _Habit:
        habit = _Habit(len(state["sums"]))
        habit.last, habit.seconds, habit.weight = state["last"], state["seconds"], state["weight"]
        habit._sums, habit._bins = np.array(state["sums"]), np.array(state["bins"])
        return habit


def _log_sum(logs: Floats) -> float:
    """Logarithm of the sum of the probabilities."""
    return float(np.logaddexp.reduce(logs))
