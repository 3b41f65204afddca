"""A worker: a process of its own that reads one shard after the other, told which through its standard input.
Started by `mien.batch.pool`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import IO, Any

from mien.batch.isolation import Heartbeat, ShardReader
from mien.batch.messages import Done, Failed, Ready, ShardTask, heard, send
from mien.batch.output import write_shard
from mien.batch.settings import BatchSettings
from mien.core.errors import InputError, MienError


def main() -> None:
    """Work until there is nothing more, or nobody who asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Stopping is decided by whoever started this process.
    told: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    teller = _Teller(_own_output())
    try:
        settings: BatchSettings = told.get()
        reader = ShardReader(settings.pipeline(), settings.video_options, Heartbeat(teller.say))
        teller.say(Ready(reader.pipeline.classifier.network.device))
        while True:
            task: ShardTask = told.get()
            counts = write_shard(task.place, reader, task.shard, task.caution, labelled=settings.labelled)
            reader.watch.clear()
            teller.say(Done(task.shard.number, counts))
    except OSError as error:
        reason = error.strerror or str(error)
        teller.say(
            Failed(
                InputError(
                    f"{error.filename or 'the output'}: cannot be written: {reason}: make room or give another place"
                )
            )
        )
    except Exception as error:
        teller.say(
            Failed(
                error
                if isinstance(error, MienError)
                else MienError(f"a worker failed: {type(error).__name__}: {error}")
            )
        )


def _listen(told: SimpleQueue[Any]) -> None:
    """Pass on what there is to do. End at once when the process at the other end is gone: nobody would take
    what is read."""
    for message in heard(sys.stdin.buffer):
        told.put(message)
    os._exit(1)


def _own_output() -> IO[bytes]:
    """Standard output for messages alone: what libraries print goes nowhere."""
    own = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    return own


class _Teller:
    """Says things to the process at the other end, from any thread.

    Args:
        pipe: What that listens to.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._turn = pipe, threading.Lock()

    def say(self, message: object) -> None:
        with self._turn:
            try:
                send(message, self._pipe)
            except OSError:  # It is gone.
                os._exit(1)


if __name__ == "__main__":
    main()
