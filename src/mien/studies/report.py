"""A study as one page that loads nothing from anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import MissingExtraError
from mien.core.formatting import counted, lasting, percent
from mien.core.labels import NOTICE
from mien.core.scratch import scratch_folder
from mien.metrics.resampling import LEAST_OF_EFFECT
from mien.plotting.studies import LevelsPanel, draw_levels
from mien.reports.page import data_address, write_page
from mien.studies.comparison import LEVEL, ComparedStudy, LevelComparison, ordered_levels, well_covered
from mien.studies.study import Study, StudyRecordingFacts
from mien.studies.tables import StudyRow, participant_means
from mien.studies.texts import (
    CITATION,
    StudyFacts,
    methods_paragraph,
    number,
    p_value,
    results_paragraph,
    span,
)

_MOST_RECORDINGS = 500
_MOST_PANELS = 24
_MOST_COLUMNS = 12
_WIDEST = 12
"""Signals and levels that still fit side by side."""


def write_report(
    path: Path, study: Study, facts: StudyFacts, compared: ComparedStudy | None, left_out: Sequence[str] = ()
) -> None:
    """Write the page; it appears whole.

    Args:
        path: Where it goes.
        study: With rows; without recordings where only the table is known.
        facts: What ``study.json`` says.
        compared: What differs; None where nothing could be compared.
        left_out: What is not in the comparison, and why, a line each.

    Raises:
        MissingExtraError: jinja2 is not installed.
        InputError: The file cannot be written.
    """
    texts = [("Methods", methods_paragraph(facts, compared))]
    if compared is not None:
        texts.append(("Results", results_paragraph(compared)))
    texts.append(("To cite", CITATION))
    content = {
        "title": "Study",
        "figures": _figures(study, facts),
        "problems": [*study.problems, *left_out],
        "remarks": study.remarks,
        "comparison": None if compared is None else _comparison(compared),
        "texts": texts,
        "means": _means(study.rows, compared),
        "fields": study.fields,
        "recordings": [_recording(one, study.fields) for one in study.recordings[:_MOST_RECORDINGS]],
        "more_recordings": max(0, len(study.recordings) - _MOST_RECORDINGS),
        "settings": _settings(facts),
    }
    write_page(path, "study.html", content)


def write_chart(path: Path, compared: ComparedStudy) -> Path:
    """Write the comparison as PNG, a panel for each signal.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    return draw_levels(
        path, levels_panels(compared), f"{compared.statistic.replace('_', ' ')} by {compared.by}"
    )


def levels_panels(compared: ComparedStudy) -> list[LevelsPanel]:
    """What the chart shows: a panel for each signal."""
    grouped: dict[tuple[str, str], list[LevelComparison]] = {}
    for one in compared.comparisons:
        grouped.setdefault((one.measure, one.each), []).append(one)
    panels = []
    for (measure, each), own in list(grouped.items())[:_MOST_PANELS]:
        levels: dict[str, dict[str, float]] = {}
        for one in own:
            levels.setdefault(one.one, {}).update(one.values)
            levels.setdefault(one.other, {}).update(one.other_values)
        clear = sum(one.significant for one in own)
        note = (
            _probability(own[0], compared)
            if len(own) == 1
            else f"{clear} of {counted(len(own), 'pair')} differ"
        )
        title = f"{measure.replace('_', ' ')}{f', {each}' if each else ''}"
        panels.append(LevelsPanel(title, levels, own[0].paired, note))
    return panels


def _probability(one: LevelComparison, compared: ComparedStudy) -> str:
    name = "p" if compared.rules.p_adjust == "none" else "adjusted p"
    return f"{name} {p_value(one.adjusted)}"


def _comparison(compared: ComparedStudy) -> dict[str, Any]:
    image = None
    try:
        with scratch_folder() as folder:
            image = data_address(write_chart(folder / "comparison.png", compared).read_bytes())
    except MissingExtraError:
        pass
    effect = "d_z" if compared.comparisons[0].paired else "Hedges' g"
    return {
        "title": f"{compared.statistic.replace('_', ' ').capitalize()} by {compared.by}",
        "image": image,
        "columns": (
            "Signal",
            "First",
            "Second",
            "n",
            "Difference",
            "95 % interval",
            effect,
            "95 % interval",
            "p",
            "adjusted",
        ),
        "rows": [{"cells": _cells(one), "significant": one.significant} for one in compared.comparisons],
        "level": LEVEL,
        "least_of_effect": None
        if all(math.isfinite(one.effect_low) for one in compared.comparisons)
        else LEAST_OF_EFFECT,
    }


def _cells(one: LevelComparison) -> tuple[str, ...]:
    cells = one.cells()
    n = str(cells["n_a"]) if one.paired else f"{cells['n_a']} and {cells['n_b']}"
    name = one.measure.replace("_", " ") + (f", {one.each}" if one.each else "")
    spans = [span(one.low, one.high), span(one.effect_low, one.effect_high)]
    figures = (
        number(one.difference),
        spans[0],
        number(one.effect),
        spans[1],
        f"{one.p:.4f}",
        f"{one.adjusted:.4f}",
    )
    return (name, one.one, one.other, n, *figures)


def _means(rows: Sequence[StudyRow], compared: ComparedStudy | None) -> dict[str, Any] | None:
    """Means of the levels that were compared, or of events; None where there are too many for a page."""
    by, statistic = ("event", "mean") if compared is None else (compared.by, compared.statistic)
    rows = rows if compared is None else well_covered(rows, compared.rules)
    levels = ordered_levels(rows, by)
    if len(levels) > _MOST_COLUMNS:
        return None
    by_measure: dict[str, list[StudyRow]] = {}
    for row in rows:
        by_measure.setdefault(row.measure.measure, []).append(row)
    lines = []
    for measure, own in by_measure.items():
        means = participant_means(own, (by,), statistic)
        lines.append(
            (measure.replace("_", " "), [_mean([*means.get((level,), {}).values()]) for level in levels])
        )
    return {"columns": levels, "rows": lines}


def _mean(values: Sequence[float]) -> str:
    if not values:
        return "-"
    spread = f" ({number(float(np.std(values, ddof=1)))})" if len(values) > 1 else ""
    return f"{number(float(np.mean(values)))}{spread}"


def _recording(one: StudyRecordingFacts, fields: Sequence[str]) -> dict[str, Any]:
    return {
        "file": one.recording.file,
        "fields": [one.recording.fields.get(name, "") for name in fields],
        "seconds": lasting(one.seconds),
        "coverage": percent(one.coverage),
        "uncertain": "-" if math.isnan(one.uncertain) else percent(one.uncertain),
        "events": one.events,
    }


def _figures(study: Study, facts: StudyFacts) -> list[dict[str, str]]:
    windows = {(row.recording, row.window.event, row.window.number) for row in study.rows}
    signals = {row.measure.measure for row in study.rows}
    figures = [
        {"value": str(facts.participants), "what": "participants", "more": ""},
        {"value": str(facts.recordings), "what": "recordings", "more": ""},
        {
            "value": f"{len(windows):,}",
            "what": "windows",
            "more": f"{counted(len(signals), 'signal')} in each",
        },
    ]
    if study.recordings:
        read = float(np.mean([one.coverage for one in study.recordings]))
        figures.append({"value": percent(read), "what": "of the time read", "more": "mean of recordings"})
    return figures


def _settings(facts: StudyFacts) -> list[tuple[str, str]]:
    """Everything that decides the results, as it is in study.json."""
    settings = {**facts.settings, **facts.rules}
    shown = [
        (name, _told(value)) for name, value in settings.items() if value not in (None, False, "", [], {})
    ]
    return [*shown, ("what is measured", NOTICE)]


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(part)}" for name, part in value.items() if part not in (None, False))
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
