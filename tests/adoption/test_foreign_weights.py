"""Weights in a second file, as `torch.onnx.export` writes them by default: taken in from beside the model alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from mien.core.errors import NetworkError
from mien.core.labels import Labels
from mien.inference.onnx_session import open_network
from mien.models import foreign_weights
from mien.models.adoption import HEAD, Told, look_at
from tests.adoption.making_models import COLOURS, Made

TOLD = Told(Labels(tuple(COLOURS)), colour="rgb", mean=(0.5,), std=(0.5,))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A model with its weights in a second file."""
    path = tmp_path / "other.onnx"
    onnx.save(Made().model(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_what_was_adopted_needs_them_no_more(source: Path, tmp_path: Path) -> None:
    look_at(source, TOLD).write(tmp_path / "adopted.onnx")
    look_at(Made().write(tmp_path / "one.onnx"), TOLD).write(tmp_path / "whole.onnx")
    source.with_name("weights.bin").unlink()
    faces = np.random.default_rng(0).integers(0, 256, (4, 3, 24, 24)).astype(np.float32)
    apart, whole = (
        open_network(tmp_path / f"{name}.onnx").run({"faces": faces})[HEAD] for name in ("adopted", "whole")
    )
    assert np.array_equal(apart, whole)


def cut_off(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:100])


def linked(weights: Path) -> None:
    weights.rename(weights.with_name("elsewhere"))
    weights.symlink_to("elsewhere")


def piped(weights: Path) -> None:
    weights.unlink()
    os.mkfifo(weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Path.unlink, "kernels in weights.bin beside it; got: No such file or directory: put both files"),
        (cut_off, "in weights.bin beside it; got: bytes .* of 100: put both files"),
        (linked, "expected weights in a plain file beside it; got 'weights.bin'"),
        (piped, "expected weights in a plain file beside it; got 'weights.bin'"),
    ],
)
def test_a_file_that_is_another_one_is_refused(
    change: Callable[[Path], None], message: str, source: Path
) -> None:
    change(source.with_name("weights.bin"))
    with pytest.raises(NetworkError, match=message) as refused:
        look_at(source, TOLD)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("location", "../weights.bin", "beside it; got '../weights.bin'"),
        ("location", "{folder}/weights.bin", "beside it; got '/.*/weights.bin'"),
        ("location", "in/weights.bin", "beside it; got 'in/weights.bin'"),
        ("location", "in\\weights.bin", "beside it; got "),
        ("location", "", "beside it; got ''"),
        ("location", "a\0b", "beside it; got"),
        ("offset", "-5", "got: bytes -5 to "),
        ("offset", "5000000", "got: bytes 5,000,000 to "),
        ("length", "99999999999", "got: bytes "),
        ("length", "many", "got: invalid literal"),
    ],
)
def test_nothing_else_is_opened(key: str, value: str, message: str, source: Path) -> None:
    model = onnx.load_model(source, load_external_data=False)
    for tensor in model.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        entries[key] = value.format(folder=source.parent)
        tensor.ClearField("external_data")
        for name, content in entries.items():
            tensor.external_data.add(key=name, value=content)
    source.write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=message) as refused:
        look_at(source, TOLD)
    assert "\n" not in str(refused.value)


def test_weights_together_are_bounded(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_weights, "_MOST_BYTES", 700)
    with pytest.raises(NetworkError, match="more than 700 bytes of weights"):
        look_at(source, TOLD)


def test_weights_of_graphs_inside_are_refused(tmp_path: Path) -> None:
    model = Made().model()
    constant = onnx.helper.make_node("Constant", [], ["more"], value=onnx.numpy_helper.from_array(np.ones(3)))
    tensor = constant.attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.insert(0, constant)
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=r"weights of it lie in another, .weights\.bin., which"):
        look_at(tmp_path / "other.onnx", TOLD)
