"""The file that a reader gets: its text, what is wanted of it, and where remarks go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mien.core.errors import InputError
from mien.core.names import quoted

MOST_BYTES = 20_000_000
"""Bytes of a file of events: some 100 hours of a label a second, or ten hours of one a frame."""

MISSING = ("n/a", "na", "nan")
"""How tables write, in small letters, that a value is not there."""

_MOST_TOLD = 10
"""Lines that are told one by one."""
Part = TypeVar("Part")
Read = TypeVar("Read")
_CLOCK = re.compile(
    r"([+-]?)(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,12}(?:[.,]\d*)?|[.,]\d+)(e[+-]?\d{1,2})?", re.I
)


@dataclass(frozen=True)
class EventFile:
    """A file of events.

    Args:
        path: Where it lies.
        text: What it holds, decoded.
        samples: Whether a table has a label at each step of time; None where that is to be found out.
        observation: Of several in the file, the one that is wanted; None where there is one.
        remarks: What a person should know, a line each; readers add to it.
    """

    path: Path
    text: str
    samples: bool | None = None
    observation: str | None = None
    remarks: list[str] = field(default_factory=list)

    def where(self, line: int | str) -> str:
        """A place in the file, for errors and remarks."""
        return f"{self.path}, line {line}" if isinstance(line, int) else f"{self.path}, {line}"

    def usable(self, read: Callable[[Part], Iterable[Read]], parts: Iterable[Part]) -> Iterator[Read]:
        """What is read of the parts of the file, such as its lines; those that cannot be used are remarks.

        Raises:
            InputError: Of the first part, where none can be used.
        """
        bad: list[InputError] = []
        used = 0
        for part in parts:
            try:
                yield from list(read(part))
                used += 1
            except InputError as error:
                bad.append(error)
        if bad and not used:
            raise bad[0]
        self.remarks.extend(f"{error}; the line is left out" for error in bad[:_MOST_TOLD])
        if len(bad) > _MOST_TOLD:
            self.remarks.append(f"{self.path}: {len(bad) - _MOST_TOLD:,} more lines like these are left out")

    def seconds(self, text: str, line: int | str) -> float:
        """A time of the file.

        Raises:
            InputError: It is none; the message names the line.
        """
        found = parsed_seconds(text)
        if found is None:
            raise InputError(
                f"{self.where(line)}: expected a time in seconds, as mm:ss or hh:mm:ss; got {quoted(text)}: correct the line"
            )
        return found

    def chosen(self, what: str, names: Sequence[str]) -> str:
        """The one of several observations that is wanted; empty where there is none.

        Args:
            what: What the format calls an observation.
            names: Their names, each as often as it occurs.

        Raises:
            InputError: There are several and none is asked for, or the one that is asked for is not there.
        """
        there = list(dict.fromkeys(names))
        if self.observation in there:
            return self.observation or ""
        if len(there) > 1 or (self.observation is not None and any(there)):
            shown = ", ".join(name[:40] for name in there[:10]) + (", ..." if len(there) > 10 else "")
            asked = f"one {what}" if self.observation is None else f"the {what} {self.observation}"
            raise InputError(f"{self.path}: expected {asked}; it holds {shown}: say which one (observation)")
        return there[0] if there else ""

    def ended(self, start: float, end: float, line: int | str) -> float | None:
        """The end of a stretch; None where it lasts no time, which makes it a moment.

        Raises:
            InputError: It ends before it begins.
        """
        if end < start:
            raise InputError(
                f"{self.where(line)}: expected an end after the beginning, {start:g} s; got {end:g} s: correct the line"
            )
        return end if end > start else None


def parsed_seconds(text: str) -> float | None:
    """A time as people and programs write it; None where it is none.

    >>> [parsed_seconds(text) for text in ("90", "1:30,5", "1:00:00.25", "-2.5", "soon")]
    [90.0, 90.5, 3600.25, -2.5, None]
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    sign, hours, minutes, seconds, power = match.groups()
    value = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", ".") + (power or ""))
    return -value if sign == "-" else value


def given_seconds(text: str, name: str) -> float | None:
    """A time of a cell or an option; None where nothing is given.

    Args:
        text: As people write it, see `parsed_seconds`.
        name: Of the column or the option.

    Raises:
        InputError: It is no time.

    >>> given_seconds("1:30", "start"), given_seconds("", "end")
    (90.0, None)
    """
    seconds = parsed_seconds(text) if text else None
    if text and seconds is None:
        raise InputError(f"expected {name} in seconds; got {quoted(text)}: write a number, mm:ss or hh:mm:ss")
    return seconds


def read_text(path: Path) -> str:
    """What a file of events holds, as text.

    Raises:
        InputError: It cannot be read, is larger than `MOST_BYTES`, or is not text in UTF-8 or UTF-16.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a file of events; {error.strerror}: check the path") from None
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{path}: expected a file of events of {MOST_BYTES // 1_000_000} MB at most; got a larger one: divide it"
        )
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(
            f"{path}: expected events as text in UTF-8 (CSV, WebVTT, ELAN, BIDS, BORIS, TextGrid); got another format: save it "
            "as CSV with a time and a label a line"
        )
    return text
