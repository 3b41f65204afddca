"""Scores as plain values and as charts: the table of clips as CSV, everything as JSON, several predictions
side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from mien.clips.aggregate import BESIDE_ANALYZE, SERIES
from mien.clips.predictions import ScoreOptions
from mien.clips.reference import Reference
from mien.clips.scoring import JUDGED, ClipScore, ScoredClip, Share, Total
from mien.core.atomic import atomic_write, check_writable, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.labels import NOTICE, Labels
from mien.core.names import json_text
from mien.core.output_names import storable
from mien.data.label_names import in_order
from mien.metrics import wilson
from mien.metrics.sentiment import SENTIMENTS
from mien.plotting.evaluation import draw_confusion
from mien.plotting.shares import Interval, Panel, draw_intervals, draw_shares
from mien.plotting.style import require_matplotlib

FORMATS = ("csv", "json")
_MOST_ROWS = 40


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
    columns = [
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
    return [*columns, *(f"frames_{name}" for name in expressions)]


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
        "notice": NOTICE,
        "reference": str(reference.path),
        "method": options.rule.method,
        "person": options.rule.person,
        "min_confidence": options.rule.min_confidence_for(scores[0].kind),
        "counts": BESIDE_ANALYZE,
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
        "remarks": list(score.remarks),
    }


def write_scores(
    path: Path, scores: Sequence[ClipScore], reference: Reference, options: ScoreOptions
) -> None:
    """The table of clips as CSV, or everything as JSON; the file appears whole.

    Raises:
        InputError: The ending is another one, or the place cannot be written to.
    """
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
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


def write_charts(scores: Sequence[ClipScore], folder: Path) -> list[Path]:
    """Charts of every score as PNG in a folder, which is made where it is not there.

    ``matrix.png`` is the confusion matrix of the clips that got an answer, ``totals.png`` what each folder or
    person showed; of several scores each has them in a folder of its own, beside ``comparison.png``.

    Raises:
        InputError: The folder cannot be written to.
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    written = []
    for number, score in enumerate(scores, 1):
        own = folder if len(scores) == 1 else folder / storable(f"{number}-{Path(score.name).stem}")
        answers = f"{score.name}: clips with an answer, n = {score.answered.n:,}; {int(score.unanswered.sum()):,} without"
        written.append(draw_confusion(score.confusion, score.classes, own / "matrix.png", answers))
        written.append(_draw_totals(score, own / "totals.png"))
    if len(scores) > 1:
        series = {
            "of all clips that count": [_interval(score.accuracy) for score in scores],
            "of the clips with an answer": [_interval(score.answered) for score in scores],
        }
        names = [score.name for score in scores]
        written.append(
            draw_intervals(folder / "comparison.png", names, series, "Right answers, with 95 % intervals")
        )
    return written


def _draw_totals(score: ClipScore, path: Path) -> Path:
    """Shares of frames, a row for each group, sentiments beside expressions."""
    groups = [score.totals[0], *sorted(score.totals[1:], key=lambda total: -total.frames)[: _MOST_ROWS - 1]]
    rows = [f"{total.name}  ({counted(total.frames, 'frame')})" for total in groups]
    panels = [
        Panel(SENTIMENTS, [_shares(total.sentiment, total) for total in groups]),
        Panel(Labels(tuple(groups[0].expression)), [_shares(total.expression, total) for total in groups]),
    ]
    left = len(score.totals) - len(groups)
    more = f"; {left:,} more are in the tables" if left else ""
    return draw_shares(path, rows, panels, f"{score.name}: frames with a face, by {SERIES}{more}")


def _shares(counts: Mapping[str, int], total: Total) -> dict[str, float]:
    return {name: count / max(total.frames, 1) for name, count in counts.items()}


def _interval(share: Share) -> Interval:
    low, high = wilson(share.right, share.n) if share.n else (0.0, 0.0)
    return Interval(share.value or 0.0, low, high)


def check_places(files: Sequence[Path], charts: Path | None) -> None:
    """See whether everything can be written, before it is made.

    Raises:
        InputError: An ending is unknown, or a place cannot be written to.
        MissingExtraError: There are to be charts, and matplotlib is not installed.
    """
    for path in files:
        _form(path)
        check_writable(path)
    if charts is not None:
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
