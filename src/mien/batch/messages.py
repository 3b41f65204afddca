"""What a crew and its workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.batch.isolation import Caution
from mien.batch.shard import Shard

COUNTER_BYTES = 4 * 8
"""Of the memory through which a worker tells where it stands (`mien.batch.isolation.Heartbeat`)."""


@dataclass(frozen=True)
class ShardTask:
    """What a worker is asked to do next."""

    shard: Shard
    place: Path
    caution: Caution


@dataclass(frozen=True)
class Ready:
    """The networks are open; on what they run."""

    device: str


@dataclass(frozen=True)
class Done:
    """A shard is written; counts as `write_shard` gives them."""

    number: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Failed:
    """It cannot go on, and another worker could not either: a full disk, a network that is missing."""

    error: Exception
