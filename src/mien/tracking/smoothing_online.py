"""Smoothing of a live stream: only what came before a frame bears on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.core.spacing import Spacing
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.evidence import apart_of, case, certainty, log_probs, normalised, tracks_of, weights
from mien.tracking.options import Smoothing

Floats = NDArray[np.float64]

FIRST = 0.04  # s that the first frame of a person stands for.
REMEMBERED = 10.0  # s for which the neutral face of someone who is gone is kept.


class OnlineSmoother:
    """Adds ``smoothed_probs`` and ``smoothed_emotion`` to the faces of one stream, frame by frame.

    Probabilities: the exponential mean of the log-probabilities with time constant ``tau``, for steps of any
    length, weighted by how sure the detector is, how large the face and how certain the result; then made
    probabilities again. Steady label: another label is shown once enough evidence for it has added up since
    it last was behind (Page's cumulative sum test, Biometrika 41, 1954).

    Where `mien.tracking.talking.TalkingNow` has told who talks, talk and the rest of a person are smoothed apart: neither
    bears on the other.

    It holds the state of one stream: not for several threads at once.

    Args:
        labels: Names of the columns of ``probs``.
        options: How to smooth.

    Raises:
        InputError: Calibration by neutral was asked for, and no label has that name.

    >>> from mien.core.faces import Faces
    >>> labels = Labels(("sad", "happy"))
    >>> smoother = OnlineSmoother(labels)
    >>> for time, happy in [(0.0, 0.9), (0.04, 0.2), (0.08, 0.9)]:
    ...     faces = Faces([[0, 0, 40, 50]], [1], [0], [time], tracks=[1], probs=[[1 - happy, happy]], labels=labels)
    ...     print(faces.emotions, [face.smoothed_emotion for face in smoother.update(faces)])
    ['happy'] ['happy']
    ['sad'] ['happy']
    ['happy'] ['happy']
    """

    def __init__(self, labels: Labels, options: Smoothing | None = None) -> None:
        self.labels = labels
        self.options = Smoothing() if options is None else options
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next faces are the first of another stream."""
        neutral = self.options.baseline
        self._neutral = None if neutral is None else NeutralBaseline(self.labels, neutral)
        self._courses: dict[int, _Course] = {}
        self._spacing = Spacing(self.options.gap)

    def update(self, faces: Faces) -> Faces:
        """The faces of one frame with ``smoothed_probs`` and ``smoothed_emotion``.

        Args:
            faces: Of one frame, with ``tracks`` and ``probs``; a frame without faces is as good.

        Raises:
            InputError: The faces have no tracks.
        """
        if not len(faces) or faces.probs is None:
            return faces
        now = float(faces.times[0])
        tracks, logs, weight = tracks_of(faces), log_probs(faces), weights(faces)
        if self._neutral is not None:
            logs = self._neutral.calibrated(faces, now)
            self._neutral.forget(now - REMEMBERED)
        patience = self._spacing.patience
        self._spacing.take(now)
        self._courses = {
            track: course for track, course in self._courses.items() if 0 <= now - course.time <= patience
        }
        sure, apart = certainty(logs), apart_of(faces)
        smooth, shown = np.empty_like(logs), []
        for row, track in enumerate(tracks):
            course = self._courses.setdefault(track, _Course(now))
            step, mean = course.step(now), course.mean(apart[row], logs.shape[1])
            smooth[row] = mean.take(step, logs[row], weight[row] * sure[row], self.options.tau)
            shown.append(mean.decide(step, logs[row], weight[row], self.options.evidence))
        return faces.with_columns(smoothed_probs=normalised(smooth), smoothed_emotion_ids=shown)

    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON; a smoother that restores it goes on to the same bits."""
        return {
            "courses": {str(track): course.state() for track, course in self._courses.items()},
            "neutral": None if self._neutral is None else self._neutral.state(),
            "spacing": self._spacing.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the smoother that gave this `state` was; labels and options must be the same."""
        self.reset()
        self._courses = {int(track): _Course.restored(course) for track, course in state["courses"].items()}
        self._spacing.restore(state["spacing"])
        if self._neutral is not None and state["neutral"] is not None:
            self._neutral.restore(state["neutral"])


@dataclass
class _Course:
    """One person, without a gap."""

    time: float
    begun: bool = False
    means: dict[bool, _Mean] = field(default_factory=dict)  # Of what is smoothed apart, and of the rest.

    def step(self, now: float) -> float:
        """Seconds that the frame of now stands for."""
        step = now - self.time if self.begun else FIRST
        self.time, self.begun = now, True
        return step

    def mean(self, apart: bool, classes: int) -> _Mean:
        return self.means.setdefault(apart, _Mean(np.zeros(classes)))

    def state(self) -> dict[str, Any]:
        means = {str(int(apart)): mean.state() for apart, mean in self.means.items()}
        return {"time": self.time, "begun": self.begun, "means": means}

    @staticmethod
    def restored(state: dict[str, Any]) -> _Course:
        means = {bool(int(apart)): _Mean.restored(mean) for apart, mean in state["means"].items()}
        return _Course(state["time"], state["begun"], means)


@dataclass
class _Mean:
    """Fading sums, and what speaks for each label that is not shown."""

    sums: Floats
    total: float = 0.0
    label_id: int = -1
    case: Floats | None = None

    def take(self, step: float, logs: Floats, weight: float, tau: float) -> Floats:
        """``(k,)`` mean log-probabilities up to now."""
        if not self.total:
            step = step or FIRST  # Of two frames of one time the second may be the first of its kind.
        left = float(np.exp(-step / tau))
        share = (1 - left) * weight
        self.sums = self.sums * left + share * logs
        self.total = self.total * left + share
        return self.sums / self.total

    def decide(self, step: float, logs: Floats, weight: float, evidence: float) -> int:
        """Which label is shown."""
        if self.label_id < 0 or self.case is None:
            self.label_id, self.case = int(logs.argmax()), np.zeros(len(logs))
            return self.label_id
        behind = case(logs, step, weight, evidence)
        self.case = np.maximum(0, self.case + (behind - behind[self.label_id]))
        best = int(self.case.argmax())
        if self.case[best] >= evidence:
            self.label_id, self.case = best, np.zeros(len(logs))
        return self.label_id

    def state(self) -> dict[str, Any]:
        case = None if self.case is None else self.case.tolist()
        return {**vars(self), "sums": self.sums.tolist(), "case": case}

    @staticmethod
    def restored(state: dict[str, Any]) -> _Mean:
        case = None if state["case"] is None else np.array(state["case"])
        return _Mean(**{**state, "sums": np.array(state["sums"]), "case": case})
