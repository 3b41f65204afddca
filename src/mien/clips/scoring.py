"""Clips held against reference labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.clips.aggregate import ClipLabel, ClipResult, Kind
from mien.clips.predictions import Predictions, ScoreOptions
from mien.clips.reference import Reference, match_names
from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.data.label_names import in_order
from mien.metrics import class_scores, confusion_matrix, wilson
from mien.metrics.sentiment import SENTIMENTS, SentimentMapping

Status = Literal["right", "wrong", "unsure", "no_face", "unreadable", "no_reference", "missing", "ambiguous"]
JUDGED = ("right", "wrong", "unsure", "no_face")
"""What counts; the others are listed and left out."""


@dataclass(frozen=True, eq=False)
class ScoredClip:
    """One line of the table.

    Args:
        file: Name of the clip; what the reference labels call it where there is none.
        status: ``right``, ``wrong``; ``unsure``: its confidence was too low for an answer; ``no_face``;
            ``unreadable``: no frame could be read; ``no_reference``: without a reference label; ``missing``: a
            reference label without a clip; ``ambiguous``: which belongs to which is unclear.
        reference: The reference label.
        verdict: The answer in the classes that are judged.
        result: The clip in short.
    """

    file: str
    status: Status
    reference: str | None
    verdict: ClipLabel | None = None
    result: ClipResult | None = None


@dataclass(frozen=True)
class Share:
    """A share of clips and its 95 % interval (Wilson).

    Args:
        right: How many.
        n: Out of how many.
    """

    right: int
    n: int

    @property
    def value(self) -> float | None:
        return self.right / self.n if self.n else None

    def facts(self) -> dict[str, Any]:
        low, high = wilson(self.right, self.n) if self.n else (None, None)
        return {"share": self.value, "right": self.right, "n": self.n, "low": low, "high": high}


@dataclass(frozen=True, eq=False)
class Total:
    """Frames of a folder or person.

    Args:
        name: Which.
        clips: How many clips.
        frames: Frames with a face.
        expression: Frames with each expression, by name.
        sentiment: Frames with each sentiment, by name.
    """

    name: str
    clips: int
    frames: int
    expression: dict[str, int]
    sentiment: dict[str, int]


@dataclass(frozen=True, eq=False)
class ClipScore:
    """How the clips of one set of predictions compare with the reference labels.

    Args:
        name: The predictions.
        classes: The k classes.
        clips: Every clip, and every reference label without one.
        confusion: ``(k, k)`` clips with an answer: a row is the reference label, a column the answer.
        unanswered: ``(k,)`` clips of each reference label without an answer.
        totals: Frames of everything, then of each folder or person where there are several.
        problems: What could not be used.
        remarks: What a person should know about where the predictions come from.
    """

    name: str
    classes: Labels
    clips: tuple[ScoredClip, ...]
    confusion: NDArray[np.int64]
    unanswered: NDArray[np.int64]
    totals: tuple[Total, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Whether expressions or sentiments are judged."""
        return "sentiment" if self.classes == SENTIMENTS else "expression"

    def count(self, status: Status) -> int:
        """Clips of a status."""
        return sum(clip.status == status for clip in self.clips)

    @property
    def accuracy(self) -> Share:
        """Right answers among all clips that count; no answer is not right."""
        return Share(self.count("right"), int(self.confusion.sum() + self.unanswered.sum()))

    @property
    def answered(self) -> Share:
        """Right answers among the clips that got one."""
        return Share(self.count("right"), int(self.confusion.sum()))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur or are answered; a clip without an answer lowers the recall of
        its class."""
        k = len(self.classes)
        table = np.zeros((k + 1, k + 1), np.int64)
        table[:k, :k], table[:k, k] = self.confusion, self.unanswered
        return float(np.mean([score.f1 for score in class_scores(table)[:k] if score.f1 is not None]))

    @property
    def coverage(self) -> float:
        """Mean share of a clip's time with the face, of the clips that count."""
        return float(
            np.mean(
                [
                    clip.result.coverage
                    for clip in self.clips
                    if clip.status in JUDGED and clip.result is not None
                ]
            )
        )

    @property
    def complete(self) -> bool:
        """Whether every clip had a reference label and every reference label a clip, and all of it could be
        used."""
        return not self.problems and all(clip.status in JUDGED for clip in self.clips)


def score_clips(
    predictions: Predictions, reference: Reference, options: ScoreOptions | None = None
) -> ClipScore:
    """Hold clips against reference labels, which are raters' words for what the faces show.

    Raises:
        InputError: No clip has a reference label, or a reference label or a class of the clips has no sentiment.
    """
    options = options or ScoreOptions()
    kind = options.classes or reference.kind
    if (kind, reference.kind) == ("expression", "sentiment"):
        raise InputError(
            f"{reference.path}: expected expressions; got positive, neutral, negative: leave out --classes expression"
        )
    if kind == "sentiment" and (unknown := _without_sentiment(predictions, options.mapping)):
        raise InputError(
            f"mapping {options.mapping.name}: expected a sentiment for {', '.join(unknown)} too, as {predictions.name} has rows of "
            "it: name all classes in a file for --mapping, or judge expressions"
        )
    labels = {label.file: _as(kind, reference, label.label, options.mapping) for label in reference.labels}
    clips, problems = _matched(predictions, reference, labels, kind)
    judged = [clip for clip in clips if clip.status in JUDGED]
    if not judged:
        names = f"the labels name {reference.labels[0].file}" if reference.labels else "no label can be used"
        raise InputError(
            f"{predictions.name}: expected clips with reference labels; got none: {names}, the rows {predictions.clips[0].source}"
        )
    classes = _classes(kind, judged)
    confusion, unanswered = _counted(judged, classes)
    return ClipScore(
        predictions.name,
        classes,
        clips,
        confusion,
        unanswered,
        _totals(predictions, options),
        (*predictions.problems, *problems),
        predictions.remarks,
    )


def _without_sentiment(predictions: Predictions, mapping: SentimentMapping) -> tuple[str, ...]:
    every = [mapping.unknown(clip.expression.classes) for clip in predictions.clips]
    return tuple(dict.fromkeys(name for unknown in every for name in unknown))


def _as(kind: Kind, reference: Reference, label: str, mapping: SentimentMapping) -> str:
    return mapping.sentiment(label) if kind == "sentiment" and reference.kind == "expression" else label


def _matched(
    predictions: Predictions, reference: Reference, labels: dict[str, str], kind: Kind
) -> tuple[tuple[ScoredClip, ...], list[str]]:
    sources = [clip.source for clip in predictions.clips]
    found = match_names([*labels, *reference.ambiguous], sources)
    clips = []
    for clip in predictions.clips:
        name = found.pairs.get(clip.source)
        verdict = clip.sentiment if kind == "sentiment" else clip.expression
        unclear = (
            clip.source in predictions.twice or clip.source in found.entangled or name in reference.ambiguous
        )
        label = None if unclear or name is None else labels[name]
        clips.append(
            ScoredClip(
                clip.source, "ambiguous" if unclear else _status(clip, verdict, label), label, verdict, clip
            )
        )
    clips += [
        ScoredClip(name, "ambiguous" if name in reference.ambiguous else "missing", labels.get(name))
        for name in found.missing
    ]
    clips += [ScoredClip(name, "ambiguous", labels.get(name)) for name in found.ambiguous]
    return tuple(clips), [*reference.problems, *dict.fromkeys(found.ambiguous.values())]


def _status(clip: ClipResult, verdict: ClipLabel, reference: str | None) -> Status:
    if reference is None:
        return "no_reference"
    if not clip.frames:
        return "unreadable"
    if verdict.confidence is None:
        return "no_face"
    if verdict.label is None:
        return "unsure"
    return "right" if verdict.label == reference else "wrong"


def _classes(kind: Kind, judged: Sequence[ScoredClip]) -> Labels:
    if kind == "sentiment":
        return SENTIMENTS
    names = dict.fromkeys(
        name for clip in judged if clip.verdict is not None for name in clip.verdict.classes
    )
    names |= dict.fromkeys(clip.reference for clip in judged if clip.reference is not None)
    known = in_order(names)
    return Labels((*known, *(name for name in names if name not in known)))


def _counted(judged: Sequence[ScoredClip], classes: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = [(classes.index(clip.reference or ""), clip.verdict and clip.verdict.label) for clip in judged]
    truth = np.array([reference for reference, answer in pairs if answer], np.int64)
    answers = np.array([classes.index(answer) for _, answer in pairs if answer], np.int64)
    silent = np.array([reference for reference, answer in pairs if not answer], np.int64)
    return confusion_matrix(truth, answers, len(classes)), np.bincount(silent, minlength=len(classes))


def _totals(predictions: Predictions, options: ScoreOptions) -> tuple[Total, ...]:
    groups: dict[str, list[ClipResult]] = {}
    if options.group_by == "person":
        groups = {name: [result] for name, result in predictions.people}
    else:
        for clip in predictions.clips:
            groups.setdefault(f"{PurePath(clip.source).parent}/", []).append(clip)
    several = groups if len(groups) > 1 else {}  # One group is everything.
    return tuple(_total(name, clips) for name, clips in ({"all": list(predictions.clips)} | several).items())


def _total(name: str, clips: Sequence[ClipResult]) -> Total:
    expression: dict[str, int] = {}
    sentiment: dict[str, int] = {}
    for clip in clips:
        for counts, verdict in ((expression, clip.expression), (sentiment, clip.sentiment)):
            for label, count in zip(verdict.classes, verdict.counts.tolist(), strict=True):
                counts[label] = counts.get(label, 0) + count
    return Total(name, len(clips), sum(clip.seen for clip in clips), expression, sentiment)
