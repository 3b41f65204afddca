"""``mien score``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.console import Console
from mien.cli.exits import PART_NOT_READ
from mien.cli.options import CorrectionsFile, grouped

if TYPE_CHECKING:
    from mien.clips.predictions import ScoreOptions
    from mien.clips.scoring import ClipScore


_ANSWER, _OUTPUT = "Answers", "Output"


@dataclass(frozen=True)
class AnswerOptions:
    """How a clip gets its label."""

    method: Annotated[
        Literal["evidence", "count"],
        typer.Option(
            help="evidence: mean probabilities, by how long a frame lasts; count: what most frames show.",
            rich_help_panel=_ANSWER,
        ),
    ] = "evidence"
    person: Annotated[
        str,
        typer.Option(
            help="Whose face: largest of each frame, all, or a person's number.", rich_help_panel=_ANSWER
        ),
    ] = "largest"
    min_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="No answer below this confidence; by default 0.3 (expressions) or 0.4 (sentiments) for evidence, 0 for count.",
            rich_help_panel=_ANSWER,
        ),
    ] = None
    mapping: Annotated[
        str,
        typer.Option(
            help="What counts as positive, neutral, negative: valence, yin, or a .toml or .json file.",
            rich_help_panel=_ANSWER,
        ),
    ] = "valence"
    classes: Annotated[
        Literal["expression", "sentiment"] | None,
        typer.Option(
            help="Judge expressions or sentiments; as the reference labels are by default.",
            rich_help_panel=_ANSWER,
        ),
    ] = None
    group_by: Annotated[
        Literal["folder", "person"],
        typer.Option(help="Totals of each folder, or of each person of each clip.", rich_help_panel=_ANSWER),
    ] = "folder"
    sequences: Annotated[
        bool,
        typer.Option(
            "--image-sequences",
            help="The images of a folder are one clip, named as the folder.",
            rich_help_panel=_ANSWER,
        ),
    ] = False

    def options(self) -> ScoreOptions:
        """How clips are scored.

        Raises:
            InputError: A value is impossible.
        """
        from mien.clips.aggregate import ClipRule
        from mien.clips.predictions import ScoreOptions
        from mien.metrics.sentiment import open_mapping

        person = int(self.person) if self.person.isdecimal() else self.person
        return ScoreOptions(
            ClipRule(self.method, person, self.min_confidence),
            open_mapping(self.mapping),
            self.classes,
            self.group_by,
            self.sequences,
        )


@grouped
def score(
    predictions: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREDICTIONS",
            help="Tables that mien analyze wrote, or folders of them.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        Path,
        typer.Argument(
            metavar="REFERENCE.csv", help="Columns file and label: what raters said.", show_default=False
        ),
    ],
    answers: AnswerOptions,
    corrections: CorrectionsFile = None,
    form: Annotated[
        Literal["table", "csv", "json"],
        typer.Option("--format", help="What goes to standard output.", rich_help_panel=_OUTPUT),
    ] = "table",
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write .csv (the table of clips) or .json (everything).",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write charts as PNG.", show_default=False, rich_help_panel=_OUTPUT
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Give every clip one label from rows that mien analyze saved, and compare it with reference labels.

    The videos are not needed. Several PREDICTIONS, such as of two detectors or sampling rates, stand side by
    side. Frames without a face lower a clip's coverage and count as nothing else. Exit status: 0 when every clip
    had a reference label and every reference label a clip, 3 when not; the rest is scored.

    Example: mien score rows.csv reference.csv -o clips.csv
    """
    from mien.cli.progress import tracked_on
    from mien.clips.facts import check_places, print_scores, write_charts, write_scores
    from mien.clips.predictions import read_predictions
    from mien.clips.reference import read_reference
    from mien.clips.scoring import score_clips
    from mien.core.output_names import refuse_sources
    from mien.people import read_corrections

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    changes = None if corrections is None else read_corrections(corrections)
    options = replace(answers.options(), corrections=changes)
    refuse_sources(output or (), [*predictions, reference, corrections, answers.mapping], "-o")
    check_places(output or (), plots)
    read = [read_predictions(path, options, tracked_on(notes)) for path in predictions]
    labels = read_reference(reference, tuple(name for one in read for name in one.classes))
    scores = [score_clips(one, labels, options) for one in read]
    for path in output or ():
        write_scores(path, scores, labels, options)
    written = [*(output or ()), *(write_charts(scores, plots) if plots else ())]
    if form == "table":
        from mien.cli.score_tables import show_scores

        show_scores(scores, options, Console())
    else:
        print_scores(sys.stdout, form, scores, (labels, options))
    _tell(scores, reference, Console(stderr=True, soft_wrap=True))
    for path in written:
        notes.print(f"wrote {path}")
    raise typer.Exit(0 if all(one.complete for one in scores) else PART_NOT_READ)


_LISTED = {
    "missing": "reference labels without a clip",
    "no_reference": "clips without a reference label",
    "unreadable": "clips of which nothing could be read",
}
_MOST_TOLD, _MOST_LINES = 5, 20


def _tell(scores: list[ClipScore], reference: Path, notes: Console) -> None:
    """What was left out."""
    said: list[str] = []
    for one in scores:
        said += [
            problem if one.name in problem or problem.startswith(str(reference)) else f"{one.name}: {problem}"
            for problem in (*one.remarks, *one.problems)
        ]
        for status, words in _LISTED.items():
            names = [clip.file for clip in one.clips if clip.status == status]
            more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
            said += (
                [f"{one.name}: {len(names)} {words}, not scored: {', '.join(names[:_MOST_TOLD])}{more}"]
                if names
                else []
            )
    lines = list(dict.fromkeys(said))
    for line in [
        *lines[:_MOST_LINES],
        *(
            [f"{len(lines) - _MOST_LINES} more: -o FILE.json has them all"]
            if len(lines) > _MOST_LINES
            else []
        ),
    ]:
        notes.print(line)
