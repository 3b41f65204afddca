"""``mien data``: look at a data set, find what is wrong with it, bring it into another form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mien.cli.console import Console, say_json
from mien.cli.exits import PART_NOT_READ
from mien.cli.options import ListFormat, grouped
from mien.cli.progress import tracked_on
from mien.core.formatting import counted
from mien.core.output_names import refuse_sources
from mien.inference.config import PipelineConfig

if TYPE_CHECKING:
    from mien.data import FaceDataset


_MOST_TOLD = 3


class Also(StrEnum):
    repeats = "repeats"
    contradictions = "contradictions"


data = typer.Typer(
    no_args_is_help=True,
    help="Count, view, audit, convert, split and crop labelled faces.",
)

Source = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="fer2013.csv (also .zip, .gz, .tar.gz), Parquet, or a folder of either or of images.",
    ),
]
Form = Annotated[ListFormat, typer.Option("--format", help="Tables for people, or JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same choice.")]


@dataclass(frozen=True)
class ReadingOptions:
    """How a data set is read."""

    votes: Annotated[
        Path | None,
        typer.Option(help="fer2013new.csv with the votes of FER+, joined by row.", show_default=False),
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES|FILE",
            help="What numbers in the file mean, in order: angry,disgust,...; and classes that mien does not know. Or a .txt, "
            ".csv or .json file of them.",
            show_default=False,
        ),
    ] = None
    size: Annotated[
        int | None, typer.Option(help="Bring every image to so many px a side.", min=1, show_default=False)
    ] = None
    center_crop: Annotated[
        float,
        typer.Option(
            help="Share of each image's sides, at its centre, that is kept before that; above 0, up to 1."
        ),
    ] = 1.0

    def opened(self, path: Path, notes: Console, problems: list[str] | None = None) -> FaceDataset:
        """The data set of a path."""
        from mien.data import open_dataset
        from mien.data.label_file import open_labels

        return open_dataset(
            path,
            votes=self.votes,
            labels=None if self.labels is None else open_labels(self.labels),
            size=self.size,
            center_crop=self.center_crop,
            problems=problems,
            track=tracked_on(notes),
        )


@dataclass(frozen=True)
class DealingOptions:
    """How a data set is dealt out anew."""

    share: Annotated[float, typer.Option(help="Part of every class that becomes the training set.")] = 0.8
    seed: Seed = 0
    held_out: Annotated[str, typer.Option(help="Split of the rest: validation, to choose by, or test.")] = (
        "validation"
    )
    scatter: Annotated[
        bool,
        typer.Option(
            "--allow-duplicates-across-splits",
            help="Let copies of one image stand on both sides, as the papers do.",
        ),
    ] = False
    by: Annotated[
        str | None,
        typer.Option(
            help="A column of the data, such as person: all images with one value of it stay on one side.",
            show_default=False,
        ),
    ] = None


@data.command()
@grouped
def stats(
    path: Source,
    reading: ReadingOptions,
    form: Form = ListFormat.table,
    quiet: Quiet = False,
) -> None:
    """Count the images of every class and split, and what the annotators of FER+ saw.

    Imbalance is how many times the largest class is as large as the smallest.

    Example: mien data stats faces/
    """
    from mien.cli.data_tables import show_statistics
    from mien.data import statistics

    facts = statistics(reading.opened(path, _notes(quiet)))
    _show(facts, form, show_statistics)


@data.command()
@grouped
def preview(
    path: Source,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Where the sheet goes (.png, .jpg, .webp).", show_default=False),
    ],
    reading: ReadingOptions,
    label: Annotated[str | None, typer.Option(help="Only images of this class.", show_default=False)] = None,
    split: Annotated[str | None, typer.Option(help="Only images of this split.", show_default=False)] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Draw a sheet of 9x9 images taken by chance, each with its label and its row.

    Example: mien data preview faces/ -o sheet.png
    """
    from PIL import Image

    from mien.core.atomic import atomic_write, translate_os_errors
    from mien.core.errors import InputError
    from mien.data.label_names import require_split
    from mien.data.preview import preview as draw_sheet

    if output.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise InputError(f"expected an image to write, ending in .png, .jpg or .webp; got {output}")
    notes = _notes(quiet)
    faces = reading.opened(path, notes)
    sheet = draw_sheet(
        faces, seed, label=label, split=None if split is None else require_split(split, "--split")
    )
    with atomic_write(output) as aside, translate_os_errors(output):
        Image.fromarray(sheet).save(aside)
    _wrote(output, notes)


@data.command()
@grouped
def audit(
    path: Source,
    reading: ReadingOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the clean set here (.parquet, .csv, .csv.gz, or a folder)."
        ),
    ] = None,
    also: Annotated[
        list[Also] | None,
        typer.Option(help="What else the clean set leaves out; may stand twice.", show_default=False),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="A column of the data, such as person: also find values of it that stand in more than one split.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another data set: also find images that stand in it, exactly or nearly, such as the tests of what is learned together.",
            show_default=False,
        ),
    ] = None,
    form: Form = ListFormat.table,
    quiet: Quiet = False,
) -> None:
    """Find unreadable and blank images, images of no face, exact and near copies, contradicting labels
    and leaks.

    The clean set is the same data without those training images that copy an image of another split,
    exactly or nearly, or one of the data set --against, that have a value of the column --by that stands in another
    split, that are blank, or that most annotators called not a face; the other splits stay whole. --also repeats leaves out exact
    copies within the training set, all but the first; --also contradictions leaves out training images whose exact
    copies bear another label. Exit status: 3 when a part could not be read.

    Example: mien data audit faces.parquet -o clean.parquet
    """
    from mien.cli.data_tables import show_audit
    from mien.data import audit as examine
    from mien.data import open_dataset, write_dataset
    from mien.data.io import require_place

    notes = _notes(quiet)
    if output is not None:
        refuse_sources([output], [path, against, reading.votes], "-o")
        require_place(output)
    problems: list[str] = []
    faces = reading.opened(path, notes, problems)
    side = faces.images.shape[-1]
    other = None if against is None else open_dataset(against, size=side, track=tracked_on(notes))
    found = examine(faces, problems, tracked_on(notes), by, other)
    chosen = tuple(also or ())
    if output is not None:
        write_dataset(found.clean(chosen), output, tracked_on(notes))
    _show(found.facts(chosen), form, show_audit)
    if output is not None:
        _wrote(output, notes)
    raise typer.Exit(PART_NOT_READ if problems else 0)


@data.command()
def crop(
    photographs: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTOS", help="A folder of photographs, perhaps with a folder for each expression."
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the faces.")],
    detector: Annotated[
        str, typer.Option(help="What finds the faces: mtcnn, blaze, auto, or haar (mien\\[haar]).")
    ] = "mtcnn",
    min_face: Annotated[
        int | None,
        typer.Option(help="Height in px of the smallest face to look for.", min=1, show_default=False),
    ] = None,
    min_detection_score: Annotated[
        float | None,
        typer.Option(
            help="Least score of a face that counts; mtcnn's own is 0.8.", min=0, max=1, show_default=False
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="Whose images: those of this model, in its size, gray or in colour."
        ),
    ] = PipelineConfig.model,
    quiet: Quiet = False,
) -> None:
    """Cut the largest face out of every photograph, as images framed like those that the models
    learn from.

    The folders stay as they are, so that mien train and mien evaluate take the result. faces.csv in it has a
    row for every face that was found, and for every photograph without one. Exit status: 3 when a part could not
    be read.

    Example: mien data crop photos/ faces/
    """
    from mien.inference.config import DetectorName
    from mien.inference.pipeline import Pipeline
    from mien.outputs.face_crops import crop_faces

    notes = _notes(quiet)
    made = crop_faces(
        photographs,
        output,
        Pipeline(
            cast(DetectorName, detector), model, min_face=min_face, min_detection_score=min_detection_score
        ),
        tracked_on(notes),
    )
    notes.print(f"{counted(made.faces, 'face')} in {output}")
    for what, where in (
        ("without a face", made.without),
        ("with several faces, of which the largest was taken", made.several),
        ("that could not be read", made.unread),
        ("that are no images", made.passed_over),
    ):
        _tell(f"{len(where):,} {what}", where, notes)
    raise typer.Exit(PART_NOT_READ if made.unread else 0)


@data.command()
@grouped
def convert(
    path: Source,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A name ending in .parquet, .csv or .csv.gz; FOLDER/{split}.parquet: a folder with a file for each split; else a folder of images.",
        ),
    ],
    reading: ReadingOptions,
    quiet: Quiet = False,
) -> None:
    """Write a data set in another form, with the same pixels, labels, splits, rows, votes and further columns.

    Example: mien data convert fer2013.csv faces.parquet
    """
    from mien.data import write_dataset
    from mien.data.io import require_place

    notes = _notes(quiet)
    refuse_sources([output], [path, reading.votes], "OUT")
    require_place(output)
    write_dataset(reading.opened(path, notes), output, tracked_on(notes))
    _wrote(output, notes)


@data.command()
@grouped
def split(
    path: Source,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A name ending in .parquet, .csv or .csv.gz; without an ending, a folder."
        ),
    ],
    reading: ReadingOptions,
    dealing: DealingOptions,
    quiet: Quiet = False,
) -> None:
    """Deal all images out anew into a training set and a held-out part, class by class.

    The splits that the images had are forgotten. Exact copies of one image stay on one side, and with --by
    person all images of one person.

    Example: mien data split faces.parquet split.parquet --by person
    """
    from mien.data import split_anew, write_dataset
    from mien.data.io import require_place
    from mien.data.label_names import require_split

    notes = _notes(quiet)
    refuse_sources([output], [path, reading.votes], "OUT")
    require_place(output)
    dealt = split_anew(
        reading.opened(path, notes),
        dealing.share,
        dealing.seed,
        held_out=require_split(dealing.held_out, "--held-out"),
        scatter=dealing.scatter,
        by=dealing.by,
    )
    write_dataset(dealt, output, tracked_on(notes))
    _wrote(output, notes)


def _notes(quiet: bool) -> Console:
    return Console(stderr=True, soft_wrap=True, quiet=quiet)


def _tell(what: str, where: Sequence[str], notes: Console) -> None:
    """The first few of what was found, if anything was."""
    if where:
        notes.print(
            f"{what}: {', '.join(where[:_MOST_TOLD])}{', ...' if len(where) > _MOST_TOLD else ''}",
            style="dim",
        )


def _wrote(output: Path, notes: Console) -> None:
    notes.print(f"wrote {output}")


def _show(facts: dict[str, Any], form: ListFormat, show: Any) -> None:
    if form is ListFormat.json:
        say_json(facts)
    else:
        show(facts, Console())
