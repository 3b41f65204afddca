"""Networks whose workings are known beforehand, as ONNX files with cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.inference.card import FER_CROP, Card, InputSpec, write_card

CARD = Card(
    name="known",
    version="1",
    kind="expression",
    summary="A network whose workings are known beforehand.",
    heads={"fer2013": ("sad", "happy")},
    input=InputSpec(name="faces", height=48, width=48, channels=1, low=0, high=255),
    crop=FER_CROP,
    parameters=1,
    macs=1,
    licence="MIT",
)

REGION = (28, 12, 40, 24)
"""Top, left, bottom, right of what `looks_at_region` looks at."""


def write_graph(
    path: Path, nodes: Sequence[onnx.NodeProto], stored: Mapping[str, NDArray[Any]], card: Card = CARD
) -> Path:
    """An ONNX file from ``faces`` to each head of the card."""
    faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, 48, 48])
    heads = [
        helper.make_tensor_value_info(head, TensorProto.FLOAT, ["n", len(names)])
        for head, names in card.heads.items()
    ]
    constants = [numpy_helper.from_array(np.asarray(values), name) for name, values in stored.items()]
    graph = helper.make_graph(nodes, "known", [faces], heads, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    write_card(path, card)
    return path


def looks_at_region(path: Path) -> Path:
    """The brighter the region is, the happier; nothing else matters."""
    top, left, bottom, right = REGION
    nodes = [
        helper.make_node("Slice", ["faces", "starts", "ends", "axes"], ["region"]),
        helper.make_node("ReduceMean", ["region", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["fer2013"], axis=1),
    ]
    stored = {
        "starts": np.array([top, left]),
        "ends": np.array([bottom, right]),
        "axes": np.array([2, 3]),
        "weights": np.array([[0.0, 0.05]], np.float32),
        "bias": np.array([0.0, -7.5], np.float32),
    }
    return write_graph(path, nodes, stored)


def pooled(path: Path, kernels: NDArray[np.float32], weights: NDArray[np.float32]) -> Path:
    """A convolution, a rectifier, the mean over places, and one linear layer: the network that CAM was made
    for.
    """
    nodes = [
        helper.make_node("Conv", ["faces", "conv.weight"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["scores"], transB=1),
        helper.make_node("Softmax", ["scores"], ["fer2013"], axis=1),
    ]
    return write_graph(path, nodes, {"conv.weight": kernels, "weights": weights})
