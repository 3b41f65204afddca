"""``mien batch``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import Console
from mien.cli.exits import NOTHING_READ, PART_NOT_READ
from mien.cli.options import NetworkOptions, TimeOptions, grouped
from mien.cli.work import WorkOptions, batch_settings, resumed, work_through
from mien.core.formatting import counted, precise
from mien.core.labels import NOTICE

if TYPE_CHECKING:
    from mien.batch.summary import BatchSummary

_GIVEN = "Input"


class ShardFormat(StrEnum):
    parquet = "parquet"
    csv = "csv"
    jsonl = "jsonl"


@dataclass(frozen=True)
class GivenOptions:
    """What is done with the input."""

    remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Allow addresses (s3://...) in INPUT; fsspec reads them.",
            rich_help_panel=_GIVEN,
        ),
    ] = False
    strict_labels: Annotated[
        bool,
        typer.Option(
            "--strict-labels",
            help="Refuse labels that mien does not know; else they are named and left out.",
            rich_help_panel=_GIVEN,
        ),
    ] = False
    drop_missing: Annotated[
        bool,
        typer.Option(
            "--drop-missing",
            help="Take out the rows of inputs that are not there any more; else they are refused.",
            rich_help_panel=_GIVEN,
        ),
    ] = False


@grouped
def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a list of files (.txt, .csv, .tsv), or Parquet with images.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where the shards go.", show_default=False),
    ],
    work: WorkOptions,
    given: GivenOptions,
    networks: NetworkOptions,
    over_time: TimeOptions,
    form: Annotated[
        ShardFormat, typer.Option("--format", help="What shards are written as.")
    ] = ShardFormat.parquet,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Analyze any number of images and videos into a folder of tables (shards); a run that is stopped in any
    way goes on with the same command.

    Rows are those of mien analyze, in the order of the input, with the position of the image (item). An
    image without a face has a row, and so has one that cannot be read. Where folders are named after
    expressions, or a column says so, rows have a reference label, and the end tells how often it was predicted:
    accuracy, confusion.csv, and predictions.csv in the order of the input.

    mien describes a facial expression, not an emotion that a person feels.

    Exit status: 0 when all was read, 3 when a part was not, 1 when nothing was, 130 when it was stopped.

    Example: mien batch photos/ -o read
    """
    # Here, not above: `mien --help` should not wait for them.
    from mien.batch import open_input
    from mien.batch.job import BatchJob
    from mien.batch.settings import labels_of

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    if form is ShardFormat.parquet:
        _require_polars()
    found = open_input(
        source,
        output=output,
        remote=given.remote,
        strict=given.strict_labels,
        own=labels_of(networks.config()),
    )
    for remark in found.remarks:
        notes.print(remark, style="dim")
    settings = batch_settings(networks, over_time, work, form.value, labelled=found.labelled)
    with BatchJob(found, settings, output, work.shard_size, drop_missing=given.drop_missing) as run:
        for remark in resumed(run) if run.output.resumed else []:
            notes.print(remark, style="dim")
        if not run.whole:
            work_through(run, work, settings, output, notes)
        summary = run.judge()
    _show(summary, output, notes)
    failed, read = summary.statuses["error"], summary.statuses.total() - summary.statuses["error"]
    raise typer.Exit(0 if not failed else PART_NOT_READ if read else NOTHING_READ)


def _require_polars() -> None:
    from importlib.util import find_spec

    from mien.core.errors import MissingExtraError

    if find_spec("polars") is None:
        raise MissingExtraError("Shards in Parquet (--format csv does without)", "data", "polars")


def _show(summary: BatchSummary, output: Path, notes: Console) -> None:
    """What came out, for people."""
    from mien.batch.summary import ANSWER
    from mien.cli.evaluate_tables import confusion_table

    console = Console(soft_wrap=True)
    counts = summary.statuses
    console.print(
        f"{counted(counts.total(), 'image or video', 'images and videos')}: {counts['face']:,} with a face ({counted(summary.faces, 'row')}), "
        f"{counts['no_face']:,} without, {counts['error']:,} not read",
    )
    if (found := summary.accuracy) is not None:
        share, low, high = found
        console.print(
            f"accuracy {precise(share, 2)} (95 % interval {precise(low, 2)} to {precise(high, 2)}) of {summary.judged:,} with a label and an answer"
        )
        if summary.silent:
            console.print(f"{summary.silent:,} more have a label, but no face was read")
        console.print(confusion_table(summary.labels, summary.confusion))
        console.print(f"{ANSWER}.", style="dim")
    console.print(NOTICE, style="dim")
    if summary.foreign:
        names = ", ".join(f"{name} ({count:,})" for name, count in summary.foreign.items())
        notes.print(f"labels that the model does not know, left out of these figures: {names}")
    for place in summary.written:
        notes.print(f"wrote {place}")
    notes.print(f"wrote {output}")
