"""The training loop, from top to bottom: data, network, steps, checkpoint after every epoch."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mien.data.dataset import PUBLIC_TEST, TRAINING, FaceDataset, clean_training, leak_free
from mien.errors import InputError
from mien.labels import EXPRESSIONS, FERPLUS
from mien.models.residual import ResidualNet
from mien.train.augment import augment
from mien.train.recipe import Recipe

HEADS = {"fer2013": EXPRESSIONS, "ferplus": FERPLUS}
"""The two readings that one network learns at once: what a picture was searched for, and what ten people saw."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training faces gave; accuracies are shares, on the leak-free part of PublicTest."""

    epoch: int
    learning_rate: float
    loss: float
    fer2013: float
    ferplus: float


def create_network(recipe: Recipe) -> ResidualNet:
    """The untrained network of a recipe."""
    heads = {name: len(labels) for name, labels in HEADS.items()}
    return ResidualNet(heads, recipe.widths, recipe.blocks, recipe.view, recipe.dropout)


def train(data: FaceDataset, recipe: Recipe, folder: Path, report: Callable[[Epoch], None]) -> ResidualNet:
    """Train a network, or go on with a run that was stopped.

    Args:
        data: FER-2013 with all of its splits; only Training is learned from.
        recipe: What to train and how.
        folder: Where the run lives: ``recipe.json``, ``history.csv`` and ``last.pt``, renewed after every epoch.
        report: Called after every epoch.

    Returns:
        The network after the last epoch; no epoch is chosen by its score.

    Raises:
        InputError: The folder holds a run of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    network = create_network(recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.peak_rate, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay)
    training = clean_training(data) if recipe.track == "clean" else data.split(TRAINING)
    steps = math.ceil(len(training) / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.peak_rate, total_steps=steps * recipe.epochs, pct_start=recipe.warmup, cycle_momentum=False
    )
    state = {"network": network, "optimizer": optimizer, "schedule": schedule}
    history = _resume(folder, recipe, state, generator)
    faces, expressions, shares = _tensors(training)
    checked = leak_free(data, PUBLIC_TEST)
    for number in range(len(history), recipe.epochs):
        network.train()
        total = 0.0
        order = torch.randperm(len(faces), generator=generator)
        for chosen in order.split(recipe.batch):
            batch = augment(faces[chosen].float(), recipe, generator).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                outputs = network(batch)
            loss = two_head_loss(outputs, expressions[chosen], shares[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        scores = accuracies(network, checked)
        history.append(Epoch(number + 1, float(schedule.get_last_lr()[0]), total / len(faces), scores["fer2013"], scores["ferplus"]))
        _save(folder, recipe, state, generator, history)
        report(history[-1])
    return network


def two_head_loss(outputs: dict[str, Tensor], expressions: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy to the FER-2013 label plus cross-entropy to the distribution of the FER+ votes."""
    voted = shares.sum(dim=1)
    ferplus = -(shares * functional.log_softmax(outputs["ferplus"].float(), dim=1)).sum() / voted.sum().clamp(min=1)
    return functional.cross_entropy(outputs["fer2013"].float(), expressions) + ferplus


@torch.no_grad()
def predict(network: ResidualNet, data: FaceDataset, batch: int = 256) -> dict[str, Tensor]:
    """Logits of every head for every picture, in float32, one view."""
    network.eval()
    faces = torch.from_numpy(data.images)[:, None].float()
    parts = [network(chunk) for chunk in faces.split(batch)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def accuracies(network: ResidualNet, data: FaceDataset) -> dict[str, float]:
    """Share of right answers: of all rows for FER-2013, of the rows of the majority rule for FER+."""
    logits = predict(network, data)
    majority = torch.from_numpy(data.ferplus_majority())
    right = logits["ferplus"].argmax(dim=1) == majority
    return {
        "fer2013": float((logits["fer2013"].argmax(dim=1) == torch.from_numpy(data.expressions)).float().mean()),
        "ferplus": float(right[majority >= 0].float().mean()),
    }


def _tensors(data: FaceDataset) -> tuple[Tensor, Tensor, Tensor]:
    return torch.from_numpy(data.images)[:, None], torch.from_numpy(data.expressions), torch.from_numpy(data.vote_shares())


def _resume(folder: Path, recipe: Recipe, state: dict[str, Any], generator: torch.Generator) -> list[Epoch]:
    checkpoint = folder / "last.pt"
    if not checkpoint.exists():
        recipe.save(folder / "recipe.json")
        return []
    if Recipe.load(folder / "recipe.json") != recipe:
        raise InputError(f"{folder} holds a run of another recipe (see its recipe.json): give another folder with --run")
    saved = torch.load(checkpoint, weights_only=True)
    for name, part in state.items():
        part.load_state_dict(saved[name])
    generator.set_state(saved["generator"])
    torch.set_rng_state(saved["torch"])
    return [Epoch(**epoch) for epoch in saved["history"]]


def _save(folder: Path, recipe: Recipe, state: dict[str, Any], generator: torch.Generator, history: list[Epoch]) -> None:
    rows = [vars(epoch) for epoch in history]
    saved = {name: part.state_dict() for name, part in state.items()}
    saved |= {"generator": generator.get_state(), "torch": torch.get_rng_state(), "history": rows}
    # Written aside and renamed: a run killed here keeps its last whole checkpoint.
    torch.save(saved, folder / "last.pt.part")
    os.replace(folder / "last.pt.part", folder / "last.pt")
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
