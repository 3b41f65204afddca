"""A network is one file: one that names another for its weights is refused, and nothing else is opened."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from mien import NetworkError, Pipeline  # noqa: E402
from mien.data import FaceDataset, write_dataset  # noqa: E402
from mien.inference.card import read_card, write_card  # noqa: E402
from mien.inference.onnx_file import delimited, other_files  # noqa: E402
from mien.inference.onnx_session import open_network  # noqa: E402
from mien.inference.weights import network_path, shipped  # noqa: E402
from tests.commands import endings, in_turn  # noqa: E402


def placed(place: str = "weights.bin", **more: int) -> Any:
    """A tensor whose numbers lie in another file."""
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": place, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor


def graph_with(tensor: Any = None, nodes: Any = (), sparse: Any = ()) -> Any:
    graph = helper.make_graph(list(nodes), "g", [], [], [] if tensor is None else [tensor])
    graph.sparse_initializer.extend(sparse)
    return graph


def constant(**attributes: Any) -> Any:
    return helper.make_node("Constant", [], ["c"], **attributes)


def model_of(graph: Any, **more: Any) -> Any:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **more)


def sparse_of(values: Any, indices: Any) -> Any:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[9])


def trained(graph: Any) -> Any:
    model = model_of(graph_with())
    model.training_info.add().algorithm.CopyFrom(graph)
    return model


HERE = numpy_helper.from_array(np.arange(4), "i")
INNER = helper.make_node("If", ["x"], ["y"], then_branch=graph_with(placed()), else_branch=graph_with())
PLACES: dict[str, Callable[[], Any]] = {
    "weights": lambda: model_of(graph_with(placed())),
    "a constant": lambda: model_of(graph_with(nodes=[constant(value=placed())])),
    "a sparse constant": lambda: model_of(
        graph_with(nodes=[constant(sparse_value=sparse_of(HERE, placed()))])
    ),
    "sparse weights": lambda: model_of(graph_with(sparse=[sparse_of(placed(), HERE)])),
    "a list of tensors": lambda: model_of(
        graph_with(nodes=[helper.make_node("Own", [], ["c"], domain="own", tensors=[HERE, placed()])])
    ),
    "a graph inside": lambda: model_of(graph_with(nodes=[INNER])),
    "graphs inside graphs": lambda: model_of(
        graph_with(
            nodes=[helper.make_node("Own", [], ["c"], domain="own", graphs=[graph_with(nodes=[INNER])])]
        )
    ),
    "a function": lambda: model_of(
        graph_with(),
        functions=[
            helper.make_function(
                "own", "F", [], ["c"], [constant(value=placed())], [helper.make_opsetid("", 17)]
            )
        ],
    ),
    "training": lambda: trained(graph_with(placed())),
}


@pytest.mark.parametrize("where", PLACES)
def test_wherever_in_the_file_it_is_found(where: str) -> None:
    assert list(other_files(PLACES[where]().SerializeToString())) == ["weights.bin"]


@pytest.mark.parametrize(
    "place",
    ["weights.bin", "../up.bin", "/etc/passwd", "a/b.bin", "*/_ORT_MEM_ADDR_/*", "schräg.bin", "x" * 300],
)
def test_whatever_it_is_called(place: str) -> None:
    assert list(
        other_files(model_of(graph_with(placed(place, offset=0, length=16))).SerializeToString())
    ) == [place]


def test_a_file_that_keeps_its_numbers_is_none_of_them() -> None:
    """Also where a text in it says the word, and for every network that comes with mien."""
    assert (
        list(
            other_files(
                model_of(
                    graph_with(HERE), producer_name="location", doc_string="external_data"
                ).SerializeToString()
            )
        )
        == []
    )
    for path in shipped().values():
        content = path.read_bytes()
        assert list(other_files(content + onnx.ModelProto(doc_string="location").SerializeToString())) == []


def test_messages_without_end_are_refused() -> None:
    """More than protobuf reads: a graph in an attribute of a node of a graph, and so on."""
    deep = delimited(10, b"location")
    for _ in range(3000):
        deep = delimited(1, delimited(5, delimited(6, deep)))
    with pytest.raises(ValueError, match="inside each other"):
        list(other_files(delimited(7, deep)))
    with pytest.raises(NetworkError, match="something else or damaged"):
        read_card(delimited(7, deep))


def network_elsewhere(folder: Path) -> Path:
    """The network *nano*, whose first weights lie in a file beside it that is there and right, with a card
    that fits.
    """
    base = network_path("nano")
    network = onnx.load(base)
    weights = network.graph.initializer[0]
    content = numpy_helper.to_array(weights).tobytes()
    moved = placed("weights.bin", offset=0, length=len(content))
    moved.name, moved.data_type = weights.name, weights.data_type
    moved.ClearField("dims")
    moved.dims.extend(weights.dims)
    weights.CopyFrom(moved)
    (folder / "weights.bin").write_bytes(content)
    path = folder / "net.onnx"
    path.write_bytes(network.SerializeToString())
    write_card(path, read_card(base))
    return path


def test_python_refuses_it_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = network_elsewhere(tmp_path)
    monkeypatch.chdir(tmp_path)
    for door in (
        read_card,
        open_network,
        lambda path: Pipeline(model=path),
        lambda path: read_card(path.read_bytes()),
    ):
        with pytest.raises(
            NetworkError,
            match=r"expected a network in one file; weights of it lie in another, 'weights\.bin', which is not opened",
        ) as told:
            door(elsewhere)
        assert "\n" not in str(told.value)


COMMANDS = {
    "analyze": "analyze face.png --model net.onnx",
    "batch": "batch face.png -o out --model net.onnx",
    "models list": "models list net.onnx",
    "serve": "serve --port 0 --folder kept --model net.onnx",
    "evaluate": "evaluate net.onnx faces.parquet",
    "evaluate several": "evaluate nano.onnx+net.onnx faces.parquet",
    "explain": "explain net.onnx face.png -o sheets",
    "train --initial": "train faces.parquet --run run --preset nano --initial net.onnx",
    "models teacher-cache": "models teacher-cache faces.parquet net.onnx -o views",
    "models calibrate": "models calibrate net.onnx faces.parquet",
    "models average": "models average nano.onnx net.onnx faces.parquet -o mean.onnx",
    "models ensemble": "models ensemble nano.onnx net.onnx faces.parquet -o joined.onnx",
    "models quantize": "models quantize net.onnx faces.parquet -o small.onnx",
    "models test": "models test net.onnx faces.parquet --log log",
}


TRACED = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat,openat2", "-o")


@dataclass(frozen=True)
class Ran:
    """What came of all commands, run in one folder that holds the network of `elsewhere`.

    Args:
        ended: How each ended.
        said: What each wrote to the standard error.
        opened: Calls that open files, of all of them; None: there is no strace here.
    """

    ended: dict[str, object]
    said: dict[str, str]
    opened: str | None


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")
    folder = tmp_path_factory.mktemp("refused")
    network_elsewhere(folder)
    shutil.copy(network_path("nano"), folder / "nano.onnx")
    faces = np.random.default_rng(0).integers(0, 256, (21, 48, 48), dtype=np.uint8)
    votes = np.eye(10, dtype=int)[np.arange(21) % 7] * 10
    splits = np.repeat(["Training", "PublicTest", "PrivateTest"], 7)
    write_dataset(
        FaceDataset(faces, np.arange(21) % 7, votes, splits, np.arange(21)), folder / "faces.parquet"
    )
    Image.fromarray(faces[0]).save(folder / "face.png")
    strace, told, trace = shutil.which("strace"), folder / "told", folder / "trace"
    words = {name: line.split() for name, line in COMMANDS.items()}
    command = [*((*TRACED, str(trace)) if strace else ()), *in_turn(words, told)]
    (folder / "home").mkdir()
    alone = {**os.environ, "HOME": str(folder / "home")}
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
    parts = [part.partition("\n") for part in re.split(r"^\$ ", done.stderr, flags=re.MULTILINE)]
    return Ran(
        {name: status for name, (status, _) in endings(told).items()},
        {name: said for name, _, said in parts},
        trace.read_text(errors="replace") if strace else None,
    )


@pytest.mark.integration
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_it(name: str, ran: Ran) -> None:
    assert ran.ended[name] in (1, 2, 4), ran.said
    assert "lie in another, 'weights.bin', which is not opened" in ran.said[name]
    assert "Traceback" not in ran.said[name]


@pytest.mark.integration
def test_no_command_opens_what_it_names(ran: Ran) -> None:
    if ran.opened is None:
        pytest.skip("no strace on this machine: apt-get install strace (.ci/run does)")
    assert ran.opened.count("net.onnx") >= len(COMMANDS)
    assert "weights.bin" not in ran.opened
