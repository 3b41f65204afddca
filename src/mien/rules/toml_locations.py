"""Where in a TOML file each key and value stands, which the parser of the standard library does not tell."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r'[ \t]*(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')[ \t]*')
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""{1}"{0,2}|\'\'\'.*?\'\'\'\'{0,2}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*[^,\]}#\n \t]")


@dataclass(frozen=True)
class Place:
    """Where a key and its value stand, in characters of the text.

    Args:
        key: Where the key begins; of an element of an array the element itself.
        start: Where the value begins.
        end: Where it has ended.
    """

    key: int
    start: int
    end: int


@dataclass
class Positions:
    r"""Where everything in a TOML text stands.

    Args:
        text: Valid TOML, with ``\n`` between its lines.

    >>> positions = Positions('[rules.smile]\nwhen = "any.hapy > 0.7"')
    >>> positions.line_and_column(positions.of(("rules", "smile", "when")).start)
    (2, 8)
    """

    text: str
    places: dict[Path, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._at = 0
        self._tables: dict[Path, int] = {}  # How many elements each array of tables has.
        table: Path = ()
        self._skip()
        while self._at < len(self.text):
            if self.text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def of(self, path: Path) -> Place:
        """The place of a value, or of what is nearest above it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(0, 0, len(self.text)))

    def inside(self, path: Path, offset: int) -> int:
        """Where a character of a string's value stands in the text."""
        place = self.of(path)
        raw = self.text[place.start : place.end]
        quotes = 3 if raw[:3] in ('"""', "'''") else 1
        skipped = quotes + (quotes == 3 and raw[3:4] == "\n")
        if "\\" not in raw or raw[0] == "'":
            return place.start + skipped + offset
        # What is escaped takes more room in the text than in the value: count until the value is long enough.
        for end in range(skipped, len(raw)):
            try:
                value = tomllib.loads(f"x = {raw[:end]}{raw[:quotes]}")["x"]
            except tomllib.TOMLDecodeError:
                continue
            if len(value) >= offset:
                return place.start + end
        return place.start

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Both from 1, as editors count."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def _skip(self) -> None:
        self._at = self._matched(_BLANK)

    def _matched(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self._at)
        if found is None:
            raise ValueError(f"expected valid TOML; got {self.text[self._at : self._at + 20]!r}")
        return found.end()

    def _header(self) -> Path:
        start = self._at
        array = self.text.startswith("[[", start)
        self._at += 1 + array
        keys = self._keys()
        self._at += 1 + array
        path = self._resolved(keys[:-1])
        path = (*path, keys[-1])
        if array:
            number = self._tables.get(path, 0)
            self._tables[path] = number + 1
            self.places.setdefault(path, Place(start, start, self._at))
            path = (*path, number)
        elif path in self._tables:
            path = (*path, self._tables[path] - 1)
        self.places.setdefault(path, Place(start, start, self._at))
        return path

    def _resolved(self, keys: list[str]) -> Path:
        """Keys of a header with the numbers of the tables in arrays that they pass through."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path

    def _keys(self) -> list[str]:
        keys = []
        while True:
            end = self._matched(_KEY)
            raw = self.text[self._at : end].strip()
            keys.append(next(iter(tomllib.loads(f"{raw} = 0"))))
            self._at = end
            if self.text[self._at] != ".":
                return keys
            self._at += 1

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys())
        self._at += 1  # The sign =
        while self.text[self._at] in " \t":
            self._at += 1
        self._value(path, start)
        for length in range(len(table) + 1, len(path)):  # Dotted keys make tables on their way.
            self.places.setdefault(path[:length], Place(start, start, self._at))

    def _value(self, path: Path, key: int) -> None:
        start = self._at
        first = self.text[start]
        if first in "\"'":
            self._at = self._matched(_STRING)
        elif first in "[{":
            self._at += 1
            self._elements(path, "]" if first == "[" else "}")
        else:
            self._at = self._matched(_BARE)
        self.places[path] = Place(key, start, self._at)

    def _elements(self, path: Path, closing: str) -> None:
        number = 0
        self._skip()
        while self.text[self._at] != closing:
            if closing == "]":
                self._value((*path, number), self._at)
            else:
                self._pair(path)
            number += 1
            self._skip()
            if self.text[self._at] == ",":
                self._at += 1
                self._skip()
        self._at += 1
