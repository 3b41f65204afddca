"""``mien analyze``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mien.cli.console import Console
from mien.cli.exits import NOTHING_READ, PART_NOT_READ, Interrupted
from mien.cli.options import Format, NetworkOptions, OutputOptions, TimeOptions, grouped
from mien.cli.talking_options import TalkingOptions
from mien.core.formatting import counted, date_time

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.outputs.base import RunContext, Writer
    from mien.outputs.spec import OutputSpec
    from mien.outputs.writer import RunWriter
    from mien.video.checkpoint import CheckpointStore
    from mien.video.runner import Source, VideoOptions


@grouped
def analyze(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images, videos, folders, patterns (*.jpg); - for standard input.",
            show_default=False,
        ),
    ],
    output: OutputOptions,
    over_time: TimeOptions,
    talk: TalkingOptions,
    networks: NetworkOptions,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; errors still show.")
    ] = False,
) -> None:
    """Find the faces in images and videos, and read the expression that each one shows.

    A row is one face, or one frame without any: source, frame, time (s), status (face, no_face, error),
    track, box (x1, y1, x2, y2 in px), detection_score, emotion, confidence, probs, smoothed_emotion,
    smoothed_probs, label, label_confidence, valence, expressiveness, error. In videos people are followed (track), and their results
    smoothed (smoothed_probs, smoothed_emotion) beside the raw ones. Rows go to standard output or to files,
    remarks to standard error. A run with files that is stopped goes on where it was when the same command is
    given again; until then its reports are about what was read.

    Exit status: 0 when all was read, 3 when a part was not, 1 when nothing was.

    Example: mien analyze talk.mp4 -o rows.csv -o report.html
    """
    # Here, not above: `mien --help` should not wait for the networks' library.
    from mien.cli.analyze_view import Summary
    from mien.cli.progress import SourceProgress
    from mien.outputs.base import RunContext
    from mien.outputs.run_info import run_facts, run_settings
    from mien.outputs.writer import RunWriter
    from mien.people import refuse_corrections
    from mien.video.sources import process_sources

    notes = Console(stderr=True, soft_wrap=True)
    video_options, asked = talk.video_options(over_time.video_options()), output.asked()
    if talk.talking and not networks.landmarks and not quiet:
        notes.print("landmarks are found, for --talking", style="dim")
    networks = talk.networks(networks)
    pipeline = networks.pipeline()
    sources = _sources(paths, notes, quiet)
    asked.check(sources)
    refuse_corrections([*asked.tables, *(() if asked.persons is None else (asked.persons,))])
    settings = run_settings(networks.config(), video_options, pipeline)
    with (
        _checkpoints(asked, video_options, sources, settings) as checkpoints,
        SourceProgress(len(sources), notes, hidden=quiet) as progress,
    ):
        if checkpoints is not None and checkpoints.resumed and not quiet:
            notes.print(f"going on with what {checkpoints.folder} keeps", style="dim")
        facts = run_facts(settings, video_options, pipeline)
        run = RunContext(
            sources, pipeline.labels, video_options, facts, mesh=pipeline.mesh, follow=progress.step
        )
        summary, rows = Summary(run), _standard_output(output.form, run)
        with RunWriter(asked, run, [summary, *rows]) as writer:
            try:
                writer.write(process_sources(sources, pipeline, video_options, checkpoints, progress.follow))
            except Interrupted as stop:
                if writer.of_parts and not quiet:
                    notes.print("stopped: writing reports of what was read; stop again to leave without them")
                _write_parts(writer, run, checkpoints, stop)
                raise
    if not rows and not (quiet and asked.first):
        summary.show(Console())
    for failure in writer.failures:
        notes.print(f"not written: {failure}")
    if not quiet:
        for remark in [*asked.remarks(), *writer.remarks, *_untold(pipeline.labels)]:
            notes.print(remark)
        _tell(writer.written, writer.details, notes)
    lacking = [] if writer.videos else asked.of_one_video(sources)
    for place in lacking if summary.read else ():
        notes.print(f"not written: {place} is about a video, and there is none: name one, or leave it out")
    failed = summary.failed or writer.failures or lacking
    raise typer.Exit(0 if not failed else PART_NOT_READ if summary.read else NOTHING_READ)


def _write_parts(
    writer: RunWriter, run: RunContext, checkpoints: CheckpointStore | None, stop: Interrupted
) -> None:
    """Reports of what was read until the run was stopped; a second stop ends it without them."""
    from mien.video.sources import kept_videos

    kept = () if checkpoints is None else kept_videos(run.sources, run.labels, run.video_options, checkpoints)
    for path in writer.write_parts(kept):
        stop.add_note(f"{path} is about what was read until then")


def _untold(labels: Labels) -> list[str]:
    """Why a column is empty for all faces."""
    remarks = []
    if unknown := labels.without_valence:
        values = ",".join(f"{name}=0" for name in unknown)
        remarks.append(
            f"valence is empty: nobody has said how pleasant {', '.join(unknown)} is; --valence {values} would say 0 (docs/own-models.md)"
        )
    if "neutral" not in labels:
        remarks.append("expressiveness is empty: the model has no class neutral")
    return remarks


def _tell(written: list[Path], details: dict[Path, str], notes: Console) -> None:
    many = len(written) > 12
    for place in written[: 6 if many else len(written)]:
        notes.print(f"wrote {place}" + (f": {details[place]}" if place in details else ""))
    if many:
        notes.print(f"wrote {counted(len(written) - 6, 'file')} more")


def _sources(paths: list[str], notes: Console, quiet: bool) -> list[Source]:
    from mien.core.errors import InputError
    from mien.media import find_sources
    from mien.media.byte_source import ByteSource

    if paths.count("-") > 1:
        raise typer.BadParameter("standard input can be read only once")
    found = find_sources(paths)
    if found.passed_over and not quiet:
        files = counted(len(found.passed_over), "file")
        notes.print(f"{files} passed over: neither image nor video by name", style="dim")
    # A folder that cannot be listed is opened like a file, so that its error stands in a row of its own.
    sources = [*found.sources, *found.unreadable]
    if not sources:
        raise InputError(
            f"expected images or videos; none lie in {', '.join(paths)}: name files whose endings mien does not know one by one"
        )
    return [ByteSource(sys.stdin.buffer) if source == "-" else source for source in sources]


@contextmanager
def _checkpoints(
    asked: OutputSpec, video_options: VideoOptions, sources: list[Source], settings: dict[str, Any]
) -> Iterator[CheckpointStore | None]:
    """Keeps what is read: beside the first file that is written, so that the run can go on later; for the
    time being, where something is read twice; or (None) not at all."""
    from mien.core.scratch import scratch_folder, sweep_scratch
    from mien.video.checkpoint import CheckpointStore

    sweep_scratch()
    if asked.checkpoint is not None and all(isinstance(source, str | Path) for source in sources):
        with CheckpointStore(asked.checkpoint, {**settings, **_stamps(sources)}) as checkpoints:
            if checkpoints.resumed:
                asked.remove_partials(sources)
            yield checkpoints
            checkpoints.remove()
    elif asked.annotate or asked.thumbnails or video_options.smoothing.baseline == "median":
        with scratch_folder() as folder, CheckpointStore(folder / "checkpoint", {}) as checkpoints:
            yield checkpoints
    else:
        yield None


def _stamps(sources: list[Source]) -> dict[str, str]:
    """Size and date of each file, by which another of the same name is told apart."""
    from mien.media.byte_source import name_of

    stamps = {}
    for source in sources:
        try:
            found = os.stat(cast(Path, source))
            stamp = f"{found.st_size} bytes of {date_time(found.st_mtime, 'microseconds')}"
        except (OSError, ValueError):
            stamp = "not there"
        stamps[f"file {name_of(source)}"] = stamp
    return stamps


def _standard_output(form: Format | None, run: RunContext) -> list[Writer]:
    """What writes rows to standard output; nothing where people get a table."""
    from mien.outputs.tables.writers import StreamedRows

    return [] if form in (None, Format.table) else [StreamedRows(sys.stdout, form.value, run)]
