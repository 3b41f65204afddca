"""``mien people``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.console import Console, say_json
from mien.cli.exits import PART_NOT_READ
from mien.cli.table import Table, TableColumn

if TYPE_CHECKING:
    from mien.people.corrections import Corrections
    from mien.people.outputs import ListedPerson


def people(
    rows: Annotated[
        Path, typer.Argument(metavar="ROWS", help="A table that mien analyze wrote.", show_default=False)
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[CORRECTIONS.csv]", help="Corrections, a line for each.", show_default=False),
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="What goes to standard output.")
    ] = "table",
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write corrected rows (.csv, .json, .jsonl, .parquet) or a page to correct them (.html); give it again for more.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """List the people of saved rows, and correct who is who by hand; the videos are not needed.

    CORRECTIONS.csv has the columns source, change, person, other, start, end, name. A change is join (other becomes person), split
    (from start on person is other, or somebody new), swap (person and other, from start on), name, or exclude (a person, a
    stretch, or both). Lines hold from top to bottom. mien score, mien study and mien agree take the same file with --corrections. Exit status: 3
    when a correction could not be applied; the others were.

    Example: mien people rows.csv -o people.html
    """
    from mien.core.output_names import refuse_sources
    from mien.people.corrections import read_corrections

    refuse_sources(output or (), [rows, file], "-o")
    corrections = None if file is None else read_corrections(file)
    found, remarks = _run(rows, corrections, output or [])
    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    if form == "json":
        say_json([vars(each) for each in found])
    elif not (quiet and output):
        Console().print(_table(found))
    for line in remarks:
        notes.print(line)
    for path in output or ():
        notes.print(f"wrote {path}")
    raise typer.Exit(PART_NOT_READ if corrections is not None and corrections.refused else 0)


def _run(
    rows: Path, corrections: Corrections | None, output: list[Path]
) -> tuple[list[ListedPerson], list[str]]:
    """Go through the recordings once; one is in memory at a time."""
    from mien.outputs.tables import read_videos
    from mien.people.outputs import PeoplePage, TablesOfRows, listed
    from mien.reports.page import require_jinja2

    pages = [path for path in output if path.suffix.lower() == ".html"]
    if pages:
        require_jinja2()
    page, found, remarks = PeoplePage(corrections), [], []
    with ExitStack() as held:
        tables = TablesOfRows([path for path in output if path not in pages], held)
        for video in read_videos(rows):
            if pages:
                page.add(video)
            changed = video if corrections is None else corrections.apply(video)
            tables.write(changed)
            found += list(listed(changed))
            remarks += [remark for remark in changed.remarks if remark not in remarks]
    remarks += [] if corrections is None else corrections.remarks()
    for path in pages:
        page.write(path, found, remarks)
    return found, remarks


def _table(found: list[ListedPerson]) -> Table:
    from mien.core.formatting import clock
    from mien.core.names import titled

    table = Table(
        "recording",
        "person",
        TableColumn("name", "text"),
        "from",
        "to",
        "in view (s)",
        "faces",
        TableColumn("mostly", "text"),
    )
    for each in found:
        times = clock(each.first), clock(each.end), f"{each.seconds:,.1f}"
        table.add_row(
            titled(each.source), str(each.track), each.name, *times, f"{each.frames:,}", each.mostly
        )
    return table
