"""The unit of work: some images and videos of the input that become one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mien.batch.remote import fetched
from mien.core.names import spelled
from mien.media.byte_source import ByteSource

Mark = tuple[int | str | None, ...]
"""By what a file is known again (`mien.batch.marks`)."""


@dataclass(frozen=True)
class Item:
    """One image or video of the input.

    Args:
        position: Its place among all that the output has been given, 0-based.
        source: What tables call it.
        label: Mien's name of the expression that it is said to show; None where nothing says so.
        content: Its bytes, where they came with the list.
        place: Where it lies, where that is not what tables call it.
    """

    position: int
    source: str
    label: str | None = None
    content: bytes | None = None
    place: str | None = None

    def open(self) -> ByteSource:
        """Its bytes, to be read from their start as often as wanted.

        Raises:
            MediaError: It cannot be read.
        """
        if self.content is not None:
            return ByteSource(self.content, self.source)
        place = self.place or self.source
        return ByteSource(fetched(place) if self.remote else place, self.source)

    @property
    def remote(self) -> bool:
        """Whether its bytes have yet to be fetched through fsspec."""
        return self.content is None and "://" in (self.place or self.source)


@dataclass(frozen=True)
class FilePart:
    """An image or video that is a file.

    Args:
        source: What tables call it.
        place: Where it lies: a path, or an address for fsspec.
        label: Mien's name of the expression that it is said to show.
        mark: What its store tells of its state; None: the file itself is asked.
    """

    source: str
    place: str
    label: str | None = None
    mark: Mark | None = None

    count = 1

    def items(self, start: int) -> Iterator[Item]:
        """It, at its position."""
        yield Item(start, self.source, self.label, place=self.place)


@dataclass(frozen=True)
class TablePart:
    """Rows of a Parquet file that hold images or videos as bytes.

    Args:
        place: The Parquet file.
        row: Its first row, 0-based.
        count: How many rows.
        own: Classes of the model, where it has others than mien knows.
    """

    place: str
    row: int
    count: int
    own: tuple[str, ...] = ()

    label = None
    mark = None

    @property
    def source(self) -> str:
        """What the output's list of inputs calls them."""
        return f"{spelled(self.place)}, rows {self.row} to {self.row + self.count - 1}"

    def items(self, start: int) -> Iterator[Item]:
        """They, the first one at a position."""
        from mien.batch.parquet import read_rows

        rows = read_rows(Path(self.place), self.row, self.count, self.own)
        for place, (source, content, label) in enumerate(rows):
            yield Item(start + place, source, label, content)


Part = FilePart | TablePart


@dataclass(frozen=True)
class Shard:
    """What a worker is handed; small, so that it can be sent anywhere.

    Args:
        number: Which shard it is, 0-based.
        parts: What it holds, each with the position of its first item.
    """

    number: int
    parts: tuple[tuple[int, Part], ...]

    @property
    def count(self) -> int:
        """How many items it has."""
        return sum(part.count for _, part in self.parts)

    def items(self) -> Iterator[Item]:
        """They, in order."""
        for start, part in self.parts:
            yield from part.items(start)
