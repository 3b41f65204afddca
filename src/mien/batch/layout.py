"""Which shard of an output holds what: kept beside the shards, and compared with the input as it is now
when a run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.batch.marks import marks_of, same
from mien.batch.shard import Mark, Part, Shard
from mien.core.atomic import atomic_write, sync_file, translate_os_errors
from mien.core.errors import InputError
from mien.media.folders import VIDEO_SUFFIXES

INPUTS = "inputs.jsonl"
_BYTES_PER_IMAGE = 50_000
"""A video counts as so many images as it has of these: one of 5 MB as 100, one of 1 GB fills its shard."""

Key = tuple[str, int]
"""Name of a source, and which one of that name it is."""


@dataclass(frozen=True)
class ShardEntry:
    """A part as it was when it was planned into a shard."""

    position: int
    source: str
    label: str | None
    mark: Mark | None


@dataclass(frozen=True)
class ShardLayout:
    """What each shard is to hold.

    Args:
        shards: In the order of their numbers.
        entries: Of each shard, by its number.
        stale: Shards that were planned, perhaps written, with other inputs than are there now.
        new: How many inputs an earlier run did not know.
        changed: Names of those that are others than they were.
        missing: Names of those that are not there any more.
    """

    shards: Sequence[Shard]
    entries: Mapping[int, Sequence[ShardEntry]]
    stale: frozenset[int] = frozenset()
    new: int = 0
    changed: Sequence[str] = ()
    missing: Sequence[str] = ()
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256()
        for line in self._lines():
            digest.update(line.encode())
        object.__setattr__(self, "sha256", digest.hexdigest())

    def write(self, folder: Path) -> None:
        """Keep it beside the shards, whole; shards that are stale have to be gone already.

        Raises:
            InputError: It cannot be written.
        """
        place = folder / INPUTS
        with (
            atomic_write(place) as aside,
            translate_os_errors(place),
            open(aside, "w", encoding="utf-8", newline="\n") as file,
        ):
            file.writelines(self._lines())
            sync_file(file)

    def _lines(self) -> Iterator[str]:
        for number, entries in self.entries.items():
            rows = [[entry.position, entry.source, entry.label, entry.mark] for entry in entries]
            yield json.dumps({"shard": number, "inputs": rows}, ensure_ascii=False) + "\n"


def stored_layout(folder: Path) -> dict[int, list[ShardEntry]] | None:
    """What an earlier run planned; None where there was none.

    Raises:
        InputError: It is damaged.
    """
    place = folder / INPUTS
    try:
        with open(place, encoding="utf-8") as file:
            return {line["shard"]: [_entry(row) for row in line["inputs"]] for line in map(json.loads, file)}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{place}: expected a run's list of inputs; got {error}: give another output"
        ) from None


def laid_out(before: Mapping[int, Sequence[ShardEntry]], parts: Sequence[Part], size: int) -> ShardLayout:
    """Which shard holds what: inputs that were there stay in the shard and at the position that they had, new
    ones come after them.

    Args:
        before: What an earlier run planned.
        parts: The input as it is now, in its order.
        size: Images of a shard.
    """
    waiting = dict(
        zip(_keys(part.source for part in parts), zip(parts, _marks(before, parts), strict=True), strict=True)
    )
    keys = iter(_keys(entry.source for entries in before.values() for entry in entries))
    shards: list[Shard] = []
    planned: dict[int, list[ShardEntry]] = {}
    stale, changed, missing = set(), [], []
    for number, entries in before.items():
        kept: list[tuple[int, Part]] = []
        for entry, key in zip(entries, keys, strict=False):
            part, mark = waiting.pop(key, (None, None))
            if part is None or (
                mark is None and entry.mark is not None and part.mark is None and "://" not in part.place
            ):
                missing.append(entry.source)
                stale.add(number)
            elif not same(entry.mark, mark) or entry.label != part.label:
                changed.append(entry.source)
                stale.add(number)
            if part is not None:
                kept.append((entry.position, part))
                planned.setdefault(number, []).append(
                    ShardEntry(entry.position, part.source, part.label, mark)
                )
        if kept:
            shards.append(Shard(number, tuple(kept)))
    start = max((position + part.count for shard in shards for position, part in shard.parts), default=0)
    for shard, entries in _portions(list(waiting.values()), size, max(planned, default=-1) + 1, start):
        shards.append(shard)
        planned[shard.number] = entries
    return ShardLayout(
        shards, planned, frozenset(stale), sum(part.count for part, _ in waiting.values()), changed, missing
    )


def _marks(before: Mapping[int, Sequence[ShardEntry]], parts: Sequence[Part]) -> list[Mark | None]:
    return marks_of(parts, {entry.source: entry.mark for entries in before.values() for entry in entries})


def _keys(sources: Iterable[str]) -> Iterator[Key]:
    """Names of sources; one that comes again is counted."""
    seen: Counter[str] = Counter()
    for source in sources:
        yield source, seen[source]
        seen[source] += 1


def _portions(
    marked: Sequence[tuple[Part, Mark | None]], size: int, number: int, start: int
) -> Iterator[tuple[Shard, list[ShardEntry]]]:
    """Inputs in shards of so many images."""
    parts: list[tuple[int, Part]] = []
    entries: list[ShardEntry] = []
    weight = 0.0
    for part, mark in marked:
        own = _weight(part, mark)
        if parts and weight + own > size:
            yield Shard(number, tuple(parts)), entries
            parts, entries, weight, number = [], [], 0.0, number + 1
        parts.append((start, part))
        entries.append(ShardEntry(start, part.source, part.label, mark))
        weight += own
        start += part.count
    if parts:
        yield Shard(number, tuple(parts)), entries


def _weight(part: Part, mark: Mark | None) -> float:
    size = mark[0] if mark and isinstance(mark[0], int) else 0
    video = part.count == 1 and os.path.splitext(part.place)[1].lower() in VIDEO_SUFFIXES
    return max(1.0, size / _BYTES_PER_IMAGE) if video else part.count


def _entry(row: Sequence[Any]) -> ShardEntry:
    position, source, label, mark = row
    return ShardEntry(int(position), source, label, None if mark is None else tuple(mark))
