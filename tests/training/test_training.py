"""From faces to a network file: what training says when it goes wrong, and that the file says what PyTorch
says.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import run_mien

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError, Pipeline
from mien.data import FaceDataset, write_dataset
from mien.inference.card import read_card
from mien.inference.onnx_session import open_network
from mien.models.test_set import judge_private, open_private, scores_of
from mien.training.callbacks import Silence
from mien.training.export import export
from mien.training.module import ExpressionModule
from mien.training.presets import preset
from mien.training.recipe import NO_AUGMENTATION, Optimizer, Schedule
from mien.training.run import Hardware, load_run, new_network, train
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
EASY = replace(
    RECIPE,
    epochs=14,
    augmentation=NO_AUGMENTATION,
    precision="32",
    optimizer=Optimizer("adam", rate=0.01),
    options=RECIPE.options,
)


class Listener(Silence):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, remark: str) -> None:
        self.said.append(remark)


@pytest.fixture(scope="module")
def two_heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    train(stripes(), EASY, folder, hardware=CPU)
    export(folder, stripes(), folder / "tiny.onnx", "a test")
    return folder


def test_two_heads_give_three_results(two_heads: Path) -> None:
    file = two_heads / "tiny.onnx"
    card = read_card(file)
    assert card.summary.startswith("Residual network over one gray face.")
    assert list(card.heads) == ["expression", "fer2013", "ferplus"]
    assert card.parameters == sum(weights.numel() for weights in load_run(two_heads).network.parameters())
    images = stripes().images[:5, None].astype(np.float32)
    with torch.no_grad():
        logits = (
            load_run(two_heads).network(torch.from_numpy(images))["fer2013"] / card.temperatures["fer2013"]
        )
    network = open_network(file, threads=1)
    assert np.allclose(network.run({"faces": images})["fer2013"], logits.softmax(dim=1).numpy(), atol=1e-4)
    scores = scores_of(judge_private(str(file), stripes()), stripes())
    assert {score.labels for score in scores} == {"the data's own", "FER+"}
    assert scores[0].accuracy > 0.8, "stripes are easy"


def test_the_folder_of_a_run(two_heads: Path) -> None:
    names = {"recipe.json", "history.csv", "curves.png", "last.ckpt", "best.ckpt", "tiny.onnx"}
    assert {path.name for path in two_heads.iterdir()} == names
    header, *rows = (two_heads / "history.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith(
        "epoch,learning_rate,train_loss,train_fer2013,train_ferplus,validation_loss,validation_fer2013,validation_fer2013_f1"
    )
    assert len(rows) == EASY.epochs


def test_opening_the_test_set_is_logged(two_heads: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    file.write_bytes((two_heads / "tiny.onnx").read_bytes())
    line = open_private(str(file), stripes(), tmp_path / "private.log")
    assert (tmp_path / "private.log").read_text(encoding="utf-8") == line + "\n"
    scores = read_card(file).scores
    assert len(scores) == 8
    digest = file.read_bytes()
    (tmp_path / "again.onnx").write_bytes(digest)
    together = open_private(f"{file}+{tmp_path / 'again.onnx'}", stripes(), tmp_path / "private.log")
    assert "tiny.onnx" in together
    assert "again.onnx" in together
    assert together.split(": ", 1)[1] == line.split(": ", 1)[1], (
        "a network together with itself says what it says alone"
    )
    assert (tmp_path / "private.log").read_text(encoding="utf-8") == f"{line}\n{together}\n"
    assert file.read_bytes() == digest, "scores of several are no card's"


def test_one_head_serves_the_main_job(tmp_path: Path) -> None:
    data = stripes(voted=False)
    recipe = replace(
        EASY,
        heads=("fer2013",),
        arch="monyok",
        options={},
        optimizer=Optimizer("adam", rate=1e-3),
        epochs=4,
    )
    train(data, recipe, tmp_path, hardware=CPU)
    export(tmp_path, data, tmp_path / "one.onnx", "a test")
    pipeline = Pipeline("whole", tmp_path / "one.onnx", threads=1)
    answers = pipeline([np.repeat(image[..., None], 3, axis=2) for image in data.images[:14]])
    assert (
        np.mean(
            [found.probs.argmax() == label for found, label in zip(answers, data.expressions, strict=False)]
        )
        > 0.8
    )


def test_a_loss_that_is_not_a_number_stops_and_keeps_what_was_good(tmp_path: Path) -> None:
    recipe = replace(EASY, epochs=3, schedule=Schedule("constant"))
    train(stripes(), recipe, tmp_path, hardware=CPU)
    wild = replace(recipe, optimizer=Optimizer("sgd", rate=1e30))
    with pytest.raises(
        InputError,
        match=r"epoch 1, step \d+: expected a finite loss; got (nan|inf): start again in a new folder with a lower rate",
    ):
        train(stripes(), wild, tmp_path / "wild", hardware=CPU)
    assert not (tmp_path / "wild" / "last.ckpt").exists()
    assert load_run(tmp_path).history


def test_a_collapse_is_remarked() -> None:
    classes = {"fer2013": stripes().labels.names}
    lesson = ExpressionModule(
        new_network(replace(RECIPE, heads=("fer2013",)), classes),
        replace(RECIPE, heads=("fer2013",)),
        classes,
    )
    truth = torch.tensor([3] * 25 + [0, 1, 2, 4, 5, 6] * 12)
    lesson.confusion["fer2013"].update(torch.full_like(truth, 3), truth)
    assert "collapsed onto one class: 100 % of its answers are happy" in lesson._collapse("fer2013")
    lesson.confusion["fer2013"].reset()
    lesson.confusion["fer2013"].update(truth, truth)
    assert lesson._collapse("fer2013") == ""


def test_the_loss_is_the_mean_over_rows_with_a_target() -> None:
    heads = {"fer2013": ("a", "b"), "ferplus": ("a", "b")}
    lesson = ExpressionModule(torch.nn.Linear(1, 1), RECIPE, heads)
    outputs = {head: torch.tensor([[2.0, 0.0], [0.0, 1.0]]) for head in heads}
    targets = {"fer2013": torch.eye(2), "ferplus": torch.tensor([[0.5, 0.5], [0.0, 0.0]])}
    logs = outputs["fer2013"].log_softmax(dim=1)
    expected = -(logs[0, 0] + logs[1, 1]) / 2 - logs[0].mean()
    assert float(lesson.loss(outputs, targets)) == pytest.approx(float(expected))


def test_the_moving_average_of_a_short_training_is_not_where_it_began() -> None:
    network = torch.nn.Linear(1, 1)
    recipe = replace(RECIPE, ema=0.998, heads=("fer2013",))
    lesson = ExpressionModule(network, recipe, {"fer2013": ("a", "b")})
    for step in range(1, 6001):
        torch.nn.init.constant_(network.weight, step)
        lesson.average.update_parameters(network)
        averaged: Any = lesson.average.module
        kept = float(averaged.weight)
        if step == 100:
            assert 80 < kept < 100
    assert kept == pytest.approx(6000 - 0.998 / 0.002, abs=5), (
        "in long ones it looks back as far as was asked"
    )


@pytest.mark.parametrize("name", ["weights", "sampling"])
def test_balance_and_smoothing_train(name: str, tmp_path: Path) -> None:
    train(stripes(), replace(RECIPE, epochs=1, balance=name, label_smoothing=0.1), tmp_path, hardware=CPU)
    assert len(load_run(tmp_path).history) == 1


def test_the_commands(tmp_path: Path) -> None:
    data = tmp_path / "faces.csv"
    write_dataset(stripes(voted=False), data)
    tiny = [
        "--set",
        "heads=fer2013",
        "--set",
        "options.widths=4,8",
        "--set",
        "options.blocks=1",
        "--epochs",
        1,
        "--threads",
        1,
        "--device",
        "cpu",
    ]
    done = run_mien("train", data, "--run", tmp_path / "run", *tiny, "-o", tmp_path / "tiny.onnx")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "epoch 1/1  loss" in done.stderr
    assert "mien train faces.csv --preset finetune" in read_card(tmp_path / "tiny.onnx").made_with
    compared = run_mien(
        "models",
        "compare",
        data,
        "--output",
        tmp_path / "compared",
        *tiny,
        "--optimizers",
        "sgd,adam",
        "--format",
        "json",
    )
    assert compared.returncode == 0, compared.stderr
    lines = json.loads(compared.stdout)
    assert [line["optimizer"] for line in lines] == ["sgd 0.05", "adam 0.001"]
    assert all(line["low"] <= line["accuracy"] <= line["high"] and line["n"] == 40 for line in lines)
    assert (tmp_path / "compared" / "comparison.png").stat().st_size > 10_000
    refused = run_mien("train", data, "--run", tmp_path / "run", *tiny, "--seed", 2)
    assert refused.returncode == 2
    told, error = refused.stderr.splitlines()
    assert told.startswith("faces.csv: 280 images")
    assert "a run of another recipe" in error


def test_images_of_other_sizes_are_brought_to_that_of_the_networks(tmp_path: Path) -> None:
    from PIL import Image

    data = stripes(voted=False)
    for row, (image, name, split) in enumerate(zip(data.images, data.names(), data.splits, strict=True)):
        folder = tmp_path / "faces" / split / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((60 + row % 3, 60 + row % 3)).save(folder / f"{row}.png")
    words = [
        "--set",
        "heads=fer2013",
        "--set",
        "options.widths=4,8",
        "--set",
        "options.blocks=1",
        "--epochs",
        1,
        "--threads",
        1,
    ]
    done = run_mien(
        "train",
        tmp_path / "faces",
        "--preset",
        "small",
        "--run",
        tmp_path / "run",
        *words,
        "--device",
        "cpu",
        "--split-policy",
        "official",
    )
    assert done.returncode == 0, done.stderr
    card = read_card(tmp_path / "run" / "small.onnx")
    assert "FER-2013" not in card.rights
    assert "searched for" not in card.summary
    assert card.licence == "not stated"
    done = run_mien(
        "models",
        "test",
        tmp_path / "run" / "small.onnx",
        tmp_path / "faces",
        "--log",
        tmp_path / "opened.log",
    )
    assert done.returncode == 0, done.stderr
    assert "PrivateTest, official, the data's own, head fer2013" in (tmp_path / "opened.log").read_text(
        encoding="utf-8"
    )


def test_help_loads_no_torch() -> None:
    program = "import sys; sys.argv = ['mien', 'train', '--help']\nfrom mien.cli.app import app\ntry: app(standalone_mode=False)\nfinally: "
    done = subprocess.run(
        [sys.executable, "-c", program + "print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_a_card_speaks_of_fer2013_where_the_data_is(two_heads: Path, tmp_path: Path) -> None:
    data = stripes()
    assert "FER-2013" not in read_card(two_heads / "tiny.onnx").rights
    held_out = [
        np.resize(np.flatnonzero(data.splits == split), 3589) for split in ("PublicTest", "PrivateTest")
    ]
    as_large = data.take(np.concatenate([np.flatnonzero(data.splits == "Training"), *held_out]))
    card = export(two_heads, as_large, tmp_path / "tiny.onnx", "a test")
    assert "FER-2013" in card.rights
    assert "what an image would have been searched for" in card.summary
    assert card.licence == "MIT"


def test_real_faces(fer2013: FaceDataset, tmp_path: Path) -> None:
    data, parts = fer2013, {"Training": 24, "PublicTest": 8, "PrivateTest": 4}
    some = [
        np.flatnonzero((data.splits == name) & (data.expressions == one))[:n]
        for name, n in parts.items()
        for one in range(7)
    ]
    recipe = replace(preset("speed"), epochs=1)
    train(data.take(np.concatenate(some)), recipe, tmp_path, hardware=CPU)
    row = load_run(tmp_path).history[0]
    assert 0 < row["validation_fer2013"] < 1
    assert row["train_loss"] < 5
