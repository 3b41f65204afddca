"""How far raters agree, in numbers with intervals over recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mien.agreement.lags import ClockShift, Lag, onset_lags, shift_of
from mien.agreement.options import AgreementOptions
from mien.agreement.raters import CodedRecording, Raters
from mien.metrics import confusion_matrix
from mien.metrics.agreement import RatingSums, alpha_of, cohen_kappa, coincidences
from mien.metrics.confusion import accuracy
from mien.metrics.resampling import bca_interval

Floats = NDArray[np.float64]
Value = Callable[[Floats], float | None]

DRAWS = 1999
"""Samples of recordings for an interval."""


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval over recordings.

    Args:
        value: None where nothing can be told.
        low: Lower end; None where there are too few recordings.
        high: Upper end.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class PairAgreement:
    """Two raters.

    Args:
        one: The first.
        other: The second.
        recordings: In which both have coded something.
        seconds: That both have coded.
        agreement: Share of this time in which both have the same label.
        kappa: Cohen's.
        f1: Of each class that one of them has coded; it is the same whoever is taken for right.
        icc: ICC(2,1) of valence.
        valence_seconds: For which both tell valence.
        confusion: ``(k, k)`` seconds: a row is the label of the first, a column that of the second.
        lags: How much later the second begins a label, by label.
        shift: By how much the second would have to be moved to agree best; None where that explains little.
    """

    one: str
    other: str
    recordings: int
    seconds: float
    agreement: Figure
    kappa: Figure
    f1: dict[str, Figure]
    icc: Figure
    valence_seconds: float
    confusion: Floats
    lags: dict[str, Lag]
    shift: ClockShift | None


@dataclass(frozen=True)
class Together:
    """Several raters at once.

    Args:
        raters: Their names.
        alpha: Krippendorff's, of labels.
        valence_alpha: Krippendorff's, of valence, as numbers on an interval.
        icc: All six forms of valence, where all of them have told it.
    """

    raters: tuple[str, ...]
    alpha: Figure
    valence_alpha: Figure
    icc: dict[str, Figure]


def pair_agreement(raters: Raters, pair: tuple[int, int], options: AgreementOptions) -> PairAgreement:
    """How far two raters agree, by their places."""
    one, other = pair
    k = len(raters.classes)
    confusions = np.array([_confusion(recording, pair, k) for recording in raters.recordings])
    whole = confusions.sum(axis=0)
    valence = np.array([_rating_sums(recording.valence[list(pair)]) for recording in raters.recordings])
    rated = [
        recording for recording, counts in zip(raters.recordings, confusions, strict=True) if counts.any()
    ]
    shown = np.flatnonzero(whole.sum(axis=0) + whole.sum(axis=1))
    return PairAgreement(
        raters.names[one],
        raters.names[other],
        len(rated),
        round(float(whole.sum()) * options.step, 6),
        _figure(confusions, _share),
        _figure(confusions, _kappa),
        {raters.classes[place]: _figure(confusions, _f1_of(int(place))) for place in shown},
        _figure(valence, _icc_of("ICC(2,1)")),
        round(float(valence[:, 0].sum()) * options.step, 6),
        np.round(whole * options.step, 6),
        onset_lags(rated, pair, options),
        shift_of(rated, pair, options),
    )


def together(raters: Raters, places: Sequence[int]) -> Together:
    """How far some raters agree, all at once."""
    k = len(raters.classes)
    found = np.array([coincidences(recording.codes[list(places)], k) for recording in raters.recordings])
    spreads = np.array([_spread(recording.valence[list(places)]) for recording in raters.recordings])
    sums = np.array([_rating_sums(recording.valence[list(places)]) for recording in raters.recordings])
    forms = _of_sums(sums.sum(axis=0)).values()
    return Together(
        tuple(raters.names[place] for place in places),
        _figure(found, lambda counts: alpha_of(counts, np.arange(k, dtype=np.float64))),
        _figure(spreads, _interval_alpha),
        {name: _figure(sums, _icc_of(name)) for name in forms},
    )


def all_pairs(raters: Raters) -> list[tuple[int, int]]:
    """Each coder against mien, then the coders against each other."""
    return list(combinations(range(len(raters.names)), 2))


def _confusion(recording: CodedRecording, pair: tuple[int, int], classes: int) -> NDArray[np.int64]:
    codes = recording.codes[list(pair)]
    both = (codes >= 0).all(axis=0)
    return confusion_matrix(codes[0, both], codes[1, both], classes)


def _figure(sums: Floats, value: Value) -> Figure:
    """The value of all recordings' sums, and its interval; recordings that add nothing are not drawn.

    Args:
        sums: ``(recordings, ...)``.
        value: What follows from sums.
    """
    filled = sums[[bool(np.any(each)) for each in sums]]
    if not len(filled):
        return Figure(None)

    def drawn(places: NDArray[np.int64]) -> Floats:
        found = [value(filled[row].sum(axis=0)) for row in places]
        return np.array([np.nan if each is None else each for each in found])

    low, high = bca_interval(drawn, len(filled), DRAWS)
    return Figure(value(filled.sum(axis=0)), _known(low), _known(high))


def _known(end: float) -> float | None:
    return float(end) if np.isfinite(end) else None


def _kappa(confusion: Floats) -> float | None:
    return cohen_kappa(confusion.astype(np.int64))


def _share(confusion: Floats) -> float | None:
    return accuracy(confusion.astype(np.int64)) if confusion.any() else None


def _f1_of(place: int) -> Value:
    def value(confusion: Floats) -> float | None:
        both = float(confusion[place].sum() + confusion[:, place].sum())
        return 2 * float(confusion[place, place]) / both if both else None

    return value


def _rating_sums(valence: Floats) -> Floats:
    """`RatingSums` of ``(raters, n)`` valence as numbers that can be added."""
    sums = RatingSums.of(valence.T)
    return np.array([sums.n, sums.squares, sums.of_targets, *sums.of_raters])


def _of_sums(sums: Floats) -> RatingSums:
    return RatingSums(float(sums[0]), sums[3:], float(sums[1]), float(sums[2]))


def _icc_of(form: str) -> Value:
    def value(sums: Floats) -> float | None:
        found = _of_sums(sums).values().get(form, np.nan)
        return float(found) if np.isfinite(found) else None

    return value


def _spread(valence: Floats) -> Floats:
    """What Krippendorff's alpha of numbers needs of ``(raters, n)`` valence: ratings of moments with two or more, their
    sum, the sum of their squares, and the squared differences within moments."""
    known = np.isfinite(valence)
    rated = known.sum(axis=0)
    values = np.where(known, valence, 0.0)[:, rated > 1]
    count = rated[rated > 1].astype(np.float64)
    sums, squares = values.sum(axis=0), (values**2).sum(axis=0)
    within = 2 * (count * squares - sums**2) / (count - 1) if len(count) else np.zeros(0)
    return np.array([count.sum(), sums.sum(), squares.sum(), within.sum()])


def _interval_alpha(spread: Floats) -> float | None:
    """Krippendorff's alpha of numbers on an interval, out of `_spread`."""
    n, total, squares, within = spread
    by_chance = 2 * (n * squares - total**2)
    return None if by_chance <= 1e-12 * n * squares else float(1 - (n - 1) * within / by_chance)
