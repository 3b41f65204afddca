"""``mien evaluate``: how good a network, checkpoint or function is on labelled faces."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mien.cli.formats import ListFormat
from mien.cli.progress import tracked_on

if TYPE_CHECKING:
    from mien.evaluate import Evaluation


class LabelSet(StrEnum):
    auto = "auto"
    fer2013 = "fer2013"
    ferplus = "ferplus"
    votes_7 = "votes-7"


class Views(StrEnum):
    one = "one"
    flip = "flip"
    ten_crop = "ten-crop"


_PRIVATE = (
    "PrivateTest is for the final figures of a finished network: choose nothing by what comes out. mien open-private writes an opening down in a log."
)


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Network by name, ONNX file, run folder or checkpoint, package.module:function; an ensemble with + between."
        ),
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled faces: fer2013.csv, Parquet, or class folders.")],
    split: Annotated[str, typer.Option(help="Which part of the data.")] = "PublicTest",
    head: Annotated[str | None, typer.Option(help="Which reading of the network; its first unless given.", show_default=False)] = None,
    labels: Annotated[
        LabelSet,
        typer.Option(help="What counts as right: the data's own label, the FER+ majority of 8 classes, or that majority within the data's classes."),
    ] = LabelSet.auto,
    views: Annotated[Views, typer.Option(help="How often a picture is looked at; results name it.")] = Views.one,
    votes: Annotated[Path | None, typer.Option(help="fer2013new.csv of FER+, where the data has no votes.", show_default=False)] = None,
    with_training: Annotated[bool, typer.Option("--with-training", help="Also measure on Training, for the ratio of both accuracies.")] = False,
    corruptions: Annotated[bool, typer.Option("--corruptions", help="Also measure in bad light, blur, noise, behind masks and so on.")] = False,
    form: Annotated[ListFormat, typer.Option("--format", help="Tables for people, or JSON.")] = ListFormat.table,
    png: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write matrix.png, reliability.png, classes.png.", show_default=False)] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one HTML page with everything here.", show_default=False)] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; the library's choice unless given.", show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")] = False,
) -> None:
    """Measure how well something reads the expressions of labelled faces, and say how sure the figures are.

    Accuracy with its 95 % interval, macro-F1, every class, the confusion matrix, second guesses, calibration, the distance
    to people's votes, people themselves, and all of it again without the pictures that also stand in Training.
    """
    from mien.evaluate import Options, open_subject
    from mien.evaluate import evaluate as judge
    from mien.evaluate.plots import require_matplotlib
    from mien.evaluate.report import require_jinja2, write_report

    notes = Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
    if png or report:
        require_matplotlib()
    if report:
        require_jinja2()
    subject = open_subject(model, head=head, threads=threads)
    faces = _opened(data, votes, subject.side, notes)
    options = Options(split, labels.value, views.value, with_training, corruptions, data.name, tracked_on(notes))
    found = judge(subject, faces, options)
    for remark in (*found.remarks, *([_PRIVATE] if found.options.split == "PrivateTest" else [])):
        notes.print(f"note: {remark}", markup=False, style="dim")
    _show(found, form)
    if png:
        from mien.evaluate.plots import write_plots

        for path in write_plots(found, png):
            notes.print(f"wrote {path}", markup=False)
    if report:
        write_report(found, report)
        notes.print(f"wrote {report}", markup=False)


def _opened(path: Path, votes: Path | None, side: int, notes: Console):  # type: ignore[no-untyped-def]
    """The data; what cannot be used of it is told and left out."""
    from mien.data import open_dataset

    problems: list[str] = []
    faces = open_dataset(path, votes=votes, size=side, problems=problems, track=tracked_on(notes))
    for problem in problems[:3]:
        notes.print(f"left out: {problem}", markup=False)
    if len(problems) > 3:
        notes.print(f"left out: {len(problems) - 3} pictures more: mien data audit {path} names them", markup=False)
    return faces


def _show(found: Evaluation, form: ListFormat) -> None:
    if form is ListFormat.json:
        print(json.dumps(found.facts(), indent=1, ensure_ascii=False, allow_nan=False))
        return
    from mien.cli.evaluate_tables import show_evaluation

    show_evaluation(found, Console(highlight=False))
