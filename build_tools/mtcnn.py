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
    "pnet": 68_736,
    "rnet": 1_723_008,
    "onet": 12_909_952,
}  # For one window of 12, 24 and 48 px, with the channels that `_split` adds; a test counts again.
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
        weights = _split(_as_differences(_weights(part)))
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

    def prelu(name: str, source: str, slope: Any) -> str:
        # max(0, x * (1 - slope)) + x * slope: ONNX Runtime 1.31 takes two to five times as long for a whole
        # network with its own PRelu. No slope is above 1 here (`_split`).
        own = tensor(f"{name}.slope", slope)
        other = node("Sub", [node("Constant", [], f"{name}.one", value_float=1.0), own], f"{name}.other")
        above = node("Relu", [node("Mul", [source, other], f"{name}.raised")], f"{name}.above")
        below = node("Mul", [source, own], f"{name}.below")
        return node("Add", [above, below], f"{name}.prelu")

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
        value = prelu(name, value, slope)

    # The order of the weights is shift, (points,) face; the face is the second of two classes.
    for name in OUTPUTS[part]:
        if name == "face":
            node("Sigmoid", [affine("leads", value)], "face")
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


def _as_differences(weights: list[Any]) -> list[Any]:
    """The weights with, for each of the two classes, which come last, by how much it leads: the softmax of two is a
    logistic curve over that, which takes a tenth of the time."""
    kernel, bias = weights[-2:]
    return [*weights[:-2], kernel - kernel[..., ::-1], bias - bias[::-1]]


def _split(weights: list[Any]) -> list[Any]:
    """The weights with no slope above 1 in a PReLU, and channels in eights.

    A channel x with such a slope a becomes two, x itself and max(0, x), of which the next layer takes a and 1 - a
    parts: the same numbers, also where the largest of several is chosen in between, since such a curve only
    rises. Channels of zeros fill up the last eight: ONNX Runtime runs eight at a time, or all in another way,
    in which R-Net takes half as long again.
    """
    import numpy as np

    out = list(weights)
    for at in range(2, len(out) - 1, 3):
        (kernel, bias, slope), taken = out[at - 2 : at + 1], out[at + 1]
        steep = np.flatnonzero(slope.reshape(-1) > 1)
        more = -(bias.size + steep.size) % 8 + steep.size if slope.size == bias.size else 0
        if not more:
            continue
        slopes = slope.reshape(-1)[steep]
        added, after = (
            np.zeros((*kernel.shape[:-1], more)),
            np.zeros((*taken.shape[:2], more, taken.shape[-1])),
        )
        added[..., : steep.size], after[:, :, : steep.size] = kernel[..., steep], taken[:, :, steep]
        out[at - 2 : at + 2] = [
            np.concatenate([kernel, added], axis=-1),
            np.concatenate([bias, bias[steep], np.zeros(more - steep.size)]),
            np.concatenate([np.minimum(slope.reshape(-1), 1), np.zeros(more)]),
            np.concatenate(
                [_scaled(taken, steep, slopes), _scaled(after, range(steep.size), 1 - slopes)], axis=2
            ),
        ]
    return out


def _scaled(kernel: Any, channels: Any, factors: Any) -> Any:
    """A kernel with some of its inputs multiplied."""
    scaled = kernel.copy()
    scaled[:, :, channels] *= factors[:, None]
    return scaled


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
        made_with=f"build_tools/mtcnn.py from mtcnn=={VERSION}, {part}.lz4, sha256 {WEIGHTS[part]}; PReLU as sums, classes as leads",
    )
