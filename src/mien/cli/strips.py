"""What was shown, part by part of a time, as a line: of coloured blocks, or of letters where there are no colours."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping

from rich.cells import cell_len
from rich.text import Text

from mien.cli.console import Console
from mien.core.labels import UNCERTAIN, Labels


class Strips:
    """Signs of parts of a time, and what they stand for.

    Args:
        labels: What is told apart.
        console: Where the signs will be read.
    """

    def __init__(self, labels: Labels, console: Console) -> None:
        self._labels = labels
        self._coloured = console.color_system is not None and not console.no_color
        self._letters = _letters(labels) | {UNCERTAIN: "?"}
        self._used: set[str] = set()

    def sign(self, name: str) -> Text:
        """Of a part in which this was shown most."""
        if self._coloured:
            return Text("█", style=self._labels.colour(name))
        self._used.add(name)
        return Text(self._letters[name])

    @property
    def key(self) -> dict[str, str]:
        """The letters of what was shown, by its name; empty where the colours, which stand beside the names, say it."""
        return {name: letter for name, letter in self._letters.items() if name in self._used}


def key_line(key: Mapping[str, str]) -> str:
    """What letters stand for, as a line.

    >>> key_line({"sad": "s", "surprise": "u"})
    's sad, u surprise'
    """
    return ", ".join(f"{letter} {name}" for name, letter in key.items())


def _letters(names: Iterable[str]) -> dict[str, str]:
    """A letter for each name, one of its own where there is one left, whatever the order of the names.

    >>> _letters(["sad", "surprise", "happy"]) == _letters(["surprise", "happy", "sad"])
    True
    >>> _letters(["sad", "surprise"])
    {'sad': 's', 'surprise': 'u'}
    """
    letters: dict[str, str] = {}
    for name in sorted(names):
        free = (
            sign
            for sign in name + string.ascii_letters + string.digits
            if sign.isalnum() and cell_len(sign) == 1 and sign not in letters.values()
        )
        letters[name] = next(free, "*")
    return letters
