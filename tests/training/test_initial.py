"""Training may start with the weights of a network file: it then answers like the file before the first
step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError, NetworkError
from mien.core.labels import EXPRESSIONS, FERPLUS
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.training.distillation import DistillationPlan, make_views
from mien.training.export import export, predict
from mien.training.finetune import PretrainedWeights
from mien.training.presets import preset
from mien.training.recipe import Optimizer, Recipe
from mien.training.run import Hardware, load_run, new_network, train
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
BOTH = {"fer2013": EXPRESSIONS.names, "ferplus": FERPLUS.names}
NANO = replace(
    RECIPE,
    arch="residual",
    options=preset("nano").options,
    heads=("fer2013", "ferplus"),
    precision="32",
    epochs=1,
)


@pytest.mark.parametrize("name", ["nano", "small"])
def test_a_network_answers_as_the_file_that_it_started_with(name: str) -> None:
    network = new_network(preset(name), BOTH)
    norms = _norms(network)
    faces = stripes().images[:300]
    PretrainedWeights(network_path(name)).put_into(network, faces, BOTH)
    file = open_network(network_path(name))
    answers = file.run({"faces": faces[:, None].astype(np.float32)})
    for head, logits in predict(network, faces).items():
        probabilities = torch.from_numpy(logits / file.card.temperatures[head]).softmax(dim=1).numpy()
        np.testing.assert_allclose(probabilities, answers[head], atol=1e-4)
    for born, now in zip(norms, _norms(network), strict=True):
        torch.testing.assert_close(now, born, rtol=1e-3, atol=1e-3)


def test_so_does_one_that_halves_without_aliasing_and_has_wide_filters(tmp_path: Path) -> None:
    recipe = replace(
        NANO,
        options={"widths": [4, 6, 8], "blocks": 1, "stride": 2, "separable": 1, "kernel": 5, "blur": True},
    )
    train(stripes(), recipe, tmp_path / "run", hardware=CPU)
    export(tmp_path / "run", stripes(), tmp_path / "file.onnx", "mien train")
    faces = stripes().images[:300]
    network = new_network(replace(recipe, seed=9), BOTH)
    PretrainedWeights(tmp_path / "file.onnx").put_into(network, faces, BOTH)
    learned = predict(load_run(tmp_path / "run").network, faces)
    for head, logits in predict(network, faces).items():
        np.testing.assert_allclose(logits, learned[head], atol=1e-4)


def test_a_part_of_a_joined_file_starts_as_that_part() -> None:
    """The mean of the parts' logits is the file's answer: each part has its own share in it, and no other."""
    faces = stripes().images[:40]
    parts = []
    for number in range(1, 5):
        network = new_network(preset("part-everyday"), BOTH)
        initial = PretrainedWeights(f"medium/part-{number}")
        assert (initial.name, initial.digest[-7:]) == (f"medium/part-{number}", f"/part-{number}")
        initial.put_into(network, faces, BOTH)
        parts.append(predict(network, faces))
    file = open_network(network_path("medium"))
    answers = file.run({"faces": faces[:, None].astype(np.float32)})
    for head in BOTH:
        mean = torch.from_numpy(np.mean([part[head] for part in parts], axis=0))
        probabilities = (mean / file.card.temperatures[head]).softmax(dim=1).numpy()
        np.testing.assert_allclose(probabilities, answers[head], atol=1e-4)
        assert not np.allclose(parts[0][head], parts[1][head], atol=0.1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("medium", r"expected a part of medium, such as medium/part-1; got none: it has part-1 to part-4"),
        ("medium/part-5", r"expected a part of medium, .*; got part-5: it has part-1 to part-4"),
        ("medium/part-", r"expected a part of medium, .*; got part-: it has part-1 to part-4"),
        ("nano/part-1", r"expected nano; got part-1: it has one network, without parts"),
    ],
)
def test_a_part_that_is_not_there_is_told(name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        PretrainedWeights(name)


def _norms(network: torch.nn.Module) -> list[torch.Tensor]:
    """Of the filters of every convolution that is normalised; those within a channel are not."""
    convolutions = [
        module for module in network.modules() if isinstance(module, torch.nn.Conv2d) and module.groups == 1
    ]
    return [module.weight.flatten(1).norm(dim=1) for module in convolutions]


def test_classes_come_by_name_and_unknown_ones_start_anew() -> None:
    few = {"fer2013": ("happy", "asleep"), "ferplus": FERPLUS.names}
    network: Any = new_network(preset("nano"), few)
    whole: Any = new_network(preset("nano"), BOTH)
    born = network.heads["fer2013"].weight.detach().clone()
    for each, classes in ((network, few), (whole, BOTH)):
        PretrainedWeights(network_path("nano")).put_into(each, stripes().images[:50], classes)
    assert torch.equal(network.heads["fer2013"].weight[1], born[1])
    assert torch.equal(
        network.heads["fer2013"].weight[0], whole.heads["fer2013"].weight[EXPRESSIONS.index("happy")]
    )


def test_a_run_starts_there_and_goes_on_with_the_same_file_only(tmp_path: Path) -> None:
    crawling = replace(NANO, optimizer=Optimizer("sgd", rate=1e-9))
    initial = PretrainedWeights(network_path("nano"))
    train(stripes(), crawling, tmp_path / "run", hardware=CPU, initial=initial)
    assert Recipe.load(tmp_path / "run" / "recipe.json").initial == initial.digest
    again: Any = load_run(tmp_path / "run").network
    weight = again.heads["fer2013"].weight
    expected: Any = new_network(NANO, BOTH)
    initial.put_into(expected, stripes().images[:50], BOTH)
    torch.testing.assert_close(weight, expected.heads["fer2013"].weight, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="holds a run of another recipe"):
        train(stripes(), crawling, tmp_path / "run", hardware=CPU)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    for name in ("small", "nano-int8"):
        with pytest.raises(
            InputError, match=r"expected the filters .* start with a file of the same network"
        ):
            PretrainedWeights(network_path(name)).put_into(
                new_network(NANO, BOTH), stripes().images[:50], BOTH
            )
    # Of a network whose convolutions are not normalised only a part would be taken over.
    other = replace(RECIPE, arch="monyok", options={}, heads=("fer2013",), precision="32", epochs=1)
    train(stripes(), other, tmp_path / "run", hardware=CPU)
    export(tmp_path / "run", stripes(), tmp_path / "other.onnx", "mien train")
    heads = {"fer2013": EXPRESSIONS.names}
    with pytest.raises(
        InputError, match=r"expected the filters .* of features\.conv1; got such with a bias of their own"
    ):
        PretrainedWeights(tmp_path / "other.onnx").put_into(
            new_network(other, heads), stripes().images[:50], heads
        )
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(NetworkError):
        PretrainedWeights(tmp_path / "broken.onnx")


def test_a_network_file_is_a_teacher_too(tmp_path: Path) -> None:
    views = make_views([network_path("nano")], stripes(), tmp_path, DistillationPlan(count=1))
    faces, said = views.batch(np.zeros(20, int), np.arange(20))
    answers = open_network(network_path("nano")).run({"faces": faces.float().numpy()})
    np.testing.assert_allclose(
        said["ferplus"].exp().numpy(), answers["ferplus"], atol=2e-3
    )  # float16 on disk
