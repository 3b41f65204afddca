"""A paragraph for the methods section of a paper, one for its results, and how to cite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien import __version__
from mien.core.formatting import counted, percent
from mien.core.labels import NOTICE
from mien.studies.comparison import LEVEL, ComparedStudy, LevelComparison
from mien.studies.event_measures import HELD, SPREADS
from mien.studies.windows import MOMENT

_STATISTICS = {
    "mean": "the mean over the window",
    "peak": "the greatest value in the window",
    "peak_time": "the seconds from the event to the greatest value",
    "onset": f"the seconds from the event until the signal was active for {HELD:g} s",
    "duration": "the seconds for which the signal then stayed active",
    "share": "the part of the time read in which the signal was active",
    "area": "the value above the baseline summed over the seconds of the window",
    "baseline": "the mean over the baseline",
    "change": "the mean over the window less the mean over the baseline",
}
_P_ADJUSTS = {
    "holm": "adjusted by Holm's procedure",
    "fdr": "adjusted by the procedure of Benjamini and Hochberg",
    "none": "not adjusted",
}
_PEOPLE = {
    "longest": "the person longest in view",
    "largest": "the largest face of each frame",
    "all": "all persons in view, averaged",
}
CITATION = f"The mien authors. mien (version {__version__}) [Computer software]."
_MOST = 12
"""Results that are told one by one."""


@dataclass(frozen=True)
class StudyFacts:
    """What a study says of itself in ``study.json``.

    Args:
        settings: How recordings were read, by the names of the options; empty where the rows came from elsewhere.
        rules: How they were measured, by the names of the options.
        recordings: How many were measured.
        participants: How many they show.
    """

    settings: Mapping[str, Any]
    rules: Mapping[str, Any]
    recordings: int
    participants: int


def methods_paragraph(facts: StudyFacts, compared: ComparedStudy | None) -> str:
    """How everything was done, ready for a paper."""
    sentences = [*_reading(facts), *_measuring(facts)]
    if compared is not None:
        sentences += _comparing(compared, "each event" if facts.rules.get("events") else "each recording")
    return " ".join([*sentences, NOTICE[0].upper() + NOTICE[1:]])


def results_paragraph(compared: ComparedStudy) -> str:
    """What came out, ready for a paper: significant differences one by one, and how many were not."""
    clear = sorted((one for one in compared.comparisons if one.significant), key=lambda one: one.adjusted)
    told = [_result(one, compared) for one in clear[:_MOST]]
    if len(clear) > _MOST:
        told.append(f"{len(clear) - _MOST} more differences were significant.")
    tested = sum(math.isfinite(one.p) for one in compared.comparisons)
    without = tested - len(clear)
    if not clear:
        told.append(
            f"None of the {tested} comparisons was significant at {LEVEL:g}; that does not show that nothing differs."
        )
        told += filter(None, [too_few_to_tell(compared)])
    elif without:
        told.append(f"The other {without} of {tested} comparisons were not significant at {LEVEL:g}.")
    return " ".join(told)


def too_few_to_tell(compared: ComparedStudy) -> str | None:
    """That nothing can be significant with so few participants and so many comparisons; None where something can."""
    tested = [one for one in compared.comparisons if math.isfinite(one.p)]
    if not tested:
        return None
    least = min(one.smallest_p(compared.rules.draws) for one in tested)
    adjusted = min(least * len(tested), 1.0) if compared.rules.p_adjust == "holm" else least
    if adjusted < LEVEL:
        return None
    after = f", adjusted for {counted(len(tested), 'comparison')} {adjusted:.3f}" if adjusted > least else ""
    return f"With so few participants nothing could be significant: the smallest p-value that the test can have is {least:.3f}{after}."


def _reading(facts: StudyFacts) -> list[str]:
    begun = f"{_counted(facts.recordings, 'recording')} of {_counted(facts.participants, 'participant')} {'was' if facts.recordings == 1 else 'were'}"
    settings = facts.settings
    if not settings:
        return [f"Saved rows of {begun} measured with mien {__version__}."]
    model, networks = settings.get("model", "unknown"), settings.get("networks") or {}
    digest = f" ({networks[model]})" if model in networks else ""
    head = f", head {settings['head']}" if settings.get("head") else ""
    version = settings.get("version of mien", __version__)
    return [
        f"{begun} analyzed with mien {version} (model {model}{head}{digest}; detector {settings.get('detector')}), "
        "which gives calibrated probabilities of the facial expressions that each face shows.",
        *_part(settings),
        f"{_frames(settings)} {_over_time(settings)}",
    ]


def _part(settings: Mapping[str, Any]) -> list[str]:
    """Which part of the recordings was read, where not all of it was."""
    start, end = settings.get("from"), settings.get("to")
    if start is None and end is None:
        return []
    until = "the end" if end is None else f"{end:g} s"
    return [f"Each recording was read from {start or 0:g} s to {until}."]


def _frames(settings: Mapping[str, Any]) -> str:
    if settings.get("interval"):
        return f"A frame was analyzed every {settings['interval']:g} s."
    return (
        f"At most {settings['fps']:g} frames a second were analyzed."
        if settings.get("fps")
        else "Every frame was analyzed."
    )


def _over_time(settings: Mapping[str, Any]) -> str:
    if settings.get("tracking") is None:
        return "Persons were not followed, and nothing was smoothed."
    smoothing = settings.get("smoothing") or {}
    base = smoothing.get("baseline")
    calibrated = (
        ""
        if base is None
        else f", calibrated to each person's neutral face ({base if isinstance(base, str) else f'first {base:g} s'})"
    )
    tau = smoothing.get("tau", 0.35)
    followed = "Persons were followed by position, and their probabilities smoothed over time"
    return f"{followed} (time constant {tau:g} s){calibrated}."


def _measuring(facts: StudyFacts) -> list[str]:
    rules = facts.rules
    person = rules.get("person", "longest")
    who = _PEOPLE.get(str(person), f"person {person}")
    window, base = rules.get("event-window"), rules.get("baseline-window")
    if rules.get("events"):
        span = (
            f"from the beginning to the end of each event (for {MOMENT:g} s where it had no end)"
            if window is None
            else f"from {_seconds(window)} around each event's beginning"
        )
    else:
        span = (
            "over each recording as a whole"
            if window is None
            else f"from {_seconds(window)} of each recording"
        )
    told = (
        f"The participant was {who}. Signals were measured {span}, each frame weighted by the time that it stands for; "
        "time in which the face was not read was left out."
    )
    if base is None:
        return [told]
    what = (
        f"the events {base}" if isinstance(base, str) else f"{_seconds(base)} around each event's beginning"
    )
    active = f"signals other than expressions counted as active from {SPREADS:g} standard deviations above it"
    return [told, f"The baseline was {what}; {active}."]


def _seconds(span: Any) -> str:
    return f"{span[0]:g} to {span[1]:g} s"


def _comparing(compared: ComparedStudy, measured: str) -> list[str]:
    rules, paired = compared.rules, compared.comparisons[0].paired
    test = "flipping the signs of participants' differences"
    effect = "d_z with Hedges' correction"
    if not paired:
        test, effect = "shuffling participants between groups (statistic: Welch's t)", "Hedges' g"
    sized = any(math.isfinite(one.effect_low) for one in compared.comparisons)
    by_sizes = (
        f" and of effect sizes ({effect}) by the BCa bootstrap" if sized else f"; effect sizes are {effect}"
    )
    thin = f"; windows of which less than {percent(rules.min_coverage)} was read were left out"
    return [
        f"For each participant and level of {compared.by}, {_STATISTICS[compared.statistic]} was taken for {measured}, "
        "and averaged where there were several"
        f"{thin if rules.min_coverage else ''}.",
        f"Levels were compared over participants with two-sided permutation tests, {test} ({rules.draws:,} times at random, "
        f"or in all ways where there were fewer; seed {rules.seed}), with 95 % intervals of mean differences by a studentised "
        f"bootstrap over participants ({rules.draws:,} samples){by_sizes}.",
        f"P-values of the {counted(len(compared.comparisons), 'comparison')} were {_P_ADJUSTS[rules.p_adjust]}.",
    ]


def _result(one: LevelComparison, compared: ComparedStudy) -> str:
    cells = one.cells()
    more = "higher" if one.difference > 0 else "lower"
    place = f" ({compared.rules.each} {one.each})" if one.each else ""
    n = f"n = {cells['n_a']}" if one.paired else f"n = {cells['n_b']} and {cells['n_a']}"
    effect = "d_z" if one.paired else "g"
    what = one.measure.replace("_", " ") + (
        "" if compared.statistic == "mean" else f" ({compared.statistic.replace('_', ' ')})"
    )
    return (
        f"{what[0].upper()}{what[1:]} was {more} for {one.other} than for {one.one}{place}: mean difference {number(one.difference)}"
        f"{_interval(one.low, one.high, '95 % interval ')}, p {p_value(one.adjusted)}, {effect} = {number(one.effect)}"
        f"{_interval(one.effect_low, one.effect_high)}, {n}."
    )


def span(low: float, high: float) -> str:
    """An interval; a dash where there is none.

    >>> span(0.12345, 2.0), span(float("nan"), float("nan"))
    ('0.123 to 2', '-')
    """
    return (
        f"{number(low)} to {number(high)}" if math.isfinite(low) and math.isfinite(high) else number(math.nan)
    )


def _interval(low: float, high: float, name: str = "") -> str:
    return f" ({name}{span(low, high)})" if math.isfinite(low) and math.isfinite(high) else ""


def p_value(value: float) -> str:
    """A p-value as it stands in papers.

    >>> p_value(0.0123), p_value(0.0001), p_value(float("nan"))
    ('= 0.012', '< 0.001', 'not known')
    """
    if math.isnan(value):
        return "not known"
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def number(value: float) -> str:
    """Three digits that tell something; a dash where there is none.

    >>> number(0.12345), number(-12.345), number(float("nan"))
    ('0.123', '-12.3', '-')
    """
    return f"{value:.3g}" if math.isfinite(value) else "-"


def paragraphs(facts: StudyFacts, compared: ComparedStudy | None, left_out: Sequence[str] = ()) -> str:
    """All texts as Markdown."""
    parts = [f"## Methods\n\n{methods_paragraph(facts, compared)}"]
    if compared is not None:
        parts.append(f"## Results\n\n{results_paragraph(compared)}")
    if left_out:
        parts.append("## Left out\n\n" + "\n".join(f"* {line}" for line in left_out))
    parts.append(f"## Cite\n\n{CITATION} CITATION.cff has the details.")
    return "\n\n".join(parts) + "\n"


def _counted(number: int, what: str) -> str:
    """A number and what it counts.

    >>> _counted(1, "recording"), _counted(2, "recording")
    ('1 recording', '2 recordings')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
