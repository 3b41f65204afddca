"""What a person shows in a window around an event, in numbers.

Each frame ``k`` holds its value ``x_k`` for the seconds that it stands for, from ``t_k`` to ``t_k + l_k``: up to the next frame,
or as long as usual where frames are missing. ``w_k`` is how much of that lies in the window and has a value; where the person was
not seen, or not measured, there is no value, and nothing is filled in. docs/studies.md has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.studies.signals import Floats, Signals

HELD = 0.1
"""Seconds that something must last to be an onset."""
SPREADS = 2.0
"""Standard deviations of the baseline above its mean from which valence, expressiveness and landmarks count as active."""


@dataclass(frozen=True)
class EventWindow:
    """A stretch of a recording that is measured, in seconds of the recording.

    Args:
        event: Label of the event.
        number: Which one with that label it is in the recording, from 1.
        zero: When the event begins, from which times of the measures count.
        start: When the window begins.
        end: When it ends; later than ``start``.
        baseline: Start and end of the stretch that it is compared with; None where there is none.
    """

    event: str
    number: int
    zero: float
    start: float
    end: float
    baseline: tuple[float, float] | None = None


class EventMeasure(NamedTuple):
    """One signal of one person in one window; NaN where something cannot be told.

    Args:
        measure: Name of the signal, such as ``happy``, ``valence`` or ``smile``.
        mean: Mean over the time in which it has a value.
        peak: Greatest value.
        peak_time: Seconds from the event to it.
        onset: Seconds from the event until it becomes active for `HELD` seconds: an expression is active while it is the
            one shown, anything else while it is `SPREADS` standard deviations of the baseline above its mean. 0 where it is
            already.
        duration: Seconds that it stays so then; cut at the end of the window.
        share: Of the time with a value, the part in which it is active, 0 to 1.
        area: Value less the baseline (where there is one), summed over the seconds with a value.
        baseline: Mean over the baseline.
        change: ``mean`` less ``baseline``.
        seconds: Time with a value.
        coverage: The part of the window that this is, 0 to 1.
        uncertain: The part of the time in which the person was read and the expression shown was uncertain, 0 to 1.
    """

    measure: str
    mean: float
    peak: float
    peak_time: float
    onset: float
    duration: float
    share: float
    area: float
    baseline: float
    change: float
    seconds: float
    coverage: float
    uncertain: float


STATISTICS = EventMeasure._fields[1:-3]
"""What can be compared."""


def measure_window(signals: Signals, window: EventWindow) -> list[EventMeasure]:
    """Every signal in a window, in their order.

    >>> probs = np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    >>> times = np.array([0.0, 1.0, 2.0])
    >>> shown, unsure = probs.argmax(axis=1), np.zeros(3, bool)
    >>> signals = Signals(("happy", "neutral"), 2, times, np.ones(3), probs, shown, unsure)
    >>> happy, _ = measure_window(signals, EventWindow("joke", 1, 0.0, 0.0, 3.0))
    >>> round(happy.mean, 3), happy.peak, happy.peak_time, happy.onset, happy.duration, round(happy.share, 3)
    (0.567, 0.9, 2.0, 1.0, 2.0, 0.667)
    """
    base, spread = _baseline(signals, window)
    signals = signals.between(window.start, window.end)
    inside = _overlap(signals, window.start, window.end)
    weights = inside[:, None] * np.isfinite(signals.values)
    seconds = weights.sum(axis=0)
    mean = _weighted(weights, signals.values)
    active = _active(signals, base, spread) & (weights > 0)
    share = np.where(_known(signals, spread), _weighted(weights, active.astype(np.float64)), np.nan)
    offset = np.where(np.isnan(base), 0.0, base) if window.baseline is None else base
    area = np.where(
        seconds > 0, np.where(weights > 0, weights * (signals.values - offset), 0.0).sum(axis=0), np.nan
    )
    peak, peak_time = _peak(signals, weights, window)
    onset, duration = _onsets(signals, active, window)
    uncertain = _weighted((inside * signals.seen)[:, None], signals.uncertain[:, None].astype(float))[0]
    uncertain = uncertain if signals.expressions else np.nan
    columns = (mean, peak, peak_time, onset, duration, share, area, base, mean - base, seconds)
    coverage = np.minimum(seconds / (window.end - window.start), 1.0)
    table = np.column_stack([*columns, coverage, np.full(len(mean), uncertain)]).tolist()
    return [EventMeasure(name, *row) for name, row in zip(signals.names, table, strict=True)]


def _overlap(signals: Signals, start: float, end: float) -> Floats:
    """Seconds of each frame that lie in a stretch."""
    held = np.minimum(signals.times + signals.lasting, end) - np.maximum(signals.times, start)
    return np.asarray(np.maximum(held, 0.0))


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Mean of each column; NaN where nothing weighs."""
    total = weights.sum(axis=0)
    summed = np.where(weights > 0, weights * values, 0.0).sum(axis=0)
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def _baseline(signals: Signals, window: EventWindow) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each signal over the baseline; NaN where there is none."""
    if window.baseline is None:
        none = np.full(len(signals.names), np.nan)
        return none, none
    signals = signals.between(*window.baseline)
    weights = _overlap(signals, *window.baseline)[:, None] * np.isfinite(signals.values)
    base = _weighted(weights, signals.values)
    return base, np.sqrt(_weighted(weights, (signals.values - base) ** 2))


def _known(signals: Signals, spread: Floats) -> NDArray[np.bool_]:
    """Of which signals it can be told when they are active."""
    return (np.arange(len(spread)) < signals.expressions) | np.isfinite(spread)


def _active(signals: Signals, base: Floats, spread: Floats) -> NDArray[np.bool_]:
    """``(n, s)`` when each signal is active."""
    columns = np.arange(len(signals.names))
    shown = signals.shown[:, None] == columns
    with np.errstate(invalid="ignore"):
        above = (signals.values > base) & (signals.values >= base + SPREADS * spread)
    return np.where(columns < signals.expressions, shown, above)


def _peak(signals: Signals, weights: Floats, window: EventWindow) -> tuple[Floats, Floats]:
    values = np.where(weights > 0, signals.values, -np.inf)
    place = values.argmax(axis=0) if len(values) else np.zeros(values.shape[1], np.int64)
    peak = values.max(axis=0, initial=-np.inf)
    found = np.isfinite(peak)
    times = signals.times[place] if len(values) else np.zeros(len(peak))
    when = np.maximum(times, window.start) - window.zero
    return np.where(found, peak, np.nan), np.where(found, when, np.nan)


def _onsets(signals: Signals, active: NDArray[np.bool_], window: EventWindow) -> tuple[Floats, Floats]:
    """Of each signal when it first becomes active after the event, from the event on, and for how long."""
    ends = np.minimum(signals.times + signals.lasting, window.end)
    first = max(window.zero, window.start)
    active = active & (ends > first)[:, None]
    starts = np.maximum(signals.times, first)
    breaks = np.append(True, starts[1:] - ends[:-1] > 1e-6 * np.maximum(signals.lasting[:-1], 1e-3))
    found = [_first_stretch(column, starts, ends, breaks[: len(column)]) for column in active.T]
    onset, duration = np.array(found).reshape(-1, 2).T
    return onset - window.zero, duration


def _first_stretch(
    active: NDArray[np.bool_], starts: Floats, ends: Floats, breaks: NDArray[np.bool_]
) -> tuple[float, float]:
    """Start and seconds of the first stretch of frames without a break that lasts long enough."""
    before = np.append(False, active[:-1])[: len(active)]
    after = np.append(active[1:], False)[: len(active)]
    broken_after = np.append(breaks[1:], True)[: len(active)]
    begins = np.flatnonzero(active & (~before | breaks))
    stops = np.flatnonzero(active & (~after | broken_after))
    lengths = ends[stops] - starts[begins]
    long_enough = np.flatnonzero(lengths >= HELD * (1 - 1e-9))
    if not len(long_enough):
        return np.nan, np.nan
    return float(starts[begins[long_enough[0]]]), float(lengths[long_enough[0]])
