"""py-feat (https://py-feat.org): a Fex table as CSV, with seven expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from itertools import groupby

from mien.core.errors import InputError
from mien.events.file import parsed_seconds
from mien.outputs.tables.programs.table import Expressions, ProgramLine, ProgramTable
from mien.outputs.tables.saved_row import SavedRow

_BOX = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")
_EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_RATES = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0)
_ASSUMED = 25.0


def recognised(names: Set[str]) -> bool:
    """Whether a header has the box of a face as it writes it."""
    return {*_BOX} <= names


def rows(table: ProgramTable) -> Iterator[SavedRow]:
    """A row per face, and one per frame without any.

    Raises:
        InputError: It has no expressions.
    """
    names = tuple(name for name in _EXPRESSIONS if name in table.header)
    if len(names) < 2:
        raise InputError(
            f"{table.path}: expected the expressions of py-feat, {', '.join(_EXPRESSIONS)}; got none: detect emotions too"
        )
    expressions = Expressions(names)
    table.leaves_out(
        ["", "frame", "input", "FaceScore", "approx_time", "Identity", "Unnamed: 0", *_BOX, *names]
    )
    for source, lines in groupby(table.lines(), key=lambda line: line.text("input") or table.path.stem):
        own = list(lines)
        yield from _video(source, own, expressions)


def _video(source: str, lines: Sequence[ProgramLine], expressions: Expressions) -> Iterator[SavedRow]:
    table = lines[0].table
    frames = [int(line.number_of("frame") or 0) for line in lines]
    rate = 1.0 if len({*frames}) == 1 else _rate(source, lines, frames)
    alone = len({*frames}) == len(frames)
    if not alone and "Identity" not in table.header:
        table.remarks.append(f"{table.path}, {source}: several faces a frame; who is who is not known")
    first = frames[0] if len({*frames}) == 1 else 0
    for line, frame in zip(lines, frames, strict=True):
        time = (frame - first) / rate
        corner = [line.number_of(name) for name in _BOX]
        shares = expressions.shares(line)
        if shares is None or any(value is None for value in corner):
            yield SavedRow(source, frame, time, "no_face", None, [], 0.0, [], expressions.labels, None)
            continue
        x, y, width, height = (value or 0.0 for value in corner)
        box = [x, y, x + max(0.0, width), y + max(0.0, height)]
        score = line.number_of("FaceScore")
        yield SavedRow(
            source,
            frame,
            time,
            "face",
            _track(line, alone),
            box,
            1.0 if score is None else score,
            shares,
            expressions.labels,
            None,
        )


def _track(line: ProgramLine, alone: bool) -> int | None:
    """The number of the person: of its identity, or 1 where no frame has more than one face."""
    digits = re.search(r"\d+", line.text("Identity"))
    return int(digits[0]) if digits else 1 if alone and "Identity" not in line.columns else None


def _rate(source: str, lines: Sequence[ProgramLine], frames: Sequence[int]) -> float:
    """Frames a second: a usual rate by which frames have the whole seconds that the table gives them."""
    pairs = [
        (frame, seconds)
        for line, frame in zip(lines, frames, strict=True)
        if (seconds := parsed_seconds(line.text("approx_time"))) is not None and seconds >= 1
    ]
    table = lines[0].table
    if not pairs:
        table.remarks.append(f"{table.path}, {source}: it has no times; 25 frames a second are assumed")
        return _ASSUMED
    low, high = max(frame / (time + 1) for frame, time in pairs), min(frame / time for frame, time in pairs)
    rate = next((usual for usual in _RATES if low <= usual <= high), (low + high) / 2)
    table.remarks.append(
        f"{table.path}, {source}: it has times in whole seconds alone; {rate:.4g} frames a second fit them"
    )
    return rate
