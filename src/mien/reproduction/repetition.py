"""One paper repeated: its trainings, what they measure, and the published figure beside each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError
from mien.data.dataset import FaceDataset
from mien.evaluation import open_subject
from mien.reproduction.measures import history_measures, measures, private_confusion, require_whole
from mien.reproduction.papers import Paper
from mien.training.callbacks import Row, TrainingProgress
from mien.training.comparison import variants
from mien.training.presets import preset
from mien.training.recipe import Recipe
from mien.training.run import Hardware, load_run, train
from mien.training.splits import cut

RESULT = "result.json"


@dataclass(frozen=True)
class PaperRun:
    """One training of a paper.

    Args:
        name: Such as ``seed-1`` or ``seed-1/adam``.
        recipe: How it was trained, as plain values.
        epoch: The epoch whose weights were kept.
        measures: Values by name, see `mien.reproduction.measures.MEANING`.
        confusion: Counts on PrivateTest; a row is what an image is, a column what it was called.
        history: A row per epoch.
    """

    name: str
    recipe: dict[str, Any]
    epoch: int
    measures: dict[str, float]
    confusion: list[list[int]]
    history: list[Row]


@dataclass(frozen=True)
class Repetition:
    """All trainings of a paper.

    Args:
        paper: Its name.
        labels: Names of the classes, in the order of the confusion matrices.
        runs: One per seed, and per optimizer where the paper compares several.

    >>> Repetition("kalu", ("happy", "sad"), ()).values("private")
    []
    """

    paper: str
    labels: tuple[str, ...]
    runs: tuple[PaperRun, ...]

    def values(self, measure: str) -> list[float]:
        """A measure over the runs; empty where none has it."""
        return [run.measures[measure] for run in self.runs if measure in run.measures]

    def save(self, path: Path) -> None:
        """Write everything as JSON, whole or not at all."""
        with translate_os_errors(path), atomic_write(path) as aside:
            aside.write_text(
                json.dumps(asdict(self), indent=1, default=str) + "\n", encoding="utf-8", newline="\n"
            )

    @staticmethod
    def load(path: Path) -> Repetition:
        """Read it back.

        Raises:
            InputError: The file is missing or something else.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return Repetition(
                values["paper"], tuple(values["labels"]), tuple(PaperRun(**run) for run in values["runs"])
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: expected the result of mien reproduce; got {error}") from None


def recipes_of(
    entry: Paper, seeds: Sequence[int] = (), change: Callable[[Recipe], Recipe] = lambda recipe: recipe
) -> dict[str, Recipe]:
    """The trainings of a paper by name of their folder.

    Args:
        entry: The paper.
        seeds: Which seeds; the paper's own by default.
        change: What is done otherwise than published, such as fewer epochs.

    >>> from mien.reproduction.papers import paper
    >>> list(recipes_of(paper("holman"), [1]))
    ['seed-1/sgd', 'seed-1/rmsprop', 'seed-1/adam']
    """
    found: dict[str, Recipe] = {}
    for seed in seeds or entry.seeds:
        recipe = change(preset(entry.preset).changed({"seed": seed}))
        if entry.optimizers:
            found |= {
                f"seed-{seed}/{name}": variant
                for name, variant in variants(recipe, list(entry.optimizers), [], []).items()
            }
        else:
            found[f"seed-{seed}"] = recipe
    return found


def repeat(
    entry: Paper,
    data: FaceDataset,
    folder: Path,
    recipes: dict[str, Recipe],
    watch: Callable[[str, Recipe], TrainingProgress],
    hardware: Hardware | None = None,
) -> Repetition:
    """Train what a paper trained, or go on where it was stopped, and measure it.

    Args:
        entry: The paper.
        data: FER-2013 with its three splits.
        folder: Gets a folder per training, and ``result.json``.
        recipes: From `recipes_of`.
        watch: Makes somebody who is told how far a training is.
        hardware: What to compute on.

    Raises:
        InputError: A split is missing, or the folder holds other runs.

    >>> from mien.reproduction.papers import paper
    >>> import numpy as np
    >>> nothing = FaceDataset(np.zeros((1, 48, 48), np.uint8), np.array([3]), None, np.array(["Training"]), np.arange(1))
    >>> repeat(paper("kalu"), nothing, Path("runs"), {}, lambda name, recipe: None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected ...
    """
    require_whole(data)
    runs = []
    for name, recipe in recipes.items():
        train(data, recipe, folder / name, watch(name, recipe), hardware)
        runs.append(_measured(name, folder / name, data))
    repetition = Repetition(entry.name, tuple(data.labels.names), tuple(runs))
    repetition.save(folder / RESULT)
    return repetition


def _measured(name: str, folder: Path, data: FaceDataset) -> PaperRun:
    trained = load_run(folder)
    head = trained.recipe.heads[0]
    subject = open_subject(folder, head=head)
    probs = subject.probabilities(data.images)
    cuts = cut(data, trained.recipe)
    found = history_measures(trained.history, head) | measures(
        probs, data, cuts.training.rows, cuts.validation.rows
    )
    plain = json.loads(json.dumps(asdict(trained.recipe)))  # lists for tuples, as it is read back
    return PaperRun(
        name,
        plain,
        int(trained.kept["epoch"]),
        found,
        private_confusion(probs, data).tolist(),
        trained.history,
    )
