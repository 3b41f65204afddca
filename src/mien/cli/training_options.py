"""Options that say what is trained, from which data, and on what; and what is needed for it beyond the core."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.option_values import comma_list
from mien.core.errors import InputError, MissingExtraError
from mien.core.names import quoted

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.data import FaceDataset
    from mien.inference.card import InputSpec
    from mien.training.recipe import MixtureEntry, Recipe
    from mien.training.run import Hardware
    from mien.training.splits import Mixture


@contextmanager
def training_extra() -> Iterator[None]:
    """A missing package of the extra as mien's own error."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("torch", "lightning", "torchmetrics", "onnx", "onnxscript", "matplotlib"):
            raise
        raise MissingExtraError("Models to train", "train", package) from None


_RECIPE, _HARDWARE = "Recipe", "Hardware"

Data = Annotated[
    Path, typer.Argument(metavar="DATA", help="Labelled faces: fer2013.csv, Parquet, or class folders.")
]
Votes = Annotated[Path | None, typer.Option(help="fer2013new.csv of FER+, where the data has no votes.")]
Mix = Annotated[
    list[str] | None,
    typer.Option(
        "--mix",
        metavar="NAME=DATA",
        help="A further data set to learn from, under its name in the recipe (docs/recipes.md).",
        rich_help_panel=_RECIPE,
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="CPU threads of each process; PyTorch's choice unless given.", rich_help_panel=_HARDWARE
    ),
]


ClassNames = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="NAMES|FILE",
        help="Classes of your own, which mien does not know: happy,bored,..., or a .txt, .csv or .json file, which may say "
        "valence, colour and icon of each.",
        show_default=False,
    ),
]


def named_classes(text: str | None) -> Labels | None:
    """What ``--labels`` says.

    Raises:
        InputError: It names no classes.
    """
    from mien.data.label_file import open_labels

    return None if text is None else open_labels(text)


def open_faces(
    data: Path, votes: Path | None = None, seen: InputSpec | None = None, labels: Labels | None = None
) -> FaceDataset:
    """Labelled faces, as a model sees them; in the size that mien's own are trained with unless one is given.

    Raises:
        InputError: They cannot be read.
    """
    from mien.data import open_dataset

    return open_dataset(data, votes=votes, labels=labels, **_as_seen(seen))


def _as_seen(seen: InputSpec | None) -> dict[str, Any]:
    from mien.training.splits import SIDE

    return {"size": SIDE} if seen is None else {"size": seen.height, "colour": seen.colour}


def named_paths(mix: list[str] | None) -> dict[str, Path]:
    """The data sets of a mixture by name.

    Raises:
        InputError: A text is not NAME=DATA, or a name comes twice.
    """
    found: dict[str, Path] = {}
    for text in mix or ():
        name, sign, path = text.partition("=")
        if not sign or not name or not path:
            raise InputError(
                f"expected --mix NAME=DATA, such as everyday=everyday.parquet; got {quoted(text)}"
            )
        if name in found:
            raise InputError(f"expected each data set of --mix once; got {name} twice")
        found[name] = Path(path)
    return found


def open_mixture(
    data: Path,
    votes: Path | None,
    mix: list[str] | None,
    entries: Mapping[str, MixtureEntry],
    labels: Labels | None = None,
) -> Mixture:
    """Labelled faces of all data sets of a recipe, or of those that the card of a network tells of.

    Args:
        data: The first data set.
        votes: FER+ votes for it.
        mix: The others, each NAME=DATA.
        entries: How they are mixed in.
        labels: Classes of one's own in the first.

    Raises:
        InputError: One cannot be read, or is not among the entries.
    """
    return mixed_with(open_faces(data, votes, labels=labels), mix, entries)


def mixed_with(
    first: FaceDataset,
    mix: list[str] | None,
    entries: Mapping[str, MixtureEntry],
    seen: InputSpec | None = None,
) -> Mixture:
    """See `open_mixture`; the first data set is open already."""
    from mien.data import open_dataset
    from mien.training.splits import Mixture

    paths = named_paths(mix)
    if strange := paths.keys() - entries.keys():
        raise InputError(
            f"expected --mix for {', '.join(entries) or 'no data set'}, as it was trained; got {', '.join(sorted(strange))}"
        )
    if missing := entries.keys() - paths.keys():
        raise InputError(
            f"expected --mix NAME=DATA for {', '.join(entries)}, which is learned from too; got none for {', '.join(sorted(missing))}"
        )
    return Mixture(
        first,
        {
            name: open_dataset(path, center_crop=entries[name].center_crop, **_as_seen(seen))
            for name, path in paths.items()
        },
    )


def open_as_trained(
    networks: Sequence[Path], data: Path, votes: Path | None, mix: list[str] | None
) -> Mixture:
    """Labelled faces of all data sets that network files were trained on, and of others that they shall be
    judged by.

    Raises:
        InputError: One is not given, or cannot be read.
        NetworkError: A file is missing or damaged, or has no card.
    """
    from mien.data.label_names import KNOWN
    from mien.inference.card import read_card
    from mien.training.recipe import known_entry, mixture_from

    entries = {name: known_entry(name) for name in named_paths(mix)}
    cards = [read_card(network) for network in networks]
    for card in cards:
        entries |= mixture_from(card.mixture)
    first = cards[0]
    [*heads] = first.heads
    if len(heads) > 1 or heads[0] == "ferplus":
        return mixed_with(open_faces(data, votes, first.input), mix, entries, first.input)
    labels = first.labels(heads[0])  # A model of others has an order of its own.
    faces = open_faces(data, votes, first.input, None if set(labels) <= set(KNOWN) else labels)
    if set(faces.labels) <= set(labels):
        faces = faces.reordered(labels)
    return mixed_with(faces, mix, entries, first.input)


def seed_list(text: str | None) -> list[int]:
    """What ``--seeds`` says, such as 1,2,3.

    Raises:
        InputError: One is no whole number.
    """
    try:
        return [int(word) for word in comma_list(text)]
    except ValueError:
        raise InputError(f"expected --seeds such as 1,2,3; got {quoted(text)}") from None


@dataclass(frozen=True)
class ChangeOptions:
    """What may be changed of any recipe."""

    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training images.", rich_help_panel=_RECIPE)
    ] = None
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change any part of the recipe, such as augmentation.erase=0.",
            rich_help_panel=_RECIPE,
        ),
    ] = None

    def named(self) -> dict[str, Any]:
        """Parts of the recipe that have an option of their own, None where it was not given."""
        return {"epochs": self.epochs}

    def given(self) -> set[str]:
        """Parts of the recipe that were asked for."""
        options = {name for name, value in self.named().items() if value is not None}
        return options | {text.partition("=")[0].strip() for text in self.sets or ()}

    def changed(self, recipe: Recipe) -> Recipe:
        """The recipe with what the command line changes.

        Raises:
            InputError: A change is impossible.
        """
        changes = {name: value for name, value in self.named().items() if value is not None}
        for text in self.sets or ():
            name, sign, value = text.partition("=")
            if not sign:
                raise InputError(f"expected --set NAME=VALUE; got {quoted(text)}")
            changes[name.strip()] = value.strip()
        if changes.get("arch", recipe.arch) != recipe.arch:
            recipe = replace(recipe, options={})  # Options belong to a network: another one starts without.
        return recipe.changed(changes)


@dataclass(frozen=True)
class PresetOptions(ChangeOptions):
    """A recipe by its name, and what is changed of it."""

    preset: Annotated[
        str | None,
        typer.Option(
            help="Where to start from, such as small, finetune, student-small, monyok (docs/recipes.md); "
            "small unless given, but in mien train finetune for other faces than FER-2013.",
            show_default=False,
            rich_help_panel=_RECIPE,
        ),
    ] = None
    mix: Mix = None

    def changed(self, recipe: Recipe) -> Recipe:
        """See `ChangeOptions.changed`; a data set that the recipe does not name is mixed in as
        `mien.training.recipe.known_entry` says."""
        from mien.training.recipe import known_entry

        new = {name: known_entry(name) for name in named_paths(self.mix)}
        return super().changed(replace(recipe, mixture={**new, **recipe.mixture}))

    def recipe(self) -> Recipe:
        """The recipe.

        Raises:
            InputError: There is no such preset, or a change is impossible.
        """
        from mien.training.presets import preset

        return self.changed(preset(self.preset or "small"))


@dataclass(frozen=True)
class RecipeOptions(PresetOptions):
    """A recipe with options for what is changed most."""

    arch: Annotated[
        str | None,
        typer.Option(
            "--arch", help="Another architecture (docs/published-networks.md).", rich_help_panel=_RECIPE
        ),
    ] = None
    batch: Annotated[int | None, typer.Option(min=2, help="Images per step.", rich_help_panel=_RECIPE)] = None
    optimizer: Annotated[
        str | None, typer.Option(help="sgd, rmsprop, adam, or adamw.", rich_help_panel=_RECIPE)
    ] = None
    rate: Annotated[float | None, typer.Option("--lr", help="Learning rate.", rich_help_panel=_RECIPE)] = None
    schedule: Annotated[
        str | None,
        typer.Option(help="constant, linear, plateau, cosine, or one-cycle.", rich_help_panel=_RECIPE),
    ] = None
    split_policy: Annotated[
        str | None,
        typer.Option(help="clean, official, held-out, stratified, or first.", rich_help_panel=_RECIPE),
    ] = None
    precision: Annotated[
        str | None,
        typer.Option(
            help="32, bf16-mixed, or auto: bf16-mixed where the device computes in it.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Same seed, same model.", rich_help_panel=_RECIPE)] = None

    def named(self) -> dict[str, Any]:
        """See `ChangeOptions.named`."""
        named = {
            **super().named(),
            "batch": self.batch,
            "optimizer.name": self.optimizer,
            "optimizer.rate": self.rate,
            "arch": self.arch,
        }
        return named | {
            "schedule.name": self.schedule,
            "split.policy": self.split_policy,
            "precision": self.precision,
            "seed": self.seed,
        }

    def told(self) -> list[str]:
        """The options again, as a card tells them."""
        changes = [f"{name}={value}" for name, value in self.named().items() if value is not None] + list(
            self.sets or ()
        )
        mixed = [f"--mix {name}={shlex.quote(path.name)}" for name, path in named_paths(self.mix).items()]
        return [
            "--preset",
            self.preset or "small",
            *(f"--set {shlex.quote(text)}" for text in changes),
            *mixed,
        ]


@dataclass(frozen=True)
class HardwareOptions:
    """What computes."""

    threads: Threads = None
    accelerator: Annotated[
        str, typer.Option("--device", help="cpu, gpu, or auto.", rich_help_panel=_HARDWARE)
    ] = "auto"
    devices: Annotated[
        str, typer.Option(help="How many, or a list such as 0,2.", rich_help_panel=_HARDWARE)
    ] = "auto"
    strategy: Annotated[
        str,
        typer.Option(
            help="Lightning's strategy over several devices, such as ddp.", rich_help_panel=_HARDWARE
        ),
    ] = "auto"
    nodes: Annotated[int, typer.Option(min=1, help="Machines.", rich_help_panel=_HARDWARE)] = 1

    def hardware(self) -> Hardware:
        """What computes, as a run takes it."""
        from mien.training.run import Hardware

        return Hardware(self.accelerator, self.devices, self.strategy, self.nodes, self.threads)
