"""What happens beside the steps of a run: checkpoints, history and curves after every epoch, and the end of
all processes with the first. A good file is never replaced by a bad one."""

from __future__ import annotations

import csv
import shutil
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.stops import stops
from mien.training.recipe import Recipe

LAST, BEST, HISTORY, CURVES, RECIPE = "last.ckpt", "best.ckpt", "history.csv", "curves.png", "recipe.json"

Row = dict[str, float]
"""One epoch: epoch, learning_rate, train_loss, train_<head>, validation_loss, validation_<head>,
validation_<head>_f1."""


class TrainingProgress(Protocol):
    """Somebody who is told how far a run is."""

    def step(self, epoch: int, step: int, steps: int) -> None:
        """So many steps of this epoch are done; epochs count from 1."""

    def epoch(self, row: Row) -> None:
        """An epoch is done and saved."""

    def say(self, remark: str) -> None:
        """A warning."""


class Silence:
    """Nobody watches."""

    def step(self, epoch: int, step: int, steps: int) -> None: ...

    def epoch(self, row: Row) -> None: ...

    def say(self, remark: str) -> None: ...


class CheckpointCallback(Checkpoint):
    """Saves the run after every epoch. It must see the epoch last, as Lightning's own checkpoints do.

    Args:
        folder: Where the run lives.
        recipe: What says which epoch is best.
        watch: Is told.
    """

    def __init__(self, folder: Path, recipe: Recipe, watch: TrainingProgress) -> None:
        super().__init__()
        self.history: list[Row] = []
        self.best: Row | None = None
        self._folder = folder
        self._recipe = recipe
        self._watch = watch
        self._said: set[str] = set()

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "best": self.best, "stopped": self._stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history, self.best = list(state_dict["history"]), state_dict["best"]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.is_global_zero:
            self._watch.step(trainer.current_epoch + 1, batch_idx + 1, int(trainer.num_training_batches))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        row: Row = dict(pl_module.row)  # type: ignore[arg-type]
        self.history.append(row)
        self._stopped = bool(trainer.should_stop)
        better = self._is_better(row)
        if better:
            self.best = row
        self._save(trainer, better)
        if trainer.is_global_zero:
            write_history(self._folder, self.history)
            self._watch.epoch(row)
            self._tell(list(pl_module.remarks))  # type: ignore[arg-type]

    def _is_better(self, row: Row) -> bool:
        name = self._recipe.monitor
        if name == "validation_loss":
            return self.best is None or row[name] < self.best[name]
        head = f"validation_{self._recipe.heads[0]}"
        return self.best is None or row[head] > self.best[head]

    def _save(self, trainer: Trainer, better: bool) -> None:
        """The best checkpoint is in place before the last one: what is resumed never misses it."""
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self._folder / LAST)  # Takes part; only the first process writes.
            return
        with translate_os_errors(self._folder / LAST), atomic_write(self._folder / LAST) as aside:
            trainer.save_checkpoint(aside)
            if better:
                with atomic_write(self._folder / BEST) as other:
                    shutil.copyfile(aside, other)

    def _tell(self, remarks: Sequence[str]) -> None:
        """The first time that something is remarked, not at every epoch."""
        for remark in remarks:
            if remark.split(":")[0] not in self._said:
                self._watch.say(remark)
                self._said.add(remark.split(":")[0])

    _stopped = False


def write_history(folder: Path, history: Sequence[Row]) -> None:
    """All epochs so far as ``history.csv``."""
    with (
        translate_os_errors(folder / HISTORY),
        atomic_write(folder / HISTORY) as aside,
        open(aside, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows([{**row, "epoch": int(row["epoch"])} for row in history])


def sweep(folder: Path) -> None:
    """Take away what a killed run had begun to write."""
    for name in (LAST, BEST, HISTORY, CURVES, RECIPE):
        path = Path(name)
        for leftover in folder.glob(f".{path.stem}-*.part{path.suffix}"):
            leftover.unlink(missing_ok=True)


class KillWorkersOnSignal(Callback):
    """Ends the processes that a strategy has started, as a signal ends a single one.

    Lightning's own answer to SIGTERM is to tell the other processes through the channel of the gradients: if
    one of them is just sending gradients there, all wait for each other for ever. A run may be killed at any
    moment, so nobody need be told.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before Lightning puts its own handlers there."""
        self._before = {number: signal.getsignal(number) for number in stops()}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size == 1 or threading.current_thread() is not threading.main_thread():
            return
        if trainer.local_rank > 0:
            for stop in stops():  # A terminal tells all of them; the first process ends the others.
                signal.signal(stop, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            return

        launcher = trainer.strategy.launcher

        def end(number: int, frame: FrameType | None) -> None:
            if launcher is not None:
                launcher.kill(
                    getattr(signal, "SIGKILL", signal.SIGTERM)
                )  # Windows has one that ends at once.
                for process in getattr(launcher, "procs", ()):
                    process.wait()
            signal.signal(number, self._before[signal.Signals(number)])
            signal.raise_signal(number)

        for number in self._before:
            signal.signal(number, end)
