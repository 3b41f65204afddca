"""Reference labels: what annotators said that each clip shows, and which clip each of them belongs to: by
name, and by as much of the path as both sides give."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from mien.clips.aggregate import Kind
from mien.core.csv_cells import delimiter
from mien.core.errors import InputError
from mien.core.names import unspelled
from mien.data.label_names import KNOWN, class_named
from mien.media.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES
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


def read_reference(path: str | Path, own: Sequence[str] = ()) -> Reference:
    """Reference labels out of a CSV with a column ``file`` and a column ``label``, divided by commas, semicolons
    or tabs.

    Labels are expressions (mien's words, those of FER+, synonyms, classes of one's own) or positive, neutral and
    negative; never both in one file.

    Args:
        path: The file.
        own: Classes of the model that read the clips, where it has others than mien knows
            (`mien.clips.Predictions.classes`).

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
    usable = {name: label for name, label in given.items() if name not in twice}
    if problems and not usable:
        raise InputError(f"{path}: expected reference labels; got none that can be used: {problems[0]}")
    words, kind = _meant(usable, path, own)
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
            return list(csv.reader(file, delimiter=delimiter(first), strict=True))
    except OSError as error:
        raise InputError(
            f"expected reference labels as CSV; {path}: {error.strerror}: check the path"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        got = "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(
            f"{path}: expected reference labels as CSV; got {got}: write it as CSV in UTF-8"
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


def _meant(given: dict[str, tuple[str, int]], path: Path, own: Sequence[str]) -> tuple[dict[str, str], Kind]:
    """The words as mien's, and of which kind they are."""
    words = {name: _known(word) for name, (word, _) in given.items()}
    known = tuple(dict.fromkeys((*KNOWN, *own)))
    other = {word: line for word, line in given.values() if _known(word) not in (*known, *SENTIMENTS)}
    if other:
        listed = ", ".join(f"{word!r} (line {line})" for word, line in list(other.items())[:_MOST_TOLD])
        more = f" and {len(other) - _MOST_TOLD} more" if len(other) > _MOST_TOLD else ""
        raise InputError(
            f"{path}: expected labels out of {', '.join(known)}, or positive, neutral, negative; got {listed}{more}: rename them"
        )
    if not given:
        raise InputError(f"{path}: expected reference labels; got none")
    sentiments = [word for word in words.values() if word in SENTIMENTS.names]
    if len(sentiments) == len(words):
        return words, "sentiment"
    if {*sentiments} <= {"neutral", *own}:
        return words, "expression"
    expression, sentiment = (
        next(word for word in words.values() if word != "neutral" and word in names)
        for names in (known, SENTIMENTS.names)
    )
    raise InputError(
        f"{path}: expected either expressions or positive, neutral, negative; got both ({sentiment}, {expression}): write one kind"
    )


def _known(word: str) -> str:
    """Mien's word, or the word itself."""
    return class_named(word) or word.lower()


_ENDINGS = IMAGE_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True)
class Matching:
    """What belongs together.

    Args:
        pairs: Reference name of each clip that has one.
        missing: Reference names without a clip.
        ambiguous: For each reference name that fits several clips, or that several fit with it, what is wrong.
        entangled: Clips that only ambiguous reference names fit.
    """

    pairs: dict[str, str]
    missing: tuple[str, ...]
    ambiguous: dict[str, str]
    entangled: frozenset[str]


def match_names(reference: Sequence[str], clips: Sequence[str]) -> Matching:
    """Bring reference names and clips together.

    A name fits a clip when their last parts are the same, whatever the ending of a media file, and the
    folders of one are the last folders of the other. Of several clips that fit, the one with the same ending
    goes first, then the one with the same path.

    >>> match_names(["a/1", "2.avi", "3"], ["x/a/1.mp4", "x/b/1.mp4", "x/2.mp4"])
    Matching(pairs={'x/a/1.mp4': 'a/1', 'x/2.mp4': '2.avi'}, missing=('3',), ambiguous={}, entangled=frozenset())
    >>> match_names(["1.mp4"], ["a/1.mp4", "b/1.mp4"]).ambiguous
    {'1.mp4': '1.mp4 fits a/1.mp4 and b/1.mp4: write more of its path'}
    """
    by_stem: dict[str, list[str]] = {}
    for clip in clips:
        by_stem.setdefault(_stem(clip), []).append(clip)
    claims: dict[str, list[str]] = {}
    missing: list[str] = []
    ambiguous: dict[str, str] = {}
    entangled: set[str] = set()
    for name in reference:
        fitting = _best(name, [clip for clip in by_stem.get(_stem(name), []) if _fits(name, clip)])
        if not fitting:
            missing.append(name)
        elif len(fitting) > 1:
            ambiguous[name] = f"{name} fits {_told(fitting)}: write more of its path"
            entangled |= set(fitting)
        else:
            claims.setdefault(fitting[0], []).append(name)
    for clip, names in claims.items():
        if len(names) > 1:
            ambiguous |= dict.fromkeys(names, f"{_told(names)} both fit {clip}: write more of their paths")
            entangled.add(clip)
    pairs = {clip: names[0] for clip, names in claims.items() if len(names) == 1}
    return Matching(pairs, tuple(missing), ambiguous, frozenset(entangled - set(pairs)))


def _best(name: str, fitting: list[str]) -> list[str]:
    same_ending = [clip for clip in fitting if _parts(clip)[-1] == _parts(name)[-1]] or fitting
    return [clip for clip in same_ending if _parts(clip) == _parts(name)] or same_ending


def _fits(name: str, clip: str) -> bool:
    folders, others = _parts(name)[:-1], _parts(clip)[:-1]
    shared = min(len(folders), len(others))
    return folders[len(folders) - shared :] == others[len(others) - shared :]


def _parts(name: str) -> tuple[str, ...]:
    # However it is written: escaped in a table, composed or not (macOS), with the separators of Windows.
    plain = normalize("NFC", unspelled(name)).replace("\\", "/")
    return tuple(part for part in PurePosixPath(plain).parts if part != "/") or (name,)


def _stem(name: str) -> str:
    last = PurePosixPath(_parts(name)[-1])
    return last.stem if last.suffix.lower() in _ENDINGS else last.name


def _told(names: Sequence[str]) -> str:
    return (
        f"{', '.join(names[:3])} and {len(names) - 3} more"
        if len(names) > 4
        else f"{', '.join(names[:-1])} and {names[-1]}"
    )
