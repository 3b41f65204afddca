"""Scores as plain values: the table of clips as CSV, everything as JSON, several predictions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from mien.clips.predictions import ScoreOptions
from mien.clips.reference import Reference
from mien.clips.scoring import JUDGED, ClipScore, ScoredClip
from mien.core.atomic import atomic_write, told, try_place
from mien.core.errors import InputError
from mien.core.labels import NOTICE
from mien.core.names import json_text
from mien.data.label_names import in_order
from mien.metrics.sentiment import SENTIMENTS
from mien.outputs.tables.cells import csv_writer

FORMATS = ("csv", "json")


@dataclass(frozen=True)
class ClipComparison:
    """Clips that count in two scores.

    Args:
        n: How many.
        both: Right in both.
        first: Right in the first alone.
        second: Right in the second alone.
    """

    n: int
    both: int
    first: int
    second: int


def compared(first: ClipScore, second: ClipScore) -> ClipComparison:
    """The same clips in two scores, by name."""
    right = [
        {clip.file: clip.status == "right" for clip in score.clips if clip.status in JUDGED}
        for score in (first, second)
    ]
    pairs = [(one, right[1][file]) for file, one in right[0].items() if file in right[1]]
    return ClipComparison(
        len(pairs), pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True))
    )


def clip_keys(scores: Sequence[ClipScore]) -> list[str]:
    """Columns of the table of clips."""
    found = {name for score in scores for total in score.totals for name in total.expression}
    known = in_order(found)
    expressions = [*known, *sorted(found - {*known})]
    told_ = [
        "predictions",
        "file",
        "status",
        "reference",
        "predicted",
        "confidence",
        *SENTIMENTS,
        "frames",
        "seen",
        "coverage",
        "seconds",
        "failures",
    ]
    return [*told_, *(f"frames_{name}" for name in expressions)]


def clip_row(name: str, clip: ScoredClip) -> dict[str, Any]:
    """One clip as plain values.

    ``positive``, ``neutral``, ``negative`` and ``frames_happy`` and so on count frames; ``seen`` are the
    frames with the face, ``coverage`` is their share of the time; ``failures`` are notes of what could not be
    read.
    """
    result, verdict = clip.result, clip.verdict
    row: dict[str, Any] = {
        "predictions": name,
        "file": clip.file,
        "status": clip.status,
        "reference": clip.reference,
        "predicted": verdict and verdict.label,
        "confidence": None if verdict is None or verdict.confidence is None else round(verdict.confidence, 6),
    }
    if result is None:
        return row
    row |= dict(zip(SENTIMENTS, result.sentiment.counts.tolist(), strict=True))
    row |= {
        "frames": result.frames,
        "seen": result.seen,
        "coverage": round(result.coverage, 6),
        "seconds": round(result.seconds, 3),
    }
    counts = zip(result.expression.classes, result.expression.counts.tolist(), strict=True)
    return row | {"failures": result.failures} | {f"frames_{label}": count for label, count in counts}


def facts(scores: Sequence[ClipScore], reference: Reference, options: ScoreOptions) -> dict[str, Any]:
    """Everything as plain values, ready for JSON."""
    return {
        "note": NOTICE,
        "reference": str(reference.path),
        "method": options.rule.method,
        "person": options.rule.person,
        "min_confidence": options.rule.min_confidence_for(scores[0].kind),
        "mapping": {"name": options.mapping.name, "weights": options.mapping.table()},
        "scores": [_score(score) for score in scores],
        "beside_the_first": [
            {"name": score.name, **asdict(compared(scores[0], score))} for score in scores[1:]
        ],
    }


def _score(score: ClipScore) -> dict[str, Any]:
    return {
        "name": score.name,
        "classes": list(score.classes),
        "n": score.accuracy.n,
        "accuracy": score.accuracy.facts(),
        "accuracy_of_answers": score.answered.facts(),
        "macro_f1": score.macro_f1,
        "coverage": score.coverage,
        "confusion": score.confusion.tolist(),
        "unanswered": score.unanswered.tolist(),
        "clips": [clip_row(score.name, clip) for clip in score.clips],
        "totals": [asdict(total) for total in score.totals],
        "problems": list(score.problems),
    }


def write_scores(
    path: Path, scores: Sequence[ClipScore], reference: Reference, options: ScoreOptions
) -> None:
    """The table of clips as CSV, or everything as JSON; the file appears whole.

    Raises:
        InputError: The ending is another one, or the place cannot be written to.
    """
    with atomic_write(path) as aside, told(path), open(aside, "w", encoding="utf-8", newline="") as file:
        print_scores(file, _form(path), scores, (reference, options))


def print_scores(
    file: TextIO, form: str, scores: Sequence[ClipScore], about: tuple[Reference, ScoreOptions]
) -> None:
    """As `write_scores`, to an open file."""
    if form == "json":
        file.write(json_text(facts(scores, *about), file, 1))
        file.write("\n")
        return
    csv_writer(file, clip_keys(scores))(
        clip_row(score.name, clip) for score in scores for clip in score.clips
    )


def check_places(files: Sequence[Path], charts: Path | None) -> None:
    """See whether everything can be written, before it is made.

    Raises:
        InputError: An ending is unknown, or a place cannot be written to.
        MissingExtraError: There are to be charts, and matplotlib is not installed.
    """
    for path in files:
        _form(path)
        try_place(path)
    if charts is not None:
        from mien.plotting.evaluation import require_matplotlib

        require_matplotlib()
        if charts.exists() and not charts.is_dir():
            raise InputError(
                f"expected a folder for charts; {charts} is a file: give another one with --plots"
            )


def _form(path: Path) -> str:
    form = path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise InputError(
            f"expected a file ending in .csv (the table of clips) or .json (everything); got {path}: give another name with -o"
        )
    return form
