"""Turns the weights in the MIT wheel ``mtcnn==1.0.0``, a requirement of the build, into the three ONNX files of the
default detector."""

from __future__ import annotations

import hashlib
import io
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from build_tools.cards import is_right, written

VERSION = "1.0.0"

# sha256 of each file in the wheel. They are pickles, so nothing is loaded whose bytes are not these.
WEIGHTS = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}

# The layers of Zhang et al. 2016 (https://arxiv.org/abs/1604.02878) in the order of the weights. ("conv",
# "dense": followed by a PReLU; "pool", side): stride 2, and the last column may hang over the edge, as in
# Caffe and TensorFlow's "same".
LAYERS: dict[str, list[tuple[Any, ...]]] = {
    "pnet": [("conv",), ("pool", 2), ("conv",), ("conv",)],
    "rnet": [("conv",), ("pool", 3), ("conv",), ("pool", 3), ("conv",), ("dense",)],
    "onet": [("conv",), ("pool", 3), ("conv",), ("pool", 3), ("conv",), ("pool", 2), ("conv",), ("dense",)],
}
OUTPUTS = {"pnet": ["shift", "face"], "rnet": ["shift", "face"], "onet": ["shift", "points", "face"]}
SIDES = {"pnet": None, "rnet": 24, "onet": 48}
MACS = {
    "pnet": 44_760,
    "rnet": 1_530_768,
    "onet": 12_909_952,
}  # For one window of 12, 24 and 48 px; a test counts again.
SUMMARIES = {
    "pnet": "Proposes windows of 12 px that may hold a face, at every second pixel of an image.",
    "rnet": "Looks at proposed windows again at 24 px: face or not, and how to move the window.",
    "onet": "Looks at the remaining windows at 48 px: face or not, how to move the window, and five points.",
}


def build(folder: Path) -> list[Path]:
    """Make the files that are not there with a right card already; returns the paths of all three."""
    return [_made(folder / f"mtcnn-{part}.onnx", part) for part in WEIGHTS]


def _made(path: Path, part: str) -> Path:
    if not is_right(path, lambda card, found: _card(card, part, found.parameters)):
        weights = _weights(part)
        written(
            path, _graph(part, weights), lambda card: _card(card, part, sum(each.size for each in weights))
        )
    return path


def _weights(part: str) -> list[Any]:
    import joblib

    source = Path(str(distribution("mtcnn").locate_file(f"mtcnn/assets/weights/{part}.lz4")))
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS[part]:
        raise RuntimeError(
            f"{source}: expected the weights of mtcnn=={VERSION} with sha256 {WEIGHTS[part]}; got {digest}"
        )
    return list(joblib.load(io.BytesIO(data)))


def _graph(part: str, weights: list[Any]) -> Any:
    """The ONNX model; weights come in Keras order: kernels (row, column, in, out), then biases, then slopes
    of the PReLU.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    tensors: list[Any] = []
    rest = iter(weights)
    value = "image"

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def tensor(name: str, array: Any) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def affine(name: str, source: str) -> str:
        kernel, bias = next(rest), next(rest)
        if kernel.ndim == 4:
            return node(
                "Conv",
                [source, tensor(f"{name}.w", kernel.transpose(3, 2, 0, 1)), tensor(f"{name}.b", bias)],
                name,
            )
        return node("Gemm", [source, tensor(f"{name}.w", kernel), tensor(f"{name}.b", bias)], name)

    def prelu(name: str, source: str, slope: str) -> str:
        # relu(x) * (1 - slope) + x * slope: ONNX Runtime 1.31 takes two to five times as long for a whole
        # network with its own PRelu.
        other = node("Sub", [node("Constant", [], f"{name}.one", value_float=1.0), slope], f"{name}.other")
        above = node("Mul", [node("Relu", [source], f"{name}.relu"), other], f"{name}.above")
        return node("Add", [above, node("Mul", [source, slope], f"{name}.below")], f"{name}.prelu")

    for index, (kind, *rest_of_layer) in enumerate(LAYERS[part]):
        name = f"{kind}{index}"
        if kind == "pool":
            side = rest_of_layer[0]
            value = node("MaxPool", [value], name, kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)
            continue
        if kind == "dense":
            # The weights count columns before rows, a trace of the MATLAB code they were trained with.
            value = node("Transpose", [value], "columns_first", perm=[0, 3, 2, 1])
            value = node("Flatten", [value], "flat")
        value = affine(name, value)
        slope = next(rest).reshape(-1, 1, 1) if kind == "conv" else next(rest)
        value = prelu(name, value, tensor(f"{name}.slope", slope))

    # The order of the weights is shift, (points,) face; the face is the second of two classes.
    for name in OUTPUTS[part]:
        if name == "face":
            node("Softmax", [affine("logits", value)], "face", axis=1)
        else:
            affine(name, value)
    if next(rest, None) is not None:
        raise RuntimeError(f"{part}: the weights of mtcnn hold more than the layers take")

    side = SIDES[part]
    shape = ["n", 3, side or "height", side or "width"]
    sizes = {"shift": 4, "points": 10, "face": 2}
    outputs = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["n", sizes[name], *([] if side else ["rows", "columns"])]
        )
        for name in OUTPUTS[part]
    ]
    graph = helper.make_graph(
        nodes,
        f"mtcnn-{part}",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        outputs,
        tensors,
    )
    return helper.make_model(
        graph, producer_name="mien", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )


def _card(card: Any, part: str, parameters: int) -> Any:
    side = SIDES[part]
    return card.Card(
        name=f"mtcnn-{part}",
        version=VERSION,
        kind="detector",
        summary=SUMMARIES[part],
        input=card.InputSpec(
            name="image",
            height=side,
            width=side,
            channels=3,
            low=-127.5 / 128,
            high=127.5 / 128,
            note="(pixel - 127.5) / 128",
        ),
        training="WIDER FACE and CelebA, by the authors of MTCNN (Zhang et al. 2016, https://arxiv.org/abs/1604.02878)",
        split="not known to us",
        parameters=parameters,
        macs=MACS[part],
        licence="MIT (LICENSES/mtcnn.txt)",
        rights="WIDER FACE and CelebA are images from the web, gathered for research without asking the people shown",
        limits="finds faces; it says nothing about who they are",
        made_with=f"build_tools/mtcnn.py from mtcnn=={VERSION}, {part}.lz4, sha256 {WEIGHTS[part]}; PReLU as sums and products",
    )
