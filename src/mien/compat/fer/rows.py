"""A row per frame with a group of columns per face (``box0, angry0, ...``), and the tables made of such
rows."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.compat.common import EMOTIONS
from mien.compat.fer.detector import Emotions
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]

FRAME_KEYS = ("frame", "time")
"""Which frame a row is about and when it is shown, in seconds; they come after the faces."""

_OF_A_FACE = re.compile(rf"(box|track|{'|'.join(EMOTIONS)})(\d+)")


def row_of(faces: Sequence[Emotions], tracks: Sequence[int], frame: int, time: float) -> Row:
    """One frame as a row; without a face the columns of the first one are there and hold nothing (None, NaN).

    >>> row = row_of([], [], 7, 0.28)
    >>> row["box0"], row["happy0"], row["frame"], row["time"]
    (None, nan, 7, 0.28)
    """
    row: Row = {} if faces else _columns_of_face(0, None, dict.fromkeys(EMOTIONS, math.nan), None)
    for number, (face, track) in enumerate(zip(faces, tracks, strict=True)):
        row |= _columns_of_face(number, face["box"], face["emotions"], track)
    return row | dict(zip(FRAME_KEYS, (frame, round(time, 6)), strict=True))


def _columns_of_face(
    number: int, box: list[int] | None, emotions: Mapping[str, float], track: int | None
) -> Row:
    return dict(zip(_keys(number), (box, *(emotions[name] for name in EMOTIONS), track), strict=True))


@cache
def _keys(number: int) -> tuple[str, ...]:
    """The same strings for every row, of which a long video has many."""
    return (f"box{number}", *(f"{name}{number}" for name in EMOTIONS), f"track{number}")


def columns_of(rows: Iterable[Row]) -> list[str]:
    """Columns of a table of rows: face by face, each with its box first, then the frame and its time."""
    there = dict.fromkeys(key for row in rows for key in row)
    numbers = sorted({int(match[2]) for key in there if (match := _OF_A_FACE.fullmatch(key))})
    of_faces = [key for number in numbers for key in _keys(number)]
    return [key for key in of_faces if key in there] + [
        key for key in there if _OF_A_FACE.fullmatch(key) is None
    ]


def table(rows: list[Row]) -> pandas.DataFrame:
    """Rows as a data frame.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("data frames", "pandas", "pandas") from None
    return pandas.DataFrame(rows, columns=columns_of(rows))


def first_face(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The columns of the first face, their names without its number, and those of the frame."""
    names = {
        key: match[1]
        for key in frame.columns
        if (match := _OF_A_FACE.fullmatch(str(key))) and match[2] == "0"
    }
    if not names:  # They have lost their number already.
        return frame
    return frame[[*names, *(key for key in FRAME_KEYS if key in frame.columns)]].rename(columns=names)


def emotions_only(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The columns of expressions, of the frames that show a face."""
    columns = [key for key in frame.columns if _name(key) in EMOTIONS]
    return frame[columns].dropna(how="all")


def _name(key: object) -> str:
    match = _OF_A_FACE.fullmatch(str(key))
    return match[1] if match else str(key)


def write_csv(rows: list[Row], path: str | Path) -> None:
    """Rows as a file with a line per frame; what a frame does not have is left empty.

    Raises:
        InputError: The file cannot be written, or these are no rows.
    """
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(
            "expected the rows that Video.analyze gives; got something else: to_csv takes a list of dicts"
        )
    with (
        atomic_write(path) as aside,
        translate_os_errors(path),
        aside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns_of(rows), lineterminator="\n")
        writer.writeheader()
        # Only NaN is not equal to itself.
        writer.writerows(
            {key: "" if value != value else value for key, value in row.items()}  # noqa: PLR0124
            for row in rows
        )
