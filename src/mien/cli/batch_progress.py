"""How far a batch is: a bar with rate, errors and time left on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress

from mien.cli.console import Console, words

if TYPE_CHECKING:
    from mien.batch.job import BatchJob, ShardRunner

_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class BatchProgress:
    """Looks at a run and its engine, and tells.

    Args:
        run: What is done.
        engine: What is at hand.
        console: Where to tell; quiet ones stay quiet.
    """

    def __init__(self, run: BatchJob, engine: ShardRunner, console: Console) -> None:
        self._run, self._engine, self._console = run, engine, console
        columns = (
            words("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            words("{task.fields[rest]}", style="dim"),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, disable=console.quiet or not console.is_terminal
        )
        self._task = self._bar.add_task("images", total=run.input.count, completed=run.items, rest="")
        self._before = run.items
        self._began = self._told = time.monotonic()
        self._device: str | None = None

    def update(self) -> None:
        """Tell how far it is now."""
        if self._device is None and self._engine.progress.device is not None:
            self._device = self._engine.progress.device
            workers = "1 worker" if self._engine.workers == 1 else f"{self._engine.workers} workers"
            self._console.print(f"{workers} on {self._device}", style="dim")
        through = self._run.items + self._engine.progress.items
        rest = self._rest(through, self._run.errors + self._engine.progress.errors)
        self._bar.update(self._task, completed=through, rest=rest)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._told >= _EVERY:
            self._told = now
            self._console.print(f"{through:,} of {self._run.input.count:,}, {rest}")

    def _rest(self, through: int, errors: int) -> str:
        rate = (through - self._before) / max(time.monotonic() - self._began, 1e-9)
        left = f", {spoken((self._run.input.count - through) / rate)} left" if rate else ""
        return f"{rate:,.0f}/s, {errors:,} errors{left}"

    def __enter__(self) -> BatchProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def spoken(seconds: float) -> str:
    """A length of time in the two units that say it.

    >>> spoken(8), spoken(200), spoken(4000), spoken(200_000)
    ('8 s', '3 min 20 s', '1 h 6 min', '2 d 7 h')
    """
    whole = round(seconds)
    for unit, length, smaller, part in (
        ("d", 86_400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= length:
            return f"{whole // length} {unit} {whole % length // part} {smaller}"
    return f"{whole} s"
