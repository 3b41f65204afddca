"""The same training several times with one thing changed: histories, and a table with intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.data.dataset import FaceDataset
from mien.metrics import wilson
from mien.training.batches import Batches
from mien.training.callbacks import Row
from mien.training.recipe import Optimizer, Recipe
from mien.training.run import load_run
from mien.training.splits import Mixture, cut

_RATES = {"sgd": 0.01, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3}


@dataclass(frozen=True)
class RunRow:
    """One run in the table.

    Args:
        run: Its name.
        arch: Which architecture.
        optimizer: Which optimizer, and its rate.
        seed: Its seed.
        epochs: How many there were.
        epoch: The one whose weights are kept.
        accuracy: Of the first head on the watched images, at that epoch.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
        n: How many images.
        macro_f1: At that epoch.
        train_accuracy: At that epoch.
    """

    run: str
    arch: str
    optimizer: str
    seed: int
    epochs: int
    epoch: int
    accuracy: float
    low: float
    high: float
    n: int
    macro_f1: float
    train_accuracy: float

    def facts(self) -> dict[str, Any]:
        """As a row of a file."""
        return asdict(self)


def variants(recipe: Recipe, optimizers: list[str], archs: list[str], seeds: list[int]) -> dict[str, Recipe]:
    """One recipe per optimizer, architecture or seed, by name; several of these lists make every combination.

    An optimizer other than the recipe's own starts at a usual rate (SGD .01 with momentum .9, the others
    .001) and without what belongs to another: rates do not carry over.

    Raises:
        InputError: Nothing to compare.
    """
    if len(optimizers) + len(archs) + len(seeds) == 0:
        raise InputError(
            "expected something to compare: --optimizers sgd,adam, --archs monyok,gudi, or --seeds 1,2,3"
        )
    found = {"": recipe}
    for word, values, change in (
        ("", archs, _with_arch),
        ("", optimizers, _with_optimizer),
        ("seed", seeds, _with_seed),
    ):
        if values:
            found = {
                f"{name}-{word}{value}".strip("-"): change(base, value)
                for name, base in found.items()
                for value in values
            }
    return {name: replace(changed, name=name) for name, changed in found.items()}


def _with_arch(recipe: Recipe, arch: Any) -> Recipe:
    return recipe if arch == recipe.arch else replace(recipe, arch=str(arch), options={})


def _with_optimizer(recipe: Recipe, name: Any) -> Recipe:
    if name == recipe.optimizer.name:
        return recipe
    if name not in _RATES:
        raise InputError(f"expected optimizers out of {', '.join(_RATES)}; got {quoted(name)}")
    return replace(
        recipe, optimizer=Optimizer(name, rate=_RATES[name], momentum=0.9 if name == "sgd" else 0.0)
    )


def _with_seed(recipe: Recipe, seed: Any) -> Recipe:
    return replace(recipe, seed=int(seed))


def summarise(name: str, folder: Path, data: FaceDataset | Mixture) -> tuple[RunRow, list[Row]]:
    """The line of a finished run, and its history."""
    run = load_run(folder)
    recipe, head = run.recipe, run.recipe.heads[0]
    truth = Batches(cut(data, recipe).watched(), recipe).truth[head]
    n = int((truth >= 0).sum())
    kept = run.kept
    low, high = wilson(round(kept[f"validation_{head}"] * n), n)
    facts = (
        int(kept["epoch"]),
        kept[f"validation_{head}"],
        low,
        high,
        n,
        kept[f"validation_{head}_f1"],
        kept[f"train_{head}"],
    )
    return RunRow(
        name,
        recipe.arch,
        f"{recipe.optimizer.name} {recipe.optimizer.rate:g}",
        recipe.seed,
        len(run.history),
        *facts,
    ), run.history
