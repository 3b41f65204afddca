"""The smallest network that mien ships: residual blocks of separable convolutions, which see more for as many weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.residual import standardised


class Separable(nn.Module):
    """A 3x3 convolution in each channel, then one of 1x1 across them (Sifre 2014, Chollet 2017), each with batch normalisation."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise_norm(self.pointwise(functional.relu(self.depthwise_norm(self.depthwise(x)))))
        return out


class SeparableBlock(nn.Module):
    """Two separable convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = Separable(inputs, outputs, stride), Separable(outputs, outputs)
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.second(functional.relu(self.first(x))) + self.shortcut(x))


class SeparableNet(nn.Module):
    """A small network over one gray face, with one linear output per reading.

    Args:
        heads: Number of classes of each output, by name.
        stem: Channels of the first convolution, whose stride is 2.
        widths: Channels of each block; every block but the first halves the resolution.
        view: Side in px of the central square that the network looks at, out of what it is given.

    Input and output are those of `mien.models.residual.ResidualNet`.
    """

    def __init__(self, heads: Mapping[str, int], stem: int = 32, widths: Sequence[int] = (32, 64, 128), view: int = 44) -> None:
        super().__init__()
        self.view = view
        self.stem = nn.Sequential(nn.Conv2d(1, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU())
        inputs = (stem, *widths)
        blocks = [SeparableBlock(inputs[block], outputs, 1 if block == 0 else 2) for block, outputs in enumerate(widths)]
        self.blocks = nn.Sequential(*blocks)
        self.heads = nn.ModuleDict({name: nn.Linear(widths[-1], classes) for name, classes in heads.items()})
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = torch.mean(self.blocks(self.stem(standardised(x, self.view))), dim=(2, 3))
        return {name: head(features) for name, head in self.heads.items()}
