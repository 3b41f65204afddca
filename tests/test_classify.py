"""The classifier feeds a network what its card asks for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from mien.inference.card import read_card, write_card
from mien.inference.classifier import Classifier
from mien.inference.onnx_session import open_network
from mien.inference.weights import network_path


def test_the_range_of_the_card_is_kept(tmp_path: Path) -> None:
    """A card that says black is 255 makes the network see the image's negative."""
    path = tmp_path / "negative.onnx"
    shutil.copyfile(network_path("small"), path)
    card = read_card(path)
    write_card(
        path, card.model_copy(update={"input": card.input.model_copy(update={"low": 255.0, "high": 0.0})})
    )
    crops = np.random.default_rng(0).integers(0, 256, (70, 1, 48, 48)).astype(np.float32)
    usual = Classifier(open_network(network_path("small"), threads=1))
    negative = Classifier(open_network(path, threads=1))
    np.testing.assert_allclose(negative.probabilities(255 - crops), usual.probabilities(crops), atol=1e-6)
    assert np.abs(negative.probabilities(crops) - usual.probabilities(crops)).max() > 0.1
