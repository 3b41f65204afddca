"""``mien study``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mien.cli.console import Console
from mien.cli.exits import PART_NOT_READ
from mien.cli.option_values import comma_list
from mien.cli.options import CorrectionsFile, NetworkOptions, TimeOptions, grouped
from mien.cli.work import WorkOptions, batch_settings, resumed, work_through
from mien.core.errors import InputError
from mien.core.names import quoted

if TYPE_CHECKING:
    from mien.studies.comparison import ComparedStudy, CompareRules
    from mien.studies.recordings import StudyRecordings
    from mien.studies.study import Study, StudyRules

study = typer.Typer(
    help="Participants, conditions and events: measured, compared, and told of in the words of a paper.",
    no_args_is_help=True,
)
_MEASURED, _COMPARED = "Measuring", "Comparing"
_MOST_TOLD = 10

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")]


@dataclass(frozen=True)
class MeasureOptions:
    """Which stretches count, and whose."""

    events: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Events: CSV, WebVTT, ELAN, BIDS, BORIS or TextGrid; with fields, such as {participant}.vtt, one for each recording.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None
    tier: Annotated[
        list[str] | None,
        typer.Option(
            help="Only events of this tier; give it again for more.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None
    event_window: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO",
            help="Seconds from an event's beginning that are measured; by default until its end, or 5 s where it has none.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None
    baseline_window: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO|LABEL",
            help="What events are compared with: seconds from their beginning, such as -2:0, or the last event of this label.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None
    person: Annotated[
        str,
        typer.Option(
            help="Who is the participant: longest in view, largest of each frame, all, or a person's number.",
            rich_help_panel=_MEASURED,
        ),
    ] = "longest"
    corrections: CorrectionsFile = None

    def rules(self) -> StudyRules:
        """The same as plain values.

        Raises:
            InputError: A value is impossible.
        """
        from mien.people import read_corrections
        from mien.studies.recordings import person_rule
        from mien.studies.study import StudyRules
        from mien.studies.windows import WindowRule, parse_span

        window = None if self.event_window is None else parse_span(self.event_window)
        if self.event_window is not None and window is None:
            raise InputError(
                f"expected --event-window as seconds from and to, such as 0:5; got {quoted(self.event_window)}"
            )
        base = (
            None if self.baseline_window is None else parse_span(self.baseline_window) or self.baseline_window
        )
        return StudyRules(
            WindowRule(window, base),
            self.events,
            tuple(self.tier or ()),
            person_rule(self.person) or "longest",
            None if self.corrections is None else read_corrections(self.corrections),
        )

    def facts(self) -> dict[str, Any]:
        """What decides the measures, by the names of the options; ready for JSON."""
        rules = self.rules()
        return {
            "events": self.events,
            "tier": list(rules.tiers),
            "event-window": rules.windows.window,
            "baseline-window": rules.windows.baseline,
            "person": rules.person,
            "corrections": None if self.corrections is None else str(self.corrections),
        }


@dataclass(frozen=True)
class CompareOptions:
    """What is compared, and how."""

    by: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Whose levels are compared: condition, group or another field, or event; by default the first that has two.",
            show_default=False,
            rich_help_panel=_COMPARED,
        ),
    ] = None
    each: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Compare within each level of this field, or of event, apart.",
            show_default=False,
            rich_help_panel=_COMPARED,
        ),
    ] = None
    statistic: Annotated[
        str | None,
        typer.Option(
            help="mean, peak, peak_time, onset, duration, share, area, baseline or change; by default change where there are baselines, else mean.",
            show_default=False,
            rich_help_panel=_COMPARED,
        ),
    ] = None
    measures: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Signals, such as happy,valence,smile; all by default.",
            show_default=False,
            rich_help_panel=_COMPARED,
        ),
    ] = None
    p_adjust: Annotated[
        Literal["holm", "fdr", "none"],
        typer.Option(help="Of p-values, for there being many.", rich_help_panel=_COMPARED),
    ] = "holm"
    min_coverage: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Leave out windows of which less was read.",
            min=0,
            max=1,
            rich_help_panel=_COMPARED,
        ),
    ] = 0.5
    draws: Annotated[
        int,
        typer.Option(
            help="Permutations, and samples of bootstraps.", min=99, max=100_000, rich_help_panel=_COMPARED
        ),
    ] = 9_999
    seed: Annotated[
        int, typer.Option(help="Of permutations and bootstraps.", min=0, rich_help_panel=_COMPARED)
    ] = 0

    def rules(self) -> CompareRules:
        """The same as plain values."""
        from mien.studies.comparison import CompareRules

        values = {**vars(self), "measures": tuple(comma_list(self.measures))}
        return CompareRules(**values)


@study.command()
@grouped
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RECORDINGS",
            help="A pattern such as 'videos/{participant}/{condition}.mp4', or a table .csv with the columns file, participant and others.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where all goes.", show_default=False)
    ],
    measured: MeasureOptions,
    compared: CompareOptions,
    work: WorkOptions,
    networks: NetworkOptions,
    over_time: TimeOptions,
    rows: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE|FOLDER",
            help="Rows of the recordings that are there already; nothing is analyzed then. Give it again for more.",
            show_default=False,
            rich_help_panel=_MEASURED,
        ),
    ] = None,
    drop_missing: Annotated[
        bool,
        typer.Option(
            "--drop-missing",
            help="Take out recordings that are not there any more; else they are refused.",
            rich_help_panel=_MEASURED,
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Analyze the recordings of a study, measure what each participant shows around events, and compare conditions or groups.

    FOLDER gets long.csv (a row for each signal of each event), wide.csv (a row for each participant), comparison.csv and
    .json, a chart, report.html, paragraphs.md for a paper, and study.json with settings, versions and digests. A run that is
    stopped goes on with the same command. RECORDINGS may also be saved tables, such as 'rows/{participant}.csv'.

    mien describes a facial expression, not an emotion that a person feels.

    Exit status: 0 when all was used, 3 when a part was left out (it is said which), 1 when nothing could be read.

    Example: mien study run 'videos/{participant}/{condition}.mp4' -o study
    """
    from mien.cli.progress import tracked_on
    from mien.studies.comparison import check_compared
    from mien.studies.folder import ROWS, check_folder, write_study
    from mien.studies.recordings import find_recordings
    from mien.studies.study import measure_study

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    rules, how = measured.rules(), compared.rules()
    found = find_recordings(source, on_disk=not rows)
    check_compared(found.fields, how)
    check_folder(output, [source, *found.places, rules.events, measured.corrections, *(rows or ())])
    tables: list[Path] | None
    if rows:
        tables, settings = _tables(rows)
    elif _are_tables(found):
        tables, settings = None, {}
    else:
        form = "csv" if find_spec("polars") is None else "parquet"
        chosen = batch_settings(networks, over_time, work, form, labelled=False)
        tables = _analyzed(found, chosen, output / ROWS, work, drop_missing=drop_missing, notes=notes)
        settings = chosen.facts()
    done = measure_study(found, rules, tables, tracked_on(notes))
    facts, written = write_study(output, done, settings, measured.facts())
    for path in written:
        notes.print(f"wrote {path}")
    _compare(output, done, facts, how, notes)


@study.command()
@grouped
def compare(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY",
            help="The folder of mien study run, or its long.csv, perhaps edited.",
            show_default=False,
        ),
    ],
    compared: CompareOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where all goes; by default into the study's.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare conditions or groups again: by another field, another statistic, fewer signals, an edited table.

    Writes comparison.csv and .json, comparison.png, paragraphs.md and report.html. Participants are compared with themselves
    where they have several levels (paired), else groups are. Exit status: 0 when all was used, 3 when a part was left out.

    Example: mien study compare study --statistic peak -o peaks
    """
    from mien.studies.folder import check_folder, read_study
    from mien.studies.tables import LONG

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    table = source / LONG if source.is_dir() else source
    done, facts = read_study(table)
    output = output or table.parent
    check_folder(output, [table], measured=False)
    _compare(output, done, facts, compared.rules(), notes, asked=True)


def _compare(
    output: Path, done: Study, facts: Any, rules: CompareRules, notes: Console, *, asked: bool = False
) -> None:
    """Compare, write, show and leave."""
    from mien.studies.comparison import NothingComparedError, compare_study
    from mien.studies.folder import write_comparison
    from mien.studies.texts import too_few_to_tell

    compared: ComparedStudy | None = None
    left_out: tuple[str, ...] = ()
    try:
        compared = compare_study(done.rows, done.fields, rules)
        left_out = compared.left_out
    except NothingComparedError as error:
        if asked or ((rules.by or rules.each) and not error.left_out):
            raise
        left_out = error.left_out
        done.remarks.append(f"nothing was compared: {error}")
    if compared is not None and (few := too_few_to_tell(compared)):
        done.remarks.insert(0, f"{few} It takes more participants, or fewer signals (--measures).")
    for path in write_comparison(output, done, facts, compared, left_out):
        notes.print(f"wrote {path}")
    if compared is not None:
        _show(compared)
    lacks = [*left_out, *done.problems]
    _tell(lacks, Console(stderr=True, soft_wrap=True), output)
    _tell(done.remarks, notes, output)
    raise typer.Exit(PART_NOT_READ if lacks else 0)


def _show(compared: ComparedStudy) -> None:
    from mien.cli.study_view import comparison_table
    from mien.core.labels import NOTICE

    console = Console(soft_wrap=True)
    console.print(comparison_table(compared))
    console.print(NOTICE, style="dim")


def _tell(lines: list[str], notes: Console, output: Path) -> None:
    for line in lines[:_MOST_TOLD]:
        notes.print(line)
    if len(lines) > _MOST_TOLD:
        notes.print(f"{len(lines) - _MOST_TOLD} more: {output / 'report.html'} has them all")


def _are_tables(found: StudyRecordings) -> bool:
    """Whether the recordings are saved rows.

    Raises:
        InputError: Some are, and some are videos.
    """
    from mien.outputs.tables import is_table

    tables = [is_table(Path(one.place)) for one in found.recordings]
    if any(tables) and not all(tables):
        one, other = found.recordings[tables.index(True)], found.recordings[tables.index(False)]
        raise InputError(
            f"{found.given}: expected videos or tables; got both, such as {one.file} and {other.file}: give one kind"
        )
    return any(tables)


def _tables(rows: list[Path]) -> tuple[list[Path], dict[str, Any]]:
    """The tables in files and folders, and the settings of the run that wrote them, where a batch did."""
    from mien.batch.output import MANIFEST, read_manifest
    from mien.outputs.tables import is_table

    tables: list[Path] = []
    settings: dict[str, Any] = {}
    for path in rows:
        if path.is_dir():
            shards = sorted(path.glob("shard-*"))
            tables += shards or sorted(file for file in path.rglob("*") if file.is_file() and is_table(file))
            # Without shards beside it a manifest is of something else.
            if shards and (path / MANIFEST).is_file():
                settings = read_manifest(path).get("settings", {})
        else:
            tables.append(path)
    if not tables:
        raise InputError(
            f"expected tables of rows in {rows[0]}; there is none: mien analyze and mien batch write them"
        )
    return tables, settings


def _analyzed(
    found: StudyRecordings,
    settings: Any,
    folder: Path,
    work: WorkOptions,
    *,
    drop_missing: bool,
    notes: Console,
) -> list[Path]:
    """Have the recordings read that are not read yet; gives the shards."""
    from mien.batch.inputs import Input
    from mien.batch.job import BatchJob
    from mien.batch.shard import FilePart

    given = Input(found.given, "list", [FilePart(one.file, one.place) for one in found.recordings])
    with BatchJob(given, settings, folder, work.shard_size, drop_missing=drop_missing) as job:
        for remark in resumed(job) if job.output.resumed else []:
            notes.print(remark, style="dim")
        if not job.whole:
            work_through(job, work, settings, folder, notes)
        return [job.output.place(shard.number) for shard in job.layout.shards]
