"""``mien evaluate``: how good a model, checkpoint or function is on labelled faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import Console, say_json
from mien.cli.options import ListFormat, TestTimeAugmentation, grouped
from mien.cli.progress import tracked_on
from mien.core.formatting import counted
from mien.core.names import json_text, spelled

if TYPE_CHECKING:
    from mien.core.progress import ProgressCallback
    from mien.evaluation import EvaluateOptions, Evaluation, Predictor


class LabelSet(StrEnum):
    auto = "auto"
    own = "own"
    ferplus = "ferplus"
    votes_7 = "votes-7"


_JUDGING, _OUTPUT = "What is measured", "Output"
_PRIVATE = (
    "{} is for the final figures of a finished model: choose nothing by what comes out. "
    "mien models test writes an opening down in a log."
)


@dataclass(frozen=True)
class JudgingOptions:
    """What is measured."""

    split: Annotated[
        str,
        typer.Option(
            help="Which part of the data; auto: the validation set (PublicTest), or all of it where it is not divided; all: every face once.",
            rich_help_panel=_JUDGING,
        ),
    ] = "auto"
    head: Annotated[
        str | None,
        typer.Option(
            help="Which output head; its first unless given.",
            show_default=False,
            rich_help_panel=_JUDGING,
        ),
    ] = None
    ground_truth: Annotated[
        LabelSet,
        typer.Option(
            help="What counts as right: the data's own label, the FER+ majority of 8 classes, or that majority within the data's classes.",
            rich_help_panel=_JUDGING,
        ),
    ] = LabelSet.auto
    tta: Annotated[
        TestTimeAugmentation,
        typer.Option(
            help="Test-time augmentation: how often an image is looked at; results name it.",
            rich_help_panel=_JUDGING,
        ),
    ] = TestTimeAugmentation.one
    with_training: Annotated[
        bool,
        typer.Option(
            "--with-training",
            help="Also measure on the training set, for the ratio of both accuracies.",
            rich_help_panel=_JUDGING,
        ),
    ] = False
    corruptions: Annotated[
        bool,
        typer.Option(
            "--corruptions",
            help="Also measure in bad light, blur, noise, behind masks and so on.",
            rich_help_panel=_JUDGING,
        ),
    ] = False
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Also measure for each value of a column of the data, such as age, and compare the values.",
            show_default=False,
            rich_help_panel=_JUDGING,
        ),
    ] = None
    min_group: Annotated[
        int,
        typer.Option(
            min=1,
            help="Images that a value of that column needs to be compared; others are shown and marked.",
            rich_help_panel=_JUDGING,
        ),
    ] = 30
    center_crop: Annotated[
        float,
        typer.Option(
            help="Share of each image's sides, at its centre, that is kept, where images have room around the face.",
            rich_help_panel=_JUDGING,
        ),
    ] = 1.0

    def options(self, data: str, track: ProgressCallback) -> EvaluateOptions:
        """The same for `mien.evaluation.evaluate`."""
        from mien.evaluation import EvaluateOptions

        return EvaluateOptions(
            split=self.split,
            labels=self.ground_truth.value,
            tta=self.tta.value,
            with_training=self.with_training,
            corruptions=self.corruptions,
            by=self.by,
            min_group=self.min_group,
            center_crop=self.center_crop,
            data=data,
            track=track,
        )


@dataclass(frozen=True)
class ShowingOptions:
    """What is shown and written."""

    form: Annotated[
        ListFormat, typer.Option("--format", help="Tables for people, or JSON.", rich_help_panel=_OUTPUT)
    ] = ListFormat.table
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write everything to a file: a page (.html) or data (.json). Give it again for the other.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    plots: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write matrix.png, reliability.png, classes.png.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None

    def check(self) -> None:
        """Find out before the measuring whether everything is there and can be written.

        Raises:
            InputError: A file's ending is unknown, or it cannot be written.
            MissingExtraError: A package is not there.
        """
        from mien.core.atomic import check_writable
        from mien.core.errors import InputError
        from mien.plotting.style import require_matplotlib
        from mien.reports.page import require_jinja2

        for path in self.output or ():
            if path.suffix.lower() not in _WRITERS:
                raise InputError(
                    f"expected a file ending in {' or '.join(_WRITERS)}; got {path}: give another name with -o"
                )
            check_writable(path)
        if self.plots:
            require_matplotlib("evaluate")
        if any(path.suffix.lower() == ".html" for path in self.output or ()):
            require_jinja2("evaluate")

    def show(self, found: Evaluation, notes: Console) -> None:
        """Show and write it all."""
        from mien.cli.evaluate_tables import show_evaluation
        from mien.evaluation.charts import write_plots

        if self.form is ListFormat.json:
            say_json(found.facts())
        else:
            show_evaluation(found, Console())
        written = write_plots(found, self.plots) if self.plots else []
        for path in self.output or ():
            _WRITERS[path.suffix.lower()](found, path)
            written = [*written, path]
        for path in written:
            notes.print(f"wrote {path}")


def _write_page(found: Evaluation, path: Path) -> None:
    from mien.evaluation.report import write_report

    write_report(found, path)


def _write_json(found: Evaluation, path: Path) -> None:
    from mien.core.atomic import atomic_write, translate_os_errors

    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_text(json_text(found.facts(), indent=1) + "\n", encoding="utf-8", newline="\n")


_WRITERS: dict[str, Callable[..., None]] = {".html": _write_page, ".json": _write_json}


@grouped
def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Model by name, ONNX file, run folder or checkpoint, package.module:function; an ensemble with + between.",
        ),
    ],
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Labelled faces: fer2013.csv, Parquet, or class folders.")
    ],
    judging: JudgingOptions,
    showing: ShowingOptions,
    votes: Annotated[
        Path | None,
        typer.Option(help="fer2013new.csv of FER+, where the data has no votes.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads; the library's choice unless given.", show_default=False),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Measure how well a model classifies labelled faces, with 95 % intervals.

    Accuracy and balanced accuracy with their 95 % intervals, macro-F1, every class, the confusion matrix, second guesses, calibration,
    the distance to people's votes, people themselves, and all of it again without the images that also
    stand in the training set.

    Example: mien evaluate small faces/ -o evaluation.html
    """
    from mien.data.dataset import PRIVATE_TEST
    from mien.evaluation import evaluate as judge
    from mien.evaluation import open_subject

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    showing.check()
    subject = open_subject(model, head=judging.head, threads=threads)
    options = judging.options(spelled(data.name), tracked_on(notes))
    faces = _opened(data, votes, subject, options.center_crop, notes)
    found = judge(subject, faces, options)
    opened = PRIVATE_TEST in found.faces.splits
    final = [_PRIVATE.format(found.faces.split_name(PRIVATE_TEST))] if opened else []
    for remark in (*found.remarks, *final):
        notes.print(f"note: {remark}", style="dim")
    showing.show(found, notes)


def _opened(  # type: ignore[no-untyped-def]
    path: Path, votes: Path | None, subject: Predictor, center_crop: float, notes: Console
):
    """The data; what cannot be used of it is told and left out."""
    from mien.evaluation.predictor import faces_for

    problems: list[str] = []
    faces = faces_for(
        subject, path, votes=votes, center_crop=center_crop, problems=problems, track=tracked_on(notes)
    )
    for problem in problems[:3]:
        notes.print(f"left out: {problem}")
    if len(problems) > 3:
        notes.print(
            f"left out: {counted(len(problems) - 3, 'image')} more: mien data audit {path} names them"
        )
    return faces
