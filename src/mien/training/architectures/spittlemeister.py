"""Spittlemeister 2018: six convolutions, then two locally connected layers; 11,911,979 weights.

Source: the author's repository AndrewSpittlemeister/FacialExpressionRecognition, whose notebook
``final_model.ipynb`` (Keras, April 2018) prints the layers and their weights; nothing is reconstructed::

    layer                          output       weights
    conv1, conv2, conv3  5x5 ReLU  40 x 48x48    81,120
    pool1  2x2 max                 40 x 24x24
    conv4, conv5, conv6  5x5 ReLU  60 x 24x24   240,180
    pool2  2x2 max                 60 x 12x12
    local1  3x3, ReLU             100 x 10x10 5,410,000
    local2  3x3, ReLU             100 x  8x8  5,766,400
    dense1  ReLU                   64           409,664
    dropout  .5
    dense2  ReLU                   64             4,160
    head   linear                   7               455
                                             11,911,979

Pixels go in as they are, 0 to 255: the notebook does not scale them. Convolutions are padded, local layers
are not.

The figures to compare with need care. The notebook trains on the first 70 % of Training (20,096 images; the
other 8,613 validate), Adam, batches of 200, at most 50 epochs, stopped after five without a lower validation
loss. Its output, 17 epochs, reads training .6948148870401701, validation .4768373401831019, PrivateTest
.48258567856161266: exactly 1,732 of 3,589 images. Three text files of the same run are stored in the
repository's history. They agree with the notebook in every digit but one or two: PrivateTest is .4825...,
.5325... and .5425... with the same thirteen digits after. The paper's 53.259 % and its ratio .7665 belong to
the second, which is not a whole number of 3,589 images; the notebook's own ratio of validation to training
is .6863. A repetition should be held against .4826 as well as against .5326.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from mien.training.architectures.layers import LocallyConnected2d, initialise


class SpittlemeisterNet(nn.Module):
    """The network of the module's docstring.

    Args:
        heads: Number of classes of each output, by name.
        dropout: Share of the first dense layer dropped in training.

    The input is ``(n, 1, 48, 48)``, gray, 0 to 255; the output is ``{head: (n, k) logits}``.
    """

    def __init__(self, heads: Mapping[str, int], dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 40, 5, padding=2),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(40, 40, 5, padding=2),
                relu2=nn.ReLU(),
                conv3=nn.Conv2d(40, 40, 5, padding=2),
                relu3=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv4=nn.Conv2d(40, 60, 5, padding=2),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(60, 60, 5, padding=2),
                relu5=nn.ReLU(),
                conv6=nn.Conv2d(60, 60, 5, padding=2),
                relu6=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                local1=LocallyConnected2d(60, 100, (12, 12), 3),
                relu7=nn.ReLU(),
                local2=LocallyConnected2d(100, 100, (10, 10), 3),
                relu8=nn.ReLU(),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dense1=nn.Linear(100 * 8 * 8, 64),
                relu1=nn.ReLU(),
                dropout=nn.Dropout(dropout),
                dense2=nn.Linear(64, 64),
                relu2=nn.ReLU(),
            )
        )
        self.heads = nn.ModuleDict({name: nn.Linear(64, classes) for name, classes in heads.items()})
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.classifier(self.features(x))
        return {name: head(features) for name, head in self.heads.items()}
