"""The end of a run in several processes: a signal to the first one ends them all."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from lightning.pytorch import Callback, LightningModule, Trainer


class KillWorkersOnSignal(Callback):
    """Ends the processes that a strategy has started, as a signal ends a single one.

    Lightning's own answer to SIGTERM is to tell the other processes through the channel of the gradients: if
    one of them is just sending gradients there, all wait for each other for ever. A run may be killed at any
    moment, so nobody need be told.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before Lightning puts its own handlers there."""
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size == 1 or threading.current_thread() is not threading.main_thread():
            return
        if trainer.local_rank > 0:
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # A terminal sends it to all; the first process ends the others.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            return

        launcher = trainer.strategy.launcher

        def end(number: int, frame: FrameType | None) -> None:
            if launcher is not None:
                launcher.kill(signal.SIGKILL)
                for process in getattr(launcher, "procs", ()):
                    process.wait()
            signal.signal(number, self._before[signal.Signals(number)])
            signal.raise_signal(number)

        for number in self._before:
            signal.signal(number, end)
