"""What a crew and its workers say to each other: pickles, one behind the other, through pipes, which every
system has."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mien.batch.isolation import Caution
from mien.batch.shard import Shard


def send(message: object, pipe: IO[bytes]) -> None:
    """Say something.

    Raises:
        OSError: Nobody listens any more.
    """
    pickle.dump(message, pipe)
    pipe.flush()


def heard(pipe: IO[bytes]) -> Iterator[Any]:
    """What the other process says, until it has ended; what it was saying then is lost."""
    while True:
        try:
            yield pickle.load(pipe)
        except (EOFError, pickle.UnpicklingError):
            return


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
