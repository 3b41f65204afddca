"""The file of corrections: a line for each thing that is to be changed, from top to bottom."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from mien.core.csv_cells import delimiter, plain
from mien.core.errors import InputError
from mien.core.names import quoted
from mien.events.file import given_seconds
from mien.people.tracks import Tracks
from mien.video.results import VideoResult

COLUMNS = ("source", "change", "person", "other", "start", "end", "name")
"""Of the file; only ``change`` must be there."""
CHANGES = ("join", "split", "swap", "name", "exclude")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "join": ("person", "other"),
    "split": ("person", "start"),
    "swap": ("person", "other", "start"),
    "name": ("person", "name"),
    "exclude": (),
}
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class Correction:
    """One line.

    Args:
        line: Where it stands, from 1.
        change: One of `CHANGES`.
        source: The recording, by its name or the name of its file; empty: every one.
        person: Number or name of a person; empty where there is none.
        other: The same.
        start: Seconds from which on it holds; None: from the beginning.
        end: Seconds up to which it holds; None: to the end.
        name: What the person is called.
    """

    line: int
    change: str
    source: str = ""
    person: str = ""
    other: str = ""
    start: float | None = None
    end: float | None = None
    name: str = ""

    def about(self, source: str) -> bool:
        """Whether it is about a recording."""
        return self.source in ("", source, PurePath(source).name)


@dataclass
class Corrections:
    """A file of corrections, and what has been met of it.

    Args:
        path: The file.
        lines: In their order.
        problems: What could not be understood, by line.
    """

    path: Path
    lines: tuple[Correction, ...]
    problems: tuple[str, ...] = ()
    _met: set[int] = field(default_factory=set)
    _left_out: int = 0

    def apply(self, video: VideoResult) -> VideoResult:
        """A recording with other tracks and with names. What a line asks for that the rows have not is a remark of
        the result, and the other lines are applied.
        """
        own = [each for each in self.lines if each.about(video.source)]
        self._met |= {each.line for each in own}
        tracks = Tracks(video)
        remarks = []
        for each in own:
            problem = tracks.change(each)
            if problem:
                self._left_out += 1
                remarks.append(
                    f"{self.path}, line {each.line}: {video.source}: {problem}; the line is left out"
                )
        changed = tracks.result()
        return replace(changed, remarks=(*changed.remarks, *remarks))

    def applied(self, videos: Iterable[VideoResult]) -> Iterator[VideoResult]:
        """All recordings of a table, one after the other; the last one has the remarks about the file as a whole."""
        held: VideoResult | None = None
        for video in videos:
            if held is not None:
                yield held
            held = self.apply(video)
        if held is not None:
            yield replace(held, remarks=(*held.remarks, *self.remarks()))

    @property
    def refused(self) -> bool:
        """Whether something in the file was not understood, not applied so far, or is about no recording."""
        return bool(self._left_out or self.remarks())

    def remarks(self) -> list[str]:
        """What could not be understood, and lines about recordings that were not met."""
        unmet = [
            f"{self.path}, line {each.line}: the rows have no recording {each.source}"
            for each in self.lines
            if each.line not in self._met
        ]
        return [*self.problems, *unmet]


def read_corrections(path: str | Path) -> Corrections:
    r"""Read a file of corrections: CSV with the columns `COLUMNS`, separated by commas, semicolons or tabs. Lines that
    begin with ``#`` are comments; times are seconds, ``mm:ss`` or ``hh:mm:ss``.

    Raises:
        InputError: The file cannot be read, or has no such header.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "corrections.csv"
    >>> _ = path.write_text("change,person,other,start\nswap,1,2,1:03.2\n", encoding="utf-8")
    >>> read_corrections(path).lines
    (Correction(line=2, change='swap', source='', person='1', other='2', start=63.2, end=None, name=''),)
    """
    path = Path(path)
    rows = list(_rows(path))
    header = [plain(cell).strip().lower() for cell in rows[0][1]] if rows else []
    unknown = [name for name in header if name not in COLUMNS]
    if {"track", "mostly"} <= set(header):
        raise InputError(
            f"{path}: expected corrections (mien people); got the table of people that mien analyze --persons writes: give a file of corrections"
        )
    if "change" not in header or unknown:
        raise InputError(
            f"{path}: expected a header with {', '.join(COLUMNS)}; got {', '.join(header)[:80] or 'nothing'}: name the columns so"
        )
    lines, problems = [], []
    for number, cells in rows[1:]:
        values = {name: plain(cell).strip() for name, cell in zip(header, cells, strict=False)}
        try:
            lines.append(_correction(number, values))
        except InputError as error:
            problems.append(f"{path}, line {number}: {error}; the line is left out")
    return Corrections(path, tuple(lines), tuple(problems))


def refuse_corrections(paths: Iterable[Path]) -> None:
    """Keep what was written by hand from being overwritten.

    Raises:
        InputError: One of the files that are to be written is a file of corrections.
    """
    for path in paths:
        if path.is_file() and _are_corrections(path):
            raise InputError(
                f"{path}: expected a file that may be overwritten; it holds corrections made by hand: give another name"
            )


def _are_corrections(path: Path) -> bool:
    try:
        header = next(_rows(path), (0, []))[1]
    except InputError:
        return False
    names = {plain(cell).strip().lower() for cell in header}
    return "change" in names and names <= set(COLUMNS)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(
                f"{path}: expected a small file of corrections; it has {path.stat().st_size:,} bytes"
            )
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise InputError(f"expected a file of corrections; {path}: {reason}: check the path") from None
    numbered = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip(" ,;\t") and not line.startswith("#")
    ]
    head = numbered[0][1] if numbered else ""
    between = delimiter(head)
    for number, line in numbered:
        try:
            yield number, next(csv.reader([line], delimiter=between), [])
        except csv.Error as error:
            raise InputError(f"{path}, line {number}: expected cells of a table; {error}: mend it") from None


def _correction(line: int, values: Mapping[str, str]) -> Correction:
    change = values.get("change", "").lower()
    if change not in CHANGES:
        raise InputError(f"expected one of {', '.join(CHANGES)} as change; got {quoted(change)}")
    missing = [name for name in _NEEDED[change] if not values.get(name)]
    if missing:
        raise InputError(f"expected {' and '.join(missing)} for {change}; got none")
    start, end = (given_seconds(values.get(name, ""), name) for name in ("start", "end"))
    if start is not None and end is not None and end <= start:
        raise InputError(f"expected an end after the start; got {start:g} to {end:g}")
    if change == "exclude" and not values.get("person") and start is None and end is None:
        raise InputError("expected a person, a start or an end to exclude; got none")
    texts = {name: values.get(name, "") for name in ("source", "person", "other", "name")}
    return Correction(line, change, start=start, end=end, **texts)


def corrected(videos: Iterable[VideoResult], corrections: Corrections | None) -> Iterable[VideoResult]:
    """The recordings as they are, or with corrections."""
    return videos if corrections is None else corrections.applied(videos)
