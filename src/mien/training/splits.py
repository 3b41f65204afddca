"""Which images a recipe learns from, which it watches, and which set temperatures after training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mien.core.errors import InputError
from mien.core.labels import FERPLUS, Labels
from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset, clean_training, leak_free
from mien.data.splitting import folds, split_anew
from mien.training.recipe import Recipe

SIDE = 48
"""Side in px of the images that the networks take."""


@dataclass(frozen=True, eq=False)
class Splits:
    """Parts of a data set.

    Args:
        training: Learned from.
        validation: Watched in training; schedules, early stopping and the best checkpoint go by it.
        calibration: Sets temperatures and the blend at export.
    """

    training: FaceDataset
    validation: FaceDataset
    calibration: FaceDataset


def cut(data: FaceDataset, recipe: Recipe) -> Splits:
    """The parts that the recipe's split policy makes.

    Raises:
        InputError: The images have the wrong size, there are too few, a class is empty, or votes are
            missing.
    """
    if data.images.shape[1:] != (SIDE, SIDE):
        height, width = data.images.shape[1:]
        raise InputError(
            f"expected images of {SIDE}x{SIDE} px; got {width}x{height}: open the data set with size={SIDE}"
        )
    if "ferplus" in recipe.heads and data.votes is None:
        raise InputError(
            "expected FER+ votes for the head ferplus; the data set has none: join fer2013new.csv, or take --set heads=fer2013"
        )
    cuts = _cut(data, recipe)
    if recipe.split.folds:
        cuts = replace(
            cuts, training=cuts.training.take(folds(cuts.training, recipe.split.folds) != recipe.split.fold)
        )
    classes = len(data.labels)
    if len(cuts.training) < classes:
        raise InputError(
            f"expected at least one image per class in Training; got {len(cuts.training)} images for {classes} classes: add some"
        )
    cuts.training.require_every_class("Training")
    return cuts


def _cut(data: FaceDataset, recipe: Recipe) -> Splits:
    split = recipe.split
    if split.policy == "stratified":
        pool = data if split.everything else data.split(TRAINING)
        dealt = split_anew(pool, 1 - split.share, split.seed, scatter=True)
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
            f"expected a split PublicTest to watch; got {', '.join(sorted(set(data.splits)))}: take --split stratified"
        )
    apart = leak_free(data, PUBLIC_TEST)
    if split.policy == "clean":
        return Splits(clean_training(data), apart, apart)
    return Splits(training, data.split(PUBLIC_TEST), apart)


def head_labels(data: FaceDataset, recipe: Recipe) -> dict[str, Labels]:
    """The classes of each head."""
    return {head: FERPLUS if head == "ferplus" else data.labels for head in recipe.heads}


def head_targets(data: FaceDataset, recipe: Recipe) -> dict[str, Tensor]:
    """Per head ``(n, k)`` distributions to learn; a row that says nothing is all zeros."""
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
