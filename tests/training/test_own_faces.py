"""Training on class folders of one's own, without an option: preset, heads, split and words come from the
data.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.commands import run_mien

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import EXPRESSIONS, InputError
from mien.cli.train_view import _right_before
from mien.core.labels import FERPLUS, Labels
from mien.data import FaceDataset, open_dataset
from mien.inference.card import read_card
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path
from mien.training.export import predict
from mien.training.finetune import PretrainedWeights
from mien.training.own_data import default_preset, suited
from mien.training.presets import initial_of, preset
from mien.training.run import new_network
from mien.training.splits import cut

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts


def faces(counts: dict[str, int], splits: str = "Training", **columns: list[str]) -> FaceDataset:
    """Noise, so many images of each class."""
    names = [name for name, count in counts.items() for _ in range(count)]
    images = np.random.default_rng(0).integers(0, 256, (len(names), 48, 48), np.uint8)
    labels = Labels(tuple(counts))
    return FaceDataset(
        images,
        np.array([labels.index(name) for name in names]),
        None,
        np.array([splits] * len(names), dtype="U16"),
        np.arange(len(names)),
        labels,
        columns={name: np.array(values) for name, values in columns.items()},
    )


@pytest.mark.parametrize(
    ("counts", "held_out"),
    [
        ({"happy": 2, "sad": 2}, {"happy": 1, "sad": 1}),
        ({"happy": 5, "sad": 40, "angry": 10}, {"happy": 1, "sad": 8, "angry": 2}),
        ({"happy": 3, "sad": 300}, {"happy": 1, "sad": 60}),
        ({"happy": 3000, "sad": 3000}, {"happy": 300, "sad": 300}),
    ],
)
def test_the_split_fits_the_number_of_images(counts: dict[str, int], held_out: dict[str, int]) -> None:
    data = faces(counts)
    recipe = suited(preset("finetune"), data)
    parts = cut(data, recipe)
    got = dict(zip(data.labels, parts.validation.counts().tolist(), strict=True))
    assert got == pytest.approx(held_out, abs=1)
    assert min(got.values()) >= 1
    assert min(parts.training.counts()) >= 1
    assert len(parts.training) + len(parts.validation) == len(data)


def test_a_class_of_one_image_is_told() -> None:
    with pytest.raises(InputError, match=r"at least 2 images of every class.*got fewer of sad: add some"):
        suited(preset("finetune"), faces({"happy": 9, "sad": 1}))


def test_copies_and_people_stay_on_one_side() -> None:
    data = faces({"happy": 40, "sad": 40}, person=[f"{number % 8}" for number in range(80)])
    recipe = suited(preset("finetune"), data)
    assert recipe.split.group == "person"
    parts = cut(data, recipe)
    assert not set(parts.training.column("person")) & set(parts.validation.column("person"))
    twice = faces({"happy": 40, "sad": 40})
    twice.images[1:10] = twice.images[0]
    parts = cut(twice, suited(preset("finetune"), twice))
    assert not set(parts.training.digests) & set(parts.validation.digests)


def test_what_was_asked_for_stays() -> None:
    data = faces({"happy": 10, "sad": 10})
    first = preset("finetune").changed({"split.policy": "first", "heads": "fer2013"})
    assert suited(first, data, {"heads", "split.policy"}) == first
    assert suited(preset("finetune"), data).heads == ("labels",)
    assert suited(preset("finetune"), data, {"heads"}).heads == preset("finetune").heads


def test_folders_of_splits_keep_theirs() -> None:
    parts = [faces({"happy": 10, "sad": 10}, split) for split in ("Training", "PublicTest")]
    data = FaceDataset(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.expressions for part in parts]),
        None,
        np.concatenate([part.splits for part in parts]),
        np.arange(40),
        parts[0].labels,
    )
    assert suited(preset("finetune"), data).split == preset("finetune").split


def test_fer2013_is_trained_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    data = faces({"happy": 10, "sad": 10})
    assert default_preset(data) == "finetune"
    monkeypatch.setattr(FaceDataset, "is_fer2013", True)
    assert default_preset(data) == "small"
    assert suited(preset("small"), data).heads == ("fer2013",), "without votes"


def test_a_new_head_begins_with_what_the_shipped_model_knows_of_its_classes() -> None:
    recipe = preset("finetune")
    name = initial_of("finetune", recipe)
    assert name == "small"
    assert initial_of("finetune", recipe.changed({"options.widths": "8,16,32"})) is None
    classes: dict[str, tuple[str, ...]] = {"labels": ("contempt", "happy", "sad")}
    torch.manual_seed(1)
    network = new_network(recipe, classes)
    images = faces({"happy": 20, "sad": 20}).images
    PretrainedWeights(network_path(name)).put_into(network, images, classes)
    logits = predict(network, images)["labels"]
    file = open_network(network_path(name))
    known = file.run({"faces": images[:, None].astype(np.float32)})["ferplus"]
    told = np.log(known[:, [FERPLUS.index(label) for label in classes["labels"]]])
    np.testing.assert_allclose(
        np.diff(logits, axis=1), np.diff(told, axis=1) * file.card.temperatures["ferplus"], atol=0.02
    )


def test_a_first_model_may_lie_in_a_folder_that_is_called_like_a_part(tmp_path: Path) -> None:
    """``NAME/part-N`` is a part of a file; a path with such a folder is none."""
    file = tmp_path / "part-1+2" / "part-3.onnx"
    file.parent.mkdir()
    shutil.copy(network_path("small"), file)
    first = PretrainedWeights(file)
    assert (first.path, first.name) == (file, "part-3.onnx")
    checked = faces({"happy": 4, "sad": 4})
    assert _right_before(first.path, checked) == _right_before(network_path("small"), checked) is not None


def test_without_an_option_folders_become_a_model(tmp_path: Path, astronaut: np.ndarray) -> None:
    face = Image.fromarray(astronaut[30:210, 150:330])
    for number, name in enumerate(("Happiness", "sad", "neutral")):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for turn in range(6):
            face.rotate(5 * turn + number).save(tmp_path / "faces" / name / f"{turn}.png")
    words = ["--epochs", "1", "--threads", "1", "--device", "cpu"]
    done = run_mien("train", "faces/", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = done.stderr
    assert "faces: 18 images (happy 6, neutral 6, sad 6)" in told
    assert "to learn from" in told
    assert "starting from the weights of small" in told
    assert "images that it did not learn from: " in told
    assert "small as it was: right for " in told
    model = tmp_path / "runs/faces-finetune/finetune.onnx"
    assert f"mien analyze IMAGE --model {model.relative_to(tmp_path)}" in told
    card = read_card(model)
    assert card.heads == {"labels": ("happy", "neutral", "sad")}
    said = json.dumps(card.model_dump(mode="json")) + told
    for word in ("FER", "PublicTest", "PrivateTest", "votes"):
        assert word not in said.replace("as FER-2013's", ""), word
    assert open_dataset(tmp_path / "faces", size=48).labels.names == ("happy", "neutral", "sad")
    assert set(EXPRESSIONS) >= set(card.heads["labels"])
