"""``mien agree``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.console import Console
from mien.cli.exits import PART_NOT_READ
from mien.cli.options import CorrectionsFile, grouped
from mien.core.errors import InputError
from mien.core.names import quoted

if TYPE_CHECKING:
    from mien.agreement.options import AgreementOptions

_CODERS, _COMPARISON, _OUTPUT = "Coders' files", "Comparison", "Output"


@dataclass(frozen=True)
class CoderOptions:
    """How coders' files are taken."""

    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="LABEL=WORD,WORD|FILE",
            help="What coders' words stand for, such as happy=joy,smile; =bored leaves a word out. Or a file of such lines.",
            show_default=False,
            rich_help_panel=_CODERS,
        ),
    ] = None
    offset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CODER=]SECONDS",
            help="Added to the times of a coder, or of all.",
            show_default=False,
            rich_help_panel=_CODERS,
        ),
    ] = None
    tier: Annotated[
        list[str] | None,
        typer.Option(
            help="Tier that counts; by default the one with labels.",
            show_default=False,
            rich_help_panel=_CODERS,
        ),
    ] = None
    subject: Annotated[
        str | None,
        typer.Option(help="Whom events must be about.", show_default=False, rich_help_panel=_CODERS),
    ] = None
    observation: Annotated[
        str | None,
        typer.Option(help="Of several in a file of BORIS.", show_default=False, rich_help_panel=_CODERS),
    ] = None
    uncoded: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Label of the time that a coder has not coded, such as neutral; by default nothing is known of it.",
            show_default=False,
            rich_help_panel=_CODERS,
        ),
    ] = None
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH",
            help="Lowest and highest number for valence, such as 1,9; -1,1 by default.",
            show_default=False,
            rich_help_panel=_CODERS,
        ),
    ] = None
    person: Annotated[
        str,
        typer.Option(
            help="Whose face of the rows: largest of each frame, a person's number or name.",
            rich_help_panel=_COMPARISON,
        ),
    ] = "largest"
    step: Annotated[
        float,
        typer.Option(help="Seconds between two moments that are compared.", rich_help_panel=_COMPARISON),
    ] = 0.1
    window: Annotated[
        float, typer.Option(help="Seconds of a part of the time line.", rich_help_panel=_COMPARISON)
    ] = 10.0

    def options(self) -> AgreementOptions:
        """How raters are compared.

        Raises:
            InputError: A value is impossible.
        """
        from mien.agreement.label_map import LabelMap
        from mien.agreement.options import AgreementOptions

        return AgreementOptions(
            self.step,
            int(self.person) if self.person.isdecimal() else self.person,
            tuple(self.tier or ()),
            self.subject,
            self.observation,
            LabelMap.parse(self.labels or ()),
            dict(map(_offset, self.offset or ())),
            self.uncoded,
            None if self.scale is None else _scale(self.scale),
            self.window,
        )


def _offset(text: str) -> tuple[str, float]:
    coder, _, seconds = text.rpartition("=")
    try:
        return coder, float(seconds)
    except ValueError:
        raise InputError(
            f"expected --offset as seconds or coder=seconds, such as anna=-0.8; got {quoted(text)}"
        ) from None


def _scale(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise InputError(f"expected --scale as two numbers, such as 1,9; got {quoted(text)}") from None
    return low, high


@grouped
def agree(
    rows: Annotated[
        Path, typer.Argument(metavar="ROWS", help="A table that mien analyze wrote.", show_default=False)
    ],
    coders: Annotated[
        list[Path],
        typer.Argument(
            metavar="CODER...",
            help="A coder's file, or folder with a file for each recording, named as that is.",
            show_default=False,
        ),
    ],
    taken: CoderOptions,
    corrections: CorrectionsFile = None,
    form: Annotated[
        Literal["table", "json"],
        typer.Option("--format", help="What goes to standard output.", rich_help_panel=_OUTPUT),
    ] = "table",
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write .json (everything), .csv (figures), .html (a page) or .png (the timeline); give it again for more.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Hold people's coding against rows that mien analyze saved, and against each other.

    Coders' files are ELAN, BORIS, BIDS, Praat, WebVTT, or a CSV of stretches (start, end, label) or of samples (time,
    label); numbers as labels are valence. What a coder has not coded is missing, not neutral. Given are Cohen's kappa,
    Krippendorff's alpha, F1 of each label, intraclass correlations of valence, lags, confusions and where raters differ, with
    intervals over recordings. Exit status: 3 when a file could not be used; the rest is computed.

    Example: mien agree rows.csv anna.eaf -o agreement.html
    """
    from mien.agreement import compare_raters
    from mien.agreement.outputs import agreement_facts, check_place, write_agreement
    from mien.cli.console import say_json
    from mien.core.output_names import refuse_sources
    from mien.outputs.tables import read_videos
    from mien.people import corrected, read_corrections

    options = taken.options()
    refuse_sources(output or (), [rows, *coders, corrections, *(taken.labels or ())], "-o")
    for path in output or ():
        check_place(path)
    changes = None if corrections is None else read_corrections(corrections)
    agreement = compare_raters(corrected(read_videos(rows), changes), coders, options)
    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    for path in output or ():
        write_agreement(path, agreement)
    if form == "json":
        say_json(agreement_facts(agreement))
    elif not (quiet and output):
        from mien.cli.agree_tables import show_agreement

        show_agreement(agreement, Console())
    for remark in agreement.remarks:
        notes.print(remark)
    for path in output or ():
        notes.print(f"wrote {path}")
    raise typer.Exit(0 if agreement.raters.complete else PART_NOT_READ)
