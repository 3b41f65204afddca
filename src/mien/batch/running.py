"""A run from its input to its shards: what is there already, what is left, and what came out in the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol

from mien.batch.crew import Progress
from mien.batch.inputs import Input
from mien.batch.messages import Done
from mien.batch.output import Output, session
from mien.batch.settings import Settings
from mien.batch.shard import Shard
from mien.batch.verdict import Verdict, judge


class Engine(Protocol):
    """What has shards read: `mien.batch.crew.Crew` or `mien.batch.cluster.RayCrew`."""

    progress: Progress
    deaths: int
    workers: int

    def run(self, shards: Iterator[Shard]) -> Iterator[list[Done]]: ...

    def stop(self) -> None: ...


class Run:
    """A run over an input, to be gone on with until all shards are there; a context manager that keeps other runs out.

    Args:
        found: What is read.
        settings: How; their networks' digests known.
        folder: Where shards go.
        size: Pictures of a shard.

    Attributes:
        items: How many items are in shards that are there.
        shards: How many shards are there.
        count: How many shards there are to be.
        errors: Items that could not be read, in shards written since this object was made.

    Raises:
        InputError: As `mien.batch.output.Output`.
    """

    def __init__(self, found: Input, settings: Settings, folder: Path, size: int) -> None:
        self.input, self.settings, self._size = found, settings, size
        asked = {"settings": settings.facts(), "input": found.facts(), "shards": {"size": size}}
        self.output = Output(folder, asked)
        self._there = _numbers(folder, settings.form)
        self.items = self.shards = self.count = self.errors = 0
        for shard in found.shards(size):
            self.count += 1
            if shard.number in self._there:
                self.shards += 1
                self.items += shard.count

    @property
    def whole(self) -> bool:
        """Whether all shards are there."""
        return self.shards == self.count

    def work(self, engine: Engine, name: str) -> Iterator[list[Done]]:
        """Have the shards read that are not there yet; gives those done since the last time, a few times a second.

        Args:
            engine: What reads them.
            name: What the manifest calls it.
        """
        sittings = [*self.output.manifest.get("sittings", []), session(engine=name, workers=engine.workers)]
        self.output.note(sittings=sittings)
        for done in engine.run(shard for shard in self.input.shards(self._size) if shard.number not in self._there):
            for one in done:
                if one.number not in self._there:
                    self._there.add(one.number)
                    self.shards += 1
                    self.items += one.counts["items"]
                    self.errors += one.counts["errors"]
            yield done
        sittings[-1] |= {"device": engine.progress.device, "shards": self.shards}
        self.output.note(sittings=sittings)

    def judge(self) -> Verdict:
        """Count what came out, and hold it against the labels where there are any; written beside the shards.

        Raises:
            InputError: A shard is damaged, or there is no room.
        """
        self.output.sweep()
        verdict = judge(self.output.folder, [self.output.place(number) for number in range(self.count)], self.settings)
        self.output.note(result=verdict.facts())
        return verdict

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.output.close()


def _numbers(folder: Path, form: str) -> set[int]:
    """Numbers of the shards that are there."""
    names = re.compile(rf"shard-(\d{{7,}})\.{form}")
    return {int(found[1]) for entry in os.scandir(folder) if (found := names.fullmatch(entry.name))}
