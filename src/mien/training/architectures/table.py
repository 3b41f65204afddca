"""The architectures side by side, their weights counted as papers do, and timed:
``docs/published-networks.md`` is made of this."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mien.training.architectures.registry import ARCHITECTURES, create_model


class Weights(NamedTuple):
    """Numbers of weights: those that training changes, and those plus batch normalisation's running means and
    variances."""

    trainable: int
    total_with_running_statistics: int


def count_weights(network: nn.Module) -> Weights:
    """Count as Keras' summary does, which most papers print.

    >>> count_weights(nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)))
    Weights(trainable=96, total_with_running_statistics=112)
    """
    trainable = sum(weights.numel() for weights in network.parameters() if weights.requires_grad)
    frozen = sum(weights.numel() for weights in network.parameters() if not weights.requires_grad)
    running = sum(
        buffer.numel()
        for name, buffer in network.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
    return Weights(trainable, trainable + frozen + running)


def count_macs(network: nn.Module) -> int:
    """Multiplications of one 48x48 image in convolutions and matrix products."""
    network.eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(1, 1, 48, 48))
    return counter.get_total_flops() // 2


def networks_table() -> str:
    """Every network with its weights, cost, input, source and what was chosen, as Markdown."""
    lines = [
        "| name | trainable | with running statistics | MMAC | input | source | chosen |",
        "|---|--:|--:|--:|---|---|---|",
    ]
    for name, entry in ARCHITECTURES.items():
        network = create_model(name)
        weights = count_weights(network)
        counts = f"{weights.trainable:,} | {weights.total_with_running_statistics:,} | {count_macs(network) / 1e6:.1f}"
        lines.append(f"| `{name}` | {counts} | {entry.input} | {entry.source} | {entry.chosen} |")
    return "\n".join(lines)


def images_per_second(network: nn.Module, batch: int = 32, seconds: float = 3.0) -> float:
    """Images through forward, loss and backward on one thread, float32; the best of the steps that fit in
    the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    faces, labels = torch.rand(batch, 1, 48, 48) * 255, torch.arange(batch) % 7
    network.train()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds or best == float("inf"):
        begin = time.perf_counter()
        functional.cross_entropy(network(faces)["fer2013"], labels).backward()
        best = min(best, time.perf_counter() - begin)
        network.zero_grad()
    torch.set_num_threads(threads)
    return batch / best


def speeds_table(seconds: float = 3.0) -> str:
    """Training speed of every network on this machine now, as Markdown."""
    lines = ["| name | images/s, forward and backward |", "|---|--:|"]
    lines += [
        f"| `{name}` | {images_per_second(create_model(name), seconds=seconds):,.0f} |"
        for name in ARCHITECTURES
    ]
    return "\n".join(lines)
