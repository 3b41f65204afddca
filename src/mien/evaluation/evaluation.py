"""Everything that is measured about a predictor on one split of labelled faces."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import check_fields
from mien.core.formatting import counted, precise, shortened
from mien.core.labels import Labels
from mien.core.notebook import PNGImages, html_table
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import TRAINING, FaceDataset
from mien.evaluation.annotators import AnnotatorScore
from mien.evaluation.figures import Figures
from mien.evaluation.ground_truth import TOLD
from mien.evaluation.groups import SMALL, Groups
from mien.evaluation.predictor import Predictor
from mien.evaluation.robustness import Robustness
from mien.metrics import (
    ClassScore,
    ReliabilityBin,
    SecondGuesses,
    class_scores,
    confusion_matrix,
    reliability,
    second_guesses,
)

_DIGITS = 6


@dataclass(frozen=True)
class EvaluateOptions:
    """What to measure, and how.

    Args:
        split: Which part of the data; ``auto`` is the validation set (``PublicTest``), or all of it where it is not divided;
            ``all`` is every face once, whose ``leak_free`` part are those that are not in the training set.
        labels: What counts as right, one of `LABEL_SETS`.
        tta: Test-time augmentation, how often an image is looked at, one of `TTA`.
        with_training: Also measure on the training set, for the ratio of the two accuracies.
        corruptions: Also measure on the same images made worse (`mien.evaluation.robustness`).
        by: A further column of the data; also measure for each of its values (`mien.evaluation.groups`).
        min_group: Images below which the group of a value counts as small: shown, but not compared.
        center_crop: Share of each image's sides that is kept where `evaluate` opens the data itself; results
            name it.
        data: What results call the data.
        track: Shows how far it is.

    Raises:
        InputError: A value is of another type.

    >>> EvaluateOptions(split="PublicTest", by="age").min_group
    30
    """

    split: str = "auto"
    labels: str = "auto"
    tta: str = "one"
    with_training: bool = False
    corruptions: bool = False
    by: str | None = None
    min_group: int = SMALL
    center_crop: float = 1.0
    data: str = "data"
    track: ProgressCallback = no_progress

    def __post_init__(self) -> None:
        check_fields(self)


_TITLES = ("images", "n", "accuracy (95 % interval)", "balanced", "macro-F1", "calibration error")


def _cells(name: str, part: Figures) -> tuple[str, ...]:
    accuracy = f"{precise(part.accuracy)} ({precise(part.low)} to {precise(part.high)})"
    rest = (precise(part.balanced_accuracy), f"{part.macro_f1:.3f}", f"{part.expected_calibration_error:.3f}")
    return (name, f"{part.n:,}", accuracy, *rest)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found. Figures in nats or from 0 to 1.

    Args:
        subject: Who was asked.
        options: What was asked; ``split`` and ``labels`` as they were taken.
        classes: Columns of everything below.
        whole: Figures on all counted images.
        leak_free: The same without images that also stand in the training set, and without that itself; None where
            nothing can leak.
        training: The same on the training set; None unless asked for.
        robustness: Errors in bad images; None unless asked for.
        groups: Figures for each value of a column; None unless asked for.
        humans: People and the subject against the same other people; empty where nobody voted.
        faces: The counted images.
        probs: ``(n, k)`` probabilities for them.
        truth: ``(n,)`` their right column.
        leaked: ``(n,)`` which of them stand in the training set, too.
        remarks: What a reader should know.

    >>> from mien.evaluation import evaluate
    >>> faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> data = FaceDataset(faces, np.array([4, 4, 4, 3]), None, np.full(4, "PublicTest"), np.arange(4))
    >>> calm = Predictor("calm", "", data.labels, lambda images: np.eye(7, dtype=np.float32)[[4] * len(images)])
    >>> found = evaluate(calm, data)
    >>> found.whole.accuracy, int(found.confusion[3, 4])  # a happy face was called neutral
    (0.75, 1)
    """

    subject: Predictor
    options: EvaluateOptions
    classes: Labels
    whole: Figures
    leak_free: Figures | None
    training: Figures | None
    robustness: Robustness | None
    groups: Groups | None
    humans: tuple[AnnotatorScore, ...]
    faces: FaceDataset
    probs: NDArray[np.float32]
    truth: NDArray[np.int64]
    leaked: NDArray[np.bool_]
    remarks: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        head = f", head {self.subject.head}" if self.subject.head else ""
        data = f"{self.split} of {shortened(self.options.data, 30)}"
        name = f"{shortened(self.subject.name, 30)}{head} on {data}"
        return (
            f"Evaluation({name}, {counted(self.whole.n, 'image')}, accuracy {precise(self.whole.accuracy)})"
        )

    def _repr_html_(self) -> str:
        parts = (
            ("all", self.whole),
            ("leak-free part", self.leak_free),
            (self.training_split, self.training),
        )
        rows = [_cells(name, part) for name, part in parts if part is not None]
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self.remarks)
        return html_table(_TITLES, rows, len(rows), repr(self)) + remarks

    def plot(self) -> PNGImages:
        """The charts of ``--plots``: ``matrix``, ``reliability`` and ``classes``. A notebook shows them, and
        ``plot()[0].save(path)`` writes one.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from mien.evaluation.charts import charts_of

        return charts_of(self)

    @property
    def split(self) -> str:
        """What the data calls the split that was measured on."""
        return self.faces.split_name(self.options.split)

    @property
    def training_split(self) -> str:
        """What the data calls the images to learn from."""
        return self.faces.split_name(TRAINING)

    @property
    def ground_truth(self) -> str:
        """What counted as right, in words."""
        return TOLD[self.options.labels]

    @property
    def answers(self) -> NDArray[np.int64]:
        """``(n,)`` column of the first guess."""
        return np.asarray(self.probs.argmax(axis=1))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """``(k, k)`` counts, rows what an image is, columns what it was called."""
        return confusion_matrix(self.truth, self.answers, len(self.classes))

    @property
    def per_class(self) -> tuple[ClassScore, ...]:
        """Precision, recall and F1 of each class."""
        return class_scores(self.confusion)

    @property
    def second_guess(self) -> SecondGuesses:
        """How often the second guess is right where the first one is not."""
        return second_guesses(self.probs, self.truth)

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """Confidence against accuracy in 15 bins."""
        return reliability(self.probs, self.truth)

    @property
    def train_ratio(self) -> float | None:
        """Accuracy here over accuracy on the training set; None unless asked for."""
        return (
            None
            if self.training is None or not self.training.accuracy
            else self.whole.accuracy / self.training.accuracy
        )

    def facts(self) -> dict[str, Any]:
        """Everything but the images, as JSON takes it and gives it back."""
        whole = self.whole.facts()
        found = {
            "model": self.subject.name,
            "head": self.subject.head,
            "data": self.options.data,
            "split": self.split,
            "labels": self.options.labels,
            "tta": self.options.tta,
            "center_crop": self.options.center_crop,
            "classes": list(self.classes),
            **whole,
            "per_class": [
                {"label": name, **asdict(score)}
                for name, score in zip(self.classes, self.per_class, strict=True)
            ],
            "confusion": self.confusion.tolist(),
            "second_guess": self._second_guess(),
            "reliability": [asdict(part) for part in self.reliability],
            "leak_free": None if self.leak_free is None else self.leak_free.facts(),
            "training": None if self.training is None else self.training.facts(),
            "train_ratio": self.train_ratio,
            "robustness": None if self.robustness is None else self.robustness.facts(),
            "groups": None if self.groups is None else self.groups.facts(),
            "humans": [asdict(score) for score in self.humans],
            "remarks": list(self.remarks),
        }
        return {name: _rounded(value) for name, value in found.items()}

    def _second_guess(self) -> dict[str, Any]:
        found = self.second_guess
        pairs = [
            {
                "predicted": self.classes[pair.predicted],
                "was": self.classes[pair.was],
                "n": pair.n,
                "right": pair.right,
                "share": pair.share,
            }
            for pair in found.pairs
        ]
        return {"errors": found.errors, "right": found.right, "share": found.share, "pairs": pairs}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value
