"""Gudi 2015, as Holman, Vyas and Badal used it: three convolutions, local contrast normalisation, 3,072 dense
units.

Sources: A. Gudi, "Recognizing Semantic Features in Faces using Deep Learning" (arXiv 1512.00743), of which
only the abstract could be read here; this project's summary of the papers (three convolutions, local contrast
normalisation, two max-pools, one fully connected layer of 3,072 units, 48x48 cropped to 42x42); and public
re-implementations for FER-2013 which give the sizes of the kernels (isseu/emotion-recognition-neural-networks
and its many copies: 64 filters 5x5, pool 3x3 step 2, 64 filters 5x5, pool 3x3 step 2, 128 filters 4x4, 3,072
units)::

    layer                output       weights
    crop                  1 x 42x42
    conv1  5x5, ReLU     64 x 38x38      1,664
    contrast             64 x 38x38
    pool1  3x3/2 max     64 x 18x18
    conv2  5x5, ReLU     64 x 14x14    102,464
    pool2  3x3/2 max     64 x  6x6
    conv3  4x4, ReLU    128 x  3x3     131,200
    dense  ReLU         3072         3,542,016
    head   linear          7            21,511
                                     3,798,855

No source states a number of weights. Where they are silent or at odds:

- Padding: none, so maps shrink as in networks of that year. The re-implementations pad and do not crop; their
  dense layer alone has 56.6 million weights.
- The normalisation follows the first convolution, and is Jarrett's
  (``mien.training.architectures.layers``), with its 9x9 window. The re-implementations left it out or
  put Krizhevsky's response normalisation, another formula, in its place.
- Crop: the centre. A random crop in training is the same as shifting the image by up to 3 px before.
- Dropout: none by default, as none is mentioned; the re-implementations keep .3 of what goes into the dense
  layer.
- Pixels: divided by 255. Weights begin as in Keras; biases at 0.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from mien.training.architectures.layers import LocalContrastNorm, initialise

_VIEW = 42


class GudiNet(nn.Module):
    """The network of the module's docstring.

    Args:
        heads: Number of classes of each output, by name.
        dropout: Share of the last feature maps dropped in training, before the dense layer.

    The input is ``(n, 1, 48, 48)``, gray, 0 to 255; the output is ``{head: (n, k) logits}``.
    """

    def __init__(self, heads: Mapping[str, int], dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 64, 5),
                relu1=nn.ReLU(),
                contrast=LocalContrastNorm(),
                pool1=nn.MaxPool2d(3, 2),
                conv2=nn.Conv2d(64, 64, 5),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(3, 2),
                conv3=nn.Conv2d(64, 128, 4),
                relu3=nn.ReLU(),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dropout=nn.Dropout(dropout),
                dense=nn.Linear(128 * 3 * 3, 3072),
                relu=nn.ReLU(),
            )
        )
        self.heads = nn.ModuleDict({name: nn.Linear(3072, classes) for name, classes in heads.items()})
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        top, left = (x.shape[2] - _VIEW) // 2, (x.shape[3] - _VIEW) // 2
        view = x[:, :, top : top + _VIEW, left : left + _VIEW] / 255
        features = self.classifier(self.features(view))
        return {name: head(features) for name, head in self.heads.items()}
