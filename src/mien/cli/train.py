"""``mien train``, ``mien models export`` and ``mien models test``: from labelled faces to a model file with a
card."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import Console, say
from mien.cli.options import grouped
from mien.cli.progress import LessonProgress
from mien.cli.train_view import tell_data, tell_outcome
from mien.cli.training_options import (
    ClassNames,
    Data,
    HardwareOptions,
    Mix,
    RecipeOptions,
    Votes,
    mixed_with,
    named_classes,
    open_faces,
    open_mixture,
    training_extra,
)

if TYPE_CHECKING:
    from mien.inference.card import Card


@grouped
def train(
    data: Data,
    chosen: RecipeOptions,
    computing: HardwareOptions,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            help="Folder of the run; one that was stopped goes on with the same command. runs/DATA-PRESET unless given.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where the model file goes; in the folder of the run unless given."
        ),
    ] = None,
    votes: Votes = None,
    labels: ClassNames = None,
    views: Annotated[
        Path | None,
        typer.Option(
            "--teacher-cache",
            help="What teachers said (mien models teacher-cache), for a recipe with distillation.",
            show_default=False,
        ),
    ] = None,
    initial: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Start with the weights of a model file, of one that mien ships, or of a part of either, such as medium/part-2; "
            "the preset finetune starts with those of small.",
            show_default=False,
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write what TensorBoard shows.")
    ] = False,
) -> None:
    """Train a model and write it as an ONNX file with a card, which mien analyze --model takes.

    The folder of the run gets recipe.json, history.csv, curves.png, and the last and the best checkpoint
    after every epoch. Killed at any moment and started again, it ends at the same weights. The test set stays
    closed.

    Example: mien train faces/ --run runs/mine -o mine.onnx
    """
    with training_extra():
        from mien.training.distillation import TeacherCache
        from mien.training.export import export
        from mien.training.finetune import PretrainedWeights
        from mien.training.own_data import default_preset, suited
        from mien.training.presets import initial_of
        from mien.training.run import is_first
        from mien.training.run import train as train_recipe
    chosen.recipe()  # What cannot be is refused before the data is read.
    console = Console(stderr=True, soft_wrap=True)
    own = open_faces(data, votes, labels=named_classes(labels))
    chosen = replace(chosen, preset=chosen.preset or default_preset(own))
    recipe = suited(chosen.recipe(), own, chosen.given())
    faces = mixed_with(own, chosen.mix, recipe.mixture)
    initial = initial or initial_of(str(chosen.preset), recipe)
    run = run or Path("runs") / f"{data.resolve().stem}-{recipe.name}"
    taught = None if views is None else TeacherCache(views)
    first = None if initial is None else PretrainedWeights(initial)
    if not own.is_fer2013 and is_first():
        tell_data(data.name, faces, recipe, first, console)
    with LessonProgress(recipe.epochs, console) as progress:
        train_recipe(
            faces,
            recipe,
            run,
            progress,
            computing.hardware(),
            views=taught,
            initial=first,
            tensorboard=tensorboard,
        )
    if not is_first():
        return
    target = output or run / f"{recipe.name}.onnx"
    files = {
        "teacher-cache": None if views is None else views.name,
        "initial": None if first is None else first.name,
    }
    card = export(run, faces, target, _command(data, chosen, files))
    _tell_written(target, card, console.print)
    if not own.is_fer2013:
        tell_outcome(run, faces, first, console)
        console.print(f"use it: mien analyze IMAGE --model {shlex.quote(str(target))}")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the model file goes.")],
    votes: Votes = None,
    mix: Mix = None,
    labels: ClassNames = None,
) -> None:
    """Write the model of a finished run as an ONNX file: calibrated, with a card, checked against
    PyTorch.

    Example: mien models export runs/mine faces/ -o mine.onnx
    """
    with training_extra():
        from mien.training.callbacks import RECIPE
        from mien.training.export import export as export_run
        from mien.training.recipe import Recipe
    card = export_run(
        run,
        open_mixture(data, votes, mix, Recipe.load(run / RECIPE).mixture, named_classes(labels)),
        output,
        f"mien models export {shlex.quote(run.name)} {shlex.quote(data.name)}",
    )
    _tell_written(output, card, say)


def _command(data: Path, chosen: RecipeOptions, files: Mapping[str, str | None]) -> str:
    """What the card says about how the network was made, without the reader's folders."""
    named = [f"--{option} {shlex.quote(name)}" for option, name in files.items() if name]
    return " ".join(["mien train", shlex.quote(data.name), *chosen.told(), *named])


def _tell_written(path: Path, card: Card, tell: Callable[[str], object]) -> None:
    tell(
        f"wrote {path}: {card.parameters:,} weights, sha256 {card.sha256[:16]}, temperatures {card.temperatures}"
    )
    if card.uncalibrated:
        tell(card.uncalibrated)


def open_private(
    network: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A finished model file, whose card gets the scores; or several with + between them, together.",
        ),
    ],
    data: Data,
    log: Annotated[Path, typer.Option(metavar="FILE", help="Where the opening is written down.")] = Path(
        "private-test.log"
    ),
    votes: Votes = None,
) -> None:
    """Score a finished model on the test set (PrivateTest of FER-2013), which is to be opened once, and log that it was opened.

    Example: mien models test mine.onnx fer2013.csv
    """
    from mien.evaluation import open_subject
    from mien.evaluation.predictor import faces_for
    from mien.models.test_set import open_private as score

    say(score(network, faces_for(open_subject(network), data, votes=votes), log))
