"""What Keras does when a paper says nothing: how weights begin, and how batch normalisation counts.

Most of the published networks were built with Keras and name neither. The two libraries differ: PyTorch draws
weights from a narrower range and gives biases random values, and its batch normalisation follows the data ten
times as fast. A repetition that silently took PyTorch's habits would be another experiment.
"""

from __future__ import annotations

from math import sqrt

from torch import nn

from mien.training.architectures.locally_connected import LocallyConnected2d


def batch_norm_2d(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation of feature maps with Keras' numbers: 1e-3 under the root, running statistics that
    keep 99 %."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def batch_norm_1d(features: int) -> nn.BatchNorm1d:
    """The same for vectors."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=0.01)


def initialise(network: nn.Module) -> None:
    """Draw every kernel from Glorot's uniform range and set every bias to 0, as Keras does (Glorot and Bengio
    2010).

    A locally connected kernel has an axis of positions. Keras (2.x, which had the layer) takes that axis for
    part of the kernel's area, so the range is narrower by the root of the number of positions than for a
    convolution of the same size. The paper's network began like that, and so does this one.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, LocallyConnected2d):
            positions, inputs, outputs = module.weight.shape
            limit = sqrt(6 / (positions * (inputs + outputs)))
            nn.init.uniform_(module.weight, -limit, limit)
            nn.init.zeros_(module.bias)
