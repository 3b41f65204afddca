"""Smoothing of a video: what came before and after a frame bears on it alike, so that nothing is shown
late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.spacing import Spacing
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.evidence import apart_of, certainty, leads, log_probs, normalised, tracks_of, weights
from mien.tracking.options import Smoothing

Floats = NDArray[np.float64]

REACH = 4.0  # Time constants to either side beyond which a frame does not count.
# Times the evidence that every change costs: a stretch of another label takes two, there and back.
CHANGE = 2.0
MOST_HELD = 4096  # Results held back at most, should the times stand still.


def smooth_offline(
    results: Iterable[FrameResult],
    options: Smoothing,
    labels: Labels,
    neutral: NeutralBaseline | None = None,
) -> Iterator[FrameResult]:
    """Add ``smoothed_probs`` and ``smoothed_emotion`` to the results of one video.

    Probabilities: the mean of the log-probabilities under a kernel that falls by e in ``tau`` to either side,
    for steps of any length; it has no delay, and a video played backwards gives the same backwards.
    Steady label: the sequence that explains all frames best where every change costs twice ``evidence`` (Viterbi
    1967), decided a few seconds behind the newest frame. A frame speaks for as long as it lasts, however many
    there are: that keeps the shares of labels as they are where fewer frames are looked at.

    Where `mien.tracking.talking.mark_talking` has told who talks, talk and the rest of a person are smoothed apart:
    neither bears on the other.

    Results come out as they came in, in order, once those some seconds later have come: memory does not grow
    with the length.

    Args:
        results: Of one source, in order of time, with ``tracks`` and ``probs``. Times that go back begin
            anew.
        options: How to smooth.
        labels: Names of the columns of ``probs``.
        neutral: What a first pass has learned (`NeutralBaseline.learn`); without it a calibration that
            ``options`` ask for goes by what came before each frame.

    Raises:
        InputError: The faces have no tracks, or calibration by neutral was asked for and no label has that
            name.

    >>> from mien.core.faces import Faces
    >>> labels = Labels(("sad", "happy"))
    >>> results = []
    >>> for index, happy in enumerate([0.9, 0.2, 0.9]):
    ...     faces = Faces([[0, 0, 40, 50]], [1], [index], [index / 25], tracks=[1], probs=[[1 - happy, happy]], labels=labels)
    ...     results.append(FrameResult("talk.mp4", index, index / 25, faces))
    >>> [result.faces[0].smoothed_emotion for result in smooth_offline(results, Smoothing(), labels)]
    ['happy', 'happy', 'happy']
    """
    if neutral is None and options.baseline is not None:
        neutral = NeutralBaseline(labels, options.baseline)
    filter_ = _Filter(options, neutral)
    for result in results:
        yield from filter_.push(result)
    yield from filter_.flush()


@dataclass(eq=False)
class _Sample:
    """One face in one frame."""

    time: float
    logs: Floats
    weight: float  # For the decision.
    share: float  # For the mean: also by certainty.
    apart: bool = False  # Smoothed with its like alone.
    span: float = 0.0  # s that it stands for, once the next is known.
    since: float = 0.0  # s since the one before.
    origins: list[int] = field(
        default_factory=list
    )  # For each label the one before it on the best way there.


class _Course:
    """One person without a gap: samples that still matter, and the best way to each label."""

    def __init__(self, evidence: float) -> None:
        self.samples: deque[_Sample] = deque()
        self.decided = 0  # How many of the samples have been weighed.
        self._cost = CHANGE * evidence
        self._values: dict[bool, Floats] = {}  # Of what is smoothed apart, and of the rest.

    @property
    def last(self) -> float:
        return self.samples[-1].time

    def add(self, sample: _Sample) -> None:
        if self.samples:
            before = self.samples[-1]
            sample.since = sample.time - before.time
            self._weigh(before, (before.since + sample.since) / 2)
        self.samples.append(sample)

    def close(self) -> None:
        """No sample follows."""
        if self.decided < len(self.samples):
            self._weigh(self.samples[-1], self.samples[-1].since / 2)

    def _weigh(self, sample: _Sample, span: float) -> None:
        sample.span = span
        step = leads(sample.logs) * (max(span, 1e-6) * sample.weight)
        values = self._values.get(sample.apart)
        if values is None:
            self._values[sample.apart] = step
            sample.origins = list(range(len(step)))
        else:
            best = int(values.argmax())
            changed = values < values[best] - self._cost
            sample.origins = np.where(changed, best, np.arange(len(step))).tolist()
            values = np.maximum(values, values[best] - self._cost) + step
            self._values[sample.apart] = values - values.max()
        self.decided += 1

    def smooth(self, sample: _Sample, tau: float) -> Floats:
        """``(k,)`` mean log-probabilities around a sample."""
        samples = [other for other in self.samples if other.apart == sample.apart]
        away = np.abs(np.array([other.time for other in samples]) - sample.time)
        # Less its end, so that it falls to zero there and a frame at the edge makes no difference.
        kernel = np.maximum(0, np.exp(-away / tau) - np.exp(-REACH)) * np.array(
            [other.share * other.span for other in samples]
        )
        if kernel.sum() <= 0:
            return sample.logs
        return np.asarray(kernel @ np.stack([other.logs for other in samples]) / kernel.sum())

    def steady(self, sample: _Sample) -> int:
        """The label of a sample on the best way to the newest one."""
        label = int(self._values[sample.apart].argmax())
        for other in reversed(self.samples):
            if other is sample:
                break
            if other.origins and other.apart == sample.apart:
                label = other.origins[label]
        return label

    def trim(self, before: float) -> None:
        """Drop samples that no longer matter."""
        while self.samples and self.samples[0].time < before:
            self.samples.popleft()
            self.decided -= 1


@dataclass(frozen=True, eq=False)
class _Held:
    """A result whose future is not yet known."""

    result: FrameResult
    rows: list[tuple[_Course, _Sample]]


class _Filter:
    """Holds results back until what follows them is known."""

    def __init__(self, options: Smoothing, neutral: NeutralBaseline | None) -> None:
        self._options, self._neutral = options, neutral
        self._reach = REACH * options.tau
        self._held: deque[_Held] = deque()
        self._courses: dict[int, _Course] = {}
        self._now = -np.inf
        self._spacing = Spacing(options.gap)
        self._patience = options.gap  # By how far apart the frames before were.

    def push(self, result: FrameResult) -> Iterator[FrameResult]:
        """Take in the next one; gives those that are ready."""
        if result.time is not None:
            if result.time < self._now:
                yield from self.flush()
            self._now, self._patience = result.time, self._spacing.patience
            self._spacing.take(result.time)
            for track in [
                track for track, course in self._courses.items() if self._now - course.last > self._patience
            ]:
                self._courses.pop(track).close()
        self._held.append(_Held(result, self._taken(result)))
        # A frame at the edge of the kernel stands for a time that only the next one tells.
        ready = self._now - self._reach - self._patience
        while self._held and (
            self._held[0].result.time is None
            or self._held[0].result.time < ready
            or len(self._held) > MOST_HELD
        ):
            yield self._released(self._held.popleft())

    def flush(self) -> Iterator[FrameResult]:
        """The rest: nothing follows, or time begins anew."""
        for course in self._courses.values():
            course.close()
        self._courses = {}
        while self._held:
            yield self._released(self._held.popleft())

    def _taken(self, result: FrameResult) -> list[tuple[_Course, _Sample]]:
        faces, time = result.faces, result.time
        if time is None or faces.probs is None or not len(faces):
            return []
        tracks, logs, weight = tracks_of(faces), log_probs(faces), weights(faces)
        if self._neutral is not None:
            logs = self._neutral.calibrated(faces, time)
        share, apart = weight * certainty(logs), apart_of(faces)
        rows = []
        for row, track in enumerate(tracks):
            course = self._courses.setdefault(track, _Course(self._options.evidence))
            sample = _Sample(time, logs[row], float(weight[row]), float(share[row]), apart[row])
            course.add(sample)
            rows.append((course, sample))
        return rows

    def _released(self, held: _Held) -> FrameResult:
        if not held.rows:
            return held.result
        smooth, steady = [], []
        for course, sample in held.rows:
            course.trim(sample.time - self._reach)
            smooth.append(course.smooth(sample, self._options.tau))
            steady.append(course.steady(sample))
        return replace(
            held.result,
            faces=held.result.faces.with_columns(
                smoothed_probs=normalised(np.stack(smooth)), smoothed_emotion_ids=steady
            ),
        )
