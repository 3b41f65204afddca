"""A repetition as tables and charts: published beside ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.core.labels import Labels
from mien.plotting.curves import draw_runs
from mien.plotting.evaluation import draw_confusion
from mien.reproduction.measures import MEANING
from mien.reproduction.papers import PAPERS
from mien.reproduction.repetition import Repetition

_RATIOS = ("test_over_training", "macro_f1")
_COLUMNS = {
    "training": "learned",
    "validation": "watched",
    "private_test": "PrivateTest",
    "private_test_leak_free": "leak-free",
    "macro_f1": "macro-F1",
    "second_guess": "second",
}


def draw_charts(repetition: Repetition, folder: Path) -> list[Path]:
    """Write ``curves.png``, accuracy over epochs of every training, and ``matrix.png``, the confusion matrix on
    PrivateTest: all seeds' counts together, or the best optimizer's.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: A file cannot be written.
    """
    runs = list(repetition.runs)
    histories, head = {run.name: run.history for run in runs}, runs[0].recipe["heads"][0]
    curves = draw_runs(histories, head, folder / "curves.png", repetition.paper, training=True)
    if PAPERS[repetition.paper].optimizers:
        runs = [max(runs, key=lambda run: run.measures["last_validation"])]
    counts = np.sum([run.confusion for run in runs], axis=0)
    title = f"{repetition.paper}: PrivateTest, {', '.join(run.name for run in runs)}"
    return [curves, draw_confusion(counts, Labels(repetition.labels), folder / "matrix.png", title)]


def claims_rows(repetition: Repetition) -> list[list[str]]:
    """What the paper says and what came out here, titles first; several trainings with their mean and
    range."""
    rows = [["the source says", "published", "here", "what ours is"]]
    for claim in PAPERS[repetition.paper].claims:
        meaning = MEANING.get(claim.measure, "share of those errors on PrivateTest") + (
            f"; {claim.caution}" if claim.caution else ""
        )
        rows.append(
            [
                claim.said,
                shown(claim.measure, claim.published),
                spread(claim.measure, repetition.values(claim.measure)),
                meaning,
            ]
        )
    return rows


def runs_rows(repetition: Repetition) -> list[list[str]]:
    """Every training with its measures, titles first."""
    rows = [["run", "kept", *_COLUMNS.values()]]
    for run in repetition.runs:
        cells = [
            shown(measure, run.measures[measure]) if measure in run.measures else "-" for measure in _COLUMNS
        ]
        rows.append([run.name, f"{run.epoch} of {len(run.history)}", *cells])
    return rows


def markdown(rows: list[list[str]]) -> str:
    """Rows as a table for a page.

    >>> print(markdown([["a", "b"], ["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def shown(measure: str, value: float) -> str:
    """A value as people read it: shares as percentages, ratios as they are.

    >>> shown("private_test", 0.48257), shown("test_over_training", 0.7665)
    ('48.3 %', '.7665')
    """
    return f"{value:.4f}".lstrip("0") if measure in _RATIOS else f"{100 * value:.1f} %"


def spread(measure: str, values: list[float]) -> str:
    """One value, or the mean of several and their range.

    >>> spread("private_test", [0.5, 0.52]), spread("private_test", [])
    ('51.0 % (50.0 % to 52.0 %)', 'none')
    """
    if not values:
        return "none"
    mean = shown(measure, sum(values) / len(values))
    return (
        mean
        if len(values) == 1
        else f"{mean} ({shown(measure, min(values))} to {shown(measure, max(values))})"
    )
