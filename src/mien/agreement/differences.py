"""Where raters differ: stretches in which they do, and how much they do so over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.agreement.raters import CodedRecording, Raters


@dataclass(frozen=True)
class RaterDifference:
    """A stretch in which at least two raters have different labels, and none changes it.

    Args:
        source: The recording.
        start: Seconds.
        end: Seconds.
        labels: Of each rater; None where one has not coded.
    """

    source: str
    start: float
    end: float
    labels: tuple[str | None, ...]

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class AgreementWindow:
    """A part of a recording.

    Args:
        source: The recording.
        start: Seconds.
        end: Seconds.
        coded: Seconds that two raters or more have coded.
        agreement: Share of them in which all who have coded agree; None where nobody could.
        confused: The two labels between which raters differ most; None where they do not.
        confused_seconds: For how long they do so.
    """

    source: str
    start: float
    end: float
    coded: float
    agreement: float | None
    confused: tuple[str, str] | None
    confused_seconds: float


def differences(raters: Raters, step: float) -> list[RaterDifference]:
    """All stretches in which raters differ, the longest first; of equals, in order of recordings and time."""
    found = [
        RaterDifference(
            recording.source,
            round(float(recording.times[start]) - step / 2, 6),
            round(float(recording.times[end - 1]) + step / 2, 6),
            tuple(None if code < 0 else raters.classes[code] for code in recording.codes[:, start].tolist()),
        )
        for recording in raters.recordings
        for start, end in runs(recording.codes)
        if _differ(recording.codes[:, start : start + 1])[0]
    ]
    return sorted(found, key=lambda each: -round(each.seconds, 6))


def runs(codes: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """From where to where no rater changes the label.

    >>> list(runs(np.array([[0, 0, 1, 1], [0, 0, 0, 1]])))
    [(0, 2), (2, 3), (3, 4)]
    """
    edges = np.flatnonzero((np.diff(codes, axis=1) != 0).any(axis=0)) + 1
    starts = [0, *edges.tolist()]
    yield from zip(starts, [*starts[1:], codes.shape[1]], strict=True)


def over_time(raters: Raters, step: float, window: float) -> list[AgreementWindow]:
    """How far raters agree in each part of each recording."""
    size = max(1, round(window / step))
    return [
        _window(recording, range(start, min(start + size, len(recording.times))), raters.classes, step)
        for recording in raters.recordings
        for start in range(0, len(recording.times), size)
    ]


def _window(recording: CodedRecording, places: range, classes: Sequence[str], step: float) -> AgreementWindow:
    codes = recording.codes[:, places.start : places.stop]
    coded, apart = (codes >= 0).sum(axis=0) > 1, _differ(codes)
    counts: dict[tuple[str, str], int] = {}
    for place in np.flatnonzero(apart):
        labels = sorted({classes[code] for code in codes[:, place].tolist() if code >= 0})
        for number, one in enumerate(labels):
            for other in labels[number + 1 :]:
                counts[one, other] = counts.get((one, other), 0) + 1
    worst = max(counts, key=lambda pair: counts[pair]) if counts else None
    return AgreementWindow(
        recording.source,
        round(float(recording.times[places.start]) - step / 2, 6),
        round(float(recording.times[places.stop - 1]) + step / 2, 6),
        round(int(coded.sum()) * step, 6),
        1 - float(apart.sum() / coded.sum()) if coded.any() else None,
        worst,
        round(counts[worst] * step, 6) if worst else 0.0,
    )


def _differ(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``(n,)`` whether two raters who have coded a moment have different labels."""
    known = codes >= 0
    highest = np.where(known, codes, -1).max(axis=0)
    lowest = np.where(known, codes, np.iinfo(np.int64).max).min(axis=0)
    return np.asarray((known.sum(axis=0) > 1) & (highest != lowest))
