"""PyTorch's optimizers and schedules by the names that recipes use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim import lr_scheduler

from mien.training.recipe import Optimizer, Schedule


def create_optimizer(weights: Iterable[nn.Parameter], recipe: Optimizer) -> torch.optim.Optimizer:
    """The optimizer of a recipe; what it does not name is PyTorch's default."""
    rate, decay = recipe.rate, recipe.weight_decay
    if recipe.name == "sgd":
        return torch.optim.SGD(
            weights, lr=rate, momentum=recipe.momentum, nesterov=recipe.nesterov, weight_decay=decay
        )
    if recipe.name == "rmsprop":
        return torch.optim.RMSprop(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if recipe.name == "adamw" else torch.optim.Adam
    return kind(weights, lr=rate, weight_decay=decay)


@dataclass(frozen=True)
class Schedules:
    """What changes the learning rate.

    Args:
        step: Stepped after every batch.
        plateau: Stepped after every epoch, or None.
    """

    step: lr_scheduler.LRScheduler
    plateau: lr_scheduler.ReduceLROnPlateau | None

    def state(self) -> dict[str, object]:
        """All that is needed to go on."""
        return {
            "step": self.step.state_dict(),
            "plateau": None if self.plateau is None else self.plateau.state_dict(),
        }

    def restore(self, state: dict[str, dict[str, object]]) -> None:
        """Go on from a state."""
        self.step.load_state_dict(state["step"])
        if self.plateau is not None:
            self.plateau.load_state_dict(state["plateau"])


def create_schedules(optimizer: torch.optim.Optimizer, recipe: Schedule, steps: int) -> Schedules:
    """The schedule of a recipe over so many steps, the warm-up in front of it."""
    rate = float(optimizer.param_groups[0]["lr"])
    if recipe.name == "one-cycle":
        total = max(steps, 2)
        up = max(
            recipe.warmup or 0.3, 1.5 / total
        )  # 0.3 is PyTorch's default; a rise of less than a step divides by nothing.
        return Schedules(
            lr_scheduler.OneCycleLR(optimizer, rate, total_steps=total, pct_start=up, cycle_momentum=False),
            None,
        )
    rising = round(recipe.warmup * steps)
    rest = max(steps - rising, 1)
    warmup = (
        lr_scheduler.LinearLR(optimizer, start_factor=1 / rising, total_iters=rising - 1)
        if rising > 1
        else None
    )
    if recipe.name == "plateau":
        mode: Literal["min", "max"] = "min" if recipe.monitor == "validation_loss" else "max"
        plateau = lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, factor=recipe.factor, patience=recipe.patience, min_lr=recipe.floor
        )
        return Schedules(warmup or lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0), plateau)
    main: lr_scheduler.LRScheduler
    if recipe.name == "cosine":
        main = lr_scheduler.CosineAnnealingLR(optimizer, rest, eta_min=recipe.floor)
    elif recipe.name == "linear":
        main = lr_scheduler.LinearLR(
            optimizer, start_factor=1.0, end_factor=min(recipe.floor / rate, 1.0), total_iters=rest
        )
    else:
        main = lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
    return Schedules(lr_scheduler.SequentialLR(optimizer, [warmup, main], [rising]) if warmup else main, None)
