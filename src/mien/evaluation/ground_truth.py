"""What counts as right: the label of the data, or what the annotators of FER+ saw; and whether a subject can
answer in such words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.labels import FERPLUS, Labels
from mien.core.names import quoted
from mien.data.dataset import FaceDataset
from mien.data.label_names import KNOWN
from mien.evaluation.predictor import Predictor

LABEL_SETS = ("auto", "own", "ferplus", "votes-7")
"""``own``: the data set's own label. ``ferplus``: the majority of the annotators among eight classes
(Barsoum et al. 2016). ``votes-7``: the same majority where it is one of the data set's own classes. ``auto``:
``ferplus`` for a subject that knows contempt where the data's own labels do not, else ``own``.
"""
TOLD = {"own": "the data's own", "ferplus": "FER+", "votes-7": "FER+ within the data's classes"}
"""The same as people are told."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The right answers.

    Args:
        labels: One of `LABEL_SETS`, never ``auto``.
        classes: What the columns mean: the classes of the labels, then those that only the subject knows.
        order: ``(k,)`` column of the subject for each of the classes.
        remarks: What a reader should know.
    """

    labels: str
    classes: Labels
    order: NDArray[np.int64]
    remarks: tuple[str, ...] = ()

    def columns(self, data: FaceDataset) -> NDArray[np.int64]:
        """``(n,)`` column of the right class for each image, or -1 where an image does not count."""
        if self.labels == "own":
            return data.expressions
        return data.ferplus_majority() if self.labels == "ferplus" else data.seven_class_majority()


def truth_for(subject: Predictor, data: FaceDataset, labels: str = "auto") -> GroundTruth:
    """Which labels a subject is held against, and how its columns fit them.

    Synonyms are the same class (`Labels` has mapped them). A subject may know more of mien's classes than the
    labels have; every class of the labels must be one that it can answer.

    Raises:
        InputError: The classes do not fit, there are no such labels, or nobody voted.
    """
    if labels not in LABEL_SETS:
        raise InputError(f"expected labels out of {', '.join(LABEL_SETS)}; got {quoted(labels)}")
    if labels == "auto":
        votes = "contempt" in subject.labels and "contempt" not in data.labels and data.votes is not None
        labels = "ferplus" if votes else "own"
    names = FERPLUS.names if labels == "ferplus" else data.labels.names
    if labels != "own":
        data.ferplus_majority()  # Says how to join votes where there are none.
    extra = tuple(name for name in subject.labels if name not in names)
    if not set(names) <= set(subject.labels) or not set(extra) <= set(KNOWN):
        known = f"{subject.name}{f' ({subject.head})' if subject.head else ''} answers {', '.join(subject.labels)}"
        raise InputError(
            f"expected answers in the classes of the labels ({TOLD[labels]}): {', '.join(names)}; {known}: {_remedy(labels)}"
        )
    classes = Labels((*names, *extra))
    order = np.array([subject.labels.index(name) for name in classes])
    remarks = (
        (f"the labels ({TOLD[labels]}) have no {', '.join(extra)}, so such an answer is always wrong",)
        if extra
        else ()
    )
    return GroundTruth(labels, classes, order, remarks)


def _remedy(labels: str) -> str:
    return (
        "take --ground-truth votes-7, or another --head"
        if labels == "ferplus"
        else "take another --head, other --ground-truth, or other data"
    )
