"""A network that is looked into: its answers, its kernels and what its layers give for a face."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.inference.classifier import Classifier

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Kernels:
    """The weights of a network's first convolution.

    Args:
        layer: Its name.
        weights: ``(outputs, inputs, h, w)``.
    """

    layer: str
    weights: NDArray[np.float32]


class Differentiable(Protocol):
    """A torch module from ``(n, channels, h, w)`` crops to ``(n, k)`` scores before the last softmax, in which every
    rectifier is an ``nn.ReLU``."""

    def __call__(self, faces: Tensor) -> Tensor: ...

    def layer(self, name: str) -> nn.Module:
        """The part whose output is the layer of that name.

        Raises:
            InputError: The scores do not depend on it.
        """
        ...

    def modules(self) -> Iterator[nn.Module]:
        """All parts."""
        ...


class ExplainableModel(Protocol):
    """A network that can be looked into. Made by `mien.explain.open_explained`.

    Attributes:
        name: For titles and names of files.
        classifier: Its answers, and the crop that it was trained on.
        calibrated: Whether its probabilities are.

    >>> from mien.explain import open_explained
    >>> subject: ExplainableModel = open_explained("small")
    >>> subject.name, subject.calibrated, len(subject.features(np.zeros((1, 48, 48), np.float32))) > 5
    ('small', True, True)
    """

    name: str
    classifier: Classifier
    calibrated: bool

    def kernels(self) -> Kernels:
        """The weights of the first convolution.

        Raises:
            InputError: It has none.
        """
        ...

    def features(self, crop: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """``(channels, h, w)`` of every layer that has maps, by name and in order, for one crop, ``(1 or 3,
        h, w)``, 0 to 255."""
        ...

    def differentiable(self) -> Differentiable:
        """The network in PyTorch.

        Raises:
            MissingExtraError: PyTorch is not installed.
            NetworkError: It holds an operator that cannot be differentiated here, or PyTorch's answers differ
                from ONNX Runtime's.
        """
        ...


def chosen_layer(name: str, layers: Sequence[str]) -> str:
    """A layer's name, if it is there.

    Raises:
        InputError: It is not; the message lists those that are.

    >>> chosen_layer("conv9", ["conv1", "conv2"])
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a layer out of conv1, conv2; got 'conv9'
    """
    if name not in layers:
        raise InputError(f"expected a layer out of {', '.join(layers)}; got {quoted(name)}")
    return name


def stages(features: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """One layer for every resolution: the last one among those least deep inside other modules. What brings
    an image to the network's own range (``input.``, `mien.models.adoption`), maps of one channel and outputs are left
    out.

    >>> maps = {"stem": (8, 44, 44), "stage1": (8, 44, 44), "stage2.conv": (16, 22, 22), "stage2": (16, 22, 22), "stage2.odd": (16, 22, 22)}
    >>> stages({name: np.zeros(shape, np.float32) for name, shape in maps.items()})
    ['stage1', 'stage2']
    """
    names = [
        name for name, maps in features.items() if len(maps) > 1 and not name.startswith(("heads.", "input."))
    ]
    runs = [list(run) for _, run in groupby(names, key=lambda name: features[name].shape[1:])]
    return [min(reversed(run), key=lambda name: name.count(".")) for run in runs]


def deepest(features: Mapping[str, NDArray[np.float32]], cells: int = 4) -> list[str]:
    """The deepest stage with at least so many cells a side, of each network in a file
    (`mien.models.ensemble`): where Grad-CAM looks.

    Raises:
        InputError: No layer has maps.

    >>> maps = {"part-1.early": (8, 22, 22), "part-1.late": (8, 6, 6), "part-2.early": (8, 24, 24), "part-2.last": (8, 3, 3)}
    >>> deepest({name: np.zeros(shape, np.float32) for name, shape in maps.items()})
    ['part-1.late', 'part-2.early']
    """
    found = [name for name in stages(features) if min(features[name].shape[1:]) >= cells]
    if not found:
        raise InputError(
            f"expected a model with maps of {cells}x{cells} or more; its layers are {', '.join(features) or 'none with maps'}"
        )
    return list({re.sub(r"^(part-\d+\.)?.*", r"\1", name): name for name in found}.values())
