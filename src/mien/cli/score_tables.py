"""Scores of clips as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from mien.cli.console import Console
from mien.cli.table import Table, TableColumn
from mien.clips.aggregate import BESIDE_ANALYZE, SERIES, Kind
from mien.clips.facts import compared
from mien.clips.predictions import ScoreOptions
from mien.clips.scoring import ClipScore, Share
from mien.core.formatting import percent, precise
from mien.core.labels import NOTICE
from mien.metrics import wilson
from mien.metrics.sentiment import SENTIMENTS

_MOST_CLIPS, _MOST_TOTALS = 24, 12
_COLOURS = {"right": "green", "wrong": "red"}


def show_scores(scores: Sequence[ClipScore], options: ScoreOptions, console: Console) -> None:
    """Print clips, figures, confusions and totals; of several scores the figures side by side, first."""
    names = _short_names(scores)
    parts = [
        part
        for name, score in zip(names, scores, strict=True)
        for part in _parts(score, name if len(scores) > 1 else "")
    ]
    for heading, table in [("", _figures(scores, names)), *parts]:
        if heading:
            console.print()
            console.print(Text(heading, "bold"), soft_wrap=True)
        console.print(table)
    rule = options.rule
    low = rule.min_confidence_for(scores[0].kind)
    least = f"; no answer below {percent(low)}" if low else ""
    console.print()
    console.print(
        f"{rule.method}, {_whose(rule.person)}{least}; mapping {options.mapping.name}. {BESIDE_ANALYZE} {NOTICE}",
        style="dim",
        soft_wrap=True,
    )


def _whose(person: str | int) -> str:
    return (
        f"person {person}"
        if isinstance(person, int)
        else {"largest": "largest face", "all": "all faces"}[person]
    )


def _parts(score: ClipScore, name: str) -> list[tuple[str, Table]]:
    """Headings and tables of one score; its name where there are several."""
    lead = f"{name}: " if name else ""
    return [
        (f"{lead}confusion matrix: rows the reference label, columns the answer", _confusion(score)),
        (f"{lead}frames with a face, by sentiment: {SERIES}", _totals(score, SENTIMENTS, "sentiment")),
        (
            f"{lead}frames with a face, by expression: {SERIES}",
            _totals(score, list(score.totals[0].expression), "expression"),
        ),
        *(
            []
            if name
            else [
                (
                    "every clip (-o FILE.csv has all), with its positive, neutral, negative frames",
                    _clips(score),
                )
            ]
        ),
    ]


def _short_names(scores: Sequence[ClipScore]) -> list[str]:
    stems = [Path(score.name).stem for score in scores]
    return stems if len({*stems}) == len(stems) else [score.name for score in scores]


def _figures(scores: Sequence[ClipScore], names: Sequence[str]) -> Table:
    table = Table(TableColumn(kind="text"), *names)
    rows = [
        ("clips that count", [f"{score.accuracy.n:,}" for score in scores]),
        ("right", [_share(score.accuracy) for score in scores]),
        ("95 % interval", [_interval(score.accuracy) for score in scores]),
        ("without an answer: unsure", [f"{score.count('unsure'):,}" for score in scores]),
        ("without an answer: no face", [f"{score.count('no_face'):,}" for score in scores]),
        ("right of the answered", [f"{_share(score.answered)} of {score.answered.n:,}" for score in scores]),
        ("95 % interval", [_interval(score.answered) for score in scores]),
        ("macro-F1", [f"{score.macro_f1:.3f}" for score in scores]),
        ("mean coverage", [precise(score.coverage) for score in scores]),
    ]
    if len(scores) > 1:
        beside = [compared(scores[0], score) for score in scores]
        rows.append(("clips also in the first", [f"{one.n:,}" for one in beside]))
        rows.append(("right here, not there", ["", *(f"{one.second:,}" for one in beside[1:])]))
        rows.append(("right there, not here", ["", *(f"{one.first:,}" for one in beside[1:])]))
    for name, cells in rows:
        table.add_row(name, *cells)
    return table


def _share(share: Share) -> str:
    return "-" if share.value is None else precise(share.value)


def _interval(share: Share) -> str:
    if not share.n:
        return "-"
    low, high = wilson(share.right, share.n)
    return f"{precise(low)} to {precise(high)}"


def _confusion(score: ClipScore) -> Table:
    table = Table("", *score.classes, "no answer")
    for row, (name, counts, silent) in enumerate(
        zip(score.classes, score.confusion.tolist(), score.unanswered.tolist(), strict=True)
    ):
        cells = [
            Text(f"{count:,}" if count else "·", "bold" if row == column else "")
            for column, count in enumerate(counts)
        ]
        table.add_row(name, *cells, f"{silent:,}" if silent else "·")
    return table


def _totals(score: ClipScore, classes: Sequence[str], kind: Kind) -> Table:
    table = Table("", "clips", "frames", *classes)
    for total in score.totals[:_MOST_TOTALS]:
        counts = total.sentiment if kind == "sentiment" else total.expression
        table.add_row(
            total.name,
            f"{total.clips:,}",
            f"{total.frames:,}",
            *(f"{counts.get(name, 0):,}" for name in classes),
        )
    if len(score.totals) > _MOST_TOTALS:
        table.add_row(f"{len(score.totals) - _MOST_TOTALS} more: -o FILE.json")
    return table


def _clips(score: ClipScore) -> Table:
    table = Table(
        "file",
        TableColumn("answer", "text"),
        TableColumn("reference", "text"),
        TableColumn("", "text"),
        "sure",
        *(TableColumn(name[:3], drop=1) for name in SENTIMENTS),
        TableColumn("frames", drop=2),
        TableColumn("seen", drop=3),
    )
    for clip in score.clips[:_MOST_CLIPS]:
        verdict, result = clip.verdict, clip.result
        confidence = "" if verdict is None or verdict.confidence is None else percent(verdict.confidence)
        answer = (verdict and verdict.label) or "-"
        numbers = ["", "", "", "", ""]
        if result is not None:
            numbers = [
                *(f"{count:,}" for count in result.sentiment.counts.tolist()),
                f"{result.frames:,}",
                percent(result.coverage),
            ]
        status = Text(clip.status.replace("_", " "), _COLOURS.get(clip.status, "yellow"))
        table.add_row(clip.file, answer, clip.reference or "-", status, confidence, *numbers)
    if len(score.clips) > _MOST_CLIPS:
        table.add_row(f"{len(score.clips) - _MOST_CLIPS:,} more")
    return table
