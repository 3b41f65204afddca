"""``mien train``, ``mien export`` and ``mien open-private``: from labelled faces to a network file with a card."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mien.cli.lessons import LessonProgress
from mien.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from mien.train.recipe import Recipe

Data = Annotated[Path, typer.Argument(metavar="DATA", help="Labelled faces: fer2013.csv, Parquet, or class folders.")]
PresetName = Annotated[str, typer.Option("--preset", help="Where to start from, such as small, student-small, teacher-1, monyok (docs/training.md).")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change any part of the recipe, such as augmentation.erase=0.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the training pictures.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads of each process; PyTorch's choice unless given.")]
Votes = Annotated[Path | None, typer.Option(help="fer2013new.csv of FER+, where the data has no votes.")]
Accelerator = Annotated[str, typer.Option(help="cpu, gpu, or auto.")]
Devices = Annotated[str, typer.Option(help="How many, or a list such as 0,2.")]
Strategy = Annotated[str, typer.Option(help="Lightning's strategy over several devices, such as ddp.")]


def train(
    data: Data,
    run: Annotated[Path, typer.Option("--run", help="Folder of the run; one that was stopped goes on with the same command.")],
    preset: PresetName = "small",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where the network file goes; in the folder of the run unless given.")] = None,
    votes: Votes = None,
    model: Annotated[str | None, typer.Option(help="Another network (docs/published-networks.md).")] = None,
    epochs: Epochs = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Pictures per step.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, rmsprop, adam, or adamw.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    schedule: Annotated[str | None, typer.Option(help="constant, linear, plateau, cosine, or one-cycle.")] = None,
    split: Annotated[str | None, typer.Option(help="clean, official, stratified, or first.")] = None,
    precision: Annotated[str | None, typer.Option(help="32 or bf16-mixed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same network.")] = None,
    sets: Sets = None,
    views: Annotated[Path | None, typer.Option(help="What teachers said (mien views), for a recipe with distillation.", show_default=False)] = None,
    initial: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="Start with the weights of a network file, or of one that mien ships.", show_default=False)
    ] = None,
    threads: Threads = None,
    accelerator: Accelerator = "auto",
    devices: Devices = "auto",
    strategy: Strategy = "auto",
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write what TensorBoard shows.")] = False,
) -> None:
    """Train a network and write it as an ONNX file with a card, which mien analyze --model takes.

    The folder of the run gets recipe.json, history.csv, curves.png, and the last and the best checkpoint after every
    epoch. Killed at any moment and started again, it ends at the same weights. PrivateTest stays closed.
    """
    with training_extra():
        from mien.data import open_dataset
        from mien.networks import network_path
        from mien.train.export import export
        from mien.train.initial import Initial
        from mien.train.presets import preset as preset_named
        from mien.train.run import Hardware, is_first
        from mien.train.run import train as train_recipe
        from mien.train.views import Views
    named = {"epochs": epochs, "batch": batch, "optimizer.name": optimizer, "optimizer.rate": rate, "network": model}
    named |= {"schedule.name": schedule, "split.policy": split, "precision": precision, "seed": seed}
    recipe = changed(preset_named(preset), named, sets)
    console = Console(stderr=True, highlight=False)
    faces = open_dataset(data, votes=votes)
    hardware = Hardware(accelerator, devices, strategy, nodes, threads)
    taught = None if views is None else Views(views)
    first = None if initial is None else Initial(network_path(initial))
    with LessonProgress(recipe.epochs, console) as progress:
        train_recipe(faces, recipe, run, progress, hardware, views=taught, initial=first, tensorboard=tensorboard)
    if not is_first():
        return
    target = output or run / f"{recipe.name}.onnx"
    card = export(run, faces, target, command_line(data, preset, named, sets, {"views": views, "initial": initial}))
    console.print(f"wrote {escape(str(target))}: {card.parameters:,} weights, sha256 {card.sha256[:16]}, temperatures {card.temperatures}")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the network file goes.")],
    votes: Votes = None,
) -> None:
    """Write the network of a finished run as an ONNX file: calibrated, with a card, checked against PyTorch."""
    with training_extra():
        from mien.data import open_dataset
        from mien.train.export import export as export_run
    card = export_run(run, open_dataset(data, votes=votes), output, f"mien export {shlex.quote(str(run))} {shlex.quote(data.name)}")
    print(f"wrote {output}: {card.parameters:,} weights, sha256 {card.sha256[:16]}, temperatures {card.temperatures}")


def open_private(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A finished network file; its card gets the scores.")],
    data: Data,
    log: Annotated[Path, typer.Option(help="Where the opening is written down.")] = Path("docs/private-test.log"),
    votes: Votes = None,
) -> None:
    """Score a finished network on PrivateTest, the set to be opened once, and log that it was opened."""
    from mien.data import open_dataset
    from mien.train.scores import open_private as score

    print(score(network, open_dataset(data, votes=votes), log))


def changed(recipe: Recipe, named: dict[str, Any], sets: Iterable[str] | None) -> Recipe:
    """The recipe with what the command line changes."""
    changes = {name: value for name, value in named.items() if value is not None}
    for text in sets or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"expected --set NAME=VALUE; got {text!r}")
        changes[name.strip()] = value.strip()
    return _other_network(recipe, changes).changed(changes)


def _other_network(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """Options belong to a network: another one starts without."""
    from dataclasses import replace

    return replace(recipe, options={}) if changes.get("network", recipe.network) != recipe.network else recipe


def command_line(
    data: Path, preset: str, named: dict[str, Any], sets: Iterable[str] | None, files: Mapping[str, str | Path | None] = MappingProxyType({})
) -> str:
    """What the card says about how the network was made, without the reader's folders."""
    changes = [f"{name}={value}" for name, value in named.items() if value is not None] + list(sets or ())
    given = [f"--{name} {shlex.quote(Path(path).name)}" for name, path in files.items() if path is not None]
    return " ".join(["mien train", shlex.quote(data.name), "--preset", preset, *(f"--set {shlex.quote(text)}" for text in changes), *given])


@contextmanager
def training_extra() -> Iterator[None]:
    """A missing package of the extra as mien's own error."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("torch", "lightning", "torchmetrics", "onnx", "onnxscript", "matplotlib"):
            raise
        raise MissingExtraError("Networks to train", "train", package) from None
