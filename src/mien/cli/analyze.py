"""``mien analyze``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.console import Console

from mien.cli.exits import NOTHING_READ, PART_NOT_READ

if TYPE_CHECKING:
    from mien.labels import Labels
    from mien.tables import Write


class Format(StrEnum):
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


def analyze(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Pictures, videos, folders; - for standard input.", show_default=False)],
    form: Annotated[Format | None, typer.Option("--format", help="What to write; by the name of -o, else a table for people.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the rows to this file (.json, .jsonl, .csv).")] = None,
    annotate: Annotated[Path | None, typer.Option(help="Write the picture, or an MP4, with boxes and labels; a folder for several.")] = None,
    detector: Annotated[str, typer.Option(help="mtcnn, haar (mien\\[haar]), or whole for pictures that are a face already.")] = "mtcnn",
    min_face: Annotated[int | None, typer.Option(help="Height in px of the smallest face to look for.", min=1)] = None,
    largest: Annotated[bool, typer.Option("--largest", help="Keep only the biggest face of each frame.")] = False,
    model: Annotated[str, typer.Option(help="A network of mien's (mien models) or an ONNX file with a card.")] = "small",
    head: Annotated[str | None, typer.Option(help="Which reading of the network to use (mien models).", show_default=False)] = None,
    every: Annotated[float | None, typer.Option(help="Seconds between the frames of a video that are looked at.")] = None,
    per_second: Annotated[float | None, typer.Option(help="Look at no more than so many frames a second.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads for each network.", min=1)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")] = False,
) -> None:
    """Find the faces in pictures and videos, and read the expression that each one shows.

    A row is one face, or one frame without any: source, frame, time (s), status (face, no_face, error), track, box
    (x1, y1, x2, y2 in px), score, emotion, confidence, probs, steady, smooth, error. Rows go to standard output or to a file,
    remarks to standard error. Ends with 0 when all was read, 3 when a part was not, 1 when nothing was.
    """
    # Here, not above: `mien --help` should not wait for the networks' library.
    from mien.analysis import sight
    from mien.annotate import Annotator, places_for
    from mien.cli.progress import SourceProgress
    from mien.cli.summary import Summary
    from mien.media import Sampling
    from mien.pipeline import Pipeline

    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    sampling = Sampling(every=every, per_second=per_second)
    with ExitStack() as stack:
        pipeline = Pipeline(detector, model, head=head, min_face=min_face, largest=largest, threads=threads)
        sources = _sources(paths, notes, quiet)
        places = None if annotate is None else places_for(annotate, sources)
        _refuse_to_replace(output, sources)
        summary = Summary(pipeline.labels)
        drawn: list[Path] = []
        write = stack.enter_context(_table(form, output, pipeline.labels))
        progress = stack.enter_context(SourceProgress(len(sources), notes, hidden=quiet))
        for position, sightings in groupby(sight(sources, pipeline, sampling), key=lambda sighting: sighting.position):
            with Annotator(places[position] if places else None, named=places == [annotate]) as annotator:
                for sighting in progress.follow(sightings):
                    annotator.add(sighting)
                    summary.add(sighting)
                    if write:
                        write(sighting.reading.rows())
            drawn += [annotator.written] if annotator.written else []
    if write is None or (output and not quiet):
        summary.show(Console(highlight=False))
    if not quiet:
        written = [*([output] if output else []), *(drawn if len(drawn) < 3 else [f"{len(drawn)} copies in {annotate}"])]
        for place in written:
            notes.print(f"wrote {place}", markup=False)
    raise typer.Exit(0 if not summary.failed else PART_NOT_READ if summary.read else NOTHING_READ)


def _sources(paths: list[str], notes: Console, quiet: bool) -> list[str | Path | BinaryIO]:
    from mien.errors import InputError
    from mien.media import find_sources

    if paths.count("-") > 1:
        raise typer.BadParameter("standard input can be read only once")
    found = find_sources(paths)
    if found.passed_over and not quiet:
        files = "1 file" if len(found.passed_over) == 1 else f"{len(found.passed_over)} files"
        notes.print(f"{files} passed over: neither picture nor video by name", style="dim")
    # A folder that cannot be listed is opened like a file, so that its error stands in a row of its own.
    sources = [*found.sources, *found.unreadable]
    if not sources:
        raise InputError(f"expected pictures or videos; none lie in {', '.join(paths)}: name files whose endings mien does not know one by one")
    return [sys.stdin.buffer if source == "-" else source for source in sources]


def _refuse_to_replace(output: Path | None, sources: list[str | Path | BinaryIO]) -> None:
    from mien.errors import InputError

    if output is not None and any(isinstance(source, str | Path) and Path(source).resolve() == output.resolve() for source in sources):
        raise InputError(f"{output} is one of the sources: give another file with -o")


@contextmanager
def _table(form: Format | None, output: Path | None, labels: Labels) -> Iterator[Write | None]:
    """Where rows go: a file, standard output, or (None) nowhere but into the summary for people."""
    from mien.tables import format_of, open_table, row_writer

    if output is not None:
        chosen = format_of(output) if form is None else form.value
        if chosen == "table":
            raise typer.BadParameter("a table for people goes to the terminal: -o takes json, jsonl or csv")
        with open_table(output, chosen, labels) as write:
            yield write
    elif form in (None, Format.table):
        yield None
    else:
        with row_writer(sys.stdout, form.value, labels) as write:
            yield write
