"""Batches out of arrays in memory, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Generator, Tensor

from mien.data.dataset import FaceDataset
from mien.training.recipe import Recipe
from mien.training.splits import head_targets, head_truth

if TYPE_CHECKING:
    from mien.training.distillation import TeacherCache


class Batch(NamedTuple):
    """A few images.

    Args:
        faces: ``(n, 1, 48, 48)``.
        targets: Per head ``(n, k)`` distributions.
        truth: Per head ``(n,)`` columns, -1 where none counts.
        said: Per head ``(n, k)`` log-probabilities of the teachers; empty without any.
    """

    faces: Tensor
    targets: dict[str, Tensor]
    truth: dict[str, Tensor]
    said: dict[str, Tensor]


def seed_of(recipe: Recipe, epoch: int, rank: int = 0, purpose: int = 0) -> int:
    """One number for all chance of an epoch: what was interrupted can be replayed from the start of its
    epoch."""
    return (recipe.seed * 1_000_003 + epoch * 100_003 + rank * 17 + purpose) % 2**63


class Batches:
    """All images of a part in batches; each device of several takes its share of every batch.

    Args:
        data: Images.
        recipe: Size of the batches, heads, sampling.
        epoch: Tells which epoch it is; None keeps the order of the data.
        place: Number of this device and how many there are.
        views: What teachers said; each image is then shown in one of its views, in turn.

    Raises:
        InputError: The views lack some of the images.
    """

    def __init__(
        self,
        data: FaceDataset,
        recipe: Recipe,
        epoch: Callable[[], int] | None = None,
        place: Callable[[], tuple[int, int]] = lambda: (0, 1),
        views: TeacherCache | None = None,
    ) -> None:
        self._faces = torch.from_numpy(data.images)[:, None]
        self._targets = head_targets(data, recipe)
        self.truth = head_truth(data, recipe)
        self._recipe = recipe
        self._epoch = epoch
        self._place = place
        self._views = views
        self._places = None if views is None else torch.from_numpy(views.places(data))
        counts = torch.from_numpy(data.counts()).float().clamp(min=1)
        self._weights = (1 / counts)[torch.from_numpy(data.expressions)]

    def __len__(self) -> int:
        return len(self._chunks(torch.arange(len(self._faces))))

    def __iter__(self) -> Iterator[Batch]:
        rank, world = self._place()
        for chunk in self._chunks(self._order()):
            mine = chunk[rank::world]
            targets = {head: values[mine] for head, values in self._targets.items()}
            faces, said = self._shown(mine)
            yield Batch(faces, targets, {head: values[mine] for head, values in self.truth.items()}, said)

    def _shown(self, mine: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The faces, and what teachers said about them. An image's views come in turn, and every epoch has
        images in all views."""
        if self._views is None or self._places is None or self._epoch is None:
            return self._faces[mine], {}
        numbers = (mine + self._epoch()) % len(self._views)
        faces, said = self._views.batch(
            numbers.numpy(), self._places[mine].numpy(), self._recipe.distillation.steadiness
        )
        return faces, {head: said[head] for head in self._recipe.heads}

    def _order(self) -> Tensor:
        n = len(self._faces)
        if self._epoch is None:
            return torch.arange(n)
        generator = Generator().manual_seed(seed_of(self._recipe, self._epoch(), purpose=1))
        if self._recipe.balance == "sampling":
            return torch.multinomial(self._weights, n, replacement=True, generator=generator)
        return torch.randperm(n, generator=generator)

    def _chunks(self, order: Tensor) -> list[Tensor]:
        """Batches of indices; a last one that would leave a device with fewer than two images joins the one
        before."""
        chunks = list(order.split(self._recipe.batch))
        if len(chunks) > 1 and len(chunks[-1]) < 2 * self._place()[1]:
            chunks[-2:] = [torch.cat(chunks[-2:])]
        return chunks
