"""From faces to a network file: a run that is killed goes on, and the file says what PyTorch says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien import InputError, Pipeline
from mien.card import read_card
from mien.data import FaceDataset
from mien.runtime import open_network

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

from mien.train.augment import augment  # noqa: E402
from mien.train.export import export, load_run  # noqa: E402
from mien.train.loop import Epoch, train  # noqa: E402
from mien.train.recipe import Recipe  # noqa: E402
from mien.train.scores import expected_calibration_error, score_private  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts
RECIPE = Recipe(name="tiny", widths=(4, 8), blocks=1, epochs=3, batch=16, peak_rate=0.05)


@pytest.fixture(scope="module")
def faces() -> FaceDataset:
    """Stripes: two classes, told apart by their direction."""
    random = np.random.default_rng(0)
    n = 240
    expressions = np.where(random.random(n) < 0.5, 3, 5)
    stripes = np.tile((np.arange(48) // 6 % 2 * 160).astype(np.uint8), (48, 1))
    images = np.stack([stripes if label == 3 else stripes.T for label in expressions])
    images = images + random.integers(0, 60, images.shape, dtype=np.uint8)
    tags = np.zeros((n, 10), int)
    tags[np.arange(n), np.where(expressions == 3, 1, 3)] = 10  # happy and sad, in the order of FER+
    splits = np.array(["Training"] * 160 + ["PublicTest"] * 40 + ["PrivateTest"] * 40)
    return FaceDataset(images, expressions, tags, splits, np.arange(n))


@pytest.fixture(scope="module")
def run(faces: FaceDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    epochs: list[Epoch] = []
    train(faces, RECIPE, folder, epochs.append)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    return folder


class KilledError(Exception):
    pass


def test_a_run_that_was_stopped_ends_at_the_same_weights(faces: FaceDataset, run: Path, tmp_path: Path) -> None:
    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(faces, RECIPE, tmp_path, stop)
    with pytest.raises(InputError, match="2 of 3 epochs are done"):
        load_run(tmp_path)
    train(faces, RECIPE, tmp_path, lambda epoch: None)
    whole, again = load_run(run)[0].state_dict(), load_run(tmp_path)[0].state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert (tmp_path / "history.csv").read_text(encoding="utf-8") == (run / "history.csv").read_text(encoding="utf-8")


def test_another_recipe_does_not_go_on_with_a_run(faces: FaceDataset, run: Path) -> None:
    with pytest.raises(InputError, match="a run of another recipe"):
        train(faces, Recipe(**{**vars(RECIPE), "seed": 2}), run, lambda epoch: None)
    assert json.loads((run / "recipe.json").read_text(encoding="utf-8"))["seed"] == 1


def test_the_file_says_what_the_network_says(faces: FaceDataset, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    card = export(run, faces, file, "a test")
    assert read_card(file) == card
    assert card.heads["expression"][3] == "happy"
    assert card.macs > 0
    assert card.parameters == sum(weights.numel() for weights in load_run(run)[0].parameters())
    network = open_network(file, threads=1)
    pictures = faces.images[:5, None].astype(np.float32)
    with torch.no_grad():
        logits = load_run(run)[0](torch.from_numpy(pictures))["fer2013"] / card.temperatures["fer2013"]
    assert np.allclose(network.run({"faces": pictures})["fer2013"], logits.softmax(dim=1).numpy(), atol=1e-4)
    scores = score_private(network, faces)
    assert {score.labels for score in scores} == {"FER-2013", "FER+"}
    assert all(score.n == 40 for score in scores)
    assert scores[0].accuracy > 0.9, "stripes are easy"
    assert 0 <= expected_calibration_error(network, faces.split("PrivateTest"), "fer2013") <= 1


def test_a_trained_file_serves_the_main_job(faces: FaceDataset, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    export(run, faces, file, "a test")
    pipeline = Pipeline("whole", file, head="fer2013", threads=1)
    answers = pipeline([np.repeat(image[..., None], 3, axis=2) for image in faces.images[:10]])
    assert np.mean([found.probs.argmax() == label for found, label in zip(answers, faces.expressions, strict=False)]) > 0.8


def test_augmentation_is_seeded_and_stays_in_range() -> None:
    pictures = torch.rand(8, 1, 48, 48) * 255
    first, second = (augment(pictures, Recipe(), torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augment(pictures, Recipe(), torch.Generator().manual_seed(6)))
    assert first.shape == pictures.shape
    assert first.min() >= 0
    assert first.max() <= 255.01


def test_recipes_are_checked_and_read_back(tmp_path: Path) -> None:
    RECIPE.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == RECIPE
    with pytest.raises(InputError, match="track clean or official"):
        Recipe(track="dirty")
    with pytest.raises(InputError, match="at least 1 epoch"):
        Recipe(epochs=0)
