"""Workers on this machine, as many as its cores allow, looked after: what kills one of them costs an image
at most, never the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import IO, Any

from mien.batch.isolation import Caution, Standing
from mien.batch.messages import Done, Failed, Ready, ShardTask, heard, send
from mien.batch.output import shard_place
from mien.batch.settings import BatchSettings
from mien.batch.shard import Shard
from mien.core.errors import MienError
from mien.core.formatting import counted

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores() -> int:
    """Cores that this process may run on; fewer than the machine has in a container that is given a share."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        share = int(quota) // int(period)
    except (OSError, ValueError):
        return own  # Nothing is said, or "max".
    return max(1, min(own, share))


def threads_each(workers: int | None) -> int:
    """Threads for the networks of each worker, so that all together take no more than the cores.

    >>> threads_each(10_000)
    1
    """
    return max(1, cores() // (workers or cores()))


TICK = 0.2
"""Seconds between two looks at how far the workers are."""
_STUCK = 900.0
"""Seconds without a sign of work after which a worker is ended: a decoder that never comes back."""
_MOST_DEATHS = 20
"""Deaths of workers with no shard done between them after which there must be another reason than an
image."""
_KILLS = 2
"""So often an item may be at hand when a worker dies; then it is a row with an error."""


@dataclass(eq=False)
class _Hand:
    """One worker, seen from outside."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    standing: Standing = field(default_factory=Standing)
    ready: bool = False
    shard: Shard | None = None
    moved: float = 0.0
    listener: Thread | None = None

    def listen(self, said: SimpleQueue[tuple[_Hand, Any]]) -> None:
        """Pass on what it says but for where it stands, and None when it has ended; on a thread of its own,
        as not every system can wait for several pipes at once."""
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            for message in heard(pipe):
                self.moved = time.monotonic()
                if isinstance(message, Standing):
                    self.standing = message
                else:
                    said.put((self, message))
        said.put((self, None))

    def tell(self, message: object) -> None:
        """Say something to it; where it is dead, that is found when it is listened to."""
        assert self.process.stdin is not None
        with suppress(OSError):
            send(message, self.process.stdin)

    def take(self, task: ShardTask) -> None:
        """Give it a shard."""
        self.shard, self.standing, self.moved = task.shard, Standing(), time.monotonic()
        self.tell(task)

    def stuck(self) -> bool:
        """Whether it has not moved for too long."""
        return self.shard is not None and time.monotonic() - self.moved > _STUCK

    def end(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        if self.listener is not None:
            self.listener.join()
        assert self.process.stdin is not None
        with suppress(OSError):  # What it has not read.
            self.process.stdin.close()

    def last_words(self) -> str:
        """What it said on its way out."""
        self.errors.seek(0)
        lines = [line for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1].strip()}" if lines else ""


@dataclass
class Progress:
    """How far a crew is with what is not yet done: ``items`` and ``errors`` of the shards at hand; what runs
    the networks."""

    items: int = 0
    errors: int = 0
    device: str | None = None


@dataclass
class _Past:
    """What is known of a shard that has killed workers."""

    deaths: int = 0
    at: Counter[int] = field(default_factory=Counter)

    def caution(self, reason: str) -> Caution:
        return Caution(
            self.deaths > 0, tuple((item, reason) for item, times in self.at.items() if times >= _KILLS)
        )


class WorkerPool:
    """So many processes with networks open; a context manager.

    A worker that dies is replaced, and its shard read again, one item at a time, so that it is known which
    item it was: the second time that an item is at hand when a worker dies, it becomes a row with an error.
    Nothing of a shard is there until all of it is.

    Args:
        settings: What the workers do.
        folder: Where shards go.
        workers: How many processes.

    Attributes:
        progress: How far they are.
        deaths: How many workers have died.
    """

    def __init__(self, settings: BatchSettings, folder: Path, workers: int) -> None:
        self.settings, self.folder, self.workers = settings, folder, workers
        self.progress = Progress()
        self.deaths = 0
        self._hands: list[_Hand] = []
        self._said: SimpleQueue[tuple[_Hand, Any]] = SimpleQueue()
        self._again: deque[Shard] = deque()
        self._past: dict[int, _Past] = {}
        self._deaths_in_a_row = 0
        self._stopping = False

    def run(self, shards: Iterable[Shard]) -> Iterator[list[Done]]:
        """Have shards read and written; gives those done since the last time, perhaps none, a few times a
        second.

        Raises:
            MienError: A worker cannot go on, and others could not either.
        """
        waiting = iter(shards)
        ended = False
        while True:
            while not ended and not self._stopping and len(self._again) < self._free():
                shard = next(waiting, None)
                ended = shard is None
                if shard is not None:
                    self._again.append(shard)
            self._staff()
            self._hand_out()
            if not self._again and not any(hand.shard for hand in self._hands):
                return
            yield self._listen()

    def stop(self) -> None:
        """Finish the shards at hand and begin no other."""
        self._stopping = True
        self._again.clear()

    def close(self) -> None:
        """End the workers; a shard at hand is lost."""
        for hand in self._hands:
            hand.end()
        self._hands.clear()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _free(self) -> int:
        """How many shards more could be begun."""
        return self.workers - sum(hand.shard is not None for hand in self._hands)

    def _staff(self) -> None:
        """As many workers as there is work for."""
        busy = sum(hand.shard is not None for hand in self._hands)
        while len(self._hands) < min(self.workers, busy + len(self._again)):
            self._hands.append(_start(self.settings, self._said))

    def _hand_out(self) -> None:
        for hand in self._hands:
            if hand.ready and hand.shard is None and self._again:
                shard = self._again.popleft()
                caution = self._past.get(shard.number, _Past()).caution(
                    "killed the process that read it, twice: it is left out"
                )
                hand.take(
                    ShardTask(shard, shard_place(self.folder, shard.number, self.settings.form), caution)
                )

    def _listen(self) -> list[Done]:
        done: list[Done] = []
        with suppress(Empty):
            self._heard(*self._said.get(timeout=TICK), done)
            while True:
                self._heard(*self._said.get_nowait(), done)
        for hand in [hand for hand in self._hands if hand.stuck()]:
            self._bury(hand)
        working = [hand.standing for hand in self._hands if hand.shard is not None]
        self.progress.items = sum(standing.items for standing in working)
        self.progress.errors = sum(standing.failed for standing in working)
        return done

    def _heard(self, hand: _Hand, message: object, done: list[Done]) -> None:
        if hand not in self._hands:
            return  # It was ended from here.
        if message is None:
            self._bury(hand)
        elif isinstance(message, Ready):
            hand.ready, self.progress.device = True, message.device
        elif isinstance(message, Failed):
            raise message.error
        elif isinstance(message, Done):
            hand.shard = None
            self._deaths_in_a_row = 0
            self._past.pop(message.number, None)
            done.append(message)

    def _bury(self, hand: _Hand) -> None:
        """A worker is gone: remember what it was at, and have its shard read again."""
        hand.end()
        self._hands.remove(hand)
        self.deaths += 1
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row >= _MOST_DEATHS or (
            not hand.ready and self._deaths_in_a_row >= _MOST_DEATHS // 4
        ):
            raise MienError(
                f"{counted(self._deaths_in_a_row, 'worker')} in a row ended {_how(hand)}: too little memory for so many workers, perhaps"
            )
        if hand.shard is not None:
            past = self._past.setdefault(hand.shard.number, _Past())
            past.deaths += 1
            past.at.update([] if hand.standing.at is None else [hand.standing.at])
            self._again.appendleft(hand.shard)


def _how(hand: _Hand) -> str:
    status = hand.process.returncode
    way = (
        f"by signal {signal.Signals(-status).name}"
        if status is not None and status < 0
        else f"with status {status}"
    )
    return way + hand.last_words()


def _start(settings: BatchSettings, said: SimpleQueue[tuple[_Hand, Any]]) -> _Hand:
    """A process that waits for work; it is not in the terminal's foreground, so that Ctrl-C is for this one
    alone."""
    # Closed with the object, when the worker is forgotten.
    errors = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "mien.batch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        process_group=0,
        env=_environment(settings),
    )
    hand = _Hand(process, errors)
    hand.listener = Thread(target=hand.listen, args=(said,), name="mien-worker", daemon=True)
    hand.listener.start()
    hand.tell(settings)
    return hand


def _environment(settings: BatchSettings) -> dict[str, str]:
    """One thread for every library that would otherwise take all cores in each worker, and the modules that
    this process sees."""
    threads = str(settings.networks.threads or 1)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, **dict.fromkeys(names, threads), "MALLOC_ARENA_MAX": "2", "PYTHONPATH": paths}
