"""Build step: turns graph models of TensorFlow.js into ONNX files, as far as face networks need it.

The package ``@vladmandic/human`` (MIT) carries networks of MediaPipe (Apache-2.0) in that form: a list of nodes in
JSON beside the weights in half precision. `convert` knows the operators of those networks and no others. Layers
are counted image, row, column, channel there, and image, channel, row, column here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Node = Mapping[str, Any]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class GraphModel:
    """Nodes in order, and the constants that they take, by name."""

    nodes: Sequence[Node]
    weights: Mapping[str, Any]


def read(graph: bytes, weights: bytes) -> GraphModel:
    """A model from its two files.

    Raises:
        ValueError: The weights are more or fewer than the graph says.
    """
    import numpy as np

    model = json.loads(graph)
    found, at = {}, 0
    for entry in model["weightsManifest"][0]["weights"]:
        stored = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"])).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        values = (
            np.frombuffer(weights, stored, count, at)
            if at + count * stored.itemsize <= len(weights)
            else None
        )
        if values is None:
            break
        found[entry["name"]] = values.reshape(entry["shape"]).astype(entry["dtype"])
        at += count * stored.itemsize
    if at != len(weights) or len(found) != len(model["weightsManifest"][0]["weights"]):
        raise ValueError(f"expected weights of {at} bytes, as the graph says; got {len(weights)}")
    return GraphModel(model["modelTopology"]["node"], found)


def convert(model: GraphModel, name: str, outputs: Mapping[str, str]) -> Any:
    """The ONNX model, whose input is ``image``, ``(n, 3, h, w)``.

    Args:
        model: What `read` gave.
        name: Of the graph.
        outputs: Names of the outputs here, by those of their nodes; what none of them needs is left out.

    Raises:
        ValueError: The graph has an operator that is not known here.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph(model.weights)
    for node in _needed(model.nodes, outputs):
        if node["op"] != "Const":
            graph.add(node)
    for theirs, ours in outputs.items():
        graph.output(theirs, ours)
    side = graph.side
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, side, side])],
        [
            helper.make_tensor_value_info(ours, TensorProto.FLOAT, ["n", *graph.flat[theirs]])
            for theirs, ours in outputs.items()
        ],
        graph.tensors,
    )
    whole = helper.make_model(
        made, producer_name="mien", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    onnx.checker.check_model(whole)
    return whole


def _needed(nodes: Sequence[Node], outputs: Iterable[str]) -> list[Node]:
    """The nodes from which the outputs are made, in order."""
    by_name, wanted, open_ = {node["name"]: node for node in nodes}, set[str](), list(outputs)
    while open_:
        name = open_.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            open_ += _inputs(by_name[name])
    return [node for node in nodes if node["name"] in wanted]


def _inputs(node: Node) -> list[str]:
    return [source.split(":")[0] for source in node.get("input", [])]


@dataclass
class _Graph:
    """Nodes and weights of the ONNX graph so far, and the shapes of what its nodes give."""

    weights: Mapping[str, Any]
    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    flat: dict[str, tuple[int, ...]] = field(default_factory=dict)
    side: int = 0

    def add(self, node: Node) -> None:
        """Add what stands for one node of the model."""
        adders: dict[str, Callable[[Node, str, list[str]], None]] = {
            "Placeholder": self._input,
            "_FusedConv2D": self._convolution,
            "DepthwiseConv2dNative": self._depthwise,
            "Prelu": self._prelu,
            "MaxPool": self._pool,
            "Pad": self._pad_channels,
            "Reshape": self._flatten,
            "ConcatV2": self._join_channels,
            "AddV2": self._same("Add"),
            "Relu": self._same("Relu"),
            "Sigmoid": self._same("Sigmoid"),
            "Identity": self._same("Identity"),
        }
        if node["op"] not in adders:
            raise ValueError(f"{node['name']}: expected one of {', '.join(adders)}; got {node['op']}")
        adders[node["op"]](node, node["name"], _inputs(node))

    def output(self, theirs: str, ours: str) -> None:
        """Give what a node gives under another name, one row for each image."""
        if theirs not in self.flat:
            channels, height, width = self.shapes[theirs]
            if (height, width) != (1, 1):
                raise ValueError(f"{theirs}: expected numbers for each image; got {height}x{width} places")
            self.flat[theirs] = (channels,)
            self.node("Flatten", [theirs], ours)
        else:
            self.node("Identity", [theirs], ours)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add one node."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _tensor(self, name: str, values: Any, dtype: str = "float32") -> str:
        import numpy as np
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def _halved(self, name: str, values: Any) -> str:
        """Weights as they came, in half precision: ONNX Runtime makes floats of them once, when it opens the file."""
        from onnx import TensorProto

        return self.node(
            "Cast", [self._tensor(f"{name}.half", values, "float16")], name, to=TensorProto.FLOAT
        )

    def _input(self, node: Node, name: str, _: list[str]) -> None:
        self.side = int(node["attr"]["shape"]["shape"]["dim"][1]["size"])
        self.shapes[name] = (3, self.side, self.side)
        self.node("Identity", ["image"], name)

    def _convolution(self, node: Node, name: str, inputs: list[str]) -> None:
        kernel = self.weights[inputs[1]].transpose(3, 2, 0, 1)
        fused = [base64.b64decode(kind).decode() for kind in node["attr"]["fused_ops"]["list"]["s"]]
        self._convolve(node, inputs, kernel, 1, bias=inputs[2] if "BiasAdd" in fused else None)
        for kind in fused:
            if kind == "Prelu":
                self._slope(name, self.weights[inputs[3]])
            elif kind == "Relu":
                self.node("Relu", [f"{name}.linear"], name)
            elif kind != "BiasAdd":
                raise ValueError(f"{name}: expected a bias, then Prelu, Relu or nothing; got {kind}")
        if fused == ["BiasAdd"]:
            self.node("Identity", [f"{name}.linear"], name)

    def _depthwise(self, node: Node, name: str, inputs: list[str]) -> None:
        height, width, channels, times = self.weights[inputs[1]].shape
        kernel = self.weights[inputs[1]].transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)
        self._convolve(node, inputs, kernel, channels)
        self.node("Identity", [f"{name}.linear"], name)

    def _convolve(
        self, node: Node, inputs: list[str], kernel: Any, groups: int, bias: str | None = None
    ) -> None:
        name, strides = node["name"], _numbers(node, "strides")[1:3]
        pads, sides = self._padding(node, inputs[0], list(kernel.shape[2:]), strides)
        given = [inputs[0], self._halved(f"{name}.w", kernel)]
        if bias is not None:
            given.append(self._tensor(f"{name}.b", self.weights[bias]))
        self.node("Conv", given, f"{name}.linear", strides=strides, pads=pads, group=groups)
        self.shapes[name] = (kernel.shape[0], *sides)

    def _padding(
        self, node: Node, source: str, kernel: list[int], strides: list[int]
    ) -> tuple[list[int], tuple[int, int]]:
        """Pixels added at the four edges, and the sides of the result. What is odd goes to the end, as in
        TensorFlow's ``SAME``."""
        same = base64.b64decode(node["attr"]["padding"]["s"]).decode() == "SAME"
        before, after, sides = [], [], []
        for side, size, step in zip(self.shapes[source][1:], kernel, strides, strict=True):
            whole = max((-(-side // step) - 1) * step + size - side, 0) if same else 0
            before.append(whole // 2)
            after.append(whole - whole // 2)
            sides.append((side + whole - size) // step + 1)
        return [*before, *after], (sides[0], sides[1])

    def _prelu(self, node: Node, name: str, inputs: list[str]) -> None:
        self.shapes[name] = self.shapes[inputs[0]]
        self.node("Identity", [inputs[0]], f"{name}.linear")
        self._slope(name, self.weights[inputs[1]])

    def _slope(self, name: str, slope: Any) -> None:
        """relu(x * (1 - slope)) + x * slope, which ONNX Runtime makes two passes of; its own PRelu takes longer. Where a
        slope is above 1 it takes three: relu(x) * (1 - slope) + x * slope."""
        slope = slope.reshape(-1, 1, 1)
        source, other = f"{name}.linear", self._tensor(f"{name}.other", 1 - slope)
        if slope.max() <= 1:
            above = self.node("Relu", [self.node("Mul", [source, other], f"{name}.raised")], f"{name}.above")
        else:
            above = self.node("Mul", [self.node("Relu", [source], f"{name}.relu"), other], f"{name}.above")
        below = self.node("Mul", [source, self._tensor(f"{name}.slope", slope)], f"{name}.below")
        self.node("Add", [above, below], name)

    def _pool(self, node: Node, name: str, inputs: list[str]) -> None:
        kernel, strides = _numbers(node, "ksize")[1:3], _numbers(node, "strides")[1:3]
        pads, sides = self._padding(node, inputs[0], kernel, strides)
        self.node("MaxPool", inputs, name, kernel_shape=kernel, strides=strides, pads=pads)
        self.shapes[name] = (self.shapes[inputs[0]][0], *sides)

    def _pad_channels(self, node: Node, name: str, inputs: list[str]) -> None:
        """As many channels of zeros after those that there are. With ``Pad`` ONNX Runtime would leave, and enter again, the
        order of numbers in memory in which its convolutions are fast."""
        import numpy as np

        widths = self.weights[inputs[1]]
        channels, *sides = self.shapes[inputs[0]]
        if widths[:3].any() or widths[3].tolist() != [0, channels]:
            raise ValueError(
                f"{name}: expected channels of zeros to be added, as many as there are; got other padding"
            )
        none = self._tensor(f"{name}.none", np.zeros((channels, 1, 1)))
        zeros = self.node("Mul", [inputs[0], none], f"{name}.zeros")
        self.node("Concat", [inputs[0], zeros], name, axis=1)
        self.shapes[name] = (2 * channels, sides[0], sides[1])

    def _join_channels(self, node: Node, name: str, inputs: list[str]) -> None:
        *sources, _ = inputs
        self.node("Concat", sources, name, axis=1)
        channels = sum(self.shapes[source][0] for source in sources)
        self.shapes[name] = (channels, *self.shapes[sources[0]][1:])

    def _flatten(self, node: Node, name: str, inputs: list[str]) -> None:
        self.flat[name] = tuple(int(size) for size in self.weights[inputs[1]][1:]) or (1,)
        rows = self.node("Transpose", [inputs[0]], f"{name}.rows", perm=[0, 2, 3, 1])
        shape = self._tensor(f"{name}.shape", [0, *self.flat[name]], "int64")
        self.node("Reshape", [rows, shape], name)

    def _same(self, kind: str) -> Callable[[Node, str, list[str]], None]:
        def add(_: Node, name: str, inputs: list[str]) -> None:
            self.node(kind, inputs, name)
            if inputs[0] in self.shapes:
                self.shapes[name] = self.shapes[inputs[0]]
            if inputs[0] in self.flat:
                self.flat[name] = self.flat[inputs[0]]

        return add


def _numbers(node: Node, attribute: str) -> list[int]:
    return [int(value) for value in node["attr"][attribute]["list"]["i"]]
