"""What came out of a run: counts of everything, and, where images have labels, how often the answer is
the label."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.batch.settings import BatchSettings
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import Labels
from mien.metrics import wilson

DERIVED = PREDICTIONS, CONFUSION, CHART = "predictions.csv", "confusion.csv", "confusion.png"
"""Files that are made of all shards together."""

Row = dict[str, Any]


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

    def add(self, answer: Answer) -> None:
        """Count one item's answer."""
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

    Of several faces in an image the biggest one answers. The answer of a video is the mean of its
    frames' probabilities.

    Raises:
        InputError: A shard is damaged, or a file cannot be written.
    """
    verdict = BatchSummary(settings.labels())
    answers = _answers(shards, settings, verdict)
    if not settings.labelled:
        for _ in answers:
            pass
        return verdict
    place = folder / PREDICTIONS
    with (
        atomic_write(place) as aside,
        translate_os_errors(place),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["item", "source", "reference", "predicted", "confidence", "right", "status"])
        for item, answer in answers:
            verdict.add(answer)
            table.writerow(_line(item, answer))
    verdict.written += [place, *_matrices(verdict, folder)]
    return verdict


def _answers(
    shards: Sequence[Path], settings: BatchSettings, verdict: BatchSummary
) -> Iterator[tuple[int, Answer]]:
    """Each item's position and answer, in order; everything is counted on the way."""
    for shard in shards:
        for item, rows in groupby(_rows(shard, settings), key=itemgetter("item")):
            answer = _answer(list(rows), verdict)
            verdict.statuses[answer.status] += 1
            yield int(item), answer


def _line(item: int, answer: Answer) -> list[Any]:
    right = "" if answer.label is None else int(answer.label == answer.answer)
    confidence = None if answer.confidence is None else round(answer.confidence, 6)
    return [item, answer.source, answer.label, answer.answer, confidence, right, answer.status]


def _answer(rows: list[Row], verdict: BatchSummary) -> Answer:
    """One answer of all rows of an item."""
    verdict.rows += len(rows)
    faces = [row for row in rows if row["status"] == "face"]
    verdict.faces += len(faces)
    first = rows[0]
    if not faces:
        status = "no_face" if any(row["status"] == "no_face" for row in rows) else "error"
        return Answer(first["source"], first.get("reference"), None, None, status)
    biggest = [max(frame, key=_area) for _, frame in groupby(faces, key=itemgetter("frame"))]
    means = [sum(float(row[name]) for row in biggest) / len(biggest) for name in verdict.labels]
    best = max(range(len(means)), key=means.__getitem__)
    return Answer(first["source"], first.get("reference") or None, verdict.labels[best], means[best], "face")


def _area(row: Row) -> float:
    return (float(row["x2"]) - float(row["x1"])) * (float(row["y2"]) - float(row["y1"]))


def _rows(shard: Path, settings: BatchSettings) -> Iterator[Row]:
    labels = settings.labels()
    names = [
        "item",
        "source",
        "frame",
        "status",
        "x1",
        "y1",
        "x2",
        "y2",
        *labels,
        *(["reference"] if settings.labelled else []),
    ]
    if settings.form == "parquet":
        from mien.outputs.tables.parquet import parquet_rows

        yield from parquet_rows(shard, columns=names)
        return
    try:
        with open(shard, encoding="utf-8", newline="") as file:
            if settings.form == "csv":
                yield from csv.DictReader(file)
            else:
                for line in file:
                    row = json.loads(line)
                    yield {
                        **row,
                        **dict(zip(("x1", "y1", "x2", "y2"), row["box"] or (), strict=False)),
                        **(row["probs"] or {}),
                    }
    except (OSError, ValueError) as error:
        raise InputError(
            f"{shard}: expected a whole shard; got {error}: delete it, and the same command writes it again"
        ) from None


def _matrices(verdict: BatchSummary, folder: Path) -> Iterable[Path]:
    """The confusion matrix as a table, and as an image where matplotlib is there."""
    place = folder / CONFUSION
    with (
        atomic_write(place) as aside,
        translate_os_errors(place),
        open(aside, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["reference", *verdict.labels])
        table.writerows(
            [name, *counts] for name, counts in zip(verdict.labels, verdict.confusion.tolist(), strict=True)
        )
    yield place
    found = verdict.accuracy
    if found is None:
        return
    try:
        from mien.plotting.evaluation import draw_confusion

        title = f"{verdict.judged:,} images, {found[0]:.1%} right (95 % interval {found[1]:.1%} to {found[2]:.1%})"
        draw_confusion(verdict.confusion, verdict.labels, folder / CHART, title)
    except MissingExtraError:
        return
    yield folder / CHART
