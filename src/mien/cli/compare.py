"""``mien models compare``: optimizers, architectures or seeds side by side."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mien.cli.console import Console, say_json
from mien.cli.option_values import comma_list
from mien.cli.options import grouped
from mien.cli.progress import LessonProgress
from mien.cli.table import Table, TableColumn
from mien.cli.training_options import (
    Data,
    HardwareOptions,
    PresetOptions,
    Votes,
    open_mixture,
    seed_list,
    training_extra,
)
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.formatting import precise

if TYPE_CHECKING:
    from mien.training.comparison import RunRow


class CompareFormat(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"


@grouped
def compare(
    data: Data,
    out: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder: one run in each subfolder, comparison.png, comparison.csv."
        ),
    ],
    chosen: PresetOptions,
    computing: HardwareOptions,
    optimizers: Annotated[str | None, typer.Option(help="Such as sgd,rmsprop,adam,adamw.")] = None,
    archs: Annotated[str | None, typer.Option(help="Architectures, such as monyok,gudi,residual.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 1,2,3.")] = None,
    form: Annotated[
        CompareFormat, typer.Option("--format", help="A table for people, JSON, or CSV.")
    ] = CompareFormat.table,
    votes: Votes = None,
) -> None:
    """Train the same recipe with several optimizers, architectures or seeds; show validation accuracy with
    intervals.

    Stopped and started again with the same command, it goes on where it was. An optimizer that is not the
    preset's own starts at a usual rate: SGD 0.01 with momentum 0.9, the others 0.001.

    Example: mien models compare faces/ --optimizers sgd,adam -o compared
    """
    with training_extra():
        from mien.plotting.curves import draw_runs
        from mien.training.comparison import summarise, variants
        from mien.training.run import is_first, train
    recipe = chosen.recipe()
    recipes = variants(recipe, comma_list(optimizers), comma_list(archs), seed_list(seeds))
    faces = open_mixture(data, votes, chosen.mix, recipe.mixture)
    console = Console(stderr=True)
    for name, variant in recipes.items():
        with LessonProgress(variant.epochs, console, name) as progress:
            train(faces, variant, out / name, progress, computing.hardware())
    if is_first():
        found = {name: summarise(name, out / name, faces) for name in recipes}
        draw_runs(
            {name: history for name, (_, history) in found.items()}, recipe.heads[0], out / "comparison.png"
        )
        lines = [line for line, _ in found.values()]
        table = out / "comparison.csv"
        with (
            atomic_write(table) as aside,
            translate_os_errors(table),
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            _write_csv(lines, file)
        _show(lines, form)
        console.print(f"wrote {out / 'comparison.png'} and {table}")


def _show(lines: list[RunRow], form: CompareFormat) -> None:
    if form is CompareFormat.json:
        say_json([line.facts() for line in lines])
    elif form is CompareFormat.csv:
        _write_csv(lines, sys.stdout)
    else:
        Console().print(_table(lines))


def _write_csv(lines: list[RunRow], file: TextIO) -> None:
    csv_writer(file, [*lines[0].facts()])(line.facts() for line in lines)


def _table(lines: list[RunRow]) -> Table:
    table = Table(
        "run",
        TableColumn("epoch", drop=2),
        "validation",
        "95 % interval",
        TableColumn("n", drop=1),
        TableColumn("macro F1", drop=3),
        TableColumn("training", drop=4),
    )
    for line in lines:
        interval = f"{precise(line.low)} to {precise(line.high)}"
        cells = (
            f"{line.epoch}/{line.epochs}",
            precise(line.accuracy),
            interval,
            f"{line.n:,}",
            f"{line.macro_f1:.3f}",
            precise(line.train_accuracy),
        )
        table.add_row(line.run, *cells)
    return table
