"""Temperatures fitted to few images: no sharper than so few can show, and called uncalibrated."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

from mien.core.labels import EXPRESSIONS, FERPLUS
from mien.data import FaceDataset
from mien.data.dataset import PUBLIC_TEST
from mien.inference.card import ENOUGH, Card, InputSpec
from mien.training import calibration
from mien.training.calibration import BLEND, fit

COLUMNS = np.array([FERPLUS.index(name) for name in EXPRESSIONS])


def all_right(n: int, gap: float) -> tuple[dict[str, np.ndarray], FaceDataset]:
    """Images that both heads answer right, each answer by the same gap of logits."""
    truth = np.arange(n) % 7
    narrow, wide, votes = np.zeros((n, 7)), np.zeros((n, 8)), np.zeros((n, 10), int)
    narrow[np.arange(n), truth] = gap
    wide[np.arange(n), COLUMNS[truth]] = gap
    votes[np.arange(n), COLUMNS[truth]] = 10
    faces = FaceDataset(
        np.zeros((n, 2, 2), np.uint8), truth, votes, np.array([PUBLIC_TEST] * n, dtype="U16"), np.arange(n)
    )
    return {"fer2013": narrow, "ferplus": wide}, faces


def test_eight_right_ones_show_little() -> None:
    logits = np.array([[1.2, 0.4, 0.1], [0.2, 1.0, 0.3], [0.1, 0.5, 1.1]] * 3)[:8]
    assert 0.3 <= calibration._temperature([(logits, np.array([0, 1, 2] * 3)[:8])]) < 1


@pytest.mark.parametrize("gap", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("n", [1, 3, 8, 42, 300])
def test_no_head_and_no_blend_is_surer_than_so_many_right_answers_allow(n: int, gap: float) -> None:
    """Who is right n times out of n is right n + 1 times out of n + 2 the next time, as far as anybody knows
    (Laplace).
    """
    logits, faces = all_right(n, gap)
    found = fit(logits, faces)
    assert set(found.temperatures) == {BLEND, "fer2013", "ferplus"}
    answers = found.answers(logits)
    for head, probs in answers.items():
        assert found.temperatures[head] <= 1
        assert probs.max() <= (n + 1) / (n + 2) + 0.08, head


def test_without_an_image_nothing_is_changed() -> None:
    found = fit(*all_right(0, 1.0))
    assert set(found.temperatures.values()) == {1.0}
    assert set(found.fitted_to.values()) == {0}


def test_thousands_give_what_they_gave_without_a_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 1.5, (4000, 7))
    for sharpness in (0.6, 1.0, 2.0):
        probs = np.exp(logits * sharpness)
        labels = (
            (chance.random((4000, 1)) > (probs / probs.sum(axis=1, keepdims=True)).cumsum(axis=1))
            .sum(axis=1)
            .clip(max=6)
        )
        monkeypatch.setattr(calibration, "PRIOR", 2.0)
        held = calibration._temperature([(logits, labels)])
        monkeypatch.setattr(calibration, "PRIOR", 0.0)
        assert held == pytest.approx(calibration._temperature([(logits, labels)]), abs=1e-3)


def test_the_card_says_what_is_not_calibrated() -> None:
    given = {
        "name": "a",
        "version": "1",
        "kind": "expression",
        "summary": "",
        "parameters": 1,
        "macs": 1,
        "licence": "MIT",
    }
    spec = InputSpec(name="faces", height=48, width=48, channels=1, low=0, high=255)
    card = Card(**given, input=spec, fitted_to=fit(*all_right(42, 1.0)).fitted_to)
    assert card.uncalibrated.startswith(
        "not calibrated: temperatures were fitted to too few labelled images ("
    )
    assert "expression to 42" in card.uncalibrated
    assert Card(**given, input=spec, fitted_to={"fer2013": ENOUGH}).uncalibrated == ""
    assert Card(**given, input=spec).uncalibrated == "", "files of an earlier time did not write it down"
