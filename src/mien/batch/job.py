"""A run from its input to its shards: what is there already, what is left, and what came out in the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol

from mien.batch.inputs import Input
from mien.batch.layout import INPUTS, ShardLayout, laid_out, stored_layout
from mien.batch.messages import Done
from mien.batch.output import Output, session
from mien.batch.pool import Progress
from mien.batch.settings import BatchSettings
from mien.batch.shard import Shard
from mien.batch.summary import DERIVED, BatchSummary, judge
from mien.core.errors import InputError
from mien.core.formatting import counted


class ShardRunner(Protocol):
    """What has shards read: `mien.batch.pool.WorkerPool` or `mien.batch.ray_pool.RayPool`."""

    progress: Progress
    deaths: int
    workers: int

    def run(self, shards: Iterator[Shard]) -> Iterator[list[Done]]: ...

    def stop(self) -> None: ...


class BatchJob:
    """A run over an input, to be gone on with until all shards are there; a context manager that keeps other
    runs out.

    Where the input is another one than that of the run before, what it has not read is read: new images, at
    positions after the others, and the shards of those that have changed. Nothing of what a shard held before
    is left then.

    Args:
        found: What is read.
        settings: How; their networks' digests known.
        folder: Where shards go.
        size: Images of a shard.
        drop_missing: Take out the rows of inputs that are not there any more, where they would be refused.

    Attributes:
        layout: Which shard holds what.
        items: How many items are in shards that are there.
        shards: How many shards are there.
        count: How many shards there are to be.
        errors: Items that could not be read, in shards written since this object was made.

    Raises:
        InputError: As `mien.batch.output.Output`; or inputs are not there any more.
    """

    def __init__(
        self, found: Input, settings: BatchSettings, folder: Path, size: int, *, drop_missing: bool = False
    ) -> None:
        self.input, self.settings = found, settings
        asked = {"settings": settings.facts(), "input": found.facts(), "shards": {"size": size}}
        self.output = Output(folder, asked)
        try:
            self.layout = self._laid_out(found, size, drop_missing)
        except BaseException:
            self.output.close()
            raise
        self._there = _numbers(folder, settings.form)
        there = [shard for shard in self.layout.shards if shard.number in self._there]
        self.count, self.shards, self.errors = len(self.layout.shards), len(there), 0
        self.items = sum(shard.count for shard in there)

    @property
    def whole(self) -> bool:
        """Whether all shards are there."""
        return self.shards == self.count

    def work(self, engine: ShardRunner, name: str) -> Iterator[list[Done]]:
        """Have the shards read that are not there yet; gives those done since the last time, a few times a
        second.

        Args:
            engine: What reads them.
            name: What the manifest calls it.
        """
        sittings = [*self.output.manifest.get("sittings", []), session(engine=name, workers=engine.workers)]
        self.output.note(sittings=sittings)
        for done in engine.run(shard for shard in self.layout.shards if shard.number not in self._there):
            for one in done:
                if one.number not in self._there:
                    self._there.add(one.number)
                    self.shards += 1
                    self.items += one.counts["items"]
                    self.errors += one.counts["errors"]
            yield done
        sittings[-1] |= {"device": engine.progress.device, "shards": self.shards}
        self.output.note(sittings=sittings)

    def judge(self) -> BatchSummary:
        """Count what came out, and hold it against the labels where there are any; written beside the shards.

        Raises:
            InputError: A shard is damaged, or there is no room.
        """
        self.output.sweep()
        summary = judge(
            self.output.folder,
            [self.output.place(shard.number) for shard in self.layout.shards],
            self.settings,
        )
        self.output.note(result=summary.facts())
        return summary

    def _laid_out(self, found: Input, size: int, drop_missing: bool) -> ShardLayout:
        """Compare the input with what was planned before, and make room for what has to be read anew."""
        folder = self.output.folder
        before = stored_layout(folder)
        if before is None and _numbers(folder, self.settings.form):
            raise InputError(
                f"{folder / INPUTS}: expected the run's list of inputs; there is none: give another output"
            )
        layout = laid_out(before or {}, found.portions(size), size)
        if layout.missing and not drop_missing:
            names = f"{layout.missing[0]}{f' and {len(layout.missing) - 1:,} more' if len(layout.missing) > 1 else ''}"
            ways = "put them back, take their rows out with --drop-missing, or give another output"
            raise InputError(f"{folder} holds rows of what is not there any more: {names}: {ways}")
        if before is None or layout.new or layout.stale:
            self.output.remove(layout.stale, *(DERIVED if before is not None else ()))
            layout.write(folder)
            self.output.note(contents={"count": found.count, "sha256": layout.sha256}, result=None)
        return layout

    def __enter__(self) -> BatchJob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.output.close()
        if error is not None:
            done = f"{self.items:,} of {counted(self.input.count, 'input')}"
            error.add_note(f"{self.output.folder} keeps {done}: the same command goes on from there")


def _numbers(folder: Path, form: str) -> set[int]:
    """Numbers of the shards that are there."""
    names = re.compile(rf"shard-(\d{{7,}})\.{form}")
    return {int(found[1]) for entry in os.scandir(folder) if (found := names.fullmatch(entry.name))}
