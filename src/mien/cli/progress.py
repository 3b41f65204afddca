"""How far long work is: on a terminal a bar with rate and time left, elsewhere a line now and then, or
nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mien.cli.console import Console, words
from mien.core.formatting import counted, precise
from mien.core.names import printable

if TYPE_CHECKING:
    from mien.batch.job import BatchJob, ShardRunner
    from mien.core.progress import ProgressCallback
    from mien.video.runner import AnalyzedFrame

Item = TypeVar("Item")

T = TypeVar("T")

_MOST_TOLD = 3
"""Failures of one source that are told one by one; a badly damaged video can have thousands."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="dim")


class SourceProgress:
    """One bar for the sources when there are several, one for the frames of the video in hand.

    Args:
        sources: How many sources there will be.
        console: Where to draw; nothing is drawn where it is not a terminal.
        hidden: Draw nothing.
    """

    def __init__(self, sources: int, console: Console, *, hidden: bool) -> None:
        columns = (
            words("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            words("left"),
        )
        self._progress = Progress(
            *columns, console=console, transient=True, disable=hidden or not console.is_terminal
        )
        self._console = console
        self._count = 0
        self._sources = self._progress.add_task("sources", total=sources, visible=sources > 1)
        self._frames = self._progress.add_task("frames", total=None, visible=False)

    def __enter__(self) -> SourceProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def follow(self, frames: Iterable[AnalyzedFrame]) -> Iterator[AnalyzedFrame]:
        """Pass the frames of one source on, count them, and say what could not be read."""
        failures = 0
        for self._count, frame in enumerate(frames, 1):
            if self._count == 1:
                self._start(frame)
            self._progress.advance(self._frames)
            if frame.result.error is not None:
                failures += 1
                if failures <= _MOST_TOLD:
                    self._say(str(frame.result.error))
            yield frame
        if failures > _MOST_TOLD:
            self._say(
                f"{counted(failures - _MOST_TOLD, 'frame')} more of the same source: each has its row with -o or --format"
            )

    def step(self, items: Iterable[T], what: str, /) -> Iterator[T]:
        """Pass on the frames of the same source once more, and count them.

        Args:
            items: One per frame.
            what: What is done with them.
        """
        self._progress.reset(self._frames, total=self._count or None, description=_short(what), visible=True)
        for item in items:
            self._progress.advance(self._frames)
            yield item

    def _start(self, frame: AnalyzedFrame) -> None:
        media = frame.media
        self._progress.update(self._sources, completed=frame.position)
        moves = media is not None and media.kind != "image"
        total = media.expected_frames if media is not None else None
        self._progress.reset(
            self._frames, total=total, description=_short(Path(frame.result.source).name), visible=moves
        )

    def _say(self, line: str) -> None:
        """A line above the bar, kept."""
        self._console.print(Text.assemble(("not read:", "bold red"), f" {printable(line)}"))


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]


def tracked_on(notes: Console) -> ProgressCallback:
    """Counted work shown as a bar on a terminal, and as nothing elsewhere."""

    def tracked(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
        return items if notes.quiet or not notes.is_terminal else _shown(items, what, total)

    def _shown(items: Iterable[Item], what: str, total: int | None) -> Iterator[Item]:
        with Progress(
            words("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=notes,
            transient=True,
        ) as bar:
            yield from bar.track(items, total=total, description=printable(what))

    return tracked


class LessonProgress:
    """One bar over all steps of all epochs, and a line that stays for every epoch.

    Args:
        epochs: How many there will be at most.
        console: Where to draw.
        name: What is trained, where there are several.
    """

    def __init__(self, epochs: int, console: Console, name: str = "") -> None:
        columns = (
            words("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            words("left"),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._console = console
        self._epochs = epochs
        self._name = f"{name} " if name else ""
        self._task = self._progress.add_task("training", total=None)

    def __enter__(self) -> LessonProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, epoch: int, step: int, steps: int) -> None:
        """So many steps of this epoch are done."""
        description = f"{self._name}epoch {epoch}/{self._epochs}"
        self._progress.update(
            self._task,
            description=description,
            total=self._epochs * steps,
            completed=(epoch - 1) * steps + step,
        )

    def epoch(self, row: dict[str, float]) -> None:
        """An epoch is done and saved."""
        heads = [
            name.removeprefix("train_") for name in row if name.startswith("train_") and name != "train_loss"
        ]
        scores = ", ".join(
            f"{head} {precise(row[f'validation_{head}'], 2)} (train {precise(row[f'train_{head}'], 2)})"
            for head in heads
        )
        losses = f"loss {row['validation_loss']:.3f} (train {row['train_loss']:.3f})"
        self._console.print(f"{self._name}epoch {int(row['epoch'])}/{self._epochs}  {losses}  {scores}")

    def say(self, remark: str) -> None:
        """A warning."""
        self._console.print(Text.assemble(("warning:", "bold yellow"), f" {printable(self._name + remark)}"))


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
            workers = counted(self._engine.workers, "worker")
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
        return f"{_fast(rate)}, {counted(errors, 'error')}{left}"

    def __enter__(self) -> BatchProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def _fast(rate: float) -> str:
    """How many a second, or how many a minute where it takes longer than a second for one.

    >>> _fast(1234.5), _fast(3.21), _fast(0.2), _fast(0)
    ('1,234/s', '3.2/s', '12/min', '0/s')
    """
    if 0 < rate < 1:
        return f"{max(1, round(rate * 60))}/min"
    return f"{rate:,.{1 if 0 < rate < 10 else 0}f}/s"


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
