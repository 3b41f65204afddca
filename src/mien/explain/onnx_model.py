"""An ONNX file looked into: kernels and feature maps come from the graph itself, so that they need no
PyTorch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, MissingExtraError, NetworkError
from mien.explain.base import Kernels
from mien.inference.card import Card, read_card, read_network
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import SCOPES, Network, open_graph
from mien.inference.weights import shipped

if TYPE_CHECKING:
    from mien.explain.onnx_to_torch import Converted


class OnnxModel:
    """An ONNX file with a card.

    Layers are called as the modules that they were exported from where the file tells: a module's last output
    bears its name, earlier ones have the name of the value behind it (``stages.0.relu_1``). Else a layer is
    called as its value in the graph.
    """

    calibrated = True

    def __init__(self, path: Path, classifier: Classifier) -> None:
        self.classifier = classifier
        self.name = classifier.network.card.name
        self._path = path

    def kernels(self) -> Kernels:
        for node in self._model.graph.node:
            if node.op_type == "Conv":
                [weights] = self._values([node.input[1]], _blank(self.classifier))
                return Kernels(
                    node.input[1].replace("network.", "", 1).removesuffix(".weight"),
                    weights.astype(np.float32),
                )
        raise InputError(
            f"{self._path}: expected a model with a convolution; it has none: there are no kernels to show"
        )

    def features(self, crop: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        tensors = [name for node in self._model.graph.node for name in node.output if name]
        found = zip(tensors, self._values(tensors, crop[None]), strict=True)
        maps = {tensor: values for tensor, values in found if _is_map(values)}
        return {self._names.get(tensor, tensor): values[0] for tensor, values in maps.items()}

    def differentiable(self) -> Converted:
        return self._converted

    @cached_property
    def _converted(self) -> Converted:
        from mien.explain.onnx_to_torch import convert

        try:
            return convert(self._model, self._names, self.classifier)
        except NetworkError:
            floats = _in_floats(self.classifier.network.card)
            if floats is None:
                raise
            raise NetworkError(
                f"{self._path.stem}: no gradients can be taken through weights of 8 bits: take {floats}, the same model in floats"
            ) from None

    @cached_property
    def _model(self) -> Any:
        try:
            import onnx
        except ModuleNotFoundError:
            raise MissingExtraError(
                "Kernels, feature maps and gradients of a model file", "explain", "onnx"
            ) from None
        return onnx.load_model_from_string(read_network(self._path))

    @cached_property
    def _names(self) -> dict[str, str]:
        """Name of the layer behind each value of the graph."""
        names: dict[str, str] = {}
        values: dict[str, str] = {}
        for value, module in _modules(self._model):
            if module in values:  # It was not the module's last output after all.
                names[values[module]] = f"{module}.{values[module]}"
            names[value], values[module] = module, value
        return names

    def _values(self, tensors: list[str], feed: NDArray[np.float32]) -> list[NDArray[Any]]:
        """Values inside the graph: it is run with them as outputs."""
        stored = {weights.name: weights for weights in self._model.graph.initializer}
        inside = [name for name in dict.fromkeys(tensors) if name not in stored]
        run = (
            self._opened(tuple(inside)).run({self.classifier.network.card.input.name: feed}) if inside else {}
        )
        return [_array(stored[name]) if name in stored else run[name] for name in tensors]

    def _opened(self, inside: tuple[str, ...]) -> Network:
        if inside not in self._sessions:
            import onnx

            changed = onnx.ModelProto()
            changed.CopyFrom(self._model)
            there = {output.name for output in changed.graph.output}
            changed.graph.output.extend(
                onnx.ValueInfoProto(name=name) for name in inside if name not in there
            )
            self._sessions[inside] = open_graph(
                changed.SerializeToString(), self.classifier.network.card, self._path
            )
        return self._sessions[inside]

    @cached_property
    def _sessions(self) -> dict[tuple[str, ...], Network]:
        return {}


def _in_floats(card: Card) -> str | None:
    """The network that comes with mien of which a file is the 8-bit copy."""
    if not card.parent:
        return None
    cards = ((name, read_card(path)) for name, path in shipped().items())
    return next((name for name, other in cards if other.sha256 == card.parent), None)


def _array(weights: Any) -> NDArray[Any]:
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(weights))


def _modules(model: Any) -> Iterator[tuple[str, str]]:
    """Each value that came from a module, and the module, without the wrapper that the exporter was given."""
    for node in model.graph.node:
        scopes: list[str] = next(
            (ast.literal_eval(entry.value) for entry in node.metadata_props if entry.key == SCOPES), []
        )
        module = scopes[-2].removeprefix("network.") if len(scopes) > 1 else ""
        if module not in ("", "network"):
            yield node.output[0], module


def _is_map(values: NDArray[Any]) -> bool:
    return values.ndim == 4 and len(values) == 1 and min(values.shape[2:]) > 1 and values.dtype == np.float32


def _blank(classifier: Classifier) -> NDArray[np.float32]:
    spec = classifier.network.card.input
    return np.zeros((1, spec.channels, spec.height or 1, spec.width or 1), np.float32)
