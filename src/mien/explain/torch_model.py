"""The network of a finished run of ``mien train``, looked into with PyTorch: no ONNX file is needed, and
layers bear the names of modules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mien.core.errors import InputError
from mien.explain.base import Kernels
from mien.inference.card import FER_CROP, Card, InputSpec
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import Network
from mien.training.architectures import ARCHITECTURES
from mien.training.splits import SIDE

if TYPE_CHECKING:
    from mien.training.run import Trained


class TorchModel:
    """The network of a run. Its probabilities are not calibrated: ``mien models export`` does that.

    Args:
        folder: The run.
        head: Which of its outputs; the first one by default.

    Raises:
        InputError: There is no finished run, or no such head.
    """

    calibrated = False

    def __init__(self, folder: Path, head: str | None) -> None:
        from mien.training.run import load_run  # Here, as it loads Lightning, which `Rectified` does without.

        run = load_run(folder)
        self.name = run.recipe.name
        self.classifier = Classifier(_TrainedNetwork(run, folder), head)
        self._network = run.network

    def kernels(self) -> Kernels:
        for name, module in self._network.named_modules():
            if isinstance(module, nn.Conv2d):
                return Kernels(name, module.weight.detach().numpy().copy())
        raise InputError(
            f"expected a model with a convolution; {self.name} has none: there are no kernels to show"
        )

    @torch.no_grad()
    def features(self, crop: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}

        def keep(name: str) -> Any:
            def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
                if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
                    found[name] = output[0].float().numpy().copy()  # A copy: what follows may work in place.

            return hook

        hidden = (
            nn.Sequential,
            nn.ModuleDict,
            nn.Identity,
            nn.Dropout,
        )  # They only pass on what another layer gives.
        hooks = [
            module.register_forward_hook(keep(name))
            for name, module in self._network.named_modules()
            if name and not isinstance(module, hidden)
        ]
        try:
            self._network(torch.from_numpy(crop[None]))
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def differentiable(self) -> Rectified:
        return Rectified(self._network, self.classifier.head, torch.zeros(1, 1, SIDE, SIDE))


class Rectified(nn.Module):
    """One head of a network, in which every rectifier is an ``nn.ReLU``, also those that its code writes as a
    function.

    captum finds rectifiers by their class; one that it missed would let negative gradients through without a
    word.
    """

    def __init__(self, network: nn.Module, head: str, example: Tensor) -> None:
        super().__init__()
        self.network = network
        self.head = head
        self.rectifiers = nn.ModuleList()
        with torch.no_grad(), _Counting() as counting:
            network(example)
        self.rectifiers.extend(nn.ReLU() for _ in range(counting.calls))

    def layer(self, name: str) -> nn.Module:
        """The module of that name."""
        return self.network.get_submodule(name)

    def forward(self, faces: Tensor) -> Tensor:
        with _Replacing(self.rectifiers):
            scores: Tensor = self.network(faces)[self.head]
        return scores


_RECTIFIERS = {torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, nn.functional.relu, nn.functional.relu_}


class _Counting(TorchFunctionMode):
    """Counts the rectifiers of a pass."""

    calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += func in _RECTIFIERS
        return func(*args, **(kwargs or {}))


class _Replacing(TorchFunctionMode):
    """Puts modules, in turn, in the place of the rectifiers of a pass."""

    def __init__(self, modules: nn.ModuleList) -> None:
        super().__init__()
        self._modules = iter(modules)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _RECTIFIERS:
            return next(self._modules)(args[0])
        return func(*args, **(kwargs or {}))


class _TrainedNetwork(Network):
    """A run's network in the form of one in ONNX Runtime, so that everything that classifies faces takes
    it."""

    def __init__(self, run: Trained, folder: Path) -> None:
        self._network = run.network
        self.path = folder
        self.providers = ("PyTorch",)
        self.card = Card(
            name=run.recipe.name,
            version="0",
            kind="expression",
            summary=f"{ARCHITECTURES[run.recipe.arch].title} of a run, not calibrated.",
            heads=run.classes,
            input=InputSpec(name="faces", height=SIDE, width=SIDE, channels=1, low=0, high=255),
            crop=FER_CROP,
            parameters=sum(values.numel() for values in run.network.parameters()),
            macs=0,
            licence="",
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.card.heads)

    @torch.no_grad()
    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        logits = self._network(torch.from_numpy(feeds["faces"]))
        return {head: logits[head].softmax(dim=1).numpy() for head in self.card.heads}
