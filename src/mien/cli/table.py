"""Tables for people that fit their terminal: no number is ever cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import rich.console
import rich.table
from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

Cell = str | Text | ProgressBar | tuple[str | Text, ...]
"""What stands in a row: of a column of ``pieces`` a tuple, which may be spread over lines between them."""

_GAP = 2
_COMFORTABLE, _NARROW = 24, 12
"""To what names and words are narrowed before columns of low value go, and to what afterwards, in cells."""

_EASY = 40
"""Up to what names and words take room before titles do, in cells."""

_LINE = 80
"""How long lines of words are at most, in cells, however much room there is."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a `Table`.

    Args:
        title: What stands above it; it may take several lines.
        kind: ``number`` and ``text`` are never cut; ``name`` loses its middle where room is short, ``pieces``
            and ``words`` take more lines.
        drop: Where room is short, the column with the highest goes first; 0: it stays.
        style: Of its cells.
    """

    title: str = ""
    kind: Literal["number", "text", "name", "pieces", "words"] = "number"
    drop: int = 0
    style: str = ""


class Table:
    """Rows in columns, for `rich`. What does not fit into the terminal even then stands in several tables, one
    below the other, each with the first column.

    Args:
        columns: A title alone is a column of numbers, and the first one of names.
    """

    def __init__(self, *columns: TableColumn | str) -> None:
        self._columns = [
            column if isinstance(column, TableColumn) else TableColumn(column, "number" if place else "name")
            for place, column in enumerate(columns)
        ]
        self._rows: list[tuple[tuple[Cell, ...], str]] = []
        self._sections: set[int] = set()

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """Add a row; cells that are missing at its end are empty."""
        self._rows.append((cells + ("",) * (len(self._columns) - len(cells)), style))

    def add_section(self) -> None:
        """Set the rows that follow apart."""
        self._sections.add(len(self._rows) - 1)

    def shows(self, title: str, console: rich.console.Console) -> bool:
        """Whether a console has room for the column of a title; what explains it belongs to it."""
        dropped = self._layout(console, console.width).dropped
        return title not in [self._columns[place].title for place in dropped]

    def _layout(self, console: rich.console.Console, width: int) -> _Layout:
        sizes = [
            _sizes(column, [_text(row[place], console) for row, _ in self._rows])
            for place, column in enumerate(self._columns)
        ]
        return _fitted(self._columns, sizes, width)

    def __rich_console__(self, console: rich.console.Console, options: ConsoleOptions) -> RenderResult:
        layout = self._layout(console, options.max_width)
        for number, widths in enumerate(layout.parts):
            if number:
                yield Text("")
            for line in console.render_lines(self._part(widths, console), options, pad=False):
                yield from _trimmed(line)
                yield Segment.line()
        # One without a title is a bar beside its number, which stays.
        if names := ", ".join(title for place in layout.dropped if (title := self._columns[place].title)):
            yield Text(f"no room for: {names}", style="dim", overflow="fold")

    def __rich_measure__(self, console: rich.console.Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)

    def _part(self, widths: dict[int, int], console: rich.console.Console) -> rich.table.Table:
        titled = any(self._columns[place].title for place in widths)
        table = rich.table.Table(box=None, header_style="bold", padding=0, show_header=titled)
        for place, width in widths.items():
            column = self._columns[place]
            if table.columns:
                table.add_column(width=_GAP)  # Not padding, of which versions of Rich leave more or less.
            table.add_column(
                _packed([Text(word) for word in column.title.split()], width, " "),
                width=width,
                justify="right" if column.kind == "number" else "left",
                no_wrap=column.kind != "words",
                overflow="fold",
                style=column.style or None,
            )
        for number, (row, style) in enumerate(self._rows):
            cells = [_cell(self._columns[place], row[place], widths[place], console) for place in widths]
            spread = [part for cell in cells for part in ("", cell)][1:]
            table.add_row(*spread, style=style or None, end_section=number in self._sections)
        return table


def _trimmed(line: Sequence[Segment]) -> Iterator[Segment]:
    """A line without the blanks at its end, which programs and the clipboard would keep."""
    end = len("".join(segment.text for segment in line).rstrip(" "))
    for text, style, control in line:
        if text[:end]:
            yield Segment(text[:end], style, control)
        end = max(0, end - len(text))


@dataclass(frozen=True)
class _Sizes:
    """How wide a column would be, and how narrow it can be: in comfort, and at the worst; in cells."""

    natural: int
    comfortable: int
    narrow: int


@dataclass(frozen=True)
class _Layout:
    """Widths of the columns of each part, by their places, and the columns that were left out."""

    parts: list[dict[int, int]]
    dropped: list[int]


def _text(cell: Cell, console: rich.console.Console) -> list[Text] | int:
    """The pieces that must stay whole, or the width of what is no text."""
    if isinstance(cell, ProgressBar):
        return cell.width or _COMFORTABLE
    pieces = cell if isinstance(cell, tuple) else (cell,)
    return [console.render_str(piece) if isinstance(piece, str) else piece for piece in pieces]


def _sizes(column: TableColumn, cells: Sequence[list[Text] | int]) -> _Sizes:
    whole, least = 0, 0
    for cell in cells:
        if isinstance(cell, int):
            whole, least = max(whole, cell), max(least, cell)
            continue
        lines = [cell_len(line) for piece in cell for line in piece.plain.split("\n")]
        together = sum(lines) + 2 * (len(cell) - 1) if column.kind == "pieces" else max(lines, default=0)
        if column.kind == "words":
            longest = max((cell_len(word) for piece in cell for word in piece.plain.split()), default=0)
            together = min(together, max(_LINE, longest))
        whole, least = max(whole, together), max([least, *lines])
    words = _in_two_lines(column.title)
    natural = max(whole, cell_len(column.title))
    room = (_COMFORTABLE, _NARROW) if column.kind in ("name", "words") else (least, least)
    return _Sizes(natural, *(max(words, min(whole, size)) for size in room))


def _in_two_lines(title: str) -> int:
    """How wide a title is that takes two lines."""
    words = title.split()
    cuts = ((" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words) + 1))
    return min((max(map(cell_len, lines)) for lines in cuts), default=0)


def _fitted(columns: Sequence[TableColumn], sizes: Sequence[_Sizes], width: int) -> _Layout:
    kept, dropped = list(range(len(columns))), []
    while not _fits([sizes[place].comfortable for place in kept], width):
        place = max(kept, key=lambda place: columns[place].drop)
        if not columns[place].drop:
            break
        kept.remove(place)
        dropped.append(place)
    parts = []
    comfort = _fits([sizes[place].comfortable for place in kept], width)
    for part in _parts(kept, [size.narrow for size in sizes], width):
        least = {place: sizes[place].comfortable if comfort else sizes[place].narrow for place in part}
        parts.append(_grown(least, columns, sizes, width))
    return _Layout(parts, sorted(dropped))


def _fits(widths: Sequence[int], width: int) -> bool:
    return sum(widths) + _GAP * (len(widths) - 1) <= width


def _parts(kept: Sequence[int], least: Sequence[int], width: int) -> Iterator[list[int]]:
    """The columns of each table, as many as there is room for."""
    part = list(kept[:1])
    for place in kept[1:]:
        if len(part) > 1 and not _fits([least[one] for one in [*part, place]], width):
            yield part
            part = list(kept[:1])
        part.append(place)
    yield part


def _grown(
    widths: dict[int, int], columns: Sequence[TableColumn], sizes: Sequence[_Sizes], width: int
) -> dict[int, int]:
    """What room is left goes to names and words up to what is easily read, then to titles, then to the rest,
    the narrowest first."""
    flexible = [place for place in widths if columns[place].kind in ("name", "pieces", "words")]
    spare = width - sum(widths.values()) - _GAP * (len(widths) - 1)
    for places, most in ((flexible, _EASY), (widths, _EASY), (flexible, width)):
        while spare > 0 and (
            short := [place for place in places if widths[place] < min(most, sizes[place].natural)]
        ):
            widths[min(short, key=widths.__getitem__)] += 1
            spare -= 1
    return widths


def _cell(column: TableColumn, cell: Cell, width: int, console: rich.console.Console) -> Text | ProgressBar:
    found = _text(cell, console)
    if isinstance(found, int):
        assert isinstance(cell, ProgressBar)
        return cell
    if column.kind == "pieces":
        return _packed(found, width, ", ")
    return _shortened(found[0], width) if column.kind == "name" else found[0]


def _packed(pieces: Sequence[Text], width: int, between: str) -> Text:
    """Pieces in as few lines of that width as they need."""
    lines: list[list[Text]] = []
    room = 0
    for piece in pieces:
        if lines and piece.cell_len + len(between) <= room:
            lines[-1].append(piece)
            room -= len(between)
        else:
            lines.append([piece])
            room = width
        room -= piece.cell_len
    return Text("\n").join(Text(between).join(line) for line in lines)


def _shortened(text: Text, width: int) -> Text:
    """A name that is too long without its middle: what names of one kind differ in is mostly at an end."""
    if text.cell_len <= width or "\n" in text.plain:
        return text
    letters = text.plain
    head = _taken(letters, (width - 1) // 2)
    tail = len(letters) - _taken(letters[::-1], width - 1 - cell_len(letters[:head]))
    while tail < len(letters) and not cell_len(letters[tail]):
        tail += 1  # A mark whose letter has gone.
    return text[:head].append("…").append_text(text[tail:])


def _taken(letters: str, width: int) -> int:
    """How many letters from the first one on fit into a width."""
    count, used = 0, 0
    for letter in letters:
        used += cell_len(letter)
        if used > width:
            break
        count += 1
    return count
