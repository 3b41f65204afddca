"""Recipes and presets: what they say is what PyTorch gets, and what the papers state."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import InputError

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

import torch

from mien.data import FaceDataset, clean_training, leak_free
from mien.training.augment import augment
from mien.training.batches import Batches
from mien.training.comparison import variants
from mien.training.optimizers import create_optimizer, create_schedules
from mien.training.presets import PRESETS, preset, table
from mien.training.recipe import NO_AUGMENTATION, Augmentation, Optimizer, Recipe, Schedule, Split
from mien.training.splits import cut, head_labels
from tests.training.stripes import stripes

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build_and_are_read_back(name: str, tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")
    from mien.training.run import new_network

    recipe = preset(name)
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe
    network = new_network(
        recipe, {head: labels.names for head, labels in head_labels(stripes(14), recipe).items()}
    )
    assert list(network.eval()(torch.zeros(2, 1, 48, 48))) == list(recipe.heads)


def test_presets_are_as_stated() -> None:
    monyok, kalu, spittlemeister = preset("monyok"), preset("kalu"), preset("spittlemeister")
    assert monyok.epochs == 50
    assert preset("holman").arch == "gudi"
    assert (kalu.epochs, kalu.schedule.name, kalu.keep) == (10, "plateau", "best")
    assert (
        spittlemeister.batch,
        spittlemeister.epochs,
        spittlemeister.patience,
        spittlemeister.optimizer.name,
    ) == (200, 50, 5, "adam")
    assert (spittlemeister.split.policy, spittlemeister.split.share) == ("first", 0.3)
    speed = preset("speed")
    assert (speed.split, speed.arch, speed.heads) == (Split("official"), "residual", ("fer2013", "ferplus"))


def test_the_page_has_the_presets() -> None:
    assert table() in (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"), table()


def test_what_cannot_be_compared_is_refused_before_the_first_training() -> None:
    with pytest.raises(InputError, match=r"expected arch out of .*; got 'smal'"):
        variants(preset("monyok"), [], ["monyok", "smal"], [])


def test_changes_are_checked() -> None:
    recipe = Recipe().changed({"options.widths": [16, 32, 48], "options.blocks": 1})
    options = recipe.changed(
        {"heads": "ferplus", "split.everything": "true", "options.dropout": "0.1", "options.blocks": "1,1,2"}
    ).options
    assert options == {"widths": [16, 32, 48], "dropout": 0.1, "blocks": [1, 1, 2]}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"optimiser.rate": 1}, "expected a part of a recipe"),
        ({"epochs": "many"}, "expected epochs to be like 64"),
        ({"epochs": 0}, "at least 1 epoch"),
        ({"arch": "small"}, "expected arch out of gudi, kalu"),
        ({"optimizer.name": "lion"}, "expected optimizer.name out of sgd, rmsprop, adam, adamw"),
        ({"split.policy": "dirty"}, "expected split.policy out of clean, official"),
        ({"heads": "votes"}, "expected heads out of"),
        ({"optimizer.rate": -1}, "above 0"),
        ({"ema": 1.5}, "below 1"),
        ({"options.widths": "4,b"}, r"options.widths to be like .16, 32, 48.; got .4, 'b'."),
        ({"options.blocks": "1,b"}, r"options.blocks to be like 1; got .1, 'b'."),
    ]
    for changes, message in cases:
        with pytest.raises(InputError, match=message):
            recipe.changed(changes)
    with pytest.raises(InputError, match="expected a preset out of small, finetune, nano"):
        preset("huge")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
    ],
)
def test_optimizers_are_those_of_pytorch(name: str, kind: type) -> None:
    weights = [torch.nn.Parameter(torch.zeros(2))]
    made = create_optimizer(
        weights,
        Optimizer(
            name, rate=0.1, momentum=0.9 if name == "sgd" else 0.0, nesterov=name == "sgd", weight_decay=0.01
        ),
    )
    assert type(made) is kind
    assert (made.param_groups[0]["lr"], made.param_groups[0]["weight_decay"]) == (0.1, 0.01)


@pytest.mark.parametrize("name", ["constant", "linear", "plateau", "cosine", "one-cycle"])
@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_schedules_are_those_of_pytorch(name: str, warmup: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=1.0)
    schedules = create_schedules(optimizer, Schedule(name, warmup=warmup, patience=0, factor=0.5), 50)
    assert type(schedules.step).__module__ == "torch.optim.lr_scheduler"
    rates = []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedules.step.step()
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert (rates[0] < 0.2) == bool(warmup or name == "one-cycle")
    assert (rates[-1] < 0.2) == (name in ("linear", "cosine", "one-cycle"))
    assert (schedules.plateau is not None) == (name == "plateau")
    if schedules.plateau is not None:
        schedules.plateau.step(1.0)
        schedules.plateau.step(1.0)
        assert optimizer.param_groups[0]["lr"] == 0.5


def test_policies_cut_as_they_say() -> None:
    data = stripes()
    training = data.split("Training")
    clean = cut(data, Recipe())
    assert len(clean.training) == len(clean_training(data))
    assert len(clean.validation) == len(leak_free(data, "PublicTest"))
    assert len(cut(data, Recipe(split=Split("official"))).training) == len(training)
    first = cut(data, Recipe(split=Split("first", share=0.3)))
    assert len(first.training) == round(0.7 * len(training))
    assert first.validation.rows.min() > first.training.rows.max()
    dealt = [cut(data, Recipe(split=Split("stratified", seed=seed))) for seed in (0, 0, 1)]
    assert (
        dealt[0].training.rows.tolist() == dealt[1].training.rows.tolist() != dealt[2].training.rows.tolist()
    )
    assert set(dealt[0].training.splits) == {"Training"}
    assert set(dealt[0].training.rows) | set(dealt[0].validation.rows) == set(training.rows)


def test_data_that_cannot_be_learned_from() -> None:
    data = stripes()
    with pytest.raises(InputError, match="there is none of happy"):
        cut(data.take(data.expressions != 3), Recipe())
    with pytest.raises(InputError, match="got 3 images for 7 classes"):
        cut(data.take(np.array([0, 1, 2, *range(160, 200)])), Recipe())
    with pytest.raises(InputError, match=r"expected FER\+ votes for the head ferplus"):
        cut(stripes(voted=False), Recipe())
    with pytest.raises(InputError, match="take --split-policy held-out"):
        cut(data.split("Training"), Recipe())
    small = FaceDataset(data.images[:, :40, :40], data.expressions, data.votes, data.splits, data.rows)
    with pytest.raises(InputError, match="48x48 px; got 40x40"):
        cut(small, Recipe())


def test_batches_come_in_an_order_of_seed_and_epoch_and_are_shared_out() -> None:
    data = stripes().split("Training")
    epoch = [1]
    recipe = Recipe(batch=53)
    whole = Batches(data, recipe, lambda: epoch[0])
    first, again = ([batch.faces for batch in whole] for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert [len(faces) for faces in first] == [53, 53, 54], "a last batch of one image joins the one before"
    halves = [
        list(Batches(data, recipe, lambda: epoch[0], partial(tuple[int, int], (rank, 2)))) for rank in (0, 1)
    ]
    assert sum(len(batch.faces) for half in halves for batch in half) == len(data)
    assert torch.equal(halves[0][0].faces, first[0][::2])
    epoch[0] = 2
    assert not torch.equal(first[0], next(iter(whole)).faces)


def test_balanced_sampling_shows_every_class_alike() -> None:
    data = stripes(700)
    data = data.take((data.expressions != 1) | (np.arange(700) % 5 == 0))
    truth = torch.cat(
        [batch.truth["fer2013"] for batch in Batches(data, Recipe(balance="sampling"), lambda: 0)]
    )
    assert truth.bincount(minlength=7).min() > 0.6 * len(truth) / 7


def test_augmentation_is_seeded_and_stays_in_range() -> None:
    images = torch.rand(8, 1, 48, 48) * 255
    first, second = (augment(images, Augmentation(), torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augment(images, Augmentation(), torch.Generator().manual_seed(6)))
    assert first.shape == images.shape
    assert first.min() >= 0
    assert first.max() <= 255.01
    assert augment(images, NO_AUGMENTATION, torch.Generator()) is images


@pytest.mark.parametrize("name", ["noise", "motion", "compress", "cover"])
def test_poor_images_are_seeded_and_keep_their_side(name: str) -> None:
    smooth = (
        torch.nn.functional.interpolate(torch.rand(40, 1, 6, 6), size=(48, 48), mode="bicubic").clamp(0, 1)
        * 255
    )
    half = replace(NO_AUGMENTATION, **{name: 0.5})
    first, second = (augment(smooth, half, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == smooth.shape
    assert first.min() >= 0
    assert first.max() <= 255.01
    changed = (first != smooth).flatten(1).any(dim=1)
    assert 8 < int(changed.sum()) < 32
    nothing = augment(smooth, replace(NO_AUGMENTATION, **{name: 1e-9}), torch.Generator().manual_seed(5))
    assert torch.equal(nothing, smooth)


def test_a_cover_is_one_tone_from_side_to_side_and_leaves_the_rest() -> None:
    faces = torch.rand(200, 1, 48, 48) * 255
    covered = augment(faces, replace(NO_AUGMENTATION, cover=1.0), torch.Generator().manual_seed(3))
    hidden = (covered != faces).all(dim=3)[:, 0]
    rows = hidden.sum(dim=1)
    assert rows.min() >= 1
    assert rows.max() <= 25
    masks = hidden[:, -1]
    assert 70 < int(masks.sum()) < 130
    assert int(hidden[~masks].nonzero()[:, 1].max()) < 30  # Bars stay in the upper half, where the eyes are.
    for face, band in zip(covered, hidden, strict=True):
        places = band.nonzero().flatten()
        assert len(places) == places.max() - places.min() + 1
        assert len(face[0, band].unique()) == 1
    assert torch.equal(
        covered[~hidden[:, None, :, None].expand_as(faces)], faces[~hidden[:, None, :, None].expand_as(faces)]
    )


def test_motion_smears_noise_disturbs_and_compression_keeps_flat_blocks() -> None:
    checks = torch.full((4, 1, 48, 50), 100.0)
    checks[..., ::2, ::2] = checks[..., 1::2, 1::2] = 150.0
    every = {
        name: augment(checks, replace(NO_AUGMENTATION, **{name: 1.0}), torch.Generator().manual_seed(3))
        for name in ("noise", "motion", "compress")
    }
    assert every["motion"].std() < 0.8 * checks.std()
    assert every["noise"].std() > checks.std()
    assert every["compress"].mean() == pytest.approx(125, abs=8)
    flat = torch.full((2, 1, 48, 48), 128.0)
    torch.testing.assert_close(
        augment(flat, replace(NO_AUGMENTATION, compress=1.0), torch.Generator()), flat, atol=1e-3, rtol=0
    )
