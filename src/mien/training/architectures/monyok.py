"""Monyok 2021: three small convolutions and two dense layers; 318,407 weights.

As the paper lists it, a Keras network for FER-2013 (48x48, gray, seven classes), which at the end of 50 epochs
reads .9791 of its training and .4835 of its validation images right. Pixels are divided by 255, convolutions are
not padded, nothing works against overfitting::

    layer               output       weights
    conv1  3x3, ReLU    32 x 46x46       320
    pool1  2x2 max      32 x 23x23
    conv2  3x3, ReLU    64 x 21x21    18,496
    pool2  2x2 max      64 x 10x10
    conv3  3x3, ReLU    64 x  8x8     36,928
    dense  ReLU         64           262,208
    head   linear        7               455
                                     318,407

The last layer gives plain values without softmax, with which the paper's did better. A second network of the
paper, whose layers are not given, always answered with one class (docs/reproduction.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from mien.training.architectures.layers import initialise


class MonyokNet(nn.Module):
    """The network of the module's docstring.

    Args:
        heads: Number of classes of each output, by name.

    The input is ``(n, 1, 48, 48)``, gray, 0 to 255; the output is ``{head: (n, k) logits}``.
    """

    def __init__(self, heads: Mapping[str, int]) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 32, 3),
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(32, 64, 3),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                conv3=nn.Conv2d(64, 64, 3),
                relu3=nn.ReLU(),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(flatten=nn.Flatten(), dense=nn.Linear(64 * 8 * 8, 64), relu=nn.ReLU())
        )
        self.heads = nn.ModuleDict({name: nn.Linear(64, classes) for name, classes in heads.items()})
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.classifier(self.features(x / 255))
        return {name: head(features) for name, head in self.heads.items()}
