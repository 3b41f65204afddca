from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import NetworkError
from mien.inference.card import (
    FER_CROP,
    Card,
    CropRule,
    InputSpec,
    Score,
    read_card,
    read_network,
    write_card,
)


def field(number: int, content: bytes) -> bytes:
    assert number < 16
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


# ir_version 8, a producer, a graph of 20 bytes, an opset: as much of ModelProto as a card needs to see.
MODEL = b"\x08\x08" + field(2, b"mien") + field(7, bytes(range(20))) + field(8, b"\x10\x11")
FOREIGN = field(14, field(1, b"author") + field(2, b"someone"))
CARD = Card(
    name="tiny",
    version="1",
    kind="expression",
    summary="Tells sad from happy.",
    heads={"hard": ("sad", "happy")},
    input=InputSpec(name="image", height=48, width=48, channels=1, low=0, high=1),
    crop=CropRule(side=1.1, aspect=0.75),
    scores=(Score(data="ten images", labels="ours", n=10, accuracy=0.5, low=0.24, high=0.76),),
    temperatures={"hard": 1.25},
    parameters=10,
    macs=100,
    licence="MIT",
    limits="not for hiring: «nicht für Auswahl»",
)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(MODEL)
    return path


def test_card_comes_back_as_it_was_written(network: Path) -> None:
    written = write_card(network, CARD)
    assert len(written.sha256) == 64
    assert read_card(network) == written == CARD.model_copy(update={"sha256": written.sha256})
    assert read_card(network.read_bytes()) == written
    assert network.read_bytes().startswith(MODEL)
    assert os.listdir(network.parent) == ["tiny.onnx"]


def test_second_card_replaces_the_first_and_leaves_foreign_metadata(network: Path) -> None:
    network.write_bytes(FOREIGN + MODEL)
    first = write_card(network, CARD)
    second = write_card(network, CARD.model_copy(update={"version": "2"}))
    data = network.read_bytes()
    assert (read_card(data).version, second.sha256) == ("2", first.sha256)
    assert data.count(b"mien.card") == 1
    assert FOREIGN in data


@given(data=st.data())
def test_no_byte_can_change_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.mktemp("card") / "tiny.onnx"
    path.write_bytes(MODEL)
    write_card(path, CARD)
    whole = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NetworkError) as caught:
        read_card(bytes(whole))
    assert "\n" not in str(caught.value)


@given(keep=st.integers(0, 10**6))
def test_no_part_of_a_file_passes_for_the_whole(tmp_path_factory: pytest.TempPathFactory, keep: int) -> None:
    path = tmp_path_factory.mktemp("card") / "tiny.onnx"
    path.write_bytes(MODEL)
    write_card(path, CARD)
    data = path.read_bytes()
    with pytest.raises(NetworkError):
        read_card(data[: keep % len(data)])


@given(noise=st.binary(max_size=300))
def test_noise_is_no_network(noise: bytes) -> None:
    with pytest.raises(NetworkError):
        read_card(noise)


def test_errors_say_what_is_wrong(tmp_path: Path, network: Path) -> None:
    for path, words in (
        (tmp_path / "none.onnx", "there is none"),
        (tmp_path, "cannot be read"),
        (network, "has none"),
    ):
        with pytest.raises(NetworkError, match=words):
            read_card(path)
    network.write_text("<html>not found</html>")
    with pytest.raises(NetworkError, match="something else or damaged"):
        read_card(network)
    with pytest.raises(NetworkError, match="something else"):
        write_card(network, CARD)


def test_card_with_impossible_fields_is_told_in_one_line(network: Path) -> None:
    write_card(network, CARD.model_copy(update={"parameters": -1}))
    with pytest.raises(NetworkError, match="not understood: parameters: ") as caught:
        read_card(network)
    assert "\n" not in str(caught.value)


def test_card_fields_are_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="accuracy"):
        Score(data="", labels="", n=1, accuracy=1.5, low=0, high=1)
    with pytest.raises(ValueError, match="unknown"):
        Card.model_validate({**CARD.model_dump(), "unknown": 1})


def test_a_score_of_an_older_card_is_read() -> None:
    """It has no balanced accuracy, as it was not measured."""
    old = '{"data": "d", "labels": "l", "n": 9, "accuracy": 0.5, "low": 0.4, "high": 0.6}'
    score = Score.model_validate_json(old)
    assert (score.balanced_accuracy, score.balanced_low, score.balanced_high) == (None, None, None)
    with pytest.raises(ValueError, match="balanced_accuracy"):
        Score.model_validate({**score.model_dump(), "balanced_accuracy": 1.5})


sides = st.floats(1, 1e4)


@given(
    x=st.floats(-1e4, 1e4),
    y=st.floats(-1e4, 1e4),
    side=sides,
    scale=st.floats(0.5, 2),
    right=st.floats(-0.3, 0.3),
    down=st.floats(-0.3, 0.3),
)
def test_crop_rule_goes_there_and_back(
    x: float, y: float, side: float, scale: float, right: float, down: float
) -> None:
    rule = CropRule(side=scale, right=right, down=down, aspect=0.76)
    square = np.array([[x, y, x + side, y + side]])
    boxes = rule.boxes(square)
    assert np.allclose(rule.squares(boxes), square, atol=1e-8 * (1 + np.abs(square).max()))
    width, height = (boxes[:, 2:] - boxes[:, :2])[0]
    assert width / height == pytest.approx(0.76)


def test_crop_rule_takes_no_boxes() -> None:
    assert FER_CROP.squares(np.empty((0, 4))).shape == FER_CROP.boxes([]).shape == (0, 4)


def test_onnx_reads_the_card_as_ordinary_metadata(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper = onnx.helper
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Neg", ["a"], ["b"])], "g", value[:1], value[1:])
    path = tmp_path / "neg.onnx"
    onnx.save(helper.make_model(graph), path)
    card = write_card(path, CARD)
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert Card.model_validate_json(entries["mien.card"]) == card


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_or_a_folder_is_no_network(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", tmp_path):
        with pytest.raises(NetworkError, match="expected an ONNX file; it cannot be read: no plain file"):
            read_network(path)
