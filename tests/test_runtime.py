from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.cli.models import facts
from mien.core.errors import InputError, NetworkError
from mien.inference.card import Card, InputSpec, read_card, write_card
from mien.inference.onnx_session import onnx_runtime, open_network
from mien.inference.weights import network_path, part_path, shipped
from mien.training.architectures import ARCHITECTURES


@pytest.fixture
def rnet() -> Path:
    return part_path("mtcnn-rnet")


@pytest.fixture
def feeds() -> dict[str, NDArray[np.float32]]:
    return {"image": np.random.default_rng(0).uniform(-1, 1, (7, 3, 24, 24)).astype(np.float32)}


def test_network_knows_what_it_is(rnet: Path) -> None:
    network = open_network(rnet, threads=1)
    assert (network.card.name, network.card.kind, network.path) == ("mtcnn-rnet", "detector", rnet)
    assert network.providers == ("CPUExecutionProvider",)
    assert network.outputs == ("shift", "face")
    assert "mtcnn-rnet" in repr(network)


def test_run_gives_outputs_by_name(rnet: Path, feeds: dict[str, NDArray[np.float32]]) -> None:
    out = open_network(rnet).run(feeds)
    assert {name: value.shape for name, value in out.items()} == {"shift": (7, 4), "face": (7, 2)}
    assert np.allclose(out["face"].sum(axis=1), 1, atol=1e-6)


def test_threads_share_a_network(rnet: Path, feeds: dict[str, NDArray[np.float32]]) -> None:
    network = open_network(rnet, threads=1)
    expected = network.run(feeds)["face"]
    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(lambda _: network.run(feeds)["face"], range(40)):
            assert np.array_equal(out, expected)


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"photo": np.zeros((1, 3, 24, 24), np.float32)},
        {"image": np.zeros((1, 3, 24, 24))},
        {"image": np.zeros((1, 3, 25, 24), np.float32)},
    ],
    ids=["nothing", "name", "type", "shape"],
)
def test_wrong_feeds_are_told_in_one_line(
    rnet: Path, feeds: dict[str, NDArray[np.float32]], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NetworkError, match="cannot be run on") as caught:
        open_network(rnet, threads=1).run(feeds)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_damaged_file_is_not_run(rnet: Path, tmp_path: Path) -> None:
    data = bytearray(rnet.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "rnet.onnx"
    path.write_bytes(data)
    with pytest.raises(NetworkError, match=r"rnet.onnx: damaged: the digest"):
        open_network(path)


def test_file_that_only_looks_like_onnx(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fake.onnx"
    path.write_bytes(b"\x3a\x02\x0a\x00")
    write_card(
        path,
        Card(
            name="fake",
            version="1",
            kind="detector",
            summary="",
            input=InputSpec(name="a", height=1, width=1, channels=1, low=0, high=1),
            parameters=0,
            macs=0,
            licence="MIT",
        ),
    )
    with pytest.raises(NetworkError, match=r"ONNX Runtime .* cannot open it") as caught:
        open_network(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_device_is_chosen_in_one_way(rnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_network(rnet, device="cpu").device == "cpu"
    with pytest.raises(InputError, match=r"expected a device out of auto, cpu, cuda.*got 'gpu'"):
        open_network(rnet, device="gpu")
    with pytest.raises(
        InputError,
        match=r"out of auto, cpu, .*got openvino: install an ONNX Runtime that has it, or give --device cpu",
    ):
        open_network(rnet, device="openvino")


def test_device_that_is_installed_but_does_not_start(rnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that is missing: ONNX Runtime then runs on the CPU without a word."""
    onnxruntime = onnx_runtime()
    real = onnxruntime.InferenceSession

    def without_driver(data: Any, options: Any, **_: Any) -> Any:
        return real(data, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", without_driver)
    assert open_network(rnet, device="auto").device == "cpu"
    with pytest.raises(InputError, match="CUDAExecutionProvider is installed, but does not start here"):
        open_network(rnet, device="cuda")


def test_threads_are_one_or_more(rnet: Path) -> None:
    with pytest.raises(InputError, match="threads: expected 1 to 1,024"):
        open_network(rnet, threads=0)


@pytest.mark.parametrize(
    ("name", "weights", "macs"),
    [("nano", 60_000, 6e6), ("small", 1_000_000, 70e6), ("medium", 3_000_000, 300e6)],
)
def test_shipped_networks_keep_to_their_size(name: str, weights: int, macs: float) -> None:
    for path in (shipped()[name], shipped()[f"{name}-int8"]):
        card = read_card(path)
        assert card.parameters <= weights
        assert card.macs <= macs
        assert b'.py", line ' not in path.read_bytes(), (
            "which lines of whose folder made it is nobody's business"
        )


def test_cards_name_the_family_and_no_other_models_size() -> None:
    assert not ARCHITECTURES.keys() & shipped().keys(), "one name for an architecture and a model misleads"
    for path in shipped().values():
        said, what = dict(facts(path, read_card(path))), read_card(path).summary
        # Not at the start: of an ensemble it is first said how many there are.
        assert "Residual network over one gray face." in what
        assert not re.search(r"\b(nano|small|medium)\b", what)
        assert said["size"].startswith(f"{read_card(path).parameters:,} weights, ")


def test_shipped_networks_take_less_than_20_mb_together() -> None:
    assert sum(path.stat().st_size for path in shipped().values()) < 20e6


def test_network_path_takes_names_and_paths(rnet: Path, tmp_path: Path) -> None:
    assert network_path(rnet) == rnet
    assert not [name for name in shipped() if name.startswith("mtcnn")]
    for name, path in shipped().items():
        assert network_path(name) == path
    for wrong in ("mtcnn-rnet", "mtcnn_rnet", "no such", "", str(tmp_path)):
        with pytest.raises(NetworkError, match="expected a path to an ONNX file or the name"):
            network_path(wrong)
    with pytest.raises(NetworkError, match="install mien again"):
        part_path("mtcnn-qnet")
