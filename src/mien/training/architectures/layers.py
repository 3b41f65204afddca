"""Layers that several architectures share and PyTorch does not have, and what Keras does when a paper says
nothing.

Most of the published networks were built with Keras and name neither. The two libraries differ: PyTorch draws
weights from a narrower range and gives biases random values, and its batch normalisation follows the data ten
times as fast. A repetition that silently took PyTorch's habits would be another experiment.
"""

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


class LocalContrastNorm(nn.Module):
    """Subtract the local mean, divide by the local deviation (Jarrett et al. 2009, section 3.1).

    With ``w`` a Gaussian window over rows and columns, ``<.>`` the mean over the channels and ``*`` a
    weighted mean over the window (at a border over the part of it that lies inside)::

        v = x - w * <x>              the local mean, over all channels at once
        s = sqrt(w * <v^2>)          the local deviation
        y = v / max(s, mean(s))      places quieter than the image's mean deviation are not blown up

    ``1e-6`` under the root keeps flat images, and the gradient at 0, finite. Nothing is learned.

    Args:
        window: Side of the window, odd, in px. 9 is the paper's.
        deviation: Width of the Gaussian in px. The paper gives none; a quarter of the window fills it.
    """

    gaussian: Tensor

    def __init__(self, window: int = 9, deviation: float = 2.25) -> None:
        super().__init__()
        line = torch.exp(-0.5 * (torch.arange(window) - window // 2).float().div(deviation).square())
        weights = torch.outer(line, line)
        self.register_buffer("gaussian", (weights / weights.sum())[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        v = x - self._around(x.mean(dim=1, keepdim=True))
        s = torch.sqrt(self._around(v.square().mean(dim=1, keepdim=True)) + 1e-6)
        return v / torch.maximum(s, s.mean(dim=(2, 3), keepdim=True))

    def _around(self, x: Tensor) -> Tensor:
        """``(n, 1, h, w)`` weighted means; the weight that falls outside is spread over what is inside."""
        margin = self.gaussian.shape[-1] // 2
        inside = functional.conv2d(torch.ones_like(x[:1]), self.gaussian, padding=margin)
        return functional.conv2d(x, self.gaussian, padding=margin) / inside


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
