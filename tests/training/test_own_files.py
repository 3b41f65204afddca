"""Files that were trained on data without splits, taken up again: calibrated and quantised by what was held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

from mien import InputError
from mien.data import FaceDataset
from mien.inference.card import read_card
from mien.models.quantization import compare, quantize
from mien.training.calibrated_file import calibrate, divided
from mien.training.export import export
from mien.training.own_data import suited
from mien.training.run import Hardware, train
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch, Lightning and ONNX Runtime's tool warn about their own parts


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[FaceDataset, Path]:
    """Data without splits, as of class folders, and a file that was trained on it."""
    data = replace(stripes(140, voted=False), splits=np.full(140, "Training"))
    folder = tmp_path_factory.mktemp("own")
    recipe = suited(replace(RECIPE, options={"widths": [4, 8], "blocks": 1}, heads=("labels",)), data)
    train(data, recipe, folder, hardware=Hardware(accelerator="cpu", threads=1))
    export(folder, data, folder / "own.onnx", "a test")
    return data, folder / "own.onnx"


def test_data_without_splits_is_divided_as_in_training(own: tuple[FaceDataset, Path], tmp_path: Path) -> None:
    data, file = own
    before = read_card(file)
    held_out = before.fitted_to["labels"]
    assert held_out == 28, "a fifth"
    copy = tmp_path / "own.onnx"
    copy.write_bytes(file.read_bytes())
    assert calibrate(copy, data).temperatures == pytest.approx(before.temperatures, rel=1e-3)
    card = quantize(file, data, tmp_path / "own-int8.onnx")
    assert card.fitted_to == before.fitted_to
    assert "96 images of the training set" in card.summary, "a multiple of 32 of the 112 that it learned from"
    [row] = compare(file, tmp_path / "own-int8.onnx", data)
    assert (row.head, row.n) == ("labels", held_out)


def test_images_that_were_learned_from_calibrate_nothing(own: tuple[FaceDataset, Path]) -> None:
    data, file = own
    card = read_card(file)
    other = card.model_copy(update={"division": {**card.division, "seed": 1}})
    with pytest.raises(InputError, match="held out different images: make one with mien data split"):
        divided(data, card, other)
    undivided = card.model_copy(update={"division": {}})
    with pytest.raises(InputError, match=r"expected data with a validation set.*the card names no others"):
        divided(data, undivided)


def test_copies_of_training_calibrate_nothing(own: tuple[FaceDataset, Path]) -> None:
    data, file = own
    twice = data.take(np.repeat(np.arange(70), 2))
    copies = replace(twice, splits=np.tile(["Training", "PublicTest"], 70))
    before = file.read_bytes()
    with pytest.raises(InputError, match="expected images in PublicTest that Training does not have"):
        calibrate(file, copies)
    assert file.read_bytes() == before
