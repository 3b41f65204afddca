"""Convolutions of separable blocks, whose gradients a CPU has soon, and has at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_FEW = 64
"""Places of a map up to which matrices are faster."""


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution, which also trains fast with wide filters on small maps.

    PyTorch's own takes twelve times as long for 5x5 as for 3x3 on a CPU. Over the few places of a small map
    it is the product with a matrix per channel, which takes a quarter of that.

    Args:
        channels: That come and go.
        side: Of the filters, in px, odd.
        stride: Every how many places.
    """

    def __init__(self, channels: int, side: int, stride: int = 1) -> None:
        super().__init__(channels, channels, side, stride, side // 2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if (
            not self.training
            or x.device.type != "cpu"
            or self.stride != (1, 1)
            or self.kernel_size[0] <= 3
            or height * width > _FEW
        ):
            return super().forward(x)
        impulses = torch.eye(height * width, device=x.device).view(-1, 1, height, width)
        answers = functional.conv2d(
            impulses, self.weight, padding=self.padding
        )  # ``(places, channels, h, w)``
        made = torch.bmm(x.flatten(2).transpose(0, 1), answers.flatten(2).transpose(0, 1))
        return made.transpose(0, 1).reshape(x.shape)


class PointwiseConv2d(nn.Conv2d):
    """A convolution of 1x1 that may skip places, as shortcuts do.

    For the gradients of one that skips places in fewer channels than a vector has, oneDNN writes past its own
    memory (uxlfoundation/oneDNN issue 6035; with PyTorch 2.13 a process ends with a segmentation fault, or
    never). Where gradients are wanted, a CPU therefore takes the places first.

    Args:
        inputs: Channels that come.
        outputs: Channels that go.
        stride: Every how many places.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if (
            self.stride == (1, 1)
            or x.device.type != "cpu"
            or not torch.is_grad_enabled()
            or torch.compiler.is_exporting()
        ):
            return super().forward(x)
        return functional.conv2d(x[:, :, :: self.stride[0], :: self.stride[1]], self.weight)


class BlurPool2d(nn.Conv2d):
    """Halves the resolution without aliasing: a fixed 3x3 binomial filter in each channel, then every second
    place (Zhang 2019, https://arxiv.org/abs/1904.11486).

    Args:
        channels: That come and go.

    >>> BlurPool2d(1)(torch.ones(1, 1, 4, 4))[0, 0, 1, 1].item()
    1.0
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, 2, 1, groups=channels, bias=False)
        self.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        # The same by two means of 2x2, whose gradients PyTorch has five times as soon.
        return functional.avg_pool2d(functional.avg_pool2d(x, 2, 1, 1), 2)

    def reset_parameters(self) -> None:
        """The filter is always the same."""
        line = torch.tensor([0.25, 0.5, 0.25])
        with torch.no_grad():
            self.weight.copy_(line[:, None] * line)
