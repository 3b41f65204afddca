"""What differs between conditions or groups, over participants: tests, intervals and effect sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.errors import InputError
from mien.core.formatting import counted, percent
from mien.core.names import nearest
from mien.media.folders import natural_key
from mien.metrics import resampling
from mien.studies.event_measures import STATISTICS
from mien.studies.recordings import PARTICIPANT
from mien.studies.tables import StudyRow, participant_means

PAdjust = Literal["holm", "fdr", "none"]
_P_ADJUSTS: Mapping[str, Callable[[Sequence[float]], NDArray[np.float64]]] = {
    "holm": resampling.holm,
    "fdr": resampling.benjamini_hochberg,
    "none": lambda p: np.asarray(p, np.float64),
}
LEVEL = 0.05
"""From which adjusted p-value on something is called significant."""
MOST_DRAWS = 100_000
"""More tell nothing that counts, and take a lot of memory."""
FEWEST = 2
"""Participants of a level, at least."""
_SHOWN = 5
_USUAL = ("condition", "group", "stimulus")
"""What is compared first, where nothing is said."""


@dataclass(frozen=True)
class CompareRules:
    """How a study is compared.

    Args:
        by: Field whose levels are compared, or ``event``; None: ``condition``, ``group``, ``stimulus`` or another one that has
            two levels, in this order.
        statistic: One of `mien.studies.event_measures.STATISTICS`; None: ``change`` where there are baselines, else ``mean``.
        measures: Signals; all by default.
        each: Field, or ``event``, for each of whose levels the comparison is made apart.
        p_adjust: Adjustment of the p-values for there being many: ``holm``, ``fdr`` (Benjamini and Hochberg) or ``none``.
        min_coverage: Windows with less are left out, 0 to 1.
        draws: Permutations, and samples of bootstraps.
        seed: Of them.

    Raises:
        InputError: A value is impossible.
    """

    by: str | None = None
    statistic: str | None = None
    measures: tuple[str, ...] = ()
    each: str | None = None
    p_adjust: PAdjust = "holm"
    min_coverage: float = 0.5
    draws: int = resampling.DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.statistic is not None and self.statistic not in STATISTICS:
            raise InputError(
                f"expected a statistic out of {', '.join(STATISTICS)}; got {self.statistic}{nearest(self.statistic, STATISTICS)}"
            )
        if self.p_adjust not in _P_ADJUSTS:
            raise InputError(f"expected p_adjust out of {', '.join(_P_ADJUSTS)}; got {self.p_adjust}")
        if not 0 <= self.min_coverage <= 1:
            raise InputError(f"expected a least coverage from 0 to 1; got {self.min_coverage:g}")
        if not 99 <= self.draws <= MOST_DRAWS:
            raise InputError(f"expected 99 to {MOST_DRAWS:,} draws; got {self.draws:,}")
        if self.seed < 0:
            raise InputError(f"expected a seed from 0 on; got {self.seed}")


@dataclass(frozen=True)
class LevelComparison:
    """Two levels of one signal. Values are those of participants, each the mean of their events; NaN where too few.

    Args:
        measure: The signal.
        each: Level that this is apart for; empty where all are taken together.
        one: First level.
        other: Second level.
        paired: Whether the same participants are compared with themselves.
        values: ``(n,)`` of the first level, by participant.
        other_values: ``(m,)`` of the second; of the same participants, in the same order, where they are paired.
        difference: Mean of the second less mean of the first.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Of a permutation test, two-sided.
        adjusted: The same, corrected for the number of comparisons.
        effect: Hedges' g; of paired ones d_z with Hedges' correction.
        effect_low: Lower end of its 95 % interval.
        effect_high: Upper end.
        dominance: Cliff's delta; of paired ones the rank-biserial correlation: -1 to 1.
    """

    measure: str
    each: str
    one: str
    other: str
    paired: bool
    values: Mapping[str, float]
    other_values: Mapping[str, float]
    difference: float
    low: float
    high: float
    p: float
    effect: float
    effect_low: float
    effect_high: float
    dominance: float
    adjusted: float = math.nan

    @property
    def significant(self) -> bool:
        """Whether the adjusted p-value is below `LEVEL`."""
        return self.adjusted < LEVEL

    def smallest_p(self, draws: int) -> float:
        """The smallest p-value that so many participants can give."""
        if self.paired:
            return resampling.smallest_sign_flip_p(len(self.values), draws)
        return resampling.smallest_shuffle_p(len(self.values), len(self.other_values), draws)

    def cells(self) -> dict[str, str | float | int | None]:
        """By the names of the columns of comparison.csv."""
        one, other = list(self.values.values()), list(self.other_values.values())
        numbers = {
            "mean_a": float(np.mean(one)),
            "mean_b": float(np.mean(other)),
            **{name: getattr(self, name) for name in COMPARISON_COLUMNS[9:]},
        }
        return {
            "measure": self.measure,
            "each": self.each,
            "a": self.one,
            "b": self.other,
            "paired": int(self.paired),
            "n_a": len(one),
            "n_b": len(other),
            **{name: round(value, 6) if math.isfinite(value) else None for name, value in numbers.items()},
        }


COMPARISON_COLUMNS = (
    *("measure", "each", "a", "b", "paired", "n_a", "n_b", "mean_a", "mean_b", "difference", "low", "high"),
    *("p", "adjusted", "effect", "effect_low", "effect_high", "dominance"),
)


@dataclass(frozen=True)
class ComparedStudy:
    """All comparisons.

    Args:
        by: What was compared.
        statistic: Which one.
        rules: As asked for.
        comparisons: In the order of levels and signals.
        left_out: Rows, participants and levels that are in none, and why, a line each.
        participants: In any of them.
    """

    by: str
    statistic: str
    rules: CompareRules
    comparisons: tuple[LevelComparison, ...]
    left_out: tuple[str, ...] = field(default=())

    @property
    def participants(self) -> int:
        """How many are in any comparison."""
        return len({name for one in self.comparisons for name in (*one.values, *one.other_values)})


class NothingComparedError(InputError):
    """What is left has no two levels to compare.

    Args:
        message: What was expected, and why it is not there.
        left_out: Rows that were left out, and why, a line each.
    """

    def __init__(self, message: str, left_out: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.left_out = tuple(left_out)


def compare_study(rows: Sequence[StudyRow], fields: Sequence[str], rules: CompareRules) -> ComparedStudy:
    """Compare the levels of a field over participants.

    Participants who have two or more levels are compared with themselves (paired); where each has one, groups are. The field and
    the order of its levels, that of their names, do not depend on what is left out.

    Args:
        rows: Of the long table.
        fields: Names of its fields.
        rules: How.

    Raises:
        NothingComparedError: There is nothing to compare.
        InputError: A name is none.
    """
    check_compared(fields, rules)
    _check_measures(rows, rules)
    by = rules.by or _usual(rows, fields)
    covered = well_covered(rows, rules)
    notes = _thin(rows, rules)
    lower = ": give a lower --min-coverage to use these windows" if notes else ""
    empty = {row.recording for row in covered if not row.level(by)}
    if empty:
        count = counted(
            len(empty), f"recording has no {by} and is left out", f"recordings have no {by} and are left out"
        )
        notes.append(f"{count}: {_few(sorted(empty))}")
    kept = [row for row in covered if row.level(by)]
    levels = ordered_levels(kept, by)
    if len(levels) < 2:
        why = _why(notes) + lower
        raise NothingComparedError(
            f"expected two levels of {by} to compare; there is {levels[0] if levels else 'none'}: {why}",
            notes,
        )
    paired = _within(kept, by)
    if paired:
        notes += _lacking(kept, by, levels)
    statistic = rules.statistic or _statistic(kept)
    notes += _without_baseline(kept, by, statistic)
    found = []
    for (measure, each), own in _grouped(kept, rules).items():
        means = participant_means(own, (by,), statistic)
        found += [
            comparison
            for one, other in combinations(levels, 2)
            if (comparison := _compared((measure, each, one, other), means, paired, rules)) is not None
        ]
    if not found:
        raise NothingComparedError(
            f"expected {FEWEST} participants at least with a {statistic} in two levels of {by}; there are fewer: {_why(notes)}{lower}",
            notes,
        )
    adjusted = _P_ADJUSTS[rules.p_adjust]([one.p for one in found]).tolist()
    done = tuple(replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True))
    notes += _never_compared(done, levels, by)
    return ComparedStudy(by, statistic, rules, done, tuple(notes))


def ordered_levels(rows: Iterable[StudyRow], by: str) -> list[str]:
    """The levels of a field in the order of their names, numbers in them by their size."""
    levels = {level for row in rows if (level := row.level(by))}
    return sorted(levels, key=lambda level: (natural_key(level), level))


def _why(notes: Sequence[str]) -> str:
    return "; ".join(notes[:_SHOWN]) or "choose another field with --by"


def well_covered(rows: Iterable[StudyRow], rules: CompareRules) -> list[StudyRow]:
    """The rows of windows of which enough was read to be compared."""
    return [row for row in rows if not row.measure.coverage < rules.min_coverage]


def check_compared(fields: Sequence[str], rules: CompareRules) -> None:
    """See whether recordings can be compared by what is asked, before they are measured.

    Args:
        fields: Names of their fields.
        rules: How they are to be compared.

    Raises:
        InputError: One of both ways is no field, nor event.
    """
    can = [name for name in (*fields, "event") if name != PARTICIPANT]
    for name, option in ((rules.by, "--by"), (rules.each, "--each")):
        if name is not None and name not in can:
            raise InputError(f"{option}: expected one of {', '.join(can)}; got {name}{nearest(name, can)}")


def _check_measures(rows: Sequence[StudyRow], rules: CompareRules) -> None:
    there = list(dict.fromkeys(row.measure.measure for row in rows))
    for name in rules.measures:
        if name not in there:
            raise InputError(
                f"--measures: expected names out of {', '.join(there)}; got {name}{nearest(name, there)}"
            )


def _usual(rows: Sequence[StudyRow], fields: Sequence[str]) -> str:
    """What is compared where nothing is said."""
    for name in (*_USUAL, *(name for name in fields if name not in (*_USUAL, PARTICIPANT)), "event"):
        people: dict[str, set[str]] = {}
        for row in rows:
            people.setdefault(row.level(name), set()).add(row.participant)
        if sum(len(those) >= FEWEST for level, those in people.items() if level) >= 2:
            return name
    raise NothingComparedError(
        f"expected a field with two levels of {FEWEST} participants each to compare; there is none: name conditions in the paths or the table"
    )


def _statistic(rows: Sequence[StudyRow]) -> str:
    return "change" if any(not math.isnan(row.measure.change) for row in rows) else "mean"


def _within(rows: Sequence[StudyRow], by: str) -> bool:
    """Whether participants have several levels."""
    seen: dict[str, str] = {}
    return any(seen.setdefault(row.participant, row.level(by)) != row.level(by) for row in rows)


def _grouped(rows: Sequence[StudyRow], rules: CompareRules) -> dict[tuple[str, str], list[StudyRow]]:
    """Rows by signal and by what is compared apart."""
    grouped: dict[tuple[str, str], list[StudyRow]] = {}
    for row in rows:
        if not rules.measures or row.measure.measure in rules.measures:
            each = "" if rules.each is None else row.level(rules.each)
            grouped.setdefault((row.measure.measure, each), []).append(row)
    return grouped


def _compared(
    names: tuple[str, str, str, str],
    means: Mapping[tuple[str, ...], Mapping[str, float]],
    paired: bool,
    rules: CompareRules,
) -> LevelComparison | None:
    """Two levels against each other; None where there are too few participants."""
    one, other = (dict(means.get((level,), {})) for level in names[2:])
    if paired:
        both = [name for name in one if name in other]
        one, other = {name: one[name] for name in both}, {name: other[name] for name in both}
    if min(len(one), len(other)) < FEWEST:
        return None
    first, second = np.array(list(one.values())), np.array(list(other.values()))
    figures = (_paired if paired else _unpaired)(first, second, rules.draws, rules.seed)
    difference = float(second.mean() - first.mean())
    return LevelComparison(*names, paired, one, other, difference, **figures)


def _paired(first: NDArray[np.float64], second: NDArray[np.float64], draws: int, seed: int) -> dict[str, Any]:
    gaps = second - first
    low, high = resampling.mean_interval(gaps, draws, seed)
    effect_low, effect_high = resampling.paired_effect_interval(gaps, draws, seed)
    return {
        "low": low,
        "high": high,
        "p": resampling.sign_flip_test(gaps, draws, seed),
        "effect": resampling.paired_effect(gaps),
        "effect_low": effect_low,
        "effect_high": effect_high,
        "dominance": resampling.rank_biserial(gaps),
    }


def _unpaired(
    first: NDArray[np.float64], second: NDArray[np.float64], draws: int, seed: int
) -> dict[str, Any]:
    low, high = resampling.difference_interval(second, first, draws, seed)
    effect_low, effect_high = resampling.group_effect_interval(second, first, draws, seed)
    return {
        "low": low,
        "high": high,
        "p": resampling.shuffle_test(second, first, draws, seed),
        "effect": resampling.group_effect(second, first),
        "effect_low": effect_low,
        "effect_high": effect_high,
        "dominance": resampling.cliffs_delta(second, first),
    }


def _thin(rows: Sequence[StudyRow], rules: CompareRules) -> list[str]:
    """Windows that were left out since too little of them was read: by their first signal, an expression."""
    first = rows[0].measure.measure if rows else ""
    thin = [row for row in rows if row.measure.measure == first and row.measure.coverage < rules.min_coverage]
    if not thin:
        return []
    names = [f"{row.recording}, {row.window.event} {row.window.number}" for row in thin]
    little = f"of which less than {percent(rules.min_coverage)} was read"
    count = counted(len(thin), f"window {little} is left out", f"windows {little} are left out")
    return [f"{count}: {_few(names)}"]


def _lacking(rows: Sequence[StudyRow], by: str, levels: Sequence[str]) -> Iterator[str]:
    """Participants without one of the levels."""
    there = {(row.participant, row.level(by)) for row in rows}
    people = list(dict.fromkeys(row.participant for row in rows))
    for level in levels:
        without = [name for name in people if (name, level) not in there]
        if without:
            yield _left_out(without, people, f"no {by} {level}")


def _without_baseline(rows: Sequence[StudyRow], by: str, statistic: str) -> Iterator[str]:
    """Participants of whom a level has rows, but no baseline to compare them with."""
    if statistic not in ("change", "baseline"):
        return
    known: dict[str, dict[str, bool]] = {}
    for row in rows:
        level = known.setdefault(row.level(by), {})
        there = not math.isnan(row.measure.baseline)
        level[row.participant] = there or level.get(row.participant, False)
    for name, people in known.items():
        without = [participant for participant, there in people.items() if not there]
        if without:
            yield _left_out(without, people, f"no baseline for {by} {name}")


def _left_out(names: Sequence[str], people: Collection[str], lack: str) -> str:
    have, are = ("has", "is") if len(names) == 1 else ("have", "are")
    of = counted(len(people), "participant")
    return f"{len(names)} of {of} {have} {lack} and {are} left out of its comparisons: {_few(names)}"


def _never_compared(done: Sequence[LevelComparison], levels: Sequence[str], by: str) -> Iterator[str]:
    compared = {level for one in done for level in (one.one, one.other)}
    for level in levels:
        if level not in compared:
            yield f"{by} {level} is in no comparison: it has fewer than {FEWEST} participants with a value"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
