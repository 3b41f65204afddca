"""An ONNX graph as a PyTorch module, so that gradients can be taken; it is believed only where it gives
ONNX Runtime's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien.core.errors import InputError, MissingExtraError, NetworkError
from mien.inference.classifier import Classifier

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError:
    raise MissingExtraError("Gradient maps", "explain", "torch") from None

from mien.explain.onnx_ops import OPERATORS

_PARITY = 1e-4


class _Step(nn.Module):
    """One node of the graph."""

    def __init__(self, node: Any) -> None:
        super().__init__()
        from onnx import helper

        self.operator = OPERATORS[node.op_type]
        self.attributes = {
            "operator": node.op_type,
            **{entry.name: helper.get_attribute_value(entry) for entry in node.attribute},
        }

    def forward(self, *inputs: Tensor | None) -> Tensor:
        result: Tensor = self.operator(self.attributes, *inputs)
        return result


class Converted(nn.Module):
    """The part of a graph that leads from the faces to one output. Made by `convert`.

    ``layer(name)`` is the step whose output is called so. Rectifiers are ``nn.ReLU``, which captum looks for.
    """

    def __init__(self, model: Any, names: Mapping[str, str], entrance: str, exit: str) -> None:
        super().__init__()
        self._entrance, self._exit = entrance, exit
        self._nodes = _needed(model, exit)
        self._constants = _constants(model)
        self.steps = nn.ModuleList(
            nn.ReLU() if node.op_type == "Relu" else _Step(node) for node in self._nodes
        )
        self._layers = {
            names.get(node.output[0], node.output[0]): step
            for node, step in zip(self._nodes, self.steps, strict=True)
        }

    def layer(self, name: str) -> nn.Module:
        """The step whose output is the layer of that name."""
        if name not in self._layers:
            raise InputError(
                f"expected a layer that the scores depend on; they do not depend on {name}: give another one with --layer"
            )
        return self._layers[name]

    def forward(self, faces: Tensor) -> Tensor:
        values: dict[str, Tensor | None] = {"": None, **self._constants, self._entrance: faces}
        for node, step in zip(self._nodes, self.steps, strict=True):
            values[node.output[0]] = step(*(values[name] for name in node.input))
        result = values[self._exit]
        assert result is not None
        return result


def convert(model: Any, names: Mapping[str, str], classifier: Classifier) -> Converted:
    """The network up to the scores of one head, before its last softmax.

    Args:
        model: The ONNX file, as ``onnx`` reads it.
        names: Name of the layer behind each value of the graph, where it has one.
        classifier: The same file in ONNX Runtime, with the head.

    Raises:
        NetworkError: There is an operator that is not known here, or the answers differ.
    """
    entrance = classifier.network.card.input.name
    _check_parity(Converted(model, names, entrance, classifier.head), classifier)
    return Converted(model, names, entrance, _scores(model, classifier.head)).eval()


def _needed(model: Any, exit: str) -> list[Any]:
    """The nodes that a value depends on, in order."""
    wanted, nodes = {exit}, []
    for node in reversed(model.graph.node):
        if wanted.isdisjoint(node.output):
            continue
        if node.op_type == "Constant":
            continue
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise NetworkError(
                f"expected plain operators to take gradients through; the network has {node.op_type}: kernels, features and occlusion still work"
            )
        nodes.append(node)
        wanted.update(node.input)
    return nodes[::-1]


def _constants(model: Any) -> dict[str, Tensor]:
    from onnx import numpy_helper

    stored = {weights.name: weights for weights in model.graph.initializer}
    stored |= {
        node.output[0]: node.attribute[0].t
        for node in model.graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    return {name: torch.from_numpy(numpy_helper.to_array(weights).copy()) for name, weights in stored.items()}


def _scores(model: Any, head: str) -> str:
    """The value that the last softmax of a head is taken of, or the head itself where there is none."""
    made = {node.output[0]: node for node in model.graph.node}
    node = made[head]
    while node.op_type in ("Identity", "Exp") and node.input[0] in made:
        node = made[node.input[0]]
    return str(node.input[0]) if node.op_type in ("Softmax", "LogSoftmax") else head


@torch.no_grad()
def _check_parity(converted: Converted, classifier: Classifier) -> None:
    spec = classifier.network.card.input
    shape = (4, spec.channels, spec.height or 1, spec.width or 1)
    faces = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    faces[0] = np.linspace(0, 255, faces[0].size).reshape(faces[0].shape)
    try:
        got = converted(torch.from_numpy(faces)).numpy()
    except (RuntimeError, IndexError, TypeError) as error:
        line = str(error).splitlines()[0]
        raise NetworkError(
            f"{classifier.network.path}: cannot be turned into PyTorch to take gradients: {line}: occlusion still works"
        ) from None
    expected = classifier.probabilities(faces)
    difference = float(np.abs(got - expected).max()) if got.shape == expected.shape else float("inf")
    if not difference <= _PARITY:
        raise NetworkError(
            f"{classifier.network.path}: expected ONNX Runtime's answers from PyTorch to {_PARITY}; they differ by {difference:.1e}: "
            "its gradients would not be those of the network; occlusion still works"
        )
