"""Weights to start from: those of a network that was trained before, instead of random ones."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.core.errors import InputError
from mien.inference.card import read_card, read_network
from mien.inference.weights import network_path

_IMAGES = 1024
_PREFIX = "network."


class PretrainedWeights:
    """A network file (`mien.training.export`) whose weights a run starts with.

    Args:
        name: ONNX file with a card, in floats, or the name of a network that comes with mien. One network of
            several that were joined (`mien.models.ensemble`) is ``NAME/part-N``, such as ``medium/part-2``.

    Attributes:
        path: The file.
        digest: SHA-256 of the file, and which part.
        name: What a card may tell of it: the file's name without its folder, and the part.

    Raises:
        NetworkError: It is missing or damaged, or has no card.
        InputError: The file has no such part, or parts and none was named.
    """

    def __init__(self, name: str | os.PathLike[str]) -> None:
        import onnx
        from onnx import numpy_helper

        file, part = _split(os.fspath(name))
        self.path = network_path(file)
        data = read_network(self.path)
        self._heads = read_card(data, name=str(self.path)).heads
        self.digest = "/".join([hashlib.sha256(data).hexdigest(), *([part] if part else [])])
        values = onnx.load_model_from_string(data).graph.initializer
        _check_part(file, part, [each.name for each in values])
        self.name = "/".join([Path(file).name, *([part] if part else [])])
        self._prefix = f"{part}.{_PREFIX}" if part else _PREFIX
        self._values = {each.name: numpy_helper.to_array(each) for each in values}

    @torch.no_grad()
    def put_into(
        self, network: nn.Module, images: NDArray[np.uint8], classes: Mapping[str, Sequence[str]]
    ) -> None:
        """Give a network the file's weights, so that it answers as the file does.

        Files have batch normalisation folded into the convolution before it, where there is one. It is
        unfolded by what the convolution gives for some images: filters keep the norms that the network was
        born with, which set how fast they learn, and the normalisation's weights make up for the rest.
        Classes that the file's head of the same name does not know stay as they were born.

        Args:
            network: As the file's, fresh.
            images: ``(n, 48, 48)`` uint8 images to learn from.
            classes: Names of the classes of each of the network's heads.

        Raises:
            InputError: The file's network has other convolutions.
        """
        chosen = np.random.default_rng(0).permutation(len(images))[:_IMAGES]
        faces = torch.from_numpy(images[chosen])[:, None].float()
        folded: dict[nn.Module, tuple[Tensor, Tensor]] = {}
        came_from: dict[int, nn.Module] = {}
        kept: list[Tensor] = []  # What is compared by identity must not be freed meanwhile.
        hooks = []
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d):
                folded[module] = self._convolution(name, module)

                def convolved(module: nn.Module, _: Any, output: Tensor) -> None:
                    came_from[id(output)] = module
                    kept.append(output)

                hooks.append(module.register_forward_hook(convolved))
            elif isinstance(module, nn.BatchNorm2d):
                hooks.append(
                    module.register_forward_pre_hook(
                        lambda norm, given: _unfold(norm, given[0], *folded[came_from[id(given[0])]])
                    )
                )
        for head, names in classes.items():
            self._head(network.get_submodule(f"heads.{head}"), head, names)
        network.eval()(faces)
        for hook in hooks:
            hook.remove()
        network.train()

    def _convolution(self, name: str, module: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Put a convolution's filters in, at their former norms; what its output must be multiplied with, and
        added to, is returned."""
        weight, bias = self._of(f"{name}.weight"), self._of(f"{name}.weight_bias")
        if weight is None or weight.shape != module.weight.shape or module.bias is not None:
            got = (
                "none"
                if weight is None
                else "such with a bias of their own"
                if weight.shape == module.weight.shape
                else tuple(weight.shape)
            )
            wanted = f"the filters {tuple(module.weight.shape)} of {name}"
            raise InputError(
                f"{self.path}: expected {wanted}; got {got}: start with a file of the same network, in floats"
            )
        if bias is None:  # Nothing was folded into it: the one after it, across the channels, was normalised.
            module.weight.copy_(weight)
            return torch.ones(len(weight)), torch.zeros(len(weight))
        born = module.weight.flatten(1).norm(dim=1)
        ratio = weight.flatten(1).norm(dim=1) / born
        module.weight.copy_(
            torch.where(ratio[:, None, None, None] > 0, weight / ratio[:, None, None, None], module.weight)
        )
        return ratio, bias

    def _head(self, module: nn.Module, head: str, names: Sequence[str]) -> None:
        source = self._source(head, names)
        weight, bias = self._of(f"heads.{source}.weight"), self._of(f"heads.{source}.bias")
        if (
            weight is None
            or bias is None
            or not isinstance(module, nn.Linear)
            or weight.shape[1] != module.in_features
        ):
            return
        known = self._heads[source]
        for row, name in enumerate(names):
            if name in known:
                module.weight[row] = weight[known.index(name)]
                module.bias[row] = bias[known.index(name)]

    def _source(self, head: str, names: Sequence[str]) -> str:
        """The file's head of the same name; for ``labels`` the one that knows most of the classes."""
        if head != "labels" or head in self._heads:
            return head
        learned = [name for name in self._heads if self._of(f"heads.{name}.weight") is not None]
        return max(reversed(learned), key=lambda name: len(set(names) & set(self._heads[name])), default=head)

    def _of(self, name: str) -> Tensor | None:
        values = self._values.get(self._prefix + name)
        return None if values is None else torch.from_numpy(values.astype(np.float32))


def _split(name: str) -> tuple[str, str]:
    """The file's name, and the part of it if one is named."""
    found = re.fullmatch(r"(.+)/(part-[^/]*)", name)
    return (found[1], found[2]) if found and not Path(name).exists() else (name, "")


def _check_part(file: str, part: str, names: Sequence[str]) -> None:
    """Refuse a part that the file does not have, and a file of several of which none is named."""
    parts = sorted({found[0] for name in names if (found := re.match(r"part-\d+(?=\.network\.)", name))})
    if part in (parts or [""]):
        return
    has = f"{parts[0]} to {parts[-1]}" if parts else "one network, without parts"
    raise InputError(
        f"--initial: expected {f'a part of {file}, such as {file}/{parts[0]}' if parts else file}; "
        f"got {part or 'none'}: it has {has}"
    )


def _unfold(norm: nn.BatchNorm2d, given: Tensor, ratio: Tensor, bias: Tensor) -> None:
    """Let the normalisation of ``given`` come out as ``ratio * given + bias``."""
    variance, mean = torch.var_mean(given, dim=(0, 2, 3), correction=0)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(ratio * (variance + norm.eps).sqrt())
    norm.bias.copy_(ratio * mean + bias)
