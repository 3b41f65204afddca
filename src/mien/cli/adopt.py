"""``mien models adopt``: a model that was made elsewhere."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.console import Console, complain, say
from mien.cli.options import grouped
from mien.cli.progress import tracked_on
from mien.core.formatting import counted
from mien.core.names import quoted

if TYPE_CHECKING:
    from mien.core.errors import UntoldError
    from mien.models.adoption import Candidate, Told

_IMAGES, _MODEL = "What its images were brought to", "The model"


@dataclass(frozen=True)
class ImageOptions:
    """What images were brought to where the model was trained."""

    size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=2048,
            help="Side in px, where the file leaves it open.",
            show_default=False,
            rich_help_panel=_IMAGES,
        ),
    ] = None
    colour: Annotated[
        str | None,
        typer.Option(
            metavar="rgb|bgr|gray",
            help="Order of three channels; gray for three equal ones.",
            show_default=False,
            rich_help_panel=_IMAGES,
        ),
    ] = None
    mean: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER[,...]",
            help="What was taken off each pixel, one number or one for each channel.",
            show_default=False,
            rich_help_panel=_IMAGES,
        ),
    ] = None
    std: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER[,...]",
            help="What the rest was divided by.",
            show_default=False,
            rich_help_panel=_IMAGES,
        ),
    ] = None
    pixels: Annotated[
        int | None,
        typer.Option(
            metavar="1|255",
            help="Value of a white pixel before that; told from --mean and --std where they leave no doubt.",
            show_default=False,
            rich_help_panel=_IMAGES,
        ),
    ] = None
    crop: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=4,
            help="Side of the square around a face, in mean sides of its box: 1.1 as mien's own, 1.4 with hair and chin.",
            rich_help_panel=_IMAGES,
        ),
    ] = 1.1

    def told(self) -> dict[str, Any]:
        """The same for `mien.models.adoption.Told`."""
        from mien.inference.card import FER_CROP

        return {
            "size": self.size,
            "colour": None if self.colour is None else self.colour.strip().lower(),
            "mean": _numbers("mean", self.mean),
            "std": _numbers("std", self.std),
            "pixels": self.pixels,
            "crop": FER_CROP.model_copy(update={"side": self.crop}),
        }


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    from mien.core.errors import InputError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"expected numbers for --{option}, such as 0.5 or 0.485,0.456,0.406; got {quoted(text)}"
        ) from None


@grouped
def adopt(
    file: Annotated[Path, typer.Argument(metavar="MODEL", help="A classifier as an ONNX file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the model file goes.")
    ],
    images: ImageOptions,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES|FILE",
            help="Its classes in order: happy,sad,bored, or a .txt, .csv or .json file, which may say valence, colour and icon of each.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    output_name: Annotated[
        str | None,
        typer.Option(
            "--output-name",
            metavar="NAME",
            help="Which of its outputs has the classes, where it has several.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What it is called; the file's name.", show_default=False, rich_help_panel=_MODEL),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Whose terms it comes under, for its card.", rich_help_panel=_MODEL)
    ] = "not stated",
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Labelled faces to hold it against first: class folders, Parquet, fer2013.csv.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Make a model file of mien's of a classifier that was made elsewhere.

    Size, layout, type and outputs are taken from the file; what a file cannot say (the order of the channels, mean and
    deviation, the names of its classes) is asked for on a terminal, and must be given elsewhere. All of it becomes part
    of the new file. With --check, labels that look swapped and other ways to prepare images that fit better are told.
    Exit status: 2 where something is missing or does not fit.

    Example: mien models adopt theirs.onnx -o mine.onnx --labels happy,sad,bored --check faces/
    """
    from mien.core.atomic import check_writable
    from mien.core.output_names import refuse_sources
    from mien.models.adoption import Told

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    refuse_sources([output], [file], "-o")
    check_writable(output)
    named = _asked_labels(labels)
    command = f"mien models adopt {shlex.quote(file.name)}"
    told = Told(
        labels=named, output=output_name, name=name, licence=licence, made_with=command, **images.told()
    )
    candidate = _looked_at(file, told)
    for found in candidate.found:
        notes.print(f"note: {found}", style="dim")
    scores = _checked(candidate, check, notes) if check else ()
    card = candidate.write(output, scores)
    say(f"wrote {output}: {', '.join(named)}; sha256 {card.sha256[:16]}")
    notes.print(f"use it: mien analyze IMAGE --model {shlex.quote(str(output))}")


def _asked_labels(given: str | None):  # type: ignore[no-untyped-def]
    from mien.core.errors import UntoldError
    from mien.data.label_file import FORMS, open_labels

    if given is None:
        untold = UntoldError(
            "labels",
            f"what are its classes, in the order of its output ({FORMS})",
            "a graph does not name its classes",
        )
        return _asked(untold, open_labels)
    return open_labels(given)


def _looked_at(file: Path, told: Told) -> Candidate:
    """Look at the model, and ask for what is missing as long as somebody answers."""
    from mien.core.errors import UntoldError
    from mien.models.adoption import look_at

    while True:
        try:
            return look_at(file, told)
        except UntoldError as untold:
            told = replace(told, **{untold.option: _asked(untold, _READ[untold.option])})


def _asked(untold: UntoldError, read: Callable[[str], Any]) -> Any:
    """What somebody at a terminal says, who is asked again where it cannot be.

    Args:
        untold: What is missing.
        read: Makes something of a line.

    Raises:
        UntoldError: Nobody is there to ask, or no answer is given.
    """
    from mien.core.errors import InputError

    if not sys.stdin.isatty():
        raise untold
    while True:
        try:
            answer = typer.prompt(untold.question[0].upper() + untold.question[1:], err=True)
            return read(str(answer).strip())
        except typer.Abort:
            raise untold from None
        except InputError as error:
            complain(f"{error}\n")


_READ: dict[str, Callable[[str], Any]] = {
    "size": lambda text: _whole("size", text),
    "colour": lambda text: _colour(text.lower()),
    "mean": lambda text: _numbers("mean", text),
    "std": lambda text: _numbers("std", text),
    "pixels": lambda text: int(_one_of("pixels", text, ("1", "255"))),
}


def _colour(text: str) -> str:
    from mien.models.preparation import COLOURS

    return _one_of("colour", text, COLOURS)


def _one_of(option: str, text: str, known: Sequence[str]) -> str:
    from mien.core.errors import InputError

    if text not in known:
        raise InputError(f"expected --{option} {', '.join(known)}; got {text!r}")
    return text


def _whole(option: str, text: str) -> int:
    from mien.core.errors import InputError

    if not text.isdecimal():
        raise InputError(f"expected a whole number for --{option}; got {quoted(text)}")
    return int(text)


def _checked(candidate: Candidate, data: Path, notes: Console):  # type: ignore[no-untyped-def]
    """Hold it against labelled faces, and say what came of it."""
    from mien.cli.evaluate_tables import confusion_table
    from mien.core.formatting import precise
    from mien.core.names import spelled
    from mien.models.adoption_check import check

    found = check(candidate, data, tracked_on(notes))
    figures = found.evaluation.whole
    console = Console()
    console.print(
        f"right for {precise(figures.accuracy)} of {counted(figures.n, 'face')} ({precise(figures.low)} to {precise(figures.high)}); "
        f"balanced {precise(figures.balanced_accuracy)}"
    )
    console.print(confusion_table(list(found.evaluation.classes), found.evaluation.confusion))
    for warning in found.warnings:
        notes.print(f"warning: {warning}", style="yellow")
    return (found.score(spelled(data.name)),)
