"""Papers repeated: that trainings resume, measures are what they say, and the page says what the files
say.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

from sklearn.metrics import accuracy_score, f1_score

from mien import InputError
from mien.reproduction import PAPERS, Repetition, paper, repeat
from mien.reproduction.measures import MEANING, measures
from mien.reproduction.page import claims_rows, markdown, runs_rows
from mien.reproduction.repetition import recipes_of
from mien.training.callbacks import Silence
from mien.training.presets import PRESETS
from mien.training.run import Hardware
from tests.training.stripes import stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
DOCS = Path(__file__).parents[2] / "docs"


class Counter(Silence):
    """Counts the epochs that are trained."""

    epochs = 0

    def epoch(self, row: dict[str, float]) -> None:
        Counter.epochs += 1


@pytest.fixture(scope="module")
def small_repetition(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Repetition]:
    folder = tmp_path_factory.mktemp("holman")
    recipes = recipes_of(paper("holman"), [1], lambda recipe: replace(recipe, epochs=2, arch="monyok"))
    return folder, repeat(paper("holman"), stripes(), folder, recipes, lambda name, recipe: Counter(), CPU)


def test_every_claim_has_a_measure_and_every_paper_a_preset() -> None:
    for entry in PAPERS.values():
        assert entry.preset in PRESETS
        for claim in entry.claims:
            assert claim.measure in MEANING or claim.measure.startswith("second_guess ")
            assert 0 < claim.published < 1


def test_one_training_per_optimizer_and_seed() -> None:
    recipes = recipes_of(paper("holman"), [3, 4])
    assert list(recipes) == [f"seed-{seed}/{name}" for seed in (3, 4) for name in ("sgd", "rmsprop", "adam")]
    assert {(recipe.seed, recipe.optimizer.name) for recipe in recipes.values()} == {
        (seed, name) for seed in (3, 4) for name in ("sgd", "rmsprop", "adam")
    }
    assert len(recipes_of(paper("monyok"))) == 3


def test_a_repetition_reads_back_and_does_not_train_twice(small_repetition: tuple[Path, Repetition]) -> None:
    folder, repetition = small_repetition
    assert Repetition.load(folder / "result.json") == repetition
    Counter.epochs = 0
    recipes = recipes_of(paper("holman"), [1], lambda recipe: replace(recipe, epochs=2, arch="monyok"))
    assert (
        repeat(paper("holman"), stripes(), folder, recipes, lambda name, recipe: Counter(), CPU) == repetition
    )
    assert Counter.epochs == 0


def test_the_confusion_matrix_and_the_measures_agree(small_repetition: tuple[Path, Repetition]) -> None:
    for run in small_repetition[1].runs:
        matrix = np.array(run.confusion)
        assert matrix.sum() == (stripes().splits == "PrivateTest").sum()
        assert run.measures["private_test"] == pytest.approx(np.trace(matrix) / matrix.sum())
        assert run.measures["test_over_training"] == pytest.approx(
            run.measures["private_test"] / run.measures["training"]
        )


def test_measures_are_scikit_learns() -> None:
    data = stripes()
    probs = np.random.default_rng(1).dirichlet(np.ones(7), len(data)).astype(np.float32)
    answers = probs.argmax(axis=1)
    found = measures(probs, data, data.rows[:100], data.rows[100:160])
    test = data.splits == "PrivateTest"
    assert found["training"] == pytest.approx(accuracy_score(data.expressions[:100], answers[:100]))
    assert found["validation"] == pytest.approx(accuracy_score(data.expressions[100:160], answers[100:160]))
    assert found["whole_set"] == pytest.approx(accuracy_score(data.expressions, answers))
    assert found["macro_f1"] == pytest.approx(
        f1_score(data.expressions[test], answers[test], average="macro")
    )
    second = np.argsort(-probs, axis=1)[:, 1]
    pair = test & (answers == 5) & (data.expressions == 0)
    if pair.any():
        told = f"second_guess {data.labels[5]}/{data.labels[0]}"
        assert found[told] == pytest.approx((second == data.expressions)[pair].mean())


def test_tables_put_the_published_figure_beside_ours(small_repetition: tuple[Path, Repetition]) -> None:
    [_, claim] = claims_rows(small_repetition[1])
    assert claim[1] == "86.0 %"
    assert f"{100 * np.mean(small_repetition[1].values('whole_set')):.1f} %" in claim[2]
    assert len(runs_rows(small_repetition[1])) == 4


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a paper out of monyok, holman"):
        paper("gudi")
    with pytest.raises(InputError, match="expected a split out of"):
        repeat(paper("monyok"), stripes().split("Training"), tmp_path, {}, lambda name, recipe: Silence())
    (tmp_path / "result.json").write_text(json.dumps({"paper": "monyok"}))
    with pytest.raises(InputError, match="expected the result of mien reproduce"):
        Repetition.load(tmp_path / "result.json")


@pytest.mark.parametrize("name", PAPERS)
def test_the_page_says_what_the_results_say(name: str) -> None:
    page = (DOCS / "reproduction.md").read_text(encoding="utf-8")
    repetition = Repetition.load(DOCS / "reproduction" / name / "result.json")
    assert markdown(claims_rows(repetition)) in page
    assert markdown(runs_rows(repetition)) in page
