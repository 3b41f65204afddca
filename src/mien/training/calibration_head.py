"""The last nodes of a network file, which make calibrated answers of logits: taken off, and put on anew.

A file keeps its weights when its calibration changes, and a quantised one keeps this part in float.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mien.core.errors import NetworkError
from mien.core.labels import FERPLUS
from mien.inference.onnx_session import SCOPES
from mien.training.calibration import BLEND, Calibration

_MAKING_ANSWERS = {"Div", "Exp", "LogSoftmax", "Softmax"}
"""Operators between the logits of a head and its answers."""
_PREFIX = "tail"


def take_off(model: Any, heads: list[str]) -> Any:
    """A copy of a network whose outputs are the logits of its heads, under the heads' names.

    Args:
        model: ``onnx.ModelProto``, as `put_on` or an earlier export left it.
        heads: Outputs that are heads; the blend of them is left out.

    Raises:
        NetworkError: A head has no logits to be found.
    """
    logits = {head: _logits(model, head) for head in heads}
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for field in ("output", "value_info"):
        bare.graph.ClearField(field)
    bare.ClearField("metadata_props")
    _keep(bare, set(logits.values()))
    _rename(bare, {name: head for head, name in logits.items()})
    bare.graph.output.extend(
        helper.make_tensor_value_info(head, onnx.TensorProto.FLOAT, ["n", None]) for head in logits
    )
    return bare


def put_on(model: Any, heads: dict[str, int], calibration: Calibration) -> Any:
    """A copy of a network of logits (`take_off`) whose outputs are calibrated probabilities.

    Args:
        model: ``onnx.ModelProto`` with an output of logits for each head.
        heads: Number of classes of each head.
        calibration: How answers are made.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.ClearField("output")
    names = {head: f"{_PREFIX}.{head}" for head in heads}
    _rename(
        whole, {head: f"{name}.logits" for head, name in names.items()}
    )  # The heads' names belong to the answers now.
    outputs = dict(heads)
    for head, name in names.items():
        _append(
            whole,
            "Div",
            [f"{name}.logits", _number(whole, f"{name}.temperature", calibration.temperatures[head])],
            f"{name}.scaled",
        )
        _append(whole, "Softmax", [f"{name}.scaled"], head, axis=1)
    if calibration.blend is not None:
        _put_on_blend(whole, calibration, calibration.blend)
        outputs = {BLEND: len(calibration.shared), **outputs}
    _drop_remarks(whole)
    for name, classes in outputs.items():
        whole.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", classes]))
    onnx.checker.check_model(whole)
    return whole


def _drop_remarks(model: Any) -> None:
    """Take out what nobody reads.

    The exporter remarks at each node which lines of which folder it came from: nobody else's business, and a
    third of a small file.
    """
    for field in ("value_info", "metadata_props"):
        model.graph.ClearField(field)
    for value in (*model.graph.input, *model.graph.initializer):
        value.ClearField("metadata_props")
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key == SCOPES]
        node.ClearField("metadata_props")
        node.metadata_props.extend(kept)


def _put_on_blend(model: Any, calibration: Calibration, share: float) -> None:
    """Blend the heads' scaled logits: they differ from the logarithms of their answers by a number per face,
    which softmax takes away again."""
    name, temperature = f"{_PREFIX}.{BLEND}", calibration.temperatures[BLEND]
    chosen = np.zeros((len(FERPLUS), len(calibration.shared)), np.float32)
    chosen[calibration.shared, np.arange(len(calibration.shared))] = (1 - share) / temperature
    model.graph.initializer.append(numpy_helper.from_array(chosen, f"{name}.columns"))
    parts = [f"{_PREFIX}.ferplus.scaled", f"{name}.columns", f"{_PREFIX}.fer2013.scaled"]
    _append(model, "Gemm", parts, f"{name}.scaled", beta=share / temperature)
    _append(model, "Softmax", [f"{name}.scaled"], BLEND, axis=1)


def _append(model: Any, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
    model.graph.node.append(helper.make_node(operator, inputs, [output], name=f"node.{output}", **attributes))


def _number(model: Any, name: str, value: float) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return name


def _logits(model: Any, head: str) -> str:
    """Walk back from the answers of a head."""
    makers = {output: node for node in model.graph.node for output in node.output}
    name, steps = head, 0
    while name in makers and makers[name].op_type in _MAKING_ANSWERS:
        name, steps = makers[name].input[0], steps + 1
    if not steps or name not in makers:
        raise NetworkError(
            f"expected a network file that mien train or mien models export wrote; the output {head} is not made from logits as there"
        )
    return name


def _keep(model: Any, wanted: set[str]) -> None:
    """Leave only what the wanted values are made from."""
    nodes = []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            nodes.append(node)
    constants = [constant for constant in model.graph.initializer if constant.name in wanted]
    for field, parts in (("node", nodes[::-1]), ("initializer", constants)):
        copies = [type(part).FromString(part.SerializeToString()) for part in parts]
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(copies)


def _rename(model: Any, names: dict[str, str]) -> None:
    """Give inner values other names."""
    for node in model.graph.node:
        for values in (node.input, node.output):
            for place, name in enumerate(values):
                values[place] = names.get(name, name)
