"""The recordings of a study, and whom and what each shows: out of their paths, or out of a table."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from string import Formatter
from unicodedata import normalize

from mien.core.csv_cells import delimiter, plain
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.names import existing, nearest, quoted, spelled
from mien.events.file import given_seconds
from mien.media.folders import VIDEO_SUFFIXES, natural_key
from mien.studies.signals import RULES, PersonRule

PARTICIPANT = "participant"
FILES = ("file", "path", "filename", "file_name", "video", "recording", "source")
"""What the column with the recordings may be called in a table."""
SETTINGS = ("events", "offset", "start", "end", "person")
"""Columns of a table that are no fields: they say how one recording is read."""
TAKEN = frozenset(
    [
        *FILES,
        *SETTINGS,
        *("event", "number", "baseline_start", "baseline_end", "track", "measure", "seconds", "coverage"),
        *(
            "uncertain",
            "mean",
            "peak",
            "peak_time",
            "onset",
            "duration",
            "share",
            "area",
            "baseline",
            "change",
        ),
    ]
)
"""What no field may be called, as tables of a study have such columns."""
_NAME = re.compile(r"[A-Za-z_]\w*")
_SHOWN = 3


@dataclass(frozen=True)
class StudyRecording:
    """One video, or the saved rows of one.

    Args:
        file: As it was given.
        place: Where it lies.
        fields: Participant, condition and whatever else is told apart, by name.
        events: File with its events; None where it has none of its own.
        offset: Seconds of the session's clock at which it begins: several cameras of one session have one clock so.
        start: Seconds of the recording before which nothing counts; None: its beginning.
        end: Seconds after which nothing counts; None: its end.
        person: Who is the participant; None: as for all others.
    """

    file: str
    place: str
    fields: Mapping[str, str]
    events: Path | None = None
    offset: float = 0.0
    start: float | None = None
    end: float | None = None
    person: PersonRule | None = None


@dataclass(frozen=True)
class StudyRecordings:
    """All of a study.

    Args:
        given: The pattern or table.
        fields: Names of the fields, participant first.
        recordings: In their order.
        pattern: What names of sources are matched with, where a pattern was given.
        problems: What was left out, and why, a line each.
    """

    given: str
    fields: tuple[str, ...]
    recordings: tuple[StudyRecording, ...]
    pattern: PathPattern | None = None
    problems: tuple[str, ...] = field(default=())

    @property
    def places(self) -> list[str | Path]:
        """Files of recordings, and files of events that recordings have of their own."""
        owned = [one.events for one in self.recordings if one.events is not None]
        return [*(one.place for one in self.recordings), *owned]


def find_recordings(given: str, *, on_disk: bool = True) -> StudyRecordings:
    """The recordings that a pattern or a table names.

    Args:
        given: A path with fields in braces, such as ``videos/{participant}/{condition}.mp4``, where ``*`` and ``**`` stand for
            what does not matter; or a table (.csv, .tsv) with the columns ``file`` and ``participant``, any others as fields,
            and `SETTINGS` where one recording is to be read in a way of its own. Its paths count from the table.
        on_disk: Whether the recordings must be there. A pattern gives none then, but for what rows are told apart by.

    Raises:
        InputError: There are none, or the pattern or the header of the table cannot be used.
    """
    if "{" in given:
        return _found(PathPattern(given), on_disk)
    path = Path(given)
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        return _listed(path, on_disk)
    raise InputError(
        "expected a pattern such as 'videos/{participant}/{condition}.mp4', or a table .csv with the columns file and "
        f"participant; got {spelled(given)}: put the participant's place in braces"
    )


class PathPattern:
    """A path with fields in braces.

    Args:
        text: Such as ``{participant}/{condition}_*.mp4``.

    Attributes:
        fields: Their names, participant first.

    Raises:
        InputError: It has no participant, or a field cannot be called so.

    >>> pattern = PathPattern("videos/{participant}/{condition}_*.mp4")
    >>> pattern.fields, pattern.match("videos/p01/calm_2.mp4")
    (('participant', 'condition'), {'participant': 'p01', 'condition': 'calm'})
    >>> PathPattern("{participant}_{condition}.mp4").match("p_1_calm.mp4")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: p_1_calm.mp4 fits {participant}_{condition}.mp4 in more than one way: participant=p, ...
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._parts = [(literal, name) for literal, name, _, _ in Formatter().parse(text)]
        except ValueError as error:
            raise InputError(
                f"{text}: expected fields such as {{participant}}; {error}: close the braces"
            ) from None
        names = dict.fromkeys(name for _, name in self._parts if name is not None)
        for name in names:
            _check_field(name, text)
        if PARTICIPANT not in names:
            raise InputError(
                f"{text}: expected a field {{participant}}{nearest(PARTICIPANT, names)}; got {', '.join(names)}: say where the participant stands"
            )
        self.fields = tuple(sorted(names, key=lambda name: name != PARTICIPANT))
        self._short, self._long = (re.compile(self._expression(some)) for some in ("[^/]+?", "[^/]+"))

    def paths(self) -> list[str]:
        """The files that fit."""
        wild = "".join(
            literal.replace("[", "[[]") + ("" if name is None else "*") for literal, name in self._parts
        )
        found = [path for path in glob.glob(wild, recursive=True) if os.path.isfile(path)]  # noqa: PTH207
        return sorted(found, key=lambda path: (natural_key(path), path))

    def match(self, path: str, *, anywhere: bool = False) -> dict[str, str] | None:
        """The fields of a path; None where it does not fit.

        Args:
            path: With ``/``.
            anywhere: Whether folders before it may be others.

        Raises:
            InputError: It fits in more than one way.
        """
        ends = [path]
        if anywhere:
            ends += [path[place + 1 :] for place, letter in enumerate(path) if letter == "/"]
        short = next((found for end in ends if (found := self._short.fullmatch(end))), None)
        if short is None:
            return None
        long = self._long.fullmatch(short.string)
        assert long is not None
        one, other = short.groupdict(), long.groupdict()
        if one != other:
            ways = " or ".join(
                ", ".join(f"{name}={way[name]}" for name in self.fields) for way in (one, other)
            )
            raise InputError(
                f"{path} fits {self.text} in more than one way: {ways}: rename it, or give a table"
            )
        return {name: one[name] for name in self.fields}

    @property
    def root(self) -> Path:
        """The folder before the first part that may be anything."""
        fixed = re.split(r"[{*?]", self.text, maxsplit=1)[0]
        return Path(os.path.dirname(fixed) or ".")

    def _expression(self, some: str) -> str:
        known: set[str] = set()
        parts = []
        for literal, name in self._parts:
            parts.append(_regular(literal))
            if name is not None:
                parts.append(f"(?P={name})" if name in known else f"(?P<{name}>{some})")
                known.add(name)
        return "".join(parts)


def _regular(literal: str) -> str:
    """What fits a part without fields, in which ``*``, ``**`` and ``?`` stand for others."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", literal)
    return "".join(wild.get(part, re.escape(part)) for part in parts)


def _check_field(name: str, where: object) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: expected fields of letters, digits and _; got {quoted(name)}: name it so")
    if name in TAKEN:
        raise InputError(
            f"{where}: expected a field that tables of a study do not have already; got {name}: name it otherwise"
        )


def _found(pattern: PathPattern, on_disk: bool) -> StudyRecordings:
    problems, recordings = [], []
    for path in pattern.paths() if on_disk else []:
        try:
            fields = pattern.match(path)
        except InputError as error:
            problems.append(str(error))
            continue
        if fields is None:
            problems.append(f"{spelled(path)}: left out, as its name fits {pattern.text} in no way")
        else:
            recordings.append(StudyRecording(spelled(path), path, composed(fields)))
    if on_disk and not recordings:
        raise InputError(f"{pattern.text}: expected recordings; no file fits{_also_there(pattern)}")
    if on_disk:
        problems += _passed_over(pattern, {recording.place for recording in recordings})
        problems += spelled_alike([one.fields for one in recordings])
    return StudyRecordings(pattern.text, pattern.fields, tuple(recordings), pattern, tuple(problems))


def _also_there(pattern: PathPattern) -> str:
    first = next(_videos_below(pattern.root), None)
    if first is None:
        return f", and there is no video below {pattern.root}: check the path"
    return f"; below {pattern.root} there is {spelled(first)}, for instance: say with fields and * how it is named"


def _passed_over(pattern: PathPattern, taken: set[str]) -> list[str]:
    """Videos beside those that fit, which were perhaps meant."""
    kept = {os.path.realpath(path) for path in taken}
    others = [path for path in _videos_below(pattern.root) if os.path.realpath(path) not in kept]
    if not others:
        return []
    names = ", ".join(spelled(path) for path in others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
    count = counted(
        len(others),
        f"video does not fit {pattern.text} and is left out",
        f"videos do not fit {pattern.text} and are left out",
    )
    return [f"{count}: {names}"]


def _videos_below(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in sorted(names, key=natural_key):
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield os.path.join(folder, name)


def composed(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields with letters that are one character each, as paths of macOS do not have them.

    >>> composed({"participant": "Zoe\u0308"}) == {"participant": "Zo\u00eb"}
    True
    """
    return {name: normalize("NFC", value) for name, value in fields.items()}


def spelled_alike(fields: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Values of a field that are the same but for capitals and spaces, a line for each."""
    for name in fields[0] if fields else ():
        alike: dict[str, list[str]] = {}
        for value in dict.fromkeys(each[name] for each in fields):
            alike.setdefault("".join(value.split()).casefold(), []).append(value)
        for key, values in alike.items():
            if key and len(values) > 1:
                yield (
                    f"{name} {' and '.join(values)} differ in spelling alone: they count as different; "
                    "write them alike if they are one"
                )


def _listed(path: Path, on_disk: bool) -> StudyRecordings:
    lines = _lines(path)
    header = next(lines)[1]
    file = next((name for name in FILES if name in header), None)
    missing = [
        name
        for name, there in (("file", file), (PARTICIPANT, PARTICIPANT in header or None))
        if there is None
    ]
    if missing:
        raise InputError(
            f"{path}: expected the columns file and participant; among {', '.join(header)} there is no {' and no '.join(missing)}: name them so"
        )
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: expected each column once; {twice} stands there twice: name one otherwise")
    names = [name for name in header if name and name not in (file, PARTICIPANT, *SETTINGS)]
    for name in names:
        _check_field(name, path)
    fields = (PARTICIPANT, *names)
    recordings: dict[str, StudyRecording] = {}
    problems: list[str] = []
    for number, cells in lines:
        row = dict(zip(header, chain(cells, [""] * len(header)), strict=False))
        try:
            recording = _recording(row, row[str(file)], fields, path.parent, on_disk)
            place = os.path.realpath(recording.place)
            if (before := recordings.setdefault(place, recording)) is not recording:
                name = "" if before.file == recording.file else f", as {before.file}"
                raise InputError(f"{recording.file} stands in a line before{name}: give it once")
        except InputError as error:
            problems.append(f"{path}, line {number}: left out: {error}")
            continue
        empty = [name for name in fields if not row[name]]
        if empty:
            problems.append(
                f"{path}, line {number}: {recording.file} has no {', '.join(empty)}: it is in no comparison of that"
            )
    if not recordings:
        raise InputError(
            f"{path}: expected a recording a line; got none that can be used"
            + (f": {problems[0]}" if problems else "")
        )
    problems += spelled_alike([one.fields for one in recordings.values()])
    return StudyRecordings(str(path), fields, tuple(recordings.values()), None, tuple(problems))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header and the lines of a table, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected a table as text in UTF-8; got {error}: save it as CSV UTF-8"
        ) from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(first), strict=True)
    try:
        filled = (
            (table.line_num, [plain(cell.strip()) for cell in row])
            for row in table
            if any(map(str.strip, row))
        )
        yield next(filled, (1, []))
        yield from filled
    except csv.Error as error:
        raise InputError(
            f"{path}, line {table.line_num}: expected cells of a table; got {error}: correct the line"
        ) from None


def _recording(
    row: Mapping[str, str], file: str, fields: Sequence[str], folder: Path, on_disk: bool
) -> StudyRecording:
    if not file:
        raise InputError("expected a file; the cell is empty: fill it in")
    if not row[PARTICIPANT]:
        raise InputError(f"{file}: expected a participant; the cell is empty: fill it in")
    place = existing(os.path.join(folder, file))
    if on_disk and not os.path.isfile(place):
        raise InputError(f"{file}: expected a file; there is none at {place}: check the path")
    offset, start, end = (given_seconds(row.get(name, ""), name) for name in ("offset", "start", "end"))
    if start is not None and end is not None and start >= end:
        raise InputError(f"{file}: expected start before end; got {start:g} and {end:g}: exchange them")
    events = folder / row["events"] if row.get("events") else None
    values = composed({name: row[name] for name in fields})
    return StudyRecording(
        file, place, values, events, offset or 0.0, start, end, person_rule(row.get("person"))
    )


def person_rule(text: str | None) -> PersonRule | None:
    """Who is the participant, as options and tables say it; None where nothing is said.

    >>> person_rule("2"), person_rule("largest"), person_rule("")
    (2, 'largest', None)

    Raises:
        InputError: It is no such rule.
    """
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    if text not in RULES:
        raise InputError(
            f"expected longest, largest, all or the number of a person; got {quoted(text)}: give one of them"
        )
    return text  # type: ignore[return-value]
