"""What came out of a run: counts of everything, and, where images have labels, how often the answer is
the label."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.batch.settings import BatchSettings
from mien.clips.aggregate import ClipRule, read_clip
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import cell, csv_writer
from mien.core.errors import InputError, MissingExtraError
from mien.core.formatting import counted, precise
from mien.core.frame_result import Row
from mien.core.labels import Labels
from mien.metrics import wilson
from mien.outputs.tables.saved import read_rows, video_of_rows
from mien.outputs.tables.saved_row import SavedRow

DERIVED = PREDICTIONS, CONFUSION, CHART = "predictions.csv", "confusion.csv", "confusion.png"
"""Files that are made of all shards together."""

RULE = ClipRule(min_confidence=0)
"""As `mien score` by default, but an answer always: accuracy is that of all images, as of `mien evaluate`."""

ANSWER = (
    "The answer is the greatest mean probability over time of the largest face, as of mien score; confidence is that "
    "mean. mien analyze shows how long each smoothed emotion lasted instead"
)
"""What is predicted for an image or video."""

_COLUMNS = ("item", "source", "reference", "predicted", "confidence", "right", "status")


@dataclass(frozen=True)
class Answer:
    """What an image or video shows as a whole.

    Args:
        source: Its name.
        label: What it is said to show.
        answer: The expression that was read; None where there is no face or it could not be read.
        confidence: Its probability, 0 to 1.
        status: ``face``, ``no_face`` or ``error``.
    """

    source: str
    label: str | None
    answer: str | None
    confidence: float | None
    status: str


@dataclass
class BatchSummary:
    """Counts of a whole run.

    Args:
        labels: Expressions that the network tells apart.
        statuses: Items by their status: ``face``, ``no_face``, ``error``.
        faces: Rows with a face.
        rows: All rows.
        confusion: ``(k, k)`` items with a label and an answer: a row is the label, a column the answer.
        silent: Items with a label that got no answer.
        foreign: Items with a label that the network does not know, by it; they are in no other figure about
            labels.
        written: Files that were written.
    """

    labels: Labels
    statuses: Counter[str] = field(default_factory=Counter)
    faces: int = 0
    rows: int = 0
    confusion: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    silent: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    written: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((len(self.labels),) * 2, np.int64)

    def count(self, rows: Sequence[SavedRow]) -> None:
        """Count the rows of one item."""
        self.rows += len(rows)
        self.faces += sum(row.status == "face" for row in rows)
        self.statuses[_status(rows)] += 1

    def add(self, answer: Answer) -> None:
        """Hold one item's answer against its label."""
        if answer.label is None:
            return
        if answer.label not in self.labels.names:
            self.foreign[answer.label] += 1
        elif answer.answer is None:
            self.silent += 1
        else:
            self.confusion[self.labels.index(answer.label), self.labels.index(answer.answer)] += 1

    @property
    def judged(self) -> int:
        """Items with a label and an answer."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> tuple[float, float, float] | None:
        """Share of them whose answer is the label, with its 95 % interval (Wilson); None where there are
        none."""
        if not self.judged:
            return None
        right = int(np.trace(self.confusion))
        return right / self.judged, *wilson(right, self.judged)

    def facts(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        facts: dict[str, Any] = {"items": dict(self.statuses), "faces": self.faces, "rows": self.rows}
        if (found := self.accuracy) is not None:
            share, low, high = (round(value, 6) for value in found)
            facts["labels"] = {
                "judged": self.judged,
                "accuracy": share,
                "interval_95": [low, high],
                "without an answer": self.silent,
                "unknown to the network": dict(self.foreign),
                "classes": list(self.labels),
                "confusion": self.confusion.tolist(),
            }
        return facts


def judge(folder: Path, shards: Sequence[Path], settings: BatchSettings) -> BatchSummary:
    """Count the rows of all shards; where they have labels, write predictions beside labels, and the
    confusion matrix.

    The answer of an image or video is that of `mien.clips.aggregate` by `RULE`.

    Raises:
        InputError: A shard is damaged, or a file cannot be written.
    """
    summary = BatchSummary(settings.labels())
    answers = _answers(shards, settings, summary)
    if not settings.labelled:
        for _ in answers:
            pass
        return summary
    place = folder / PREDICTIONS
    with (
        atomic_write(place) as aside,
        translate_os_errors(place),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        write = csv_writer(file, _COLUMNS)
        for item, answer in answers:
            summary.add(answer)
            write([_line(item, answer)])
    summary.written += [place, *_matrices(summary, folder)]
    return summary


def _answers(
    shards: Sequence[Path], settings: BatchSettings, summary: BatchSummary
) -> Iterator[tuple[int | None, Answer]]:
    """Each item's position and answer, in order; everything is counted on the way."""
    for shard in shards:
        try:
            for item, found in groupby(read_rows(shard), key=attrgetter("item")):
                rows = list(found)
                summary.count(rows)
                if settings.labelled:
                    yield item, _answer(rows, shard)
        except InputError as error:
            raise InputError(
                f"{error}; the same command writes {shard.name} again once it is deleted"
            ) from None


def _answer(rows: Sequence[SavedRow], shard: Path) -> Answer:
    """One answer of all rows of an item."""
    source, reference, status = rows[0].source, rows[0].reference, _status(rows)
    if status != "face":
        return Answer(source, reference, None, None, status)
    label = read_clip(video_of_rows(source, rows, shard), RULE).expression
    return Answer(source, reference, label.label, label.confidence, status)


def _status(rows: Sequence[SavedRow]) -> str:
    """The best that was seen in an item."""
    return min((row.status for row in rows), key=("face", "no_face", "error").index)


def _line(item: int | None, answer: Answer) -> Row:
    right = None if answer.label is None else int(answer.label == answer.answer)
    confidence = None if answer.confidence is None else round(answer.confidence, 6)
    line = (item, answer.source, answer.label, answer.answer, confidence, right, answer.status)
    return dict(zip(_COLUMNS, line, strict=True))


def _matrices(summary: BatchSummary, folder: Path) -> Iterable[Path]:
    """The confusion matrix as a table, and as an image where matplotlib is there."""
    place = folder / CONFUSION
    with (
        atomic_write(place) as aside,
        translate_os_errors(place),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["reference", *map(cell, summary.labels)])
        table.writerows(
            [cell(name), *counts]
            for name, counts in zip(summary.labels, summary.confusion.tolist(), strict=True)
        )
    yield place
    found = summary.accuracy
    if found is None:
        return
    try:
        from mien.plotting.evaluation import draw_confusion

        title = f"{counted(summary.judged, 'image')}, {precise(found[0])} right (95 % interval {precise(found[1])} to {precise(found[2])})"
        draw_confusion(summary.confusion, summary.labels, folder / CHART, title)
    except MissingExtraError:
        return
    yield folder / CHART
