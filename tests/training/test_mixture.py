"""Several data sets learned together: what each teaches, how often its images come, what is held out of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import run_mien

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
from mien.data import FaceDataset, write_dataset
from mien.inference.card import read_card, write_card
from mien.models.ensemble import join
from mien.models.weight_averaging import average
from mien.training.batches import Batches
from mien.training.calibrated_file import calibrate
from mien.training.calibration import BLEND, Blend, Judged, fit
from mien.training.distillation import DistillationPlan, make_views
from mien.training.export import export
from mien.training.recipe import KNOWN_DATA_SETS, NO_AUGMENTATION, MixtureEntry, Optimizer, Recipe, Split
from mien.training.run import Hardware, load_run, train
from mien.training.splits import Mixture, cut, head_labels
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
CALM = Labels(("neutral", "happy"))


def squares(n: int = 120, classes: Labels = CALM, persons: int = 30, rare: int = 4) -> FaceDataset:
    """Faces of persons: bright or dark squares, every ``rare``-th of the second class."""
    random = np.random.default_rng(1)
    labels = (np.arange(n) % rare == 0).astype(int)
    images = random.integers(0, 60, (n, 48, 48), dtype=np.uint8)
    images[:, 12:36, 12:36] += (120 + 60 * labels)[:, None, None].astype(np.uint8)
    people = np.array([f"p{number % persons}" for number in range(n)])
    splits = np.array(["Training"] * n)
    return FaceDataset(images, labels, None, splits, np.arange(n), classes, columns={"person": people})


def mixed(**changes: Any) -> Recipe:
    entry = MixtureEntry(head="ferplus", weight=0.5, group="person", held_out=0.25)
    return replace(RECIPE, mixture={"street": replace(entry, **changes)})


def test_a_data_set_teaches_its_head_alone_and_persons_stay_on_one_side() -> None:
    data, recipe = Mixture(stripes(), {"street": squares()}), mixed()
    cuts = cut(data, recipe)
    part = cuts.others["street"]
    learned, watched = (set(side.column("person").tolist()) for side in (part.training, part.validation))
    assert not learned & watched
    assert len(part.training) + len(part.validation) == 120
    assert 20 <= len(part.validation) <= 40
    batches = list(Batches(cuts.watched(), recipe))
    targets = {head: torch.cat([batch.targets[head] for batch in batches]) for head in recipe.heads}
    first = len(cuts.validation)
    assert targets["fer2013"][:first].sum(dim=1).tolist() == [1.0] * first
    assert not targets["fer2013"][first:].any()
    columns = targets["ferplus"][first:].argmax(dim=1).tolist()
    assert [FERPLUS[column] for column in columns] == part.validation.names()
    truth = torch.cat([batch.truth["street"] for batch in batches])
    assert truth.tolist() == [-1] * first + columns


@pytest.mark.parametrize(("alpha", "share"), [(1.0, 0.25), (0.5, 1 / (1 + 3**0.5)), (0.0, 0.5)])
def test_an_epoch_has_images_by_weight_and_classes_by_the_power_of_their_numbers(
    alpha: float, share: float
) -> None:
    street = squares(4000)
    recipe = mixed(alpha=alpha, weight=0.9, group="", held_out=0.01)
    cuts = cut(Mixture(stripes(2800), {"street": street}), recipe)
    batches = Batches(cuts.learned(), recipe, lambda: 0)
    epoch = list(batches)
    assert len(epoch) == len(batches)
    truth = torch.cat([batch.truth["street"] for batch in epoch])
    first = len(cuts.training)
    assert len(truth) == first + round(first * 9)
    drawn = truth[truth >= 0]
    assert len(drawn) == round(first * 9)
    happy = FERPLUS.index("happy")
    assert float((drawn == happy).float().mean()) == pytest.approx(share, abs=0.02)
    fer = torch.cat([batch.truth["fer2013"] for batch in epoch])
    assert sorted(fer[fer >= 0].tolist()) == sorted(cuts.training.expressions.tolist())
    again = torch.cat([batch.truth["street"] for batch in Batches(cuts.learned(), recipe, lambda: 0)])
    other = torch.cat([batch.truth["street"] for batch in Batches(cuts.learned(), recipe, lambda: 1)])
    assert torch.equal(truth, again)
    assert not torch.equal(truth, other)


def test_devices_share_the_batches_of_a_mixture() -> None:
    recipe = mixed()
    learned = cut(Mixture(stripes(), {"street": squares()}), recipe).learned()
    whole = list(Batches(learned, recipe, lambda: 3))
    halves = [
        list(Batches(learned, recipe, lambda: 3, lambda rank=rank: (rank, 2)))  # type: ignore[misc]
        for rank in (0, 1)
    ]
    for batch, one, two in zip(whole, *halves, strict=True):
        assert torch.equal(batch.faces[0::2], one.faces)
        assert torch.equal(batch.faces[1::2], two.faces)


def test_images_without_teachers_learn_from_their_labels_alone(tmp_path: Path) -> None:
    first = tmp_path / "teacher"
    train(stripes(), replace(RECIPE, epochs=1), first, hardware=CPU)
    views = make_views([first], stripes(), tmp_path / "views", DistillationPlan(count=2))
    recipe = mixed()
    recipe = replace(recipe, mixup=0.0, distillation=replace(recipe.distillation, share=0.5))
    data = Mixture(stripes(), {"street": squares()})
    cuts = cut(data, recipe)
    for batch in Batches(cuts.learned(), recipe, lambda: 0, views=views):
        assert torch.equal(batch.asked, batch.truth["fer2013"] >= 0)
        assert not batch.said["ferplus"][~batch.asked].any()
        assert torch.allclose(
            batch.said["ferplus"][batch.asked].exp().sum(dim=1), torch.tensor(1.0), atol=1e-2
        )
    train(data, recipe, tmp_path / "student", hardware=CPU, views=views)
    assert load_run(tmp_path / "student").kept["validation_street"] > 0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixture")
    recipe = replace(
        mixed(),
        epochs=12,
        augmentation=NO_AUGMENTATION,
        precision="32",
        optimizer=Optimizer("adam", rate=0.01),
        options={"widths": [4, 8], "blocks": 1},
    )
    data = Mixture(stripes(), {"street": squares()})
    train(data, recipe, folder, hardware=CPU)
    export(folder, data, folder / "tiny.onnx", "a test")
    return folder


def test_a_network_learns_both_data_sets_and_its_card_tells_of_them(run: Path) -> None:
    kept = load_run(run).kept
    assert kept["validation_fer2013"] > 0.9
    assert kept["validation_street"] > 0.9, "the squares are easy, and nothing else teaches them"
    card = read_card(run / "tiny.onnx")
    assert list(card.heads) == [BLEND, "fer2013", "ferplus"]
    assert card.mixture["street"]["weight"] == 0.5
    assert card.mixture["street"]["digest"] == load_run(run).recipe.mixture["street"].digest != ""
    assert "images of street (neutral, happy)" in card.training


def test_what_was_learned_is_needed_again(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    file.write_bytes((run / "tiny.onnx").read_bytes())
    before = read_card(file)
    with pytest.raises(InputError, match="no data for street: give each with --mix NAME=DATA"):
        calibrate(file, stripes())
    other = squares()
    other = replace(other, images=255 - other.images)
    with pytest.raises(InputError, match="data set street: expected the images and labels that were learned"):
        calibrate(file, Mixture(stripes(), {"street": other}))
    after = calibrate(file, Mixture(stripes(), {"street": squares()}))
    assert (after.temperatures, after.blend, after.adjustment) == (
        before.temperatures,
        before.blend,
        before.adjustment,
    )
    recipe = load_run(run).recipe
    with pytest.raises(InputError, match="no data for street"):
        train(stripes(), recipe, run, hardware=CPU)
    with pytest.raises(InputError, match="images and labels that were learned from; got others"):
        train(Mixture(stripes(), {"street": other}), recipe, run, hardware=CPU)


def test_a_head_of_its_own() -> None:
    recipe = mixed(head="", classes=("happy", "neutral"))
    data = Mixture(stripes(), {"street": squares()})
    assert head_labels(data, recipe)["street"].names == ("happy", "neutral")
    assert recipe.own_heads() == ("street",)
    watched = cut(data, recipe).watched()
    batches = list(Batches(watched, recipe))
    told = torch.cat([batch.targets["street"] for batch in batches])
    assert told.shape[1] == 2
    happy = [name == "happy" for name in watched.others["street"].names()]
    assert (told[len(watched.first) :, 0] == 1).tolist() == happy


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weight": 1.0}, "weight of a data set in a mixture above 0 and below 1; got 1.0"),
        ({"weight": 0.0}, "weight of a data set in a mixture above 0 and below 1; got 0.0"),
        ({"held_out": 1.5}, "held_out of a data set in a mixture"),
        ({"alpha": 2.0}, "alpha of a data set in a mixture from 0 to 1; got 2.0"),
        ({"center_crop": 0.0}, "center_crop of a data set above 0"),
        (
            {"classes": ("neutral", "bored")},
            "data set street: expected classes out of neutral, happy; got bored",
        ),
        ({"group": "persona"}, "person"),
    ],
)
def test_entries_that_cannot_be(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        cut(Mixture(stripes(), {"street": squares()}), mixed(**changes))


def test_mixtures_that_cannot_be() -> None:
    entry = MixtureEntry(head="ferplus", weight=0.5)
    with pytest.raises(
        InputError, match=r"weights of the data sets in a mixture that sum to less than 1.*got 1"
    ):
        Recipe(mixture={"one": entry, "two": entry})
    with pytest.raises(InputError, match="expected another name than fer2013, ferplus, labels"):
        Recipe(mixture={"ferplus": entry})
    with pytest.raises(
        InputError, match="the head ferplus, which the data set one teaches, among heads; got fer2013"
    ):
        Recipe(heads=("fer2013",), mixture={"one": entry})
    strange = squares(classes=Labels(("neutral", "bored")))
    with pytest.raises(InputError, match=r"classes of the head ferplus, .*; got bored too: choose with"):
        cut(Mixture(stripes(), {"street": strange}), mixed())
    cut(Mixture(stripes(), {"street": strange}), mixed(head=""))
    with pytest.raises(InputError, match="no data for street"):
        cut(stripes(), mixed())
    with pytest.raises(InputError, match="got street too"):
        cut(Mixture(stripes(), {"street": squares()}), RECIPE)
    one_class = squares()
    one_class = one_class.take(one_class.expressions == 0)
    with pytest.raises(InputError, match=r"data set street.*none of happy"):
        cut(Mixture(stripes(), {"street": one_class}), mixed(group="", classes=("neutral", "happy")))


def test_persons_on_both_sides_are_refused() -> None:
    data = squares()
    splits = np.array(["Training", "PublicTest"])[(np.arange(len(data)) % 4 == 3).astype(int)]
    divided = replace(data, splits=splits)
    with pytest.raises(
        InputError, match=r"data set street: expected each person in one split alone; .*in several"
    ):
        cut(Mixture(stripes(), {"street": divided}), mixed())
    assert (
        len(cut(Mixture(stripes(), {"street": divided}), mixed(group="")).others["street"].validation) == 30
    )


def test_the_blend_weighs_classes_and_data_sets_alike() -> None:
    """The head ferplus misses the rare classes by a prior; taking it off is right for both sets."""
    random = np.random.default_rng(0)
    n, rare = 4000, 3
    labels = random.choice(7, n, p=[0.02, 0.02, 0.02, 0.3, 0.02, 0.02, 0.6])
    columns = np.array([FERPLUS.index(name) for name in EXPRESSIONS])
    evidence = random.normal(0, 1, (n, 7)) + 2.0 * np.eye(7)[labels]
    wide = np.full((n, 8), -20.0)
    prior = np.log(np.bincount(labels, minlength=7) / n)
    wide[:, columns] = 2 * evidence + prior
    votes = np.zeros((n, 10), int)
    votes[np.arange(n), columns[labels]] = 10
    images = np.zeros((n, 2, 2), np.uint8)
    data = FaceDataset(images, labels, votes, np.array(["PublicTest"] * n), np.arange(n))
    logits = {"fer2013": 2 * evidence + prior, "ferplus": wide}
    found = fit(logits, data).blend
    assert found is not None
    assert 0.5 <= found.adjustment <= 1.0
    # Further data whose labels agree with no adjustment at all pulls it down.
    others = [
        Judged(logits, replace(data, expressions=wide[:, columns].argmax(axis=1), votes=None), "ferplus")
    ]
    pulled = fit(logits, data, others * rare).blend
    assert pulled is not None
    assert pulled.adjustment < found.adjustment
    answers = fit(logits, data, blend=Blend(0.0, 1.0)).answers(logits)[BLEND].argmax(axis=1)
    assert (answers == evidence.argmax(axis=1)).mean() > 0.99


def test_the_command_line_mixes_and_resumes(tmp_path: Path) -> None:
    write_dataset(stripes(), tmp_path / "stripes.parquet")
    write_dataset(squares(), tmp_path / "street.parquet")
    command = [
        *(
            "train",
            str(tmp_path / "stripes.parquet"),
            "--preset",
            "small",
            "--run",
            str(tmp_path / "run"),
            "--epochs",
            "1",
        ),
        *("--set", "options.widths=4,8", "--set", "options.blocks=1", "--threads", "1", "--device", "cpu"),
    ]
    mix = ["--mix", f"street={tmp_path / 'street.parquet'}"]
    sets = ["--set", "mixture.street.head=ferplus", "--set", "mixture.street.group=person"]
    done = run_mien(*command, *mix, *sets)
    assert done.returncode == 0, done.stderr
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert recipe["mixture"]["street"]["head"] == "ferplus"
    assert recipe["mixture"]["street"]["digest"]
    card = read_card(tmp_path / "run" / "small.onnx")
    assert card.made_with.endswith("--mix street=street.parquet")
    gone = run_mien(*command, *sets)
    assert gone.returncode == 2
    assert (
        "expected --mix NAME=DATA for street, which is learned from too; got none for street" in gone.stderr
    )
    twice = run_mien(*command, *mix, *mix, *sets)
    assert "expected each data set of --mix once; got street twice" in twice.stderr
    wrong = run_mien(*command, "--mix", "street.parquet")
    assert "expected --mix NAME=DATA, such as everyday=everyday.parquet; got 'street.parquet'" in wrong.stderr


def test_recipes_keep_their_mixture(tmp_path: Path) -> None:
    recipe = Recipe(split=Split("clean")).changed(
        {"mixture.cafe.weight": "0.3", "mixture.cafe.classes": "neutral,happy", "mixture.everyday.alpha": "1"}
    )
    assert recipe.mixture["cafe"] == MixtureEntry(weight=0.3, classes=("neutral", "happy"))
    assert recipe.mixture["everyday"] == replace(KNOWN_DATA_SETS["everyday"], alpha=1.0)
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe
    with pytest.raises(InputError, match="expected a part of a recipe"):
        recipe.changed({"mixture.cafe.wieght": "0.3"})


def test_joined_networks_tell_of_all_that_their_parts_learned_from(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((run / "tiny.onnx").read_bytes())
    write_card(alone, read_card(alone).model_copy(update={"mixture": {}}))
    data = Mixture(stripes(), {"street": squares()})
    for parts in ([alone, run / "tiny.onnx"], [run / "tiny.onnx", alone]):
        for card in (join(parts, data, tmp_path / "both.onnx"), average(parts, data, tmp_path / "mean.onnx")):
            assert card.mixture == read_card(run / "tiny.onnx").mixture
            assert card.mixture["street"]["head"] == "ferplus"
        with pytest.raises(InputError, match="no data for street"):
            join(parts, stripes(), tmp_path / "both.onnx")
