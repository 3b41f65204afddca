"""Batches out of arrays in memory, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from mien.data.dataset import FaceDataset
from mien.training.augment import augment
from mien.training.recipe import VIEWED, Recipe
from mien.training.splits import Mixture, columns_of, head_labels, head_targets, head_truth

if TYPE_CHECKING:
    from mien.training.distillation import TeacherCache


class Batch(NamedTuple):
    """A few images.

    Args:
        faces: ``(n, 1, 48, 48)``.
        targets: Per head ``(n, k)`` distributions; rows of zeros teach a head nothing.
        truth: Per judgement (`mien.training.module`) ``(n,)`` columns, -1 where none counts.
        said: Per head ``(n, k)`` log-probabilities of the teachers; empty without any.
        asked: ``(n,)`` bool, which images the teachers were asked about.
    """

    faces: Tensor
    targets: dict[str, Tensor]
    truth: dict[str, Tensor]
    said: dict[str, Tensor]
    asked: Tensor


def seed_of(recipe: Recipe, epoch: int, rank: int = 0, purpose: int = 0) -> int:
    """One number for all chance of an epoch: what was interrupted can be replayed from the start of its
    epoch."""
    return (recipe.seed * 1_000_003 + epoch * 100_003 + rank * 17 + purpose) % 2**63


class Batches:
    """All images of a part in batches; each device of several takes its share of every batch.

    Args:
        data: Images of one data set, or of all those of a mixture.
        recipe: Size of the batches, heads, sampling.
        epoch: Tells which epoch it is; None keeps the order of the data.
        place: Number of this device and how many there are.
        views: What teachers said about the first data set; each of its images is then shown in one of its
            views, in turn, and the others are changed as widely.

    Raises:
        InputError: The views lack some of the images.
    """

    def __init__(
        self,
        data: FaceDataset | Mixture,
        recipe: Recipe,
        epoch: Callable[[], int] | None = None,
        place: Callable[[], tuple[int, int]] = lambda: (0, 1),
        views: TeacherCache | None = None,
    ) -> None:
        data = Mixture.of(data)
        self._examples = examples(data, recipe)
        self.truth = self._examples.truth
        self._recipe = recipe
        self._epoch = epoch
        self._place = place
        self._views = views
        self._places = None if views is None else torch.from_numpy(views.places(data.first))
        self._sampler = Sampler(data, recipe)

    def __len__(self) -> int:
        count = len(self._examples.faces) if self._epoch is None else self._sampler.size
        return len(self._chunks(torch.arange(count)))

    def __iter__(self) -> Iterator[Batch]:
        rank, world = self._place()
        chance = None if self._epoch is None else self._generator(purpose=4, rank=rank)
        for chunk in self._chunks(self._order()):
            mine = chunk[rank::world]
            targets = {head: values[mine] for head, values in self._examples.targets.items()}
            faces, said, asked = self._shown(mine, chance)
            truth = {name: values[mine] for name, values in self._examples.truth.items()}
            yield Batch(faces, targets, truth, said, asked)

    def _shown(self, mine: Tensor, chance: Generator | None) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """The faces, what teachers said, and which they were asked about. An image's views come in turn, and
        every epoch has images in all views."""
        faces = self._examples.faces[mine]
        if self._views is None or self._places is None or self._epoch is None or chance is None:
            return faces, {}, torch.zeros(len(mine), dtype=torch.bool)
        asked = mine < len(self._places)
        numbers = (mine[asked] + self._epoch()) % len(self._views)
        shown, answers = self._views.batch(
            numbers.numpy(), self._places[mine[asked]].numpy(), self._recipe.distillation.steadiness
        )
        answers = {head: answers[head] for head in self._recipe.heads}
        if asked.all():
            return shown, answers, asked
        faces = faces.float()
        faces[asked] = shown.float()
        faces[~asked] = augment(faces[~asked], VIEWED, chance)
        said = {head: values.new_zeros(len(mine), values.shape[1]) for head, values in answers.items()}
        for head, values in said.items():
            values[asked] = answers[head]
        return faces, said, asked

    def _generator(self, purpose: int, rank: int = 0) -> Generator:
        assert self._epoch is not None
        return Generator().manual_seed(seed_of(self._recipe, self._epoch(), rank, purpose))

    def _order(self) -> Tensor:
        if self._epoch is None:
            return torch.arange(len(self._examples.faces))
        return self._sampler.order(self._generator(purpose=1))

    def _chunks(self, order: Tensor) -> list[Tensor]:
        """Batches of indices; a last one that would leave a device with fewer than two images joins the one
        before."""
        chunks = list(order.split(self._recipe.batch))
        if len(chunks) > 1 and len(chunks[-1]) < 2 * self._place()[1]:
            chunks[-2:] = [torch.cat(chunks[-2:])]
        return chunks


class Sampler:
    """Which images an epoch has.

    The first data set comes once, or class by class alike (``balance`` of the recipe); of each that is mixed
    in as many are drawn as its weight says, each class in proportion to its images to the power of ``alpha``.

    Args:
        data: The images.
        recipe: Weights and powers.
    """

    def __init__(self, data: Mixture, recipe: Recipe) -> None:
        self._n = len(data.first)
        self._first = _weights(data.first, 0.0) if recipe.balance == "sampling" else None
        left = 1 - sum(entry.weight for entry in recipe.mixture.values())
        self._others, start = [], self._n
        for name, entry in recipe.mixture.items():
            other = data.others[name]
            self._others.append((start, round(self._n * entry.weight / left), _weights(other, entry.alpha)))
            start += len(other)
        self.size = self._n + sum(count for _, count, _ in self._others)

    def order(self, generator: Generator) -> Tensor:
        """``(size,)`` places of the images of an epoch, those of all data sets one after the other; a
        generator in the same state gives the same ones."""
        if self._first is None:
            first = torch.randperm(self._n, generator=generator)
        else:
            first = torch.multinomial(self._first, self._n, replacement=True, generator=generator)
        if not self._others:
            return first
        drawn = [
            start + torch.multinomial(weights, count, replacement=True, generator=generator)
            for start, count, weights in self._others
        ]
        everything = torch.cat([first, *drawn])
        return everything[torch.randperm(len(everything), generator=generator)]


def _weights(data: FaceDataset, alpha: float) -> Tensor:
    """``(n,)`` chance of each image: classes in proportion to their images to the power of ``alpha``."""
    counts = torch.from_numpy(data.counts()).float().clamp(min=1)
    return counts.pow(alpha - 1)[torch.from_numpy(data.expressions)]


@dataclass(frozen=True, eq=False)
class Examples:
    """The images of all data sets, one after the other.

    Args:
        faces: ``(n, 1, h, w)`` uint8.
        targets: Per head ``(n, k)`` distributions to learn, zeros where a data set does not teach it.
        truth: Per head of the first data set, and per data set that is mixed in, ``(n,)`` the right column,
            -1 where none counts.
    """

    faces: Tensor
    targets: dict[str, Tensor]
    truth: dict[str, Tensor]


def examples(data: Mixture, recipe: Recipe) -> Examples:
    """The images of all data sets with what they teach.

    Args:
        data: The images.
        recipe: Which data set teaches which head.
    """
    everything = [data.first, *(data.others[name] for name in recipe.mixture)]
    n, base, labels = sum(map(len, everything)), len(data.first), head_labels(data, recipe)
    truth = {name: torch.full((n,), -1) for name in (*recipe.heads, *recipe.mixture)}
    targets = {head: torch.zeros(n, len(names)) for head, names in labels.items()}
    for head, values in head_targets(data.first, recipe).items():
        targets[head][:base] = values
    for head, columns in head_truth(data.first, recipe).items():
        truth[head][:base] = columns
    start = base
    for name in recipe.mixture:
        other, head = data.others[name], recipe.head_of(name)
        rows = torch.arange(start, start + len(other))
        truth[name][rows] = torch.from_numpy(columns_of(other, labels[head]))
        targets[head][rows, truth[name][rows]] = 1.0
        start += len(other)
    faces = torch.from_numpy(np.concatenate([part.images for part in everything]))[:, None]
    return Examples(faces, targets, truth)
