"""Each operator in PyTorch against ONNX Runtime's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[explain]'")
onnx = pytest.importorskip("onnx")

import torch  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from mien import NetworkError  # noqa: E402
from mien.explain.onnx_to_torch import OPERATORS  # noqa: E402
from mien.inference.card import Card, InputSpec  # noqa: E402
from mien.inference.onnx_session import onnx_runtime, open_graph  # noqa: E402

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 6, 8)).astype(np.float32)
FLAT = RANDOM.normal(size=(4, 6)).astype(np.float32)
SMALL = RANDOM.normal(size=(3,)).astype(np.float32)
POSITIVE = np.abs(X) + 0.1
WEIGHTS = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
DEPTHWISE = RANDOM.normal(size=(3, 1, 3, 3)).astype(np.float32)
NUMBERS = np.arange(12).reshape(3, 4)
CARD = Card(
    name="one", version="1", kind="detector", summary="one node", input=InputSpec(name="x", height=None, width=None, channels=1, low=0, high=1),
    parameters=0, macs=0, licence="MIT",
)  # fmt: skip


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[(name, [X], {}) for name in ("Abs", "Elu", "Erf", "Exp", "Flatten", "Gelu", "GlobalAveragePool", "HardSigmoid", "HardSwish", "Identity")],
    *[(name, [X], {}) for name in ("LeakyRelu", "LogSoftmax", "Neg", "Relu", "Shape", "Sigmoid", "Softmax", "Tanh", "Transpose", "Dropout")],
    *[(name, [POSITIVE], {}) for name in ("Log", "Reciprocal", "Sqrt")],
    *[(name, [X, POSITIVE], {}) for name in ("Add", "Div", "Max", "Min", "Mul", "Sub")],
    ("Pow", [POSITIVE, np.float32(2)], {}),
    ("Div", [NUMBERS - 6, ints(4)], {}),
    ("Max", [X, POSITIVE - 1, np.float32(0.1)], {}),
    ("Elu", [X], {"alpha": 0.5}),
    ("LeakyRelu", [X], {"alpha": 0.3}),
    ("Gelu", [X], {"approximate": "tanh"}),
    ("Softmax", [X], {"axis": 1}),
    ("Shape", [X], {"start": 1, "end": 3}),
    ("Transpose", [X], {"perm": [0, 2, 3, 1]}),
    ("Concat", [X, POSITIVE], {"axis": 1}),
    ("ReduceMean", [X, ints(2, 3)], {"keepdims": 0}),
    ("ReduceMean", [X], {}),
    ("ReduceMean", [X], {"noop_with_empty_axes": 1}),
    ("ReduceSum", [X, ints(1)], {}),
    ("ReduceMax", [X, ints(2)], {}),
    ("Clip", [X, np.float32(-0.2), np.float32(0.3)], {}),
    ("Clip", [X, None, np.float32(0.3)], {}),
    ("Clip", [X], {}),
    ("PRelu", [X, SMALL.reshape(3, 1, 1)], {}),
    ("BatchNormalization", [X, SMALL, SMALL, SMALL, np.abs(SMALL)], {"epsilon": 1e-3}),
    ("Gemm", [FLAT, FLAT, FLAT[:, :4]], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Gemm", [FLAT, FLAT], {"transA": 1}),
    ("MatMul", [X, X.transpose(0, 1, 3, 2).copy()], {}),
    ("Conv", [X, WEIGHTS], {}),
    ("Conv", [X, WEIGHTS, np.ones(4, np.float32)], {"pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]}),
    ("Conv", [X, DEPTHWISE], {"group": 3, "pads": [1, 1, 1, 1]}),
    ("MaxPool", [X], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", [X], {"kernel_shape": [2, 3], "strides": [2, 3], "ceil_mode": 1}),
    ("AveragePool", [X], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("Pad", [X, ints(0, 0, 1, 2, 0, 0, 3, 4), np.float32(0.5)], {}),
    ("Pad", [X, ints(1, 2), None, ints(-1)], {}),
    ("Reshape", [X, ints(0, -1)], {}),
    ("Reshape", [X, ints(6, -1, 4)], {"allowzero": 1}),
    ("Squeeze", [X[:1], ints(0)], {}),
    ("Squeeze", [X[:1]], {}),
    ("Unsqueeze", [X, ints(0, -1)], {}),
    ("Expand", [SMALL, ints(2, 3)], {}),
    ("Slice", [X, ints(1, -6), ints(5, -1), ints(2, 3), ints(2, 1)], {}),
    ("Slice", [X, ints(1), ints(2**62)], {}),
    ("Gather", [X, ints(2, -1)], {"axis": 1}),
    ("Gather", [X, NUMBERS[:2, :3] % 6], {"axis": 2}),
    ("Gather", [NUMBERS, np.int64(1)], {}),
    ("GatherND", [X, NUMBERS[:2, :2] % 2], {}),
    ("Cast", [NUMBERS], {"to": TensorProto.FLOAT}),
    ("Range", [np.int64(2), np.int64(11), np.int64(3)], {}),
    ("Resize", [X, None, None, ints(2, 3, 9, 5)], {"mode": "linear"}),
    ("Resize", [X, None, np.array([1, 1, 2, 1.5], np.float32)], {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}),
]  # fmt: skip


ONNX_RUNTIME = tuple(map(int, onnx_runtime().__version__.split(".")[:2]))


def _id(case: tuple[str, list[Any], dict[str, Any]]) -> str:
    return f"{case[0]}-{'-'.join(f'{name}={value}' for name, value in case[2].items())}"


@pytest.mark.parametrize("case", CASES, ids=map(_id, CASES))
def test_as_onnx_runtime_does(case: tuple[str, list[Any], dict[str, Any]]) -> None:
    operator, values, attributes = case
    if "noop_with_empty_axes" in attributes and ONNX_RUNTIME < (1, 24):
        pytest.skip("ONNX Runtime before 1.24 cannot open it")
    names = ["" if value is None else f"i{place}" for place, value in enumerate(values)]
    node = helper.make_node(operator, names, ["y"], **attributes)
    given = [(name, np.asarray(value)) for name, value in zip(names, values, strict=True) if name]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])]
    stored = [numpy_helper.from_array(value, name) for name, value in given]
    graph = helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name="y")], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    expected = open_graph(model.SerializeToString(), CARD, Path("one.onnx")).run(
        {"x": np.zeros(1, np.float32)}
    )["y"]
    settings = {
        "operator": operator,
        **{entry.name: helper.get_attribute_value(entry) for entry in node.attribute},
    }
    if operator == "Relu":
        got = torch.nn.ReLU()(torch.from_numpy(X))
    else:
        got = OPERATORS[operator](
            settings, *(None if value is None else torch.from_numpy(np.array(value)) for value in values)
        )
    assert got.numpy().dtype == expected.dtype
    assert got.shape == expected.shape
    assert np.allclose(got.numpy(), expected, atol=1e-5)


def test_every_operator_is_compared() -> None:
    assert set(OPERATORS) == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("operator", "attributes", "inputs"),
    [
        ("Conv", {"auto_pad": b"SAME_UPPER"}, [X, WEIGHTS]),
        ("Conv", {}, [FLAT[:, None], FLAT[:1, None]]),
        ("Pad", {"mode": b"reflect"}, [X, ints(0, 0, 1, 1, 0, 0, 1, 1)]),
        ("Resize", {"mode": b"cubic"}, [X, None, None, ints(2, 3, 9, 5)]),
        ("Flatten", {"axis": 2}, [X]),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}, [X]),
        ("GatherND", {"batch_dims": 1}, [X, ints(1)]),
        ("Slice", {}, [X, ints(-1), ints(0), ints(2), ints(-1)]),
        ("Cast", {"to": TensorProto.BFLOAT16}, [X]),
    ],
)
def test_what_is_not_known_is_refused(operator: str, attributes: dict[str, Any], inputs: list[Any]) -> None:
    with pytest.raises(NetworkError, match=f"{operator} with this"):
        OPERATORS[operator](
            attributes, *(None if value is None else torch.from_numpy(value) for value in inputs)
        )
