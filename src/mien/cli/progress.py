"""How far a run over many sources is: on a terminal a bar with rate and time left, elsewhere nothing."""

from __future__ import annotations

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
    TimeRemainingColumn,
)
from rich.text import Text

from mien.cli.console import Console, words
from mien.core.names import printable
from mien.video.runner import FrameWork

if TYPE_CHECKING:
    from mien.core.progress import ProgressCallback

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

    def follow(self, frames: Iterable[FrameWork]) -> Iterator[FrameWork]:
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
                f"{failures - _MOST_TOLD} frames more of the same source: each has its row with -o or --format"
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

    def _start(self, frame: FrameWork) -> None:
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
