"""A worker: a process of its own that reads one shard after the other, told which through a socket.
Started by `mien.batch.pool`."""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import threading
from multiprocessing.connection import Connection

import numpy as np

from mien.batch.isolation import Heartbeat, ShardReader
from mien.batch.messages import COUNTER_BYTES, Done, Failed, Ready
from mien.batch.output import write_shard
from mien.batch.settings import BatchSettings
from mien.core.errors import InputError, MienError


def main() -> None:
    """Work until there is nothing more, or nobody who asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Stopping is decided by whoever started this process.
    socket, shared = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=_leave_when_alone, args=(socket,), daemon=True).start()
    connection = Connection(socket)
    counters = np.frombuffer(mmap.mmap(shared, COUNTER_BYTES), np.int64)
    try:
        settings: BatchSettings = connection.recv()
        reader = ShardReader(settings.pipeline(), settings.video_options, Heartbeat(counters))
        connection.send(Ready(reader.pipeline.classifier.network.device))
        while (task := connection.recv()) is not None:
            counts = write_shard(task.place, reader, task.shard, task.caution, labelled=settings.labelled)
            reader.watch.clear()
            connection.send(Done(task.shard.number, counts))
    except (EOFError, BrokenPipeError):
        pass
    except OSError as error:
        reason = error.strerror or str(error)
        connection.send(
            Failed(
                InputError(
                    f"{error.filename or 'the output'}: cannot be written: {reason}: make room or give another place"
                )
            )
        )
    except Exception as error:
        connection.send(
            Failed(
                error
                if isinstance(error, MienError)
                else MienError(f"a worker failed: {type(error).__name__}: {error}")
            )
        )


def _leave_when_alone(socket: int) -> None:
    """End at once when the process at the other end is gone: nobody would take what is read."""
    poll = select.poll()
    poll.register(socket, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    poll.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
