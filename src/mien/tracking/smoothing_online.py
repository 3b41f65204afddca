"""Smoothing of a live stream: only what came before a frame bears on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.core.spacing import Spacing
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.evidence import case, certainty, log_probs, normalised, tracks_of, weights
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
            logs = np.stack(
                [self._neutral.calibrated(track, now, row) for track, row in zip(tracks, logs, strict=True)]
            )
            self._neutral.forget(now - REMEMBERED)
        patience = self._spacing.patience
        self._spacing.take(now)
        self._courses = {
            track: course for track, course in self._courses.items() if 0 <= now - course.time <= patience
        }
        sure = certainty(logs)
        smooth = np.empty_like(logs)
        for row, track in enumerate(tracks):
            course = self._courses.setdefault(track, _Course(now, np.zeros(logs.shape[1])))
            smooth[row] = course.take(now, logs[row], weight[row] * sure[row], self.options.tau)
            course.decide(logs[row], weight[row], self.options.evidence)
        return faces.with_columns(
            smoothed_probs=normalised(smooth),
            smoothed_emotion_ids=[self._courses[track].label_id for track in tracks],
        )

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
    """One person: fading sums, and what speaks for each label that is not shown."""

    time: float
    sums: Floats
    total: float = 0.0
    step: float = 0.0
    label_id: int = -1
    case: Floats | None = None

    def take(self, now: float, logs: Floats, weight: float, tau: float) -> Floats:
        """``(k,)`` mean log-probabilities up to now."""
        self.step = now - self.time if self.total else FIRST
        self.time = now
        left = float(np.exp(-self.step / tau))
        share = (1 - left) * weight
        self.sums = self.sums * left + share * logs
        self.total = self.total * left + share
        return self.sums / self.total

    def decide(self, logs: Floats, weight: float, evidence: float) -> None:
        """Which label is shown."""
        if self.label_id < 0 or self.case is None:
            self.label_id, self.case = int(logs.argmax()), np.zeros(len(logs))
            return
        behind = case(logs, self.step, weight, evidence)
        self.case = np.maximum(0, self.case + (behind - behind[self.label_id]))
        best = int(self.case.argmax())
        if self.case[best] >= evidence:
            self.label_id, self.case = best, np.zeros(len(logs))

    def state(self) -> dict[str, Any]:
        case = None if self.case is None else self.case.tolist()
        return {
            "time": self.time,
            "sums": self.sums.tolist(),
            "total": self.total,
            "step": self.step,
            "label_id": self.label_id,
            "case": case,
        }

    @staticmethod
    def restored(state: dict[str, Any]) -> _Course:
        case = None if state["case"] is None else np.array(state["case"])
        return _Course(**{**state, "sums": np.array(state["sums"]), "case": case})
