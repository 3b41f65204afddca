"""The shipped network and the published ones, as files and as runs: all of them can be explained, and
agree with PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[explain]'")
pytest.importorskip("captum", reason="captum is not installed: pip install 'mien[explain]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")


import onnx
import torch

from mien import InputError
from mien.explain import (
    KINDS,
    ExplainOptions,
    explain,
    gradcam,
    guided_backpropagation,
    occlusion,
    open_explained,
)
from mien.explain.base import deepest, stages
from mien.inference.card import write_card
from mien.inference.onnx_session import open_network
from mien.training import run as trained_home
from mien.training.architectures import ARCHITECTURES, create_model
from mien.training.calibration import Calibration
from mien.training.export import write_onnx
from mien.training.recipe import Recipe
from mien.training.run import Hardware, Trained, train
from tests.explain.small_graphs import CARD
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch warns about its own parts

CLASSES: dict[str, tuple[str, ...]] = {
    "fer2013": ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
}
HEADS = {head: len(names) for head, names in CLASSES.items()}
STAGES = {
    "gudi": ["features.contrast", "features.pool1", "features.relu2", "features.pool2", "features.relu3"],
    "kalu": [
        "features.block1.relu",
        "features.block2.relu",
        "features.block3.relu",
        "features.block4.relu",
        "features.block4.pool",
    ],
    "mini_xception": [
        "features.stem1.relu",
        "features.stem2.relu",
        "features.module1",
        "features.module2",
        "features.module3",
        "features.module4",
    ],
    "monyok": ["features.relu1", "features.pool1", "features.relu2", "features.pool2", "features.relu3"],
    "residual": ["stages.1", "stages.3", "stages.5", "stages.7"],
    "spittlemeister": [
        "features.relu3",
        "features.relu6",
        "features.pool2",
        "features.relu7",
        "features.relu8",
    ],
}


def untrained(name: str) -> torch.nn.Module:
    torch.manual_seed(1)
    network = create_model(name, heads=HEADS)
    if name != "spittlemeister":
        network.train()(torch.rand(4, 1, 48, 48) * 255)  # running statistics that are not 0 and 1
    return network.eval()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take minutes over networks as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def face() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, 48, 48)).astype(np.float32)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_run_of_every_network(
    name: str, face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = untrained(name)
    monkeypatch.setattr(
        trained_home,
        "load_run",
        lambda folder: Trained(network, Recipe(name=name, arch=name), CLASSES, [], {}),
    )
    subject = open_explained(tmp_path)
    features = subject.features(face)
    assert stages(features) == STAGES[name]
    assert np.array_equal(subject.kernels().weights, next(network.parameters()).detach().numpy())
    with torch.no_grad():
        scores = subject.differentiable()(torch.from_numpy(face[None]))
        assert torch.equal(scores, network(torch.from_numpy(face[None]))["fer2013"])
    assert gradcam(subject, face, 3).shape == guided_backpropagation(subject, face, 3).shape == (48, 48)
    written = list(
        explain(subject, np.repeat(face[0, ..., None], 3, axis=2).astype(np.uint8), tmp_path / "sheets")
    )
    assert [sheet.kind for sheet in written] == list(KINDS)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_file_says_what_the_module_says(
    name: str, face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = untrained(name)
    file = tmp_path / f"{name}.onnx"
    write_onnx(network, HEADS, Calibration(dict.fromkeys(HEADS, 1.0)), file)
    written = onnx.load(file)
    assert {node.domain for node in written.graph.node} <= {""}, "operators of ONNX alone"
    assert not written.functions
    write_card(file, CARD.model_copy(update={"heads": CLASSES}))
    for n in (1, 3):
        faces = np.random.default_rng(n).integers(0, 256, (n, 1, 48, 48)).astype(np.float32)
        got = open_network(file, threads=1).run({"faces": faces})
        with torch.no_grad():
            logits = network(torch.from_numpy(faces))
        for head in HEADS:
            wanted = logits[head].log_softmax(dim=1).numpy()
            np.testing.assert_allclose(np.log(got[head]), wanted, atol=1e-4, rtol=1e-4)
    monkeypatch.setattr(
        trained_home,
        "load_run",
        lambda folder: Trained(network, Recipe(name=name, arch=name), CLASSES, [], {}),
    )
    (tmp_path / "run").mkdir()
    graph, module = open_explained(file), open_explained(tmp_path / "run")
    maps, expected = graph.features(face), module.features(face)
    assert stages(maps) == STAGES[name]
    same = [layer for layer in maps if layer in expected]
    assert set(stages(maps)) <= set(same)
    for layer in same:
        assert np.allclose(
            maps[layer], expected[layer], rtol=1e-3, atol=1e-3 * np.abs(expected[layer]).max()
        ), layer
    if name in (
        "gudi",
        "monyok",
        "spittlemeister",
    ):  # The exporter multiplies a batch normalisation into the kernels before it.
        assert np.array_equal(graph.kernels().weights, module.kernels().weights)
    assert graph.kernels().layer == module.kernels().layer
    for method in (gradcam, guided_backpropagation):
        one, other = method(graph, face, 3), method(module, face, 3)
        assert np.allclose(one, other, atol=1e-3 * max(np.abs(other).max(), 1e-9)), method.__name__


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(stripes(), RECIPE.changed({"epochs": 1}), folder, hardware=Hardware(accelerator="cpu", threads=1))
    return folder


def test_a_real_run(run: Path, tmp_path: Path, portrait: np.ndarray) -> None:
    subject = open_explained(run, "ferplus")
    written = list(
        explain(subject, portrait, tmp_path, choice=ExplainOptions(target="contempt", layer="stages.0.first"))
    )
    assert [sheet.path.name for sheet in written] == [
        "tiny-kernels.png",
        *(f"image-face1-{kind}.png" for kind in KINDS[1:]),
    ]
    assert {sheet.expression for sheet in written[1:]} == {"contempt"}
    with pytest.raises(InputError, match="expected a head out of fer2013, ferplus"):
        open_explained(run, "expression")


def test_a_layer_behind_another_head_is_refused(
    face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = create_model("mini_xception", heads=HEADS).eval()
    monkeypatch.setattr(
        trained_home,
        "load_run",
        lambda folder: Trained(network, Recipe(arch="mini_xception"), CLASSES, [], {}),
    )
    with pytest.raises(
        InputError, match=r"they do not depend on heads\.ferplus: give another one with --layer"
    ):
        gradcam(open_explained(tmp_path), face, 0, "heads.ferplus")


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder of a training run"):
        open_explained(tmp_path)


@pytest.mark.parametrize("head", ["expression", "fer2013", "ferplus"])
def test_the_shipped_network_sees_a_smile_at_the_mouth(head: str, astronaut: np.ndarray) -> None:
    from mien.explain import crops_of

    subject = open_explained("small", head)
    [face] = crops_of(astronaut, subject.classifier)
    happy = subject.classifier.labels.index("happy")
    assert deepest(subject.features(face.pixels)) == ["stages.8"]
    mouth = np.zeros((48, 48), bool)
    mouth[30:44, 12:36] = True
    heat = gradcam(subject, face.pixels, happy)
    lines = np.abs(guided_backpropagation(subject, face.pixels, happy))
    falls = occlusion(subject.classifier, face.pixels, happy)
    for values in (lines, falls):
        assert mouth[np.unravel_index(values.argmax(), values.shape)]
        assert values[mouth].mean() > 1.5 * np.abs(values[~mouth]).mean()
    # Six by six places: one of them is as large as the mouth's half, and cheeks smile too.
    assert heat[mouth].mean() > 1.5 * heat[~mouth].mean()
