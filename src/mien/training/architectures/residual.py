"""The residual network that mien ships: plain 3x3 convolutions, global average pooling, one output per
head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.training.architectures.layers import BlurPool2d, DepthwiseConv2d, PointwiseConv2d


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, the basic block).

    Args:
        inputs: Channels that come.
        outputs: Channels that go.
        stride: Of the first convolution and the shortcut.
        separable: 0: 3x3 convolutions. Otherwise each is one of so many px a side within the channels, then
            one across them (Chollet 2017): a ninth of the weights, which buys more channels and wider
            filters.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, separable: int = 0) -> None:
        super().__init__()
        convolution = partial(_separable, side=separable) if separable else _full
        self.first = convolution(inputs, outputs, stride)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = convolution(outputs, outputs, 1)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(PointwiseConv2d(inputs, outputs, stride), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def _full(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def _separable(inputs: int, outputs: int, stride: int, side: int) -> nn.Module:
    return nn.Sequential(DepthwiseConv2d(inputs, side, stride), nn.Conv2d(inputs, outputs, 1, bias=False))


class ResidualNet(nn.Module):
    """A small residual network over one gray face, with one linear output per head.

    Args:
        heads: Number of classes of each output, by name.
        widths: Channels of each stage; every stage but the first halves the resolution.
        blocks: Residual blocks per stage, one number for all or one for each.
        view: Side in px of the central square that the network looks at, out of what it is given.
        dropout: Share of the pooled features dropped in training.
        stride: Of the first convolution; 2 takes a quarter of the time for the same widths.
        separable: How many of the last stages have separable convolutions: where the image is small and the
            channels are many, these give more channels for the same weights and time.
        kernel: Side in px of the separable convolutions within the channels, odd.
        blur: Whether every stage but the first begins with a `BlurPool2d`, instead of a stride in its first
            block.

    Raises:
        InputError: ``blocks`` or ``separable`` do not fit the number of stages, or ``kernel`` is not odd.

    The input is ``(n, 1, h, w)``, gray, 0 to 255. Each image is brought to mean 0 and deviation 1 first, so
    that a face in poor light looks to the network much like one in good light. The output is ``{head: (n, k)
    logits}``.
    """

    def __init__(
        self,
        heads: Mapping[str, int],
        widths: Sequence[int] = (16, 32, 64, 128),
        blocks: int | Sequence[int] = 2,
        view: int = 44,
        dropout: float = 0.2,
        stride: int = 1,
        separable: int = 0,
        kernel: int = 3,
        blur: bool = False,
    ) -> None:
        super().__init__()
        self.view = view
        each = [blocks] if isinstance(blocks, int) else list(blocks)
        each *= len(widths) if len(each) == 1 else 1
        if len(each) != len(widths) or not 0 <= separable <= len(widths):
            raise InputError(
                f"expected blocks and separable to fit {counted(len(widths), 'stage')} (widths "
                f"{list(widths)}); got blocks {blocks}, separable {separable}"
            )
        if kernel < 1 or kernel % 2 == 0:
            raise InputError(f"expected an odd kernel, such as 3 or 5; got {kernel}")
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, stride, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        stages: list[nn.Module] = []
        inputs = widths[0]
        for stage, (outputs, count) in enumerate(zip(widths, each, strict=True)):
            halved = stage > 0
            if blur and halved:
                stages.append(BlurPool2d(inputs))
            for block in range(count):
                stride = 2 if block == 0 and halved and not blur else 1
                stages.append(
                    ResidualBlock(inputs, outputs, stride, kernel if stage >= len(widths) - separable else 0)
                )
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(inputs, classes) for name, classes in heads.items()})
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and not isinstance(module, BlurPool2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        top, left = (x.shape[2] - self.view) // 2, (x.shape[3] - self.view) // 2
        x = x[:, :, top : top + self.view, left : left + self.view]
        x = x - x.mean(dim=(2, 3), keepdim=True)
        # 8 gray levels under the root: a nearly flat image must not become amplified noise. Written out, as
        # ONNX Runtime's builds agree on these operators to the bit, but not on InstanceNormalization, and
        # what is quantised later makes a step of the last digit.
        x = x / torch.sqrt(x.square().mean(dim=(2, 3), keepdim=True) + 64.0)
        features = self.stages(self.stem(x)).mean(dim=(2, 3))
        features = self.dropout(features)
        return {name: head(features) for name, head in self.heads.items()}
