"""One subject on one split: asked, counted, measured."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.formatting import precise
from mien.core.labels import FERPLUS
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import ALL, PUBLIC_TEST, TRAINING, FaceDataset
from mien.data.label_names import split_named
from mien.evaluation.annotators import SIZES, AnnotatorScore, annotator_scores
from mien.evaluation.evaluation import EvaluateOptions, Evaluation
from mien.evaluation.figures import Answered
from mien.evaluation.ground_truth import TOLD, GroundTruth, truth_for
from mien.evaluation.groups import group_figures, require_values
from mien.evaluation.predictor import Predictor, Spec, faces_for, open_subject
from mien.evaluation.robustness import Robustness, robustness
from mien.inference.crop import planes
from mien.inference.tta import mean_over_views, require_tta


def evaluate(
    subject: Predictor | Spec,
    data: FaceDataset | str | os.PathLike[str],
    options: EvaluateOptions | None = None,
) -> Evaluation:
    """Measure how well a subject reads the faces of one split.

    Args:
        subject: A `Predictor`, or anything that `open_subject` opens.
        data: Labelled faces, or where they are.
        options: What to measure; one view of the validation set by default, or of all data where it is not divided.

    Raises:
        InputError: There is no such split, no image of it counts, the classes of both do not fit, or there is
            no such column or only one value in it.
        NetworkError: A network cannot be opened.
        MissingExtraError: A package for the subject or the data is not installed.

    >>> images = np.zeros((8, 48, 48), np.uint8)
    >>> faces = FaceDataset(images, np.arange(8) % 7, None, np.array(["PublicTest"] * 8), np.arange(8))
    >>> def happy(images):
    ...     return np.eye(7)[[3] * len(images)]
    >>> found = evaluate(happy, faces)
    >>> found.whole.n, found.whole.accuracy, found.confusion[:, 3].tolist()
    (8, 0.125, [2, 1, 1, 1, 1, 1, 1])
    """
    options = options or EvaluateOptions()
    require_tta(options.tta)
    judged = subject if isinstance(subject, Predictor) else open_subject(subject)
    if not isinstance(data, FaceDataset):
        options = replace(options, data=Path(data).name)
        data = faces_for(judged, Path(data), center_crop=options.center_crop, track=options.track)
    if data.images.shape[1:3] != (judged.side, judged.side):
        height, width = data.images.shape[1:3]
        raise InputError(
            f"expected images of {judged.side}x{judged.side} px; got {width}x{height}: open the data with size={judged.side}"
        )
    truth = truth_for(judged, data, options.labels)
    options = replace(options, split=_split(options.split, data), labels=truth.labels)
    return _evaluation(judged, data, truth, options)


def _split(name: str, data: FaceDataset) -> str:
    there = sorted(set(data.splits.tolist()))
    if name != "auto":
        return split_named(name) or name
    if not data.divided:
        return ALL
    if PUBLIC_TEST in there or len(there) != 1:
        return PUBLIC_TEST
    return str(there[0])


def _ask(subject: Predictor, faces: FaceDataset, truth: GroundTruth, options: EvaluateOptions) -> Answered:
    probs = _asked(subject, faces.images, options, options.track)[:, truth.order]
    return Answered(faces, probs, truth.columns(faces), truth.classes)


def _asked(
    subject: Predictor, images: NDArray[np.uint8], options: EvaluateOptions, track: ProgressCallback
) -> NDArray[np.float32]:
    if subject.colour and images.ndim == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    if images.ndim == 3:
        return mean_over_views(lambda view: subject.probabilities(view, track), images, options.tta)

    def of_channels(view: NDArray[np.uint8]) -> NDArray[np.float32]:
        return subject.probabilities(np.moveaxis(view, 1, -1), track)

    return mean_over_views(of_channels, planes(images), options.tta)


def _evaluation(
    subject: Predictor, data: FaceDataset, truth: GroundTruth, options: EvaluateOptions
) -> Evaluation:
    part = data if options.split == ALL else data.split(options.split)
    if options.by is not None:
        require_values(part, options.by, data.split_name(options.split))
    everything = _ask(subject, part, truth, options)
    counted = everything.counted()
    if not len(counted.faces):
        raise InputError(
            f"expected images in {data.split_name(options.split)} that count under the labels ({TOLD[truth.labels]}); there is none: take "
            "other --ground-truth"
        )
    leaked = _leaked(counted.faces, data, options.split)
    apart = None if leaked is None or leaked.all() else counted.take(~leaked).figures()
    groups = None if options.by is None else group_figures(counted, options.by, options.min_group)
    training = (
        _ask(subject, data.split(TRAINING), truth, options).counted().figures()
        if options.with_training
        else None
    )
    return Evaluation(
        subject=subject,
        options=options,
        classes=truth.classes,
        whole=counted.figures(),
        leak_free=apart,
        training=training,
        robustness=_robustness(subject, counted, truth, options) if options.corruptions else None,
        groups=groups,
        humans=_humans(everything),
        faces=counted.faces,
        probs=counted.probs,
        truth=counted.truth,
        leaked=np.zeros(len(counted.faces), np.bool_) if leaked is None else leaked,
        remarks=(
            *subject.remarks,
            *truth.remarks,
            *_better_head(subject, data, counted, options),
            *_remarks(counted, options, leaked),
            *([] if groups is None else groups.remarks),
        ),
    )


def _better_head(
    subject: Predictor, data: FaceDataset, counted: Answered, options: EvaluateOptions
) -> list[str]:
    """A remark where another head of the network was trained for just these labels."""
    trained = "fer2013" if options.labels == "own" and data.is_fer2013 else options.labels
    if trained not in ("fer2013", "ferplus") or trained not in subject.others:
        return []
    other = subject.others[trained]()
    truth = truth_for(other, data, options.labels)
    its, own = (_accuracy(part) for part in (_ask(other, counted.faces, truth, options), counted))
    told = f"it is right for {precise(its)} of the same images, {subject.head} for {precise(own)}"
    return [f"the head {other.head} was trained for these labels: {told} (--head {other.head})"]


def _accuracy(answered: Answered) -> float:
    return float((answered.probs.argmax(axis=1) == answered.truth).mean())


def _robustness(
    subject: Predictor, counted: Answered, truth: GroundTruth, options: EvaluateOptions
) -> Robustness:
    def first(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        return np.asarray(_asked(subject, images, options, no_progress)[:, truth.order].argmax(axis=1))

    return robustness(counted.faces.images, counted.truth, first, options.track)


def _leaked(part: FaceDataset, data: FaceDataset, split: str) -> NDArray[np.bool_] | None:
    """Which images are among those to learn from, too; None where all do, or where there is no such split."""
    if split == TRAINING or TRAINING not in data.splits or (data.splits == TRAINING).all():
        return None
    return part.copied_from(data.split(TRAINING))


def _humans(everything: Answered) -> tuple[AnnotatorScore, ...]:
    """On the images of the majority protocol, whatever labels the rest is measured by."""
    votes = everything.faces.votes
    if votes is None or not set(everything.classes) <= set(FERPLUS):
        return ()
    official = everything.take((everything.faces.ferplus_majority() >= 0) & (votes.sum(axis=1) > max(SIZES)))
    if official.faces.votes is None or not len(official.faces):
        return ()
    columns = np.array([FERPLUS.index(name) for name in everything.classes])
    return annotator_scores(official.faces.votes, columns[official.probs.argmax(axis=1)])


def _remarks(counted: Answered, options: EvaluateOptions, leaked: NDArray[np.bool_] | None) -> list[str]:
    counts, named = np.bincount(counted.truth, minlength=len(counted.classes)), counted.faces.split_name
    empty = ", ".join(name for name, count in zip(counted.classes, counts, strict=True) if not count)
    remarks = []
    if empty:
        remarks.append(
            f"{named(options.split)} has no image of {empty}: no recall; balanced accuracy leaves it out, macro-F1 unless it is answered (0)"
        )
    if leaked is None and (counted.faces.splits == TRAINING).all():
        which = f"this is {named(TRAINING)}" if counted.faces.divided else "the data is not divided"
        remarks.append(f"{which}: the figures say nothing about other faces if the model has learned from it")
    elif leaked is not None and options.split == ALL:
        remarks.append(
            f"{int(leaked.sum()):,} of these faces are in {named(TRAINING)} or copies of such: what a model that has learned from them shows of "
            "other faces, the leak-free part says alone"
        )
    elif leaked is None:
        remarks.append(
            "the data has no training split, so nobody knows which images are copies of those learned from: there is no leak-free part"
        )
    return remarks
