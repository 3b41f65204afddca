"""The graph of a classifier that was made elsewhere: what it takes and gives, found out by running it, and the same
graph with what images need before it and probabilities after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import InputError, MissingExtraError, NetworkError, UntoldError
from mien.core.names import quoted
from mien.inference.onnx_graph import keep_only
from mien.inference.onnx_session import open_session
from mien.models.foreign_weights import take_weights_in
from mien.models.preparation import Preparation

try:
    import onnx
    from onnx import compose, helper, inliner, numpy_helper, shape_inference, version_converter
except ModuleNotFoundError:
    raise MissingExtraError("Models of others", "adopt", "onnx") from None

_PREFIX = "network."
_OPSET = 13  # Weights of 8 bits, one scale for each channel, need it.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
"""Whose operators ONNX Runtime has."""
_TYPES = {
    "tensor(float)": (np.float32, onnx.TensorProto.FLOAT),
    "tensor(float16)": (np.float16, onnx.TensorProto.FLOAT16),
    "tensor(double)": (np.float64, onnx.TensorProto.DOUBLE),
    "tensor(uint8)": (np.uint8, onnx.TensorProto.UINT8),
}
_LAYOUTS = {"NCHW": 1, "NHWC": 3}
"""Order of the axes, and which one has the channels."""
_FEW = 3  # Images that a graph is tried with.
_LARGEST_SIDE = 2048  # px
_MOST_PIXELS = 2**24  # At a time, where the graph fixes how many images that are.
_ALIKE = 1e-3
"""Difference of answers up to which an image got the same one alone and among others, and of a sum of
probabilities from 1."""
_LEAST = 1e-7  # Probability below which its logarithm says no more.


@dataclass(frozen=True, eq=False)
class Graph:
    """What a graph takes and gives. Made by `Graph.of`.

    Args:
        model: ``onnx.ModelProto`` that takes any number of images, every name in it with ``network.`` before it.
        input: Name of the value that images become.
        output: Name of the output with the classes, as in the file.
        layout: ``NCHW`` or ``NHWC``.
        channels: 1 or 3.
        side: Of its images in px.
        dtype: ONNX Runtime's word for the type of its pixels.
        classes: How many there are.
        probabilities: Whether it gives probabilities; else they are scores before a softmax.
        deep: Whether its answers have more axes than two, all of one place.
    """

    model: Any
    input: str
    output: str
    layout: str
    channels: int
    side: int
    dtype: str
    classes: int
    probabilities: bool
    deep: bool

    @classmethod
    def of(cls, model: Any, path: Path, size: int | None, output: str | None) -> Graph:
        """Look at a graph.

        Args:
            model: ``onnx.ModelProto``; `open_model` reads one.
            path: For messages.
            size: Side of its images in px, where the graph leaves it open.
            output: Name of the output that is wanted, where it has several.

        Raises:
            NetworkError: It does not take images, is no classifier, or takes a fixed number of images.
            InputError: What was told does not fit it.
            UntoldError: Something is missing.
        """
        session = open_session(model.SerializeToString(), path)
        entrance = _entrance(session, path)
        exit_ = _exit(session, path, output)
        layout, channels, side = _image_shape(session, entrance, path, size)
        batch = entrance.shape[0] if isinstance(entrance.shape[0], int) else None
        images = _images(_TYPES[entrance.type][0], layout, channels, side)
        shape = _answers(session, entrance.name, exit_, images[: batch or _FEW], path, batch).shape
        classes = _classes(shape, exit_, path)
        flexible = with_any_batch(model, batch)
        answers = _same_alone(flexible, entrance.name, exit_, images, path, batch or 1)
        _require_one_of_several(flexible, exit_, answers, path)
        named = compose.add_prefix(flexible, _PREFIX)
        return cls(
            model=named,
            input=_PREFIX + entrance.name,
            output=exit_,
            layout=layout,
            channels=channels,
            side=side,
            dtype=entrance.type,
            classes=classes,
            probabilities=_are_probabilities(answers),
            deep=len(shape) > 2,
        )

    @property
    def dtype_name(self) -> str:
        """Type of its pixels, as numpy calls it."""
        return np.dtype(_TYPES[self.dtype][0]).name

    @property
    def whole_numbers(self) -> bool:
        """Whether its pixels are bytes."""
        return self.dtype == "tensor(uint8)"

    @cached_property
    def parameters(self) -> int:
        """How many weights it has."""
        return sum(int(np.prod(values.dims)) for values in self.model.graph.initializer)

    def prepared(self, preparation: Preparation, channels: int, head: str) -> Any:
        """The whole model: ``faces``, ``(n, channels, side, side)`` float32 of 0 to 255, in; probabilities out.

        Args:
            preparation: What becomes of pixels.
            channels: Of ``faces``.
            head: Name of the output.
        """
        whole = onnx.ModelProto()
        whole.CopyFrom(self.model)
        graph = whole.graph
        for part in ("input", "output", "value_info"):
            graph.ClearField(part)
        before = _Chain("input", "faces")
        self._bring(before, preparation, channels)
        before.end_as(self.input)
        after = self._ending(whole, head)
        nodes = [*before.nodes, *graph.node, *after.nodes]
        graph.ClearField("node")
        graph.node.extend(nodes)
        graph.initializer.extend([*before.constants, *after.constants])
        sides = ["n", channels, self.side, self.side]
        graph.input.append(helper.make_tensor_value_info("faces", onnx.TensorProto.FLOAT, sides))
        graph.output.append(helper.make_tensor_value_info(head, onnx.TensorProto.FLOAT, ["n", self.classes]))
        keep_only(whole, {head})
        whole.ClearField("metadata_props")
        onnx.checker.check_model(whole)
        return whole

    def _bring(self, chain: _Chain, preparation: Preparation, channels: int) -> None:
        """Images to what the network was fed where it was made."""
        if channels < self.channels:
            chain.add("Concat", [chain.value] * self.channels, axis=1)
        if preparation.colour == "bgr":
            order = chain.constant(np.array([2, 1, 0], np.int64))
            chain.add("Gather", [chain.value, order], axis=1)
        mean, std = (
            np.array(values, np.float32).reshape(1, -1, 1, 1) for values in preparation.at_255(self.channels)
        )
        if mean.any():
            chain.add("Sub", [chain.value, chain.constant(mean)])
        if (std != 1).any():
            chain.add("Div", [chain.value, chain.constant(std)])
        if self.layout == "NHWC":
            chain.add("Transpose", [chain.value], perm=[0, 2, 3, 1])
        if self.dtype != "tensor(float)":
            chain.add("Cast", [chain.value], to=_TYPES[self.dtype][1])
        if not chain.nodes:
            chain.add("Identity", [chain.value])

    def _ending(self, whole: Any, head: str) -> _Chain:
        """Scores made into probabilities by one last softmax, whose temperature `mien models calibrate` sets."""
        name, probabilities = _PREFIX + self.output, self.probabilities
        makers = {value: node for node in whole.graph.node for value in node.output}
        if probabilities and makers[name].op_type == "Softmax":
            name, probabilities = makers[name].input[0], False
        chain = _Chain("tail", name)
        [given] = [value for value in self.model.graph.output if value.name == _PREFIX + self.output]
        if given.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            chain.add("Cast", [chain.value], to=onnx.TensorProto.FLOAT)
        if self.deep:
            chain.add("Flatten", [chain.value], axis=1)
        if probabilities:
            chain.add("Max", [chain.value, chain.constant(np.array(_LEAST, np.float32))])
            chain.add("Log", [chain.value])
        chain.add("Div", [chain.value, chain.constant(np.array(1, np.float32))])
        chain.add("Softmax", [chain.value], axis=1)
        chain.end_as(head)
        return chain


class _Chain:
    """Nodes one after the other, with names of their own."""

    def __init__(self, prefix: str, value: str) -> None:
        self.value = value
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._prefix = prefix

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> None:
        self.value = f"{self._prefix}.{operator.lower()}"
        node = helper.make_node(operator, inputs, [self.value], name=f"node.{self.value}", **attributes)
        self.nodes.append(node)

    def constant(self, values: NDArray[Any]) -> str:
        name = f"{self._prefix}.constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def end_as(self, name: str) -> None:
        self.nodes[-1].output[0] = name


def open_model(data: bytes, path: Path) -> Any:
    """An ``onnx.ModelProto`` with all its weights, its functions written out and its operators of a version that can be
    worked with.

    Raises:
        NetworkError: It is not an ONNX file, its weights are not beside it, or it has operators that ONNX Runtime has not.
    """
    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # protobuf's own, of several classes.
        raise NetworkError(f"{path}: expected an ONNX file; it is something else or damaged") from None
    take_weights_in(model, path)
    if model.functions:
        model = inliner.inline_local_functions(model)
    if own := sorted(set(custom_operators(model.graph))):
        raise NetworkError(
            f"{path}: expected operators that ONNX Runtime has; got {', '.join(own)}, which somebody made: export the model without them"
        )
    if any(entry.domain in ("", "ai.onnx") and entry.version < _OPSET for entry in model.opset_import):
        try:
            model = version_converter.convert_version(model, _OPSET)
        except Exception:  # It still runs; weights of 8 bits may not be possible.
            return model
    return model


def custom_operators(graph: Any) -> Iterator[str]:
    """Operators of a graph that are nobody's standard, as ``domain::name``."""
    for node in graph.node:
        if node.domain not in _DOMAINS:
            yield f"{node.domain}::{node.op_type}"
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from custom_operators(inner)


def multiplications(model: Any) -> int:
    """Multiplications for one image, of convolutions and products of matrices, as far as their shapes are known."""
    known = shape_inference.infer_shapes(model)
    shapes = {
        value.name: _sides(value)
        for value in (*known.graph.value_info, *known.graph.output, *known.graph.input)
    }
    weights = {values.name: list(values.dims) for values in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        sides = shapes.get(node.output[0]) if node.output else None
        kernel = weights.get(node.input[1]) if len(node.input) > 1 else None
        known_sides = [side for side in (sides or ())[1:] if side is not None]
        if not sides or not kernel or len(known_sides) < len(sides) - 1:
            continue
        if node.op_type == "Conv":
            total += math.prod([*known_sides, *kernel[1:]])
        elif node.op_type in ("Gemm", "MatMul"):
            total += math.prod([*known_sides[:-1], *kernel])
    return total


def with_any_batch(model: Any, batch: int | None) -> Any:
    """A copy that takes any number of images.

    Args:
        model: ``onnx.ModelProto``.
        batch: How many it takes; None where that is open already. Shapes that hold this number first are made to
            follow the images: whether that was right, only running it tells.
    """
    free = onnx.ModelProto()
    free.CopyFrom(model)
    free.graph.ClearField("value_info")
    weights = {values.name for values in free.graph.initializer}
    for value in (*free.graph.input, *free.graph.output):
        if value.name not in weights and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "n"
    if batch is None:
        return free
    constants = _constants(free)
    for node in free.graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            shape = constants[node.input[1]]
            if len(shape) and shape[0] == batch:
                name = f"{node.input[1]}.any{node.output[0]}"
                following = numpy_helper.from_array(np.array([0, *shape[1:]], np.int64), name)
                free.graph.initializer.append(following)
                node.input[1] = name
                # With allowzero, which PyTorch's exporter sets, a 0 means no pixels; without, as many as come.
                kept = [attribute for attribute in node.attribute if attribute.name != "allowzero"]
                node.ClearField("attribute")
                node.attribute.extend(kept)
    return free


def _constants(model: Any) -> dict[str, NDArray[Any]]:
    found = {
        values.name: numpy_helper.to_array(values)
        for values in model.graph.initializer
        if values.data_type == onnx.TensorProto.INT64
    }
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def _sides(value: Any) -> list[int | None]:
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim]


def _entrance(session: Any, path: Path) -> Any:
    """The one input, which must be images."""
    inputs = session.get_inputs()
    told = ", ".join(f"{each.name} {each.type.removeprefix('tensor')}{each.shape}" for each in inputs)
    if len(inputs) != 1:
        raise NetworkError(
            f"{path}: expected a classifier with one input, images; it has {len(inputs)}: {told or 'none'}"
        )
    [entrance] = inputs
    if len(entrance.shape) != 4 or entrance.type not in _TYPES:
        raise NetworkError(
            f"{path}: expected images as input, four axes of {', '.join(np.dtype(kind).name for kind, _ in _TYPES.values())}; got {told}"
        )
    return entrance


def _exit(session: Any, path: Path, wanted: str | None) -> str:
    outputs = {output.name: output.shape for output in session.get_outputs()}
    told = ", ".join(f"{name} {shape}" for name, shape in outputs.items())
    if wanted is not None and wanted not in outputs:
        raise InputError(f"expected --output-name out of {told}, which {path} has; got {quoted(wanted)}")
    if wanted is None and len(outputs) > 1:
        raise InputError(
            f"{path}: expected one output; it has {len(outputs)}, {told}: say which one has the classes with --output-name NAME"
        )
    return wanted or next(iter(outputs))


def _image_shape(session: Any, entrance: Any, path: Path, size: int | None) -> tuple[str, int, int]:
    """Layout, channels and side: what the graph declares, and where that leaves a choice, the first that runs."""
    shape = [side if isinstance(side, int) else None for side in entrance.shape]
    fitting = [name for name, axis in _LAYOUTS.items() if shape[axis] in (1, 3)]
    fitting = fitting or [name for name, axis in _LAYOUTS.items() if shape[axis] is None]
    if not fitting:
        got = f"{entrance.shape}"
        raise NetworkError(
            f"{path}: expected a network for images of one channel (gray) or three (red, green, blue); it takes {got}"
        )
    trials: list[tuple[str, int, int]] = []
    for layout in fitting:
        declared = shape[_LAYOUTS[layout]]
        height, width = (shape[at] for at in (2, 3)) if layout == "NCHW" else (shape[1], shape[2])
        side = _side(height, width, path, size)
        _require_moderate(side, shape[0], path)
        trials += [(layout, channels, side) for channels in ((3, 1) if declared is None else (declared,))]
    if len(trials) == 1:
        return trials[0]
    batch = shape[0] or 1
    for layout, channels, side in trials:
        images = _images(_TYPES[entrance.type][0], layout, channels, side)[:1].repeat(batch, axis=0)
        try:
            session.run(None, {entrance.name: images})
        except Exception:
            continue
        return layout, channels, side
    raise NetworkError(
        f"{path}: expected a network for images; it takes {entrance.shape}, and runs on none of 1 or 3 channels"
    )


def _side(height: int | None, width: int | None, path: Path, size: int | None) -> int:
    declared = {side for side in (height, width) if side is not None}
    if len(declared) > 1:
        raise NetworkError(f"{path}: expected a network for square images; it takes {width}x{height}")
    if size is not None and declared and declared != {size}:
        raise InputError(f"{path}: takes images of {width}x{height}; got --size {size}: leave it out")
    if size is None and not declared:
        raise UntoldError(
            "size", "how many px a side have its images", "the graph leaves the size of its images open"
        )
    return size if size is not None else declared.pop()


def _require_moderate(side: int, batch: int | None, path: Path) -> None:
    """Trying it takes no more memory than a machine has."""
    rows = 1 if batch is None else batch
    if not (0 < side <= _LARGEST_SIDE and 0 < rows * side**2 <= _MOST_PIXELS):
        raise NetworkError(
            f"{path}: expected a network for images of 1x1 to {_LARGEST_SIDE}x{_LARGEST_SIDE}, {_MOST_PIXELS:,} pixels at a time; "
            f"it takes {side:,}x{side:,}, {rows:,} at a time"
        )


def _images(kind: Any, layout: str, channels: int, side: int) -> NDArray[Any]:
    """A few images of noise, alike in each call."""
    chance = np.random.default_rng(0)
    shape = (_FEW, channels, side, side) if layout == "NCHW" else (_FEW, side, side, channels)
    if kind is np.uint8:
        return chance.integers(0, 256, shape, dtype=np.uint8)
    return chance.normal(0, 1, shape).astype(kind)


def _answers(
    session: Any, entrance: str, exit_: str, images: NDArray[Any], path: Path, batch: int | None
) -> NDArray[np.float64]:
    rows = images if batch is None else np.resize(images, (batch, *images.shape[1:]))
    try:
        [values] = session.run([exit_], {entrance: rows})
    except Exception as error:
        sides = "x".join(map(str, rows.shape))
        said = " ".join(str(error).split())
        raise NetworkError(
            f"{path}: does not run on images of {sides} {rows.dtype}: is --size right? ONNX Runtime says: {said}"
        ) from None
    return np.asarray(values)


def _classes(shape: Sequence[int], exit_: str, path: Path) -> int:
    if len(shape) < 2 or any(side != 1 for side in sorted(shape[1:])[:-1]):
        kind = "such as a detector or a segmentation" if len(shape) > 1 else "of no known kind"
        raise NetworkError(
            f"{path}: expected a classifier, a row of numbers for each image; {exit_} gives the shape {list(shape)}, {kind}"
        )
    classes = max(shape[1:])
    if classes < 2:
        raise NetworkError(
            f"{path}: expected a classifier of two classes or more; {exit_} gives one number for each image, such as a regression"
        )
    return int(classes)


def _same_alone(
    free: Any, entrance: str, exit_: str, images: NDArray[Any], path: Path, batch: int
) -> NDArray[np.float64]:
    """Answers to a few images at once, which must be those that each gets alone."""
    try:
        session = open_session(free.SerializeToString(), path)
        together = _answers(session, entrance, exit_, images, path, None)
        alone = [_answers(session, entrance, exit_, image[None], path, None) for image in images]
        same = np.allclose(together, np.concatenate(alone), atol=_ALIKE, rtol=_ALIKE)
    except (NetworkError, ValueError):
        same = False
    if not same:
        raise NetworkError(
            f"{path}: expected a network for any number of images; it takes {batch} at a time: export it with a first axis that is "
            "open (dynamic_axes of torch.onnx.export)"
        )
    return together.reshape(len(images), -1).astype(np.float64)


def _are_probabilities(answers: NDArray[np.float64]) -> bool:
    return bool(answers.min() >= 0 and np.abs(answers.sum(axis=1) - 1).max() < _ALIKE)


def _require_one_of_several(model: Any, exit_: str, answers: NDArray[np.float64], path: Path) -> None:
    if not np.isfinite(answers).all():
        raise NetworkError(
            f"{path}: expected numbers; {exit_} gives values that are none for images of noise"
        )
    last = next((node.op_type for node in model.graph.node if exit_ in node.output), "")
    if last == "Sigmoid" and not _are_probabilities(answers):
        raise NetworkError(
            f"{path}: expected a classifier that chooses one class out of several; {exit_} ends with a sigmoid, a yes or no for each"
        )
