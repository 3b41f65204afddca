"""The unit of work: some pictures and videos that follow one another in the input, and become one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.errors import MediaError
from mien.media.content import Content


@dataclass(frozen=True)
class Item:
    """One picture or video of the input.

    Args:
        position: Its place in the input, 0-based.
        source: What tables call it.
        label: Mien's name of the expression that it is said to show; None where nothing says so.
        content: Its bytes, where they came with the list; None: `source` is where it lies.
    """

    position: int
    source: str
    label: str | None = None
    content: bytes | None = None

    def open(self) -> Content:
        """Its bytes, to be read from their start as often as wanted.

        Raises:
            MediaError: It cannot be read.
        """
        if self.content is not None:
            return Content(self.content, self.source)
        return Content(_fetched(self.source), self.source) if self.remote else Content(self.source)

    @property
    def remote(self) -> bool:
        """Whether its bytes have yet to be fetched through fsspec."""
        return self.content is None and "://" in self.source


class Shard(Protocol):
    """What a worker is handed; small, so that it can be sent anywhere."""

    @property
    def number(self) -> int:
        """Its place among the shards, 0-based."""
        ...

    @property
    def start(self) -> int:
        """Position of its first item."""
        ...

    @property
    def count(self) -> int:
        """How many items it has."""
        ...

    def items(self) -> Iterator[Item]:
        """They, in order."""
        ...


@dataclass(frozen=True)
class FileShard:
    """Pictures and videos that are files.

    Args:
        number: Which shard it is, 0-based.
        start: Position of the first one.
        sources: Their paths.
        labels: Mien's names of the expressions that they are said to show, one for each.
    """

    number: int
    start: int
    sources: Sequence[str]
    labels: Sequence[str | None]

    @property
    def count(self) -> int:
        return len(self.sources)

    def items(self) -> Iterator[Item]:
        for place, (source, label) in enumerate(zip(self.sources, self.labels, strict=True)):
            yield Item(self.start + place, source, label)


@dataclass(frozen=True)
class TableShard:
    """Rows of a Parquet file that hold pictures or videos as bytes.

    Args:
        number: Which shard it is, 0-based.
        start: Position of the first one.
        file: The Parquet file.
        row: Its first row, 0-based.
        count: How many rows.
    """

    number: int
    start: int
    file: Path
    row: int
    count: int

    def items(self) -> Iterator[Item]:
        from mien.batch.tables import read_rows

        for place, (source, content, label) in enumerate(read_rows(self.file, self.row, self.count)):
            yield Item(self.start + place, source, label, content)


def _fetched(address: str) -> bytes:
    """The bytes behind an address that fsspec knows."""
    import fsspec

    try:
        with fsspec.open(address, "rb") as file:
            return bytes(file.read())
    except Exception as error:  # Every file system of fsspec has errors of its own.
        kind = "missing" if isinstance(error, FileNotFoundError) else "permission" if isinstance(error, PermissionError) else "unreadable"
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{address}: expected a file that fsspec can read; got: {reason}: check the address", kind) from None
