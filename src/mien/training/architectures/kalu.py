"""Kalu: four convolutions and two dense layers with batch normalisation; 4,478,727 weights, 4,474,759 of them
trainable.

Layers, kernels and counts are the paper's; the order of pooling and dropout is that of a Keras network which
many public projects on FER-2013 share and whose counts agree to the last weight::

    layer (each with batch normalisation, ReLU, dropout .25)   output       weights, running statistics included
    block1  conv 3x3, pool 2x2                                  64 x 24x24        896
    block2  conv 5x5, pool 2x2                                 128 x 12x12    205,440
    block3  conv 3x3, pool 2x2                                 512 x  6x6     592,384
    block4  conv 3x3, pool 2x2                                 512 x  3x3   2,361,856
    dense1                                                     256          1,180,928
    dense2                                                     512            133,632
    head    linear                                               7              3,591
                                                                            4,478,727

The 3,968 that are not trainable are the running means and variances of 1,984 channels. Convolutions are
padded and keep their biases, which the normalisation makes idle. Pixels go in as they are, 0 to 255, as in
the shared code; the first normalisation takes the scale out again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from mien.training.architectures.layers import batch_norm_1d, batch_norm_2d, initialise


class KaluNet(nn.Module):
    """The network of the module's docstring.

    Args:
        heads: Number of classes of each output, by name.
        dropout: Share dropped after every block and dense layer in training.

    The input is ``(n, 1, 48, 48)``, gray, 0 to 255; the output is ``{head: (n, k) logits}``.
    """

    def __init__(self, heads: Mapping[str, int], dropout: float = 0.25) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                block1=_block(1, 64, 3, dropout),
                block2=_block(64, 128, 5, dropout),
                block3=_block(128, 512, 3, dropout),
                block4=_block(512, 512, 3, dropout),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dense1=_dense(512 * 3 * 3, 256, dropout),
                dense2=_dense(256, 512, dropout),
            )
        )
        self.heads = nn.ModuleDict({name: nn.Linear(512, classes) for name, classes in heads.items()})
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.classifier(self.features(x))
        return {name: head(features) for name, head in self.heads.items()}


def _block(inputs: int, outputs: int, kernel: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
            norm=batch_norm_2d(outputs),
            relu=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            dropout=nn.Dropout(dropout),
        )
    )


def _dense(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            linear=nn.Linear(inputs, outputs),
            norm=batch_norm_1d(outputs),
            relu=nn.ReLU(),
            dropout=nn.Dropout(dropout),
        )
    )
