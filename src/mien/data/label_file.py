"""Classes as somebody names them: in a list, or in a file that also says how pleasant each is, its colour and its
icon."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.frame_result import require_columns
from mien.core.labels import ClassEntry, Labels, canonical_label
from mien.core.names import unreadable

_FIELDS = ("valence", "colour", "icon")
_NAME = ("name", "label", "class")
FORMS = "names with commas between them (happy,sad,bored), or a file ending in .txt, .csv or .json"
_LARGEST = 1 << 20  # Bytes: of a thousand classes with all that can be said of them.


def open_labels(which: str | Path) -> Labels:
    """Classes in their order, and what is known of each.

    Args:
        which: Names with commas between them, or a file: ``.txt`` with a name on each line; ``.csv`` with the columns
            ``name`` and, where they are known, ``valence`` (-1 to 1), ``colour`` (``#rrggbb``) and ``icon``; ``.json``
            with a list of names or of such objects, an object of them by name, or one of names by number
            (``id2label`` of a Hugging Face ``config.json`` too).

    Raises:
        InputError: There is no such file, or it does not name classes so.

    >>> open_labels("happy, sad, bored").names
    ('happy', 'sad', 'bored')
    """
    path = Path(which)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return require_columns(Labels(tuple(name.strip() for name in str(which).split(",") if name.strip())))
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: expected the names of classes; {error.strerror}: check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8; got {error}: save it so") from None
    if len(content) > _LARGEST:
        raise InputError(
            f"{path}: expected the names of classes; got {counted(len(content), 'byte')}: is it the right file?"
        )
    try:
        return _labels(reader(text))
    except (InputError, ValueError, csv.Error, RecursionError) as error:
        raise InputError(
            f"{path}: {error}"
            if isinstance(error, InputError)
            else f"{path}: expected {FORMS}; {unreadable(error)}: correct it"
        ) from None


def _labels(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Labels:
    names, entries = [], {}
    for name, said in rows:
        names.append(name)
        if strange := set(said) - set(_FIELDS):
            raise InputError(
                f"{name}: expected {', '.join(_FIELDS)}; got {', '.join(sorted(map(str, strange)))}"
            )
        entry = _entry(name, said)
        if entry != ClassEntry():
            entries[canonical_label(name)] = entry
    return require_columns(Labels(tuple(names), entries=entries))


def _entry(name: str, said: Mapping[str, Any]) -> ClassEntry:
    given = {field: value for field, value in said.items() if value not in (None, "")}
    try:
        valence = float(given["valence"]) if "valence" in given else None
        colour, icon = (str(given.get(field, "")).strip() for field in ("colour", "icon"))
        return ClassEntry(valence, colour, icon)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected a valence from -1 to 1; got {given['valence']!r}") from None


def _of_text(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return [(line.strip(), {}) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _of_csv(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    rows = [
        [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(map(str.strip, row))
    ]
    header = [cell.lower() for cell in rows[0]] if rows else []
    place = next((header.index(name) for name in _NAME if name in header), None)
    if place is None:
        if any(len(row) > 1 for row in rows):
            raise InputError(
                f"expected a column name, and {', '.join(_FIELDS)} where known; got {', '.join(header)}"
            )
        return [(row[0], {}) for row in rows]
    if other := next((row for row in rows[1:] if len(row) != len(header)), None):
        raise InputError(
            f"expected {counted(len(header), 'column')} in each row ({', '.join(header)}); got {len(other)} ({', '.join(other)})"
        )
    return [
        (
            row[place],
            {field: cell for at, (field, cell) in enumerate(zip(header, row, strict=True)) if at != place},
        )
        for row in rows[1:]
    ]


def _of_json(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    content = json.loads(text)
    if isinstance(content, Mapping) and isinstance(content.get("id2label"), Mapping):
        content = content["id2label"]
    if isinstance(content, Mapping) and content and all(str(key).isdecimal() for key in content):
        numbers = sorted(content, key=int)
        if [int(number) for number in numbers] != list(range(len(numbers))):
            raise InputError(
                f"expected names by the numbers 0 to {len(numbers) - 1}; got {', '.join(numbers)}"
            )
        content = [content[number] for number in numbers]
    if isinstance(content, Mapping):
        content = [
            {"name": name, **said} if isinstance(said, Mapping) else said for name, said in content.items()
        ]
    if not isinstance(content, list):
        raise InputError(f"expected a list or an object of classes; got {type(content).__name__}")
    return [_of_object(said) for said in content]


def _of_object(said: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(said, str):
        return said, {}
    name = next((said[key] for key in _NAME if key in said), None) if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(name, str):
        raise InputError(
            f"expected names, or objects with a name; got {json.dumps(said, ensure_ascii=False)[:60]}"
        )
    return name, {field: value for field, value in said.items() if field not in _NAME}


_READERS = {".txt": _of_text, ".csv": _of_csv, ".json": _of_json}
