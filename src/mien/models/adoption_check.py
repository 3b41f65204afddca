"""A model that shall be adopted, held against labelled faces: how often it is right, and whether other labels, another
order of channels or another range of pixels explain its answers better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.assignment import assign
from mien.core.formatting import percent
from mien.core.progress import ProgressCallback, no_progress
from mien.core.scratch import scratch_folder
from mien.data.dataset import PUBLIC_TEST, FaceDataset
from mien.data.io import open_dataset
from mien.evaluation import EvaluateOptions, Evaluation, evaluate, open_subject
from mien.inference.card import Score
from mien.metrics.intervals import wilson
from mien.models.adoption import HEAD, Candidate
from mien.models.preparation import Preparation

MOST = 1000
"""Images that each way to read a model is tried on."""

_RANGES: tuple[dict[str, object], ...] = (
    {"mean": (0.0,), "std": (1.0,), "pixels": 255},
    {"mean": (0.0,), "std": (1.0,), "pixels": 1},
    {"mean": (0.5,), "std": (0.5,), "pixels": 1},
    {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "pixels": 1},
    {"mean": (103.939, 116.779, 123.68), "std": (1.0,), "pixels": 255},
)
"""What images are brought to in most places: pixels as they are, 0 to 1, -1 to 1, ImageNet's, Caffe's (in the order
blue, green, red)."""


@dataclass(frozen=True, eq=False)
class Check:
    """What came of it.

    Args:
        evaluation: How often the model is right as it is.
        chance: Share of right answers of one that always says the most frequent class.
        warnings: What somebody should look at before relying on the model.
    """

    evaluation: Evaluation
    chance: float
    warnings: tuple[str, ...]

    def score(self, data: str) -> Score:
        """The accuracy for the card."""
        figures = self.evaluation.whole
        return Score(
            data=data,
            labels="the data's own",
            n=figures.n,
            accuracy=round(figures.accuracy, 5),
            low=round(figures.low, 5),
            high=round(figures.high, 5),
            note="checked when it was adopted",
        )


def check(candidate: Candidate, folder: Path, track: ProgressCallback = no_progress) -> Check:
    """Hold a model against labelled faces.

    Args:
        candidate: The model.
        folder: Anything that `mien.data.open_dataset` reads. Of a large set a part is taken, by chance.
        track: Shows how far it is.

    Raises:
        InputError: The faces cannot be read, or have classes that the model has not.
    """
    labels = candidate.told.labels
    size, colour = candidate.graph.side, candidate.channels == 3
    faces = _some(
        open_dataset(folder, labels=labels, size=size, colour=colour, track=track).reordered(labels)
    )
    with scratch_folder() as scratch:
        found = _judged(candidate, faces, scratch)
        counts = np.bincount(found.truth, minlength=len(found.classes))
        chance = float(counts.max() / counts.sum())
        warnings = [*_at_chance(found, chance), *_other_labels(candidate, found)]
        best: tuple[float, str] | None = None
        for other, told in _other_preparations(candidate):
            accuracy = _judged(other, faces, scratch).whole.accuracy
            if accuracy > (best[0] if best else 0):
                best = accuracy, told
        if best and _clearly_better(best[0], found):
            warnings.append(
                f"with {best[1]} it is right for {percent(best[0])} of them instead of {percent(found.whole.accuracy)}"
            )
    return Check(found, chance, tuple(warnings))


def _some(faces: FaceDataset) -> FaceDataset:
    """At most `MOST` of them, as one split."""
    if len(faces) > MOST:
        faces = faces.take(np.sort(np.random.default_rng(0).permutation(len(faces))[:MOST]))
    return replace(faces, splits=np.full(len(faces), PUBLIC_TEST))


def _judged(candidate: Candidate, faces: FaceDataset, scratch: Path) -> Evaluation:
    path = scratch / "candidate.onnx"
    candidate.write(path)
    return evaluate(open_subject(path, head=HEAD), faces, EvaluateOptions(labels="own"))


def _clearly_better(accuracy: float, than: Evaluation) -> bool:
    """Whether even the lower end of the interval lies above what was found as it is."""
    n = than.whole.n
    return wilson(round(accuracy * n), n)[0] > than.whole.high


def _at_chance(found: Evaluation, chance: float) -> Iterator[str]:
    if found.whole.low <= chance:
        yield (
            f"no better than always saying the most frequent class ({percent(chance)}): it is right for {percent(found.whole.accuracy)} "
            f"({percent(found.whole.low)} to {percent(found.whole.high)}); are labels and preparation those that it was trained with?"
        )


def _other_labels(candidate: Candidate, found: Evaluation) -> Iterator[str]:
    """A better order of the labels: each answer under the name that it mostly stands for."""
    confusion: NDArray[np.int64] = found.confusion
    pairs = assign(float(confusion.max()) + 1 - confusion.astype(np.float64), float(confusion.max()) + 1)
    right = sum(int(confusion[row, column]) for row, column in pairs)
    if not _clearly_better(right / found.whole.n, found):
        return
    meant = {found.classes[column]: found.classes[row] for row, column in pairs}
    left = [name for name in found.classes if name not in meant.values()]
    order = [meant.get(name) or left.pop(0) for name in candidate.told.labels]
    yield (
        f"labels look swapped: with --labels {','.join(order)} it is right for {percent(right / found.whole.n)} of them "
        f"instead of {percent(found.whole.accuracy)}"
    )


def _other_preparations(candidate: Candidate) -> Iterator[tuple[Candidate, str]]:
    """The model with another order of channels, and with other ranges of pixels."""
    own = candidate.preparation
    if candidate.channels == 3:
        other = candidate.changed(colour="bgr" if own.colour == "rgb" else "rgb")
        yield other, f"--colour {other.preparation.colour}"
    if candidate.graph.whole_numbers:
        return
    for change in _RANGES:
        mean, std = change["mean"], change["std"]
        if max(len(mean), len(std)) > 1 and candidate.graph.channels == 1:  # type: ignore[arg-type]
            continue
        changed = candidate.changed(**change)
        if changed.preparation.at_255(candidate.graph.channels) != own.at_255(candidate.graph.channels):
            yield changed, _options(changed.preparation)


def _options(preparation: Preparation) -> str:
    mean, std = (",".join(f"{value:g}" for value in values) for values in (preparation.mean, preparation.std))
    return f"--mean {mean} --std {std} --pixels {preparation.pixels}"
