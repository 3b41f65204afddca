"""One answer for a whole clip out of the results of its frames: by counting labels, or by evidence over
time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.core.names import quoted
from mien.metrics.sentiment import PRESETS, SENTIMENTS, SentimentMapping
from mien.video.results import VideoResult

Method = Literal["evidence", "count"]
Kind = Literal["expression", "sentiment"]
Floats = NDArray[np.float64]

GAP = 1.0
"""Seconds; where frames lie further apart, and further than `_FAR` usual steps, nobody knows what was in
between."""

_FAR = 3

LEAST = {"expression": 0.3, "sentiment": 0.4}
"""Confidence below which evidence gives no answer: there, answers were right about half of the time (`python
-m benchmarks.studies.clips choose`)."""


SERIES = "each frame's most probable label, not smoothed"
"""What counts and shares of frames count."""

BESIDE_ANALYZE = f"Frames count by {SERIES}; mien analyze counts the time of all people by smoothed emotion, so its shares differ."


@dataclass(frozen=True)
class ClipRule:
    """How a clip gets its label.

    Args:
        method: ``evidence``: the mean of the frames' probabilities, each weighing as long as its frame lasts.
            ``count``: the label that most frames have; of equals, the one with more evidence.
        person: Whose face: the ``largest`` of each frame; ``all``, whose probabilities are averaged in each
            frame first; or the id of a person (``track``).
        min_confidence: A label with a lower confidence is not given. The confidence is the mean probability of the
            label, or the share of frames that have it. None: `LEAST` for evidence, 0 for counting.

    Raises:
        InputError: A value is impossible.
    """

    method: Method = "evidence"
    person: str | int = "largest"
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.person, int) and self.person not in ("largest", "all"):
            raise InputError(f"expected largest, all or the number of a person; got {quoted(self.person)}")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(f"expected min_confidence from 0 to 1; got {self.min_confidence}")

    def min_confidence_for(self, kind: Kind) -> float:
        """The least confidence of an answer.

        >>> [rule.min_confidence_for("expression") for rule in (ClipRule(), ClipRule("count"), ClipRule(min_confidence=0.7))]
        [0.3, 0.0, 0.7]
        """
        if self.min_confidence is not None:
            return self.min_confidence
        return LEAST[kind] if self.method == "evidence" else 0.0


@dataclass(frozen=True, eq=False)
class ClipLabel:
    """What a clip shows in terms of some classes.

    Args:
        classes: The k classes.
        label: The answer; None where there is no face or the confidence is too low.
        confidence: Of the best class, 0 to 1; None where there is no face.
        shares: ``(k,)`` mean probabilities over time, or shares of the frames; zeros where there is no face.
        counts: ``(k,)`` frames with each label.
    """

    classes: Labels
    label: str | None
    confidence: float | None
    shares: Floats
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClipResult:
    """A clip in short.

    Args:
        source: Its name.
        frames: Frames that were looked at.
        seen: Frames with the face in question.
        failures: Notes of what could not be read.
        seconds: How much time the frames stand for; gaps and what could not be read are left out.
        coverage: Share of it with the face in question, 0 to 1.
        expression: The answer as an expression.
        sentiment: The answer as positive, neutral or negative; none where nobody has said how pleasant each class
            is.
    """

    source: str
    frames: int
    seen: int
    failures: int
    seconds: float
    coverage: float
    expression: ClipLabel
    sentiment: ClipLabel


def read_clip(
    video: VideoResult, rule: ClipRule | None = None, mapping: SentimentMapping = PRESETS["valence"]
) -> ClipResult:
    """One answer for a video or image: what its face shows on the whole.

    Frames without the face lower the coverage and count as nothing else. A frame stands for the time up to
    the next one; before a gap, a jump back or what could not be read, and at the end, for the usual time
    between frames.

    Args:
        video: With probabilities.
        rule: How; evidence of the largest face by default.
        mapping: What counts as positive, neutral, negative.

    Raises:
        InputError: The faces were not classified, or a person is asked for where nobody was followed.

    >>> from mien.core.faces import Faces
    >>> faces = Faces([[0, 0, 9, 9]] * 2, [1, 1], [0, 1], [0.0, 0.1], probs=[[0.75, 0.25], [0.25, 0.75]], labels=Labels(("happy", "sad")))
    >>> clip = read_clip(VideoResult("a.mp4", faces, np.array([0, 1, 2]), np.array([0.0, 0.1, 0.4])))
    >>> clip.expression.label, clip.expression.shares.round(3).tolist(), clip.frames, clip.seen, round(clip.coverage, 3)
    ('sad', [0.375, 0.625], 3, 2, 0.667)
    """
    rule = rule or ClipRule()
    faces = video.faces
    if faces.probs is None or faces.labels is None:
        raise InputError(
            f"{video.source}: expected faces whose expressions were read; got none: give the rows that mien analyze writes"
        )
    lasting = durations(video)
    probs, seen = _frame_probabilities(video, rule.person)
    weights = lasting[seen] if lasting[seen].sum() > 0 else np.ones(int(seen.sum()))
    total = float(lasting.sum())
    coverage = float(lasting[seen].sum()) / total if total else float(seen.mean()) if len(seen) else 0.0
    return ClipResult(
        video.source,
        len(seen),
        int(seen.sum()),
        len(video.failures),
        total,
        coverage,
        _verdict(probs, weights, faces.labels, (rule.method, rule.min_confidence_for("expression"))),
        _verdict(
            # Nothing is told where nobody has said how pleasant each class is.
            np.empty((0, len(SENTIMENTS))) if mapping.unknown(faces.labels) else mapping(probs, faces.labels),
            weights,
            SENTIMENTS,
            (rule.method, rule.min_confidence_for("sentiment")),
        ),
    )


def durations(video: VideoResult) -> Floats:
    """``(n,)`` seconds that each frame stands for: up to the next one, or as long as usual where something is
    missing in between.

    >>> from mien.core.faces import Faces
    >>> times = np.array([0.0, 0.25, 0.5, 9.0])
    >>> durations(VideoResult("a.mp4", Faces.empty(), np.arange(4), times)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    times = video.times
    if len(times) < 2:
        return np.zeros(len(times))
    steps = np.diff(times)
    ahead = steps[steps > 0]
    usual = float(np.median(ahead)) if len(ahead) else 0.0
    whole = (steps >= 0) & (steps <= max(GAP, _FAR * usual))
    lasting = np.append(np.where(whole, steps, usual), usual)
    for time in sorted(failure.time for failure in video.failures if failure.time is not None):
        before = int(np.searchsorted(times, time, "right")) - 1
        if 0 <= before < len(times):
            lasting[before] = min(lasting[before], time - times[before], usual)
    return np.asarray(np.maximum(lasting, 0.0))


def _frame_probabilities(video: VideoResult, person: str | int) -> tuple[Floats, NDArray[np.bool_]]:
    """``(seen, k)`` probabilities of the frames with the face in question, and ``(n,)`` which frames these
    are."""
    faces = video.faces
    if isinstance(person, int):
        if faces.tracks is None and len(faces):
            raise InputError(
                f"{video.source}: expected people with numbers; nobody was followed: analyze again without --no-track"
            )
        faces = faces if faces.tracks is None else faces[faces.tracks == person]
    elif person == "largest":
        faces = faces.largest()
    assert faces.probs is not None
    seen = np.isin(video.frames, faces.frames)
    place = np.searchsorted(video.frames[seen], faces.frames)
    sums = np.zeros((int(seen.sum()), faces.probs.shape[1]))
    np.add.at(sums, place, faces.probs)
    return np.asarray(sums / np.bincount(place, minlength=len(sums))[:, None]), seen


def _verdict(probs: Floats, weights: Floats, classes: Labels, how: tuple[Method, float]) -> ClipLabel:
    method, least = how
    if not len(probs):
        return ClipLabel(classes, None, None, np.zeros(len(classes)), np.zeros(len(classes), np.int64))
    counts = np.bincount(probs.argmax(axis=1), minlength=len(classes))
    means = np.average(probs, axis=0, weights=weights)
    if method == "count":
        shares = counts / counts.sum()
        best = int(np.lexsort((means, counts))[-1])
    else:
        shares, best = means, int(means.argmax())
    confidence = float(shares[best])
    return ClipLabel(classes, classes[best] if confidence >= least else None, confidence, shares, counts)
