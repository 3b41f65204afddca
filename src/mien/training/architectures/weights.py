"""How many weights a network has, as papers count them."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn


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
