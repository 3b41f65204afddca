"""An ONNX graph as a PyTorch module, so that gradients can be taken; it is believed only where it gives ONNX
Runtime's answers. First the operators, those that plain networks are made of
(https://onnx.ai/onnx/operators, opset 13 and later).

Each one takes the node's attributes and its inputs, None where an optional one is left out, and returns its
first output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mien.core.errors import InputError, MissingExtraError, NetworkError
from mien.inference.classifier import Classifier

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ModuleNotFoundError:
    raise MissingExtraError("Gradient maps", "explain", "torch") from None

Attributes = Mapping[str, Any]
Operator = Callable[..., Any]

OPERATORS: dict[str, Operator] = {}


def _operator(*names: str) -> Callable[[Operator], Operator]:
    def keep(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return keep


def _plain(function: Callable[..., Any]) -> Operator:
    return lambda attributes, *inputs: function(*inputs)


OPERATORS |= {
    "Abs": _plain(torch.abs),
    "Add": _plain(torch.add),
    "Div": _plain(lambda x, y: x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")),
    "Dropout": _plain(lambda x, *_: x),
    "Erf": _plain(torch.erf),
    "Exp": _plain(torch.exp),
    "GlobalAveragePool": _plain(lambda x: x.mean(dim=(2, 3), keepdim=True)),
    "HardSwish": _plain(functional.hardswish),
    "Identity": _plain(lambda x: x),
    "Log": _plain(torch.log),
    "MatMul": _plain(torch.matmul),
    "Mul": _plain(torch.mul),
    "Neg": _plain(torch.neg),
    "Pow": _plain(torch.pow),
    "Reciprocal": _plain(torch.reciprocal),
    "Relu": _plain(torch.relu),
    "Sigmoid": _plain(torch.sigmoid),
    "Sqrt": _plain(torch.sqrt),
    "Sub": _plain(torch.sub),
    "Tanh": _plain(torch.tanh),
    "Concat": lambda attributes, *parts: torch.cat(parts, dim=attributes["axis"]),
    "Elu": lambda attributes, x: functional.elu(x, attributes.get("alpha", 1.0)),
    "Flatten": lambda attributes, x: (
        x.flatten(attributes.get("axis", 1))
        if attributes.get("axis", 1) == 1
        else _unknown("Flatten", "axis")
    ),
    "Gelu": lambda attributes, x: functional.gelu(
        x, approximate=attributes.get("approximate", b"none").decode()
    ),
    "HardSigmoid": lambda attributes, x: (
        x * attributes.get("alpha", 0.2) + attributes.get("beta", 0.5)
    ).clamp(0, 1),
    "LeakyRelu": lambda attributes, x: functional.leaky_relu(x, attributes.get("alpha", 0.01)),
    "LogSoftmax": lambda attributes, x: functional.log_softmax(x, dim=attributes.get("axis", -1)),
    "Range": lambda attributes, start, limit, delta: torch.arange(
        start.item(), limit.item(), delta.item(), dtype=start.dtype
    ),
    "Shape": lambda attributes, x: torch.tensor(x.shape)[attributes.get("start", 0) : attributes.get("end")],
    "Softmax": lambda attributes, x: functional.softmax(x, dim=attributes.get("axis", -1)),
    "Transpose": lambda attributes, x: x.permute(attributes.get("perm", tuple(reversed(range(x.ndim))))),
}


def _unknown(operator: str, what: str) -> Any:
    raise NetworkError(f"expected plain operators; {operator} with this {what} is not known here")


@_operator("Max", "Min")
def _extreme(attributes: Attributes, first: Tensor, *others: Tensor) -> Tensor:
    choose: Any = torch.maximum if attributes["operator"] == "Max" else torch.minimum
    for other in others:
        first = choose(first, other)
    return first


@_operator("ReduceMean", "ReduceSum", "ReduceMax")
def _reduce(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    given = attributes.get("axes", []) if axes is None else axes.tolist()
    if not given and attributes.get("noop_with_empty_axes", 0):
        return x
    reduces: dict[str, Any] = {"ReduceMean": torch.mean, "ReduceSum": torch.sum, "ReduceMax": torch.amax}
    reduce = reduces[attributes["operator"]]
    result: Tensor = reduce(
        x, dim=tuple(given) or tuple(range(x.ndim)), keepdim=bool(attributes.get("keepdims", 1))
    )
    return result


@_operator("Clip")
def _clip(attributes: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    if low is not None:
        x = torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


@_operator("PRelu")
def _prelu(attributes: Attributes, x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, x * slope, x)


@_operator("BatchNormalization")
def _batch_norm(
    attributes: Attributes, x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    return functional.batch_norm(x, mean, variance, scale, shift, eps=attributes.get("epsilon", 1e-5))


@_operator("Gemm")
def _gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.T if attributes.get("transA", 0) else a
    b = b.T if attributes.get("transB", 0) else b
    product: Tensor = attributes.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + attributes.get("beta", 1.0) * c


@_operator("Conv")
def _conv(attributes: Attributes, x: Tensor, weights: Tensor, bias: Tensor | None = None) -> Tensor:
    if weights.ndim != 4:
        _unknown("Conv", "number of dimensions")
    padded = functional.pad(x, _sides(attributes, "Conv"))
    strides, dilations = attributes.get("strides", 1), attributes.get("dilations", 1)
    return functional.conv2d(padded, weights, bias, strides, 0, dilations, attributes.get("group", 1))


@_operator("MaxPool")
def _max_pool(attributes: Attributes, x: Tensor) -> Tensor:
    padded = functional.pad(x, _sides(attributes, "MaxPool"), value=float("-inf"))
    kernel, strides = attributes["kernel_shape"], attributes.get("strides", 1)
    return functional.max_pool2d(
        padded, kernel, strides, 0, attributes.get("dilations", 1), bool(attributes.get("ceil_mode", 0))
    )


@_operator("AveragePool")
def _average_pool(attributes: Attributes, x: Tensor) -> Tensor:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (
        (top, left) != (bottom, right)
        or attributes.get("ceil_mode", 0)
        or any(step != 1 for step in attributes.get("dilations", ()))
    ):
        _unknown("AveragePool", "padding or window")
    _sides(attributes, "AveragePool")
    strides = attributes.get("strides", 1)
    return functional.avg_pool2d(
        x,
        attributes["kernel_shape"],
        strides,
        (top, left),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )


def _sides(attributes: Attributes, operator: str) -> tuple[int, int, int, int]:
    """Padding in PyTorch's order: left, right, top, bottom."""
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        _unknown(operator, "auto_pad")
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return left, right, top, bottom


@_operator("Pad")
def _pad(
    attributes: Attributes, x: Tensor, pads: Tensor, value: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    if attributes.get("mode", b"constant") != b"constant":
        _unknown("Pad", "mode")
    amounts = pads.tolist()
    half = len(amounts) // 2
    around = dict(
        zip(
            range(x.ndim) if axes is None else (axes % x.ndim).tolist(),
            zip(amounts[:half], amounts[half:], strict=True),
            strict=True,
        )
    )
    sides = [side for axis in reversed(range(x.ndim)) for side in around.get(axis, (0, 0))]
    return functional.pad(x, sides, value=0.0 if value is None else float(value))


@_operator("Reshape")
def _reshape(attributes: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    sides = shape.tolist()
    if not attributes.get("allowzero", 0):
        sides = [x.shape[axis] if side == 0 else side for axis, side in enumerate(sides)]
    return x.reshape(sides)


@_operator("Squeeze")
def _squeeze(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(tuple(axes.tolist()))


@_operator("Unsqueeze")
def _unsqueeze(attributes: Attributes, x: Tensor, axes: Tensor) -> Tensor:
    rank = x.ndim + axes.numel()
    for axis in sorted(axis % rank for axis in axes.tolist()):
        x = x.unsqueeze(axis)
    return x


@_operator("Expand")
def _expand(attributes: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist())))


@_operator("Slice")
def _slice(
    attributes: Attributes,
    x: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    begins: Sequence[int] = starts.tolist()
    for position, (begin, end) in enumerate(zip(begins, ends.tolist(), strict=True)):
        axis = position if axes is None else int(axes[position]) % x.ndim
        step = 1 if steps is None else int(steps[position])
        if step < 1:
            _unknown("Slice", "step")
        x = x[(slice(None),) * axis + (slice(begin, end, step),)]
    return x


@_operator("Gather")
def _gather(attributes: Attributes, x: Tensor, places: Tensor) -> Tensor:
    axis = attributes.get("axis", 0) % x.ndim
    return x[(slice(None),) * axis + (places % x.shape[axis],)]


@_operator("GatherND")
def _gather_nd(attributes: Attributes, x: Tensor, places: Tensor) -> Tensor:
    if attributes.get("batch_dims", 0):
        _unknown("GatherND", "batch_dims")
    return x[places.unbind(-1)]


@_operator("Cast")
def _cast(attributes: Attributes, x: Tensor) -> Tensor:
    kinds = {
        1: torch.float32,
        6: torch.int32,
        7: torch.int64,
        9: torch.bool,
        10: torch.float16,
        11: torch.float64,
    }
    kind = kinds.get(attributes["to"])
    return x.to(kind or _unknown("Cast", "type"))


@_operator("Resize")
def _resize(
    attributes: Attributes,
    x: Tensor,
    region: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
) -> Tensor:
    mode, place = (
        attributes.get("mode", b"nearest"),
        attributes.get("coordinate_transformation_mode", b"half_pixel"),
    )
    if (
        mode != b"linear"
        or place not in (b"half_pixel", b"pytorch_half_pixel")
        or attributes.get("antialias", 0)
        or x.ndim != 4
    ):
        _unknown("Resize", "mode")
    if sizes is not None:
        target = tuple(int(side) for side in sizes[2:])
    elif scales is not None:
        target = tuple(int(side * float(scale)) for side, scale in zip(x.shape[2:], scales[2:], strict=True))
    return functional.interpolate(x, target, mode="bilinear", align_corners=False)


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
