"""How far training is: on a terminal a bar with time left, elsewhere one line per epoch; both on stderr."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from mien.cli.console import Console, words
from mien.core.names import printable


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
        told = f"{self._name}epoch {epoch}/{self._epochs}"
        self._progress.update(
            self._task, description=told, total=self._epochs * steps, completed=(epoch - 1) * steps + step
        )

    def epoch(self, row: dict[str, float]) -> None:
        """An epoch is done and saved."""
        heads = [
            name.removeprefix("train_") for name in row if name.startswith("train_") and name != "train_loss"
        ]
        scores = ", ".join(
            f"{head} {row[f'validation_{head}']:.2%} (train {row[f'train_{head}']:.2%})" for head in heads
        )
        losses = f"loss {row['validation_loss']:.3f} (train {row['train_loss']:.3f})"
        self._console.print(f"{self._name}epoch {int(row['epoch'])}/{self._epochs}  {losses}  {scores}")

    def say(self, remark: str) -> None:
        """A warning."""
        self._console.print(Text.assemble(("warning:", "bold yellow"), f" {printable(self._name + remark)}"))
