"""``mien reproduce``: the published trainings again, with the published figures beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import Console, say_json
from mien.cli.options import ListFormat, grouped
from mien.cli.progress import LessonProgress
from mien.cli.table import Table, TableColumn
from mien.cli.training_options import ChangeOptions, Data, Threads, open_faces, seed_list, training_extra

if TYPE_CHECKING:
    from mien.reproduction import Repetition


@grouped
def reproduce(
    name: Annotated[
        str, typer.Argument(metavar="PAPER", help="monyok, holman, spittlemeister, kalu, or mini_xception.")
    ],
    data: Data,
    out: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder: one run in each subfolder, result.json, curves.png, matrix.png."
        ),
    ],
    changes: ChangeOptions,
    seeds: Annotated[
        str | None, typer.Option(help="Such as 1,2,3; three where a training takes minutes, else one.")
    ] = None,
    form: Annotated[
        ListFormat, typer.Option("--format", help="Tables for people, or JSON.")
    ] = ListFormat.table,
    threads: Threads = None,
) -> None:
    """Repeat a published training, and show its figures beside ours.

    Stopped and started again with the same command, it goes on where it was. Needs FER-2013 with its three
    splits. The test set is opened to hold ours against theirs; nothing is chosen by it. What ours is, and why
    they differ: docs/reproduction.md.

    Example: mien reproduce monyok fer2013.csv -o monyok
    """
    with training_extra():
        from mien.reproduction import paper, repeat
        from mien.reproduction.page import draw_charts
        from mien.reproduction.repetition import recipes_of
        from mien.training.run import Hardware
    entry = paper(name)
    recipes = recipes_of(entry, seed_list(seeds), changes.changed)
    faces = open_faces(data)
    console = Console(stderr=True)
    repetition = repeat(
        entry,
        faces,
        out,
        recipes,
        lambda run, recipe: LessonProgress(recipe.epochs, console, run),
        Hardware(threads=threads),
    )
    images = draw_charts(repetition, out)
    if form is ListFormat.json:
        say_json({run.name: run.measures for run in repetition.runs})
    else:
        _show(repetition, Console())
    for place in (out / "result.json", *images):
        console.print(f"wrote {place}")


def _show(repetition: Repetition, console: Console) -> None:
    from mien.reproduction.page import claims_rows, runs_rows

    for rows in (claims_rows(repetition), runs_rows(repetition)):
        words = ("the source says", "what ours is")
        table = Table(*(TableColumn(title, "words") if title in words else title for title in rows[0]))
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
        console.print()
