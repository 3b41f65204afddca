"""Small classifiers as other programs would export them, made node by node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


@dataclass(frozen=True)
class Made:
    """What a classifier is like: it sees colours alone, each class by its mean red, green and blue.

    Args:
        layout: Order of the axes of its images.
        dtype: Type of their pixels.
        classes: How many it tells apart; the first three are red, green and blue.
        side: px, or a name where any will do.
        batch: Images at a time, or a name where any number will do.
        channels: Of its images.
        softmax: Whether it gives probabilities.
        second: Whether it has a further output.
        bgr: Whether it takes blue first.
        operator: A further operator of somebody's own.
        last: Operator at the end.
        deep: Whether its answers have four axes.
        clipped: Whether it sees nothing below 0 and above 1.
    """

    layout: str = "NCHW"
    dtype: int = TensorProto.FLOAT
    classes: int = 3
    side: int | str = 24
    batch: int | str = "n"
    channels: int = 3
    softmax: bool = False
    second: bool = False
    bgr: bool = False
    operator: str = ""
    last: str = ""
    deep: bool = False
    clipped: bool = False

    def write(self, path: Path) -> Path:
        onnx.save(self.model(), path)
        return path

    def model(self) -> Any:
        nodes, value = [], "images"
        if self.dtype != TensorProto.FLOAT:
            nodes.append(helper.make_node("Cast", [value], ["floats"], to=TensorProto.FLOAT))
            value = "floats"
        if self.layout == "NHWC":
            nodes.append(helper.make_node("Transpose", [value], ["planes"], perm=[0, 3, 1, 2]))
            value = "planes"
        if self.clipped:
            nodes.append(helper.make_node("Clip", [value, "zero", "one"], ["clipped"]))
            value = "clipped"
        nodes += [
            helper.make_node("Conv", [value, "kernels"], ["maps"], pads=[1, 1, 1, 1], strides=[2, 2]),
            helper.make_node("Relu", ["maps"], ["rectified"]),
            helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"]),
        ]
        if self.deep:
            nodes.append(helper.make_node("Conv", ["pooled", "deep_weights"], ["scores"]))
        else:
            nodes += [
                helper.make_node("Reshape", ["pooled", "shape"], ["features"]),
                helper.make_node("MatMul", ["features", "weights"], ["scores"]),
            ]
        value = "scores"
        for operator in (self.operator, "Softmax" if self.softmax else "", self.last):
            if operator:
                attributes = {"axis": 1} if operator == "Softmax" else {}
                domain, _, name = operator.rpartition("::")
                nodes.append(helper.make_node(name, [value], [f"{name}ed"], domain=domain, **attributes))
                value = f"{name}ed"
        return self._whole(nodes, value)

    def _whole(self, nodes: list[Any], value: str) -> Any:
        side, channels = self.side, self.channels
        sides = [channels, side, side] if self.layout == "NCHW" else [side, side, channels]
        given = [self.batch, self.classes, *([1, 1] if self.deep else [])]
        outputs = [helper.make_tensor_value_info(value, TensorProto.FLOAT, given)]
        if self.second:
            outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, [self.batch, 6]))
        graph = helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info("images", self.dtype, [self.batch, *sides])],
            outputs,
            self._weights(),
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _weights(self) -> list[Any]:
        kernels = np.zeros((6, self.channels, 3, 3), np.float32)
        for channel in range(min(self.channels, 3)):
            seen = 2 - channel if self.bgr else channel
            kernels[seen, channel, 1, 1] = 1
            kernels[3 + seen, channel, 1, 1] = -1
        weights = np.zeros((6, self.classes), np.float32)
        for place in range(self.classes):
            weights[place % 3, place] += 4 - 0.5 * (place // 3)
            weights[3 + place % 3, place] -= 4
        first = self.batch if isinstance(self.batch, int) else -1
        deep = np.ascontiguousarray(weights.T[..., None, None])
        named = {
            "kernels": kernels,
            "deep_weights" if self.deep else "weights": deep if self.deep else weights,
        }
        if self.clipped:
            named |= {"zero": np.array(0, np.float32), "one": np.array(1, np.float32)}
        if not self.deep:
            named["shape"] = np.array([first, 6], np.int64)
        return [numpy_helper.from_array(values, name) for name, values in named.items()]


COLOURS = {"happy": (220, 60, 60), "sad": (60, 200, 60), "bored": (60, 60, 220)}
"""Classes that `Made` tells apart, and what their images look like."""


def write_faces(
    folder: Path,
    names: tuple[str, ...] = tuple(COLOURS),
    each: int = 40,
    splits: tuple[str, ...] = ("train", "validation"),
) -> Path:
    """Colours as labelled images, in class folders of each split."""
    chance = np.random.default_rng(5)
    for split in splits:
        for name, colour in zip(names, COLOURS.values(), strict=True):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(each):
                Image.fromarray(noisy(colour, chance)).save(place / f"{number}.png")
    return folder


def noisy(colour: tuple[int, ...], chance: np.random.Generator, side: int = 24) -> NDArray[np.uint8]:
    """An image of a colour."""
    return np.clip(np.array(colour) + chance.normal(0, 25, (side, side, 3)), 0, 255).astype(np.uint8)
