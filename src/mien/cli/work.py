"""Who does the work of a batch, and in what portions: for all commands that have many files read."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.console import Console
from mien.cli.exits import Interrupted
from mien.cli.options import NetworkOptions, TimeOptions
from mien.core.formatting import counted
from mien.core.stops import stops

if TYPE_CHECKING:
    from mien.batch.job import BatchJob, ShardRunner
    from mien.batch.settings import BatchSettings

_WORK = "Work"


class EngineName(StrEnum):
    local = "local"
    ray = "ray"


@dataclass(frozen=True)
class WorkOptions:
    """Who does the work, and in what portions."""

    engine: Annotated[
        EngineName,
        typer.Option(help="Processes on this machine, or Ray (mien\\[ray]).", rich_help_panel=_WORK),
    ] = EngineName.local
    workers: Annotated[
        int | None,
        typer.Option(
            help="How many at a time; one for each core by default.",
            min=1,
            show_default=False,
            rich_help_panel=_WORK,
        ),
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            help="Of a Ray cluster: auto, HOST:PORT; by default one is started here.",
            show_default=False,
            rich_help_panel=_WORK,
        ),
    ] = None
    shard_size: Annotated[
        int,
        typer.Option(
            metavar="IMAGES",
            help="Images that are read together, and kept whole or not at all.",
            min=1,
            rich_help_panel=_WORK,
        ),
    ] = 1000


def resumed(run: BatchJob) -> Iterator[str]:
    """What became of the input since an earlier run, and how far that came."""
    layout = run.layout
    if layout.new and layout.new < run.input.count:
        yield f"{counted(layout.new, 'new input: it comes', 'new inputs: they come')} after the others"
    for what, names in (
        ("changed since: read again", layout.changed),
        ("not there any more: rows taken out", layout.missing),
    ):
        if names:
            yield f"{counted(len(names), 'input')} {what}: {names[0]}{', ...' if len(names) > 1 else ''}"
    yield f"going on: {run.items:,} of {counted(run.input.count, 'input is', 'inputs are')} read already"


def work_through(
    run: BatchJob, work: WorkOptions, settings: BatchSettings, output: Path, notes: Console
) -> None:
    """Have the shards read that are missing.

    Raises:
        Interrupted: It was stopped before all were there.
    """
    from mien.cli.progress import BatchProgress
    from mien.core.errors import MienError

    with (
        _engine(work, settings, output) as engine,
        BatchProgress(run, engine, notes) as progress,
        _stopping(engine, notes) as stopped,
    ):
        for _ in run.work(engine, work.engine.value):
            progress.update()
    if engine.deaths:
        notes.print(
            f"{counted(engine.deaths, 'worker died and was', 'workers died and were')} replaced; nothing was lost"
        )
    if not run.whole:
        raise (
            Interrupted
            if stopped()
            else MienError("the workers ended before all was done: the same command goes on")
        )


def batch_settings(
    networks: NetworkOptions, over_time: TimeOptions, work: WorkOptions, form: str, *, labelled: bool
) -> BatchSettings:
    """What decides the rows, out of the options of a command."""
    from mien.batch import BatchSettings
    from mien.batch.pool import threads_each

    threads = networks.threads or (threads_each(work.workers) if work.engine is EngineName.local else 1)
    config = replace(networks.config(), threads=threads)
    return BatchSettings(config, over_time.video_options(), form, labelled).known()


def _engine(work: WorkOptions, settings: BatchSettings, output: Path) -> Any:
    if work.engine is EngineName.ray:
        from mien.batch.ray_pool import RayPool

        return RayPool(settings, output, work.workers, work.address)
    if work.address is not None:
        raise typer.BadParameter("--address is for --engine ray")
    from mien.batch.pool import WorkerPool, cores

    return WorkerPool(settings, output, work.workers or cores())


@contextmanager
def _stopping(engine: ShardRunner, notes: Console) -> Iterator[Any]:
    """A stop finishes the shards at hand; a second one ends the run at once."""
    asked: list[bool] = []

    def stop(*_: object) -> None:
        if asked:
            raise Interrupted
        asked.append(True)
        engine.stop()
        notes.print("stopping: what is being read is finished first; once more stops at once")

    before = {number: signal.signal(number, stop) for number in stops()}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
