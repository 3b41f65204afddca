"""A convolution whose kernel differs from place to place: unshared weights, as in DeepFace (Taigman et al.
2014)."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional


class LocallyConnected2d(nn.Module):
    """Each place of the output has weights and a bias of its own; no padding, stride 1.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        size: Height and width of what comes in; they are fixed, for the weights belong to places.
        kernel: Side of the window, in px.

    ``weight`` is ``(places, inputs * kernel * kernel, outputs)``, places row by row and the middle axis in
    the order channel, row, column; ``bias`` is ``(outputs, height, width)``. The windows are laid side by
    side and multiplied place by place in one batched product, so the graph exports to ONNX as gathers and one
    MatMul.

    >>> layer = LocallyConnected2d(60, 100, (12, 12), 3)
    >>> sum(weights.numel() for weights in layer.parameters())  # as Keras counts them
    5410000
    """

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int], kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.height, self.width = size[0] - kernel + 1, size[1] - kernel + 1
        fan = inputs * kernel * kernel
        limit = sqrt(6 / (fan + outputs))
        self.weight = nn.Parameter(
            torch.empty(self.height * self.width, fan, outputs).uniform_(-limit, limit)
        )
        self.bias = nn.Parameter(torch.zeros(outputs, self.height, self.width))

    def forward(self, x: Tensor) -> Tensor:
        windows = functional.unfold(x, self.kernel).permute(2, 0, 1)  # (places, n, fan)
        y = torch.bmm(windows, self.weight).permute(1, 2, 0)  # (n, outputs, places)
        placed: Tensor = y.unflatten(2, (self.height, self.width)) + self.bias
        return placed

    def extra_repr(self) -> str:
        places, fan, outputs = self.weight.shape
        return f"{fan // self.kernel**2}, {outputs}, kernel={self.kernel}, places={places}"
