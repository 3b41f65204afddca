"""Which images a recipe learns from, which it watches, and which set temperatures after training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.labels import FERPLUS, Labels
from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset, clean_training, leak_free
from mien.data.splitting import folds, groups_in_both, split_anew
from mien.training.recipe import MixtureEntry, Recipe, Split

SIDE = 48
"""Side in px of the images that the networks take."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The data sets that a recipe learns from.

    Args:
        first: Labelled faces, with votes of FER+ for the head ``ferplus``.
        others: Further data sets by their names in the recipe (`mien.training.recipe.MixtureEntry`).
    """

    first: FaceDataset
    others: Mapping[str, FaceDataset] = field(default_factory=dict)

    @staticmethod
    def of(data: FaceDataset | Mixture) -> Mixture:
        """One data set as a mixture without others."""
        return data if isinstance(data, Mixture) else Mixture(data)


@dataclass(frozen=True, eq=False)
class Splits:
    """Parts of a data set.

    Args:
        training: Learned from.
        validation: Watched in training; schedules, early stopping and the best checkpoint go by it.
        calibration: Sets temperatures and the blend at export.
        others: The same of the further data sets of a mixture, by name.
    """

    training: FaceDataset
    validation: FaceDataset
    calibration: FaceDataset
    others: Mapping[str, Splits] = field(default_factory=dict)

    def learned(self) -> Mixture:
        """What is learned from, of all data sets."""
        return Mixture(self.training, {name: part.training for name, part in self.others.items()})

    def watched(self) -> Mixture:
        """What is watched, of all data sets."""
        return Mixture(self.validation, {name: part.validation for name, part in self.others.items()})


def cut(data: FaceDataset | Mixture, recipe: Recipe) -> Splits:
    """The parts that the recipe's split policy makes.

    Raises:
        InputError: The images have the wrong size, there are too few, a class is empty, votes are missing, or
            a data set of the mixture is missing, or cannot teach its head.
    """
    data = Mixture.of(data)
    first = data.first
    _require_size(first)
    if "ferplus" in recipe.heads and first.votes is None:
        raise InputError(
            "expected FER+ votes for the head ferplus; the data set has none: join fer2013new.csv, or take --set heads=fer2013"
        )
    cuts = divide(first, recipe.split)
    if recipe.split.folds:
        cuts = replace(
            cuts, training=cuts.training.take(folds(cuts.training, recipe.split.folds) != recipe.split.fold)
        )
    classes = len(first.labels)
    if len(cuts.training) < classes:
        raise InputError(
            f"expected at least one image per class in Training; got {counted(len(cuts.training), 'image')} "
            f"for {counted(classes, 'class', 'classes')}: add some"
        )
    cuts.training.require_every_class("Training")
    return replace(cuts, others=cut_others(data, recipe))


def _require_size(data: FaceDataset) -> None:
    if data.images.shape[1:] != (SIDE, SIDE):
        height, width = data.images.shape[1:]
        raise InputError(
            f"expected images of {SIDE}x{SIDE} px; got {width}x{height}: open the data set with size={SIDE}"
        )


def cut_others(data: Mixture, recipe: Recipe) -> dict[str, Splits]:
    """The parts of the data sets of the mixture.

    Raises:
        InputError: One is missing, is another one than the recipe has the digest of, or cannot teach its head.
    """
    missing, unknown = recipe.mixture.keys() - data.others.keys(), data.others.keys() - recipe.mixture.keys()
    if missing or unknown:
        wrong = (
            f"no data for {', '.join(sorted(missing))}" if missing else f"{', '.join(sorted(unknown))} too"
        )
        raise InputError(
            f"expected the data sets that the recipe mixes in, {', '.join(recipe.mixture) or 'none'}; got {wrong}: "
            "give each with --mix NAME=DATA"
        )
    return {name: _cut_other(name, data, recipe) for name in recipe.mixture}


def _cut_other(name: str, mixture: Mixture, recipe: Recipe) -> Splits:
    """A further data set: what is learned from has no copies of what is watched, nor of the tests of the first
    data set."""
    entry, head, first = recipe.mixture[name], recipe.head_of(name), mixture.first
    _require_size(mixture.others[name])
    if entry.digest not in ("", digest_of(mixture.others[name])):
        raise InputError(
            f"data set {name}: expected the images and labels that were learned from; got others: give the same ones "
            "again, or start anew"
        )
    data = _of_classes(name, entry, mixture.others[name])
    known = FERPLUS.names if head == "ferplus" else first.labels.names
    if head in recipe.heads and (strange := set(data.labels.names) - set(known)):
        raise InputError(
            f"data set {name}: expected classes of the head {head}, {', '.join(known)}; got {', '.join(sorted(strange))} "
            f"too: choose with --set mixture.{name}.classes=..., or give it a head of its own (--set mixture.{name}.head=)"
        )
    if PUBLIC_TEST not in data.splits:
        data = split_anew(data, 1 - entry.held_out, entry.seed, by=entry.group or None)
    elif entry.group:
        _require_apart(name, entry.group, data)
    watched = data.split(PUBLIC_TEST)
    tests = first.take(first.splits != TRAINING)
    training = data.split(TRAINING)
    training = training.take(~(training.copied_from(watched) | training.copied_from(tests) | training.blank))
    training.require_every_class(f"data set {name}, the images to learn from")
    return Splits(training, watched, watched)


def _of_classes(name: str, entry: MixtureEntry, data: FaceDataset) -> FaceDataset:
    """The images of the classes that are learned."""
    if not entry.classes:
        return data
    if strange := set(entry.classes) - set(data.labels.names):
        raise InputError(
            f"data set {name}: expected classes out of {', '.join(data.labels)}; got {', '.join(sorted(strange))} in "
            f"mixture.{name}.classes"
        )
    columns = np.array(
        [entry.classes.index(label) if label in entry.classes else -1 for label in data.labels.names]
    )
    kept = data.take(columns[data.expressions] >= 0)
    return replace(kept, expressions=columns[kept.expressions], labels=Labels(entry.classes))


def digest_of(data: FaceDataset) -> str:
    """SHA-256 of images and labels."""
    digest = hashlib.sha256(" ".join(data.names()).encode())
    for image in data.images:
        digest.update(image.tobytes())
    return digest.hexdigest()


def _require_apart(name: str, column: str, data: FaceDataset) -> None:
    if both := groups_in_both(data, column):
        raise InputError(
            f"data set {name}: expected each {column} in one split alone; {len(both)} are in several, such as {both[0]}: "
            "split by it, or leave the column usage out and mien does"
        )


def divide(data: FaceDataset, split: Split) -> Splits:
    """The parts that a policy makes of one data set; folds are not dealt.

    Raises:
        InputError: The policy goes by a split that the data set has not.
    """
    if split.policy == "stratified":
        pool = data if split.everything else data.split(TRAINING)
        dealt = split_anew(pool, 1 - split.share, split.seed, scatter=True)
        watched = dealt.split(PUBLIC_TEST)
        return Splits(dealt.split(TRAINING), watched, watched)
    if split.policy == "held-out":
        dealt = split_anew(data.split(TRAINING), 1 - split.share, split.seed, by=split.group or None)
        watched = dealt.split(PUBLIC_TEST)
        return Splits(dealt.split(TRAINING), watched, watched)
    training = data.split(TRAINING)
    if split.policy == "first":
        count = round(len(training) * (1 - split.share))
        positions = np.arange(len(training))
        watched = training.take(positions[count:])
        return Splits(training.take(positions[:count]), watched, watched)
    if PUBLIC_TEST not in data.splits:
        raise InputError(
            f"expected a validation set to watch; got {data.named_splits}: take --split-policy held-out"
        )
    apart = leak_free(data, PUBLIC_TEST)
    if split.policy == "clean":
        return Splits(clean_training(data), apart, apart)
    return Splits(training, data.split(PUBLIC_TEST), apart)


def head_labels(data: FaceDataset | Mixture, recipe: Recipe) -> dict[str, Labels]:
    """The classes of each head."""
    data = Mixture.of(data)
    heads = {head: FERPLUS if head == "ferplus" else data.first.labels for head in recipe.heads}
    for name, entry in recipe.mixture.items():
        labels = Labels(entry.classes) if entry.classes else data.others[name].labels
        if (
            heads.setdefault(recipe.head_of(name), labels).names != labels.names
            and entry.head not in recipe.heads
        ):
            raise InputError(
                f"data set {name}: expected the classes {', '.join(heads[recipe.head_of(name)])} of the head {entry.head}; got "
                f"{', '.join(labels)}: give it a head of its own"
            )
    return heads


def head_targets(data: FaceDataset, recipe: Recipe) -> dict[str, Tensor]:
    """Per head ``(n, k)`` distributions that the first data set teaches; a row that says nothing is all
    zeros."""
    return {
        head: torch.from_numpy(data.vote_shares() if head == "ferplus" else data.targets)
        for head in recipe.heads
    }


def head_truth(data: FaceDataset, recipe: Recipe) -> dict[str, Tensor]:
    """Per head ``(n,)`` the right column, or -1 where an image does not count (FER+: the majority rule)."""
    return {
        head: torch.from_numpy(data.ferplus_majority() if head == "ferplus" else data.expressions)
        for head in recipe.heads
    }


def columns_of(data: FaceDataset, labels: Labels) -> NDArray[np.int64]:
    """``(n,)`` column that the label of each image has among the classes of a head, -1 where it has none."""
    columns = np.array(
        [labels.names.index(name) if name in labels.names else -1 for name in data.labels.names]
    )
    return np.asarray(columns[data.expressions], np.int64)
