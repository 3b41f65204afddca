"""Rows as SPSS and PSPP take them: a CSV of numbers, and the syntax that reads it.

It differs from the plain CSV in that names of variables are such as SPSS allows, expressions and other words are numbers with
value labels, which its procedures ask for, missing values are empty and so system-missing, and there are no cells of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from mien.core.atomic import atomic_files, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.frame_result import flat_keys, flat_row
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.core.measures import MEASURES
from mien.core.names import printable
from mien.outputs.base import RunContext, Writer
from mien.outputs.formats import beside
from mien.video.runner import AnalyzedFrame

_NESTED = ("box", "probs", "smoothed_probs")
_TEXTS = ("source", "measures_missing", "error")
_EXPRESSIONS = ("emotion", "smoothed_emotion", "label")
_STATUS = {"no_face": 0, "face": 1, "error": 2}
_TALKING = {"no": 0, "yes": 1}
_RESERVED = {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
_LONGEST_NAME = 64
_LABELS = {
    "source": "image or video",
    "frame": "index of the frame",
    "time": "seconds",
    "status": "what the row is about",
    "track": "number of the person in this video",
    "detection_score": "how sure the detector is, 0 to 1",
    "emotion": "most probable expression of the frame",
    "confidence": "its probability",
    "smoothed_emotion": "expression smoothed over time",
    "label": "expression to display",
    "label_confidence": "its probability",
    "valence": "how pleasant the expression is, -1 to 1",
    "expressiveness": "1 less the probability of neutral",
    "x1": "left edge of the face in px",
    "y1": "upper edge of the face in px",
    "x2": "right edge of the face in px",
    "y2": "lower edge of the face in px",
    "talking": "whether the person talks",
    "measures_missing": "why there are no measures of landmarks",
    "error": "why it could not be read",
}


def variable_names(keys: Sequence[str]) -> list[str]:
    """Names that SPSS allows, in the same order and each once: letters, digits and _, from a letter on, no word of its own.

    >>> variable_names(["time", "not", "2nd face", "2nd-face"])
    ['time', 'not_v', 'v_2nd_face', 'v_2nd_face_2']
    """
    names: list[str] = []
    for key in keys:
        name = re.sub(r"[^A-Za-z0-9_]", "_", key).rstrip("_")[: _LONGEST_NAME - 8] or "v"
        name = name if name[0].isalpha() else f"v_{name.lstrip('_')}"
        name = f"{name}_v" if name.lower() in _RESERVED else name
        number, plain = 1, name
        while name.lower() in {other.lower() for other in names}:
            number += 1
            name = f"{plain}_{number}"
        names.append(name)
    return names


class SPSSRows(Writer):
    """``.spss.csv`` and ``.spss.sps``: a row per face, per frame without any, and per error."""

    per_video: ClassVar[bool] = False

    def __init__(self, places: Sequence[Path], run: RunContext) -> None:
        super().__init__(places, run)
        self._keys = [key for key in flat_keys(run.labels, run.landmarks) if key not in _NESTED]
        self._names = variable_names(self._keys)
        self._codes = _codes(run.labels)
        self._widths = dict.fromkeys(_TEXTS, 1)

    def __enter__(self) -> Self:
        self._open = ExitStack()
        [path] = self.places
        aside, self._syntax_aside = self._open.enter_context(atomic_files(path, _syntax_of(path)))
        # With a mark at its beginning: SPSS knows UTF-8 by it.
        file = self._open.enter_context(open(aside, "w", encoding="utf-8-sig", newline=""))
        self._write = csv_writer(file, self._names)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        [path] = self.places
        with translate_os_errors(path):  # The last rows may be written only now.
            if kind is not None:
                self._open.__exit__(kind, error, trace)
                return
            with self._open, translate_os_errors(_syntax_of(path)):
                self._syntax_aside.write_text(self._syntax(path), encoding="utf-8-sig", newline="\n")
        self.written += [path, _syntax_of(path)]

    def write(self, frame: AnalyzedFrame) -> None:
        with translate_os_errors(self.places[0]):
            self._write(self._coded(flat_row(row, self.run.labels, self.run.landmarks)) for row in frame.rows)

    def _coded(self, row: Mapping[str, Any]) -> dict[str, Any]:
        coded: dict[str, Any] = {}
        for key, name in zip(self._keys, self._names, strict=True):
            value = row.get(key)
            if key in _TEXTS:
                value = " ".join(str(value or "").split())
                self._widths[key] = max(self._widths[key], len(value.encode()) + 2)
            elif key in self._codes and isinstance(value, str):
                value = self._codes[key].get(value)
            elif isinstance(value, bool):
                value = int(value)
            coded[name] = value
        return coded

    def _syntax(self, path: Path) -> str:
        variables = [f"    {name} {self._format(key)}" for key, name in self._named()]
        labels = [f"  {name} {_quoted(self._described(key))}" for key, name in self._named()]
        values = [
            f"  /{name} " + " ".join(f"{code} {_quoted(word)}" for word, code in self._codes[key].items())
            for key, name in self._named()
            if key in self._codes
        ]
        values[0] = values[0].replace("  /", "  ", 1)
        nominal = " ".join(name for key, name in self._named() if key in self._codes or key == "track")
        return "\n".join(
            [
                "* Encoding: UTF-8.",
                f"* {NOTICE}",
                "* Run it from the folder of the table, or give the whole path after FILE.",
                "SET DECIMAL=DOT.",
                f"GET DATA /TYPE=TXT /FILE={_quoted(path.name)} /ENCODING='UTF8' /ARRANGEMENT=DELIMITED",
                "  /DELIMITERS=',' /QUALIFIER='\"' /FIRSTCASE=2",
                "  /VARIABLES=",
                *variables,
                "  .",
                "VARIABLE LABELS",
                *labels,
                "  .",
                "VALUE LABELS",
                *values,
                "  .",
                f"VARIABLE LEVEL {nominal} (NOMINAL).",
                "EXECUTE.\n",
            ]
        )

    def _named(self) -> Iterable[tuple[str, str]]:
        return zip(self._keys, self._names, strict=True)

    def _format(self, key: str) -> str:
        if key in _TEXTS:
            return f"A{min(self._widths[key], 32_767)}"
        return "F8.0" if key in (*self._codes, "frame", "track") else "F12.6"

    def _described(self, key: str) -> str:
        if key in MEASURES:
            return f"{MEASURES[key].title}, {MEASURES[key].unit}"
        plain = key.removeprefix("smoothed_")
        if plain in self.run.labels:
            return f"probability of {plain}" + (", smoothed over time" if plain != key else "")
        return _LABELS.get(key, key)


def _syntax_of(path: Path) -> Path:
    syntax = beside(path)
    assert syntax is not None
    return syntax


def _codes(labels: Labels) -> dict[str, dict[str, int]]:
    """The number of each word, by column; uncertain is 0, so that expressions count from 1."""
    expressions = {UNCERTAIN: 0} | {name: code for code, name in enumerate(labels, 1)}
    return {"status": _STATUS, **dict.fromkeys(_EXPRESSIONS, expressions), "talking": _TALKING}


def _quoted(text: str) -> str:
    """Text as the syntax has it."""
    return "'" + " ".join(printable(text).split()).replace("'", "''") + "'"
