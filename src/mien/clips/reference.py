"""Reference labels: what raters said that each clip shows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.clips.aggregate import Kind
from mien.core.errors import InputError
from mien.data.label_names import KNOWN, class_named
from mien.metrics.sentiment import SENTIMENTS

_FILE = ("file", "clip", "video", "name", "filename", "path", "source")
_LABEL = ("label", "reference", "gold", "emotion", "expression", "sentiment", "class")
_MOST_TOLD = 8


@dataclass(frozen=True)
class ReferenceLabel:
    """One line.

    Args:
        file: The clip, as it is written there.
        label: Mien's word for what it shows.
    """

    file: str
    label: str


@dataclass(frozen=True)
class Reference:
    """All of them.

    Args:
        path: Where they come from.
        labels: In the order of the file, each clip once.
        kind: Whether they are expressions or sentiments.
        problems: Lines that could not be used.
        ambiguous: Clips that stand there with two labels.
    """

    path: Path
    labels: tuple[ReferenceLabel, ...]
    kind: Kind
    problems: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


def read_reference(path: str | Path) -> Reference:
    """Reference labels out of a CSV with a column ``file`` and a column ``label``, divided by commas, semicolons
    or tabs.

    Labels are expressions (mien's words, those of FER+, synonyms) or positive, neutral and negative; never
    both in one file.

    Raises:
        InputError: The file cannot be used, or a label is in other words.
    """
    path = Path(path)
    lines = _lines(path)
    file, label = _columns(lines[0] if lines else [], path)
    problems: list[str] = []
    given: dict[str, tuple[str, int]] = {}
    twice: dict[str, None] = {}
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        name, word = (line[place].strip() if place < len(line) else "" for place in (file, label))
        if not name or not word:
            problems.append(
                f"{path}, line {number}: expected a file and its label; got {', '.join(line)}: left out"
            )
        elif _known(given.setdefault(name, (word, number))[0]) != _known(word):
            twice[name] = None
            problems.append(
                f"{path}, line {number}: {name} has two labels, {given[name][0]} and {word}: left out"
            )
    words, kind = _meant({name: told for name, told in given.items() if name not in twice}, path)
    return Reference(
        path,
        tuple(ReferenceLabel(name, word) for name, word in words.items()),
        kind,
        tuple(problems),
        tuple(twice),
    )


def _lines(path: Path) -> list[list[str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            return list(csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True))
    except OSError as error:
        raise InputError(
            f"expected reference labels as CSV; {path}: {error.strerror}: check the path"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected reference labels as CSV; got {error}: write it as CSV in UTF-8"
        ) from None


def _columns(header: Sequence[str], path: Path) -> tuple[int, int]:
    names = [name.strip().lower() for name in header]
    places = []
    for what, words in (("file", _FILE), ("label", _LABEL)):
        found = [place for place, name in enumerate(names) if name in words]
        if len(found) != 1:
            got = ", ".join(header) or "nothing"
            raise InputError(
                f"{path}: expected a header with one column {what} ({', '.join(words[1:])}); got {got}: name the columns file and label"
            )
        places.append(found[0])
    return places[0], places[1]


def _meant(given: dict[str, tuple[str, int]], path: Path) -> tuple[dict[str, str], Kind]:
    """The words as mien's, and of which kind they are."""
    words = {name: _known(word) for name, (word, _) in given.items()}
    other = {word: line for word, line in given.values() if _known(word) not in (*KNOWN, *SENTIMENTS)}
    if other:
        told = ", ".join(f"{word!r} (line {line})" for word, line in list(other.items())[:_MOST_TOLD])
        more = f" and {len(other) - _MOST_TOLD} more" if len(other) > _MOST_TOLD else ""
        raise InputError(
            f"{path}: expected labels out of {', '.join(KNOWN)}, or positive, neutral, negative; got {told}{more}: rename them"
        )
    if not given:
        raise InputError(f"{path}: expected reference labels; got none")
    sentiments = [word for word in words.values() if word in SENTIMENTS.names]
    if len(sentiments) == len(words):
        return words, "sentiment"
    if {*sentiments} <= {"neutral"}:
        return words, "expression"
    expression, sentiment = (
        next(word for word in words.values() if word != "neutral" and word in names)
        for names in (KNOWN, SENTIMENTS.names)
    )
    raise InputError(
        f"{path}: expected either expressions or positive, neutral, negative; got both ({sentiment}, {expression}): write one kind"
    )


def _known(word: str) -> str:
    """Mien's word, or the word itself."""
    return class_named(word) or word.lower()
