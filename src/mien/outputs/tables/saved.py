"""Tables read back: the rows that a run has written, as videos again, one after the other."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mien.core.csv_cells import PATHS, delimiter, plain
from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.formatting import counted
from mien.core.frame_result import ROW_KEYS, FrameResult
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.measures import MEASURES, REASONS
from mien.core.names import quoted
from mien.outputs.tables.columns import ROUNDED, FlatLayout, regular_video
from mien.outputs.tables.programs import open_program_table
from mien.outputs.tables.programs.formats import ENDINGS
from mien.outputs.tables.rows import FORMATS, format_of
from mien.outputs.tables.saved_row import SavedRow
from mien.video.results import VideoResult

_PLAIN = ("source", "frame", "time", "status")
_CORNERS = ("x1", "y1", "x2", "y2")
_TRUTH = {"True": True, "true": True, "False": False, "false": False, "": None, "None": None}
_DECIMAL = re.compile(r"[+-]?\d+,\d+")
_CHUNK = 1 << 16  # Characters of JSON that are read at once.
_LONGEST = 1 << 20  # Of one row.
_MOST = 10**15  # Frames and people.
_BY_NAME = ("probs", "smoothed_probs", "measures")


def read_videos(path: Path) -> Iterator[VideoResult]:
    """The videos of a table that ``mien analyze`` or another program wrote, in their order; one is in memory at a time.

    Of other programs (`mien.outputs.tables.programs`) the remarks of each video say what the table has that rows have no place
    for; where a program knows no expressions, as OpenFace, its faces have measures and no probabilities.

    Args:
        path: Ends in .json, .jsonl, .csv or .parquet, or is a text file of another program.

    Raises:
        InputError: The file is not such a table, a row cannot be used, or the rows of a source do not stand
            in the order of its frames.
        MissingExtraError: The table is Parquet, and polars is not installed.

    >>> import tempfile
    >>> from mien.outputs.tables import open_table
    >>> path = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> with open_table(path, "csv", EXPRESSIONS) as write:
    ...     write(FrameResult("a.jpg", 0, 0.0, Faces.empty()).rows())
    >>> [(video.source, video.frames.tolist(), len(video.faces)) for video in read_videos(path)]
    [('a.jpg', [0], 0)]
    """
    table = open_program_table(path)
    if table is None and format_of(path) == "parquet":
        yield from _parquet_videos(path)
        return
    found = read_rows(path) if table is None else table.rows()
    for source, rows in groupby(found, key=attrgetter("source")):
        video = video_of_rows(source, rows, path)
        yield video if table is None else replace(video, remarks=tuple(table.remarks))


def is_table(path: Path) -> bool:
    """Whether a file of a folder is a table to be read: its ending says so, or its text is that of another program.

    >>> is_table(Path("rows.parquet")), is_table(Path("notes.md"))
    (True, False)
    """
    ending = path.suffix.lower()
    return ending[1:] in FORMATS or (ending in ENDINGS and open_program_table(path) is not None)


def read_rows(path: Path) -> Iterator[SavedRow]:
    """The rows of a table that ``mien analyze`` or ``mien batch`` wrote, one after the other.

    Raises:
        InputError: The file is not such a table, or a row cannot be used.
        MissingExtraError: The table is Parquet, and polars is not installed.
    """
    return _READERS[format_of(path)](path)


def video_of_rows(source: str, rows: Iterable[SavedRow], path: Path) -> VideoResult:
    """The video that some rows of a table describe.

    Raises:
        InputError: They do not stand in the order of its frames.
    """
    frames: list[int] = []
    times: list[float] = []
    faces: list[SavedRow] = []
    failures: list[FrameResult] = []
    labels: Labels | None = None
    for row in rows:
        labels = row.labels or labels
        if max(abs(row.frame or 0), abs(row.track or 0)) > _MOST:
            raise InputError(
                f"{path}: {source}: expected frames and people by number, up to {_MOST:,}; got {row.frame} and {row.track}"
            )
        if row.status == "error" or row.frame is None or row.time is None:
            failures.append(
                FrameResult(
                    source, row.frame, row.time, Faces.empty(row.labels), MediaError(row.error or "not read")
                )
            )
            continue
        if not frames or row.frame > frames[-1]:
            frames.append(row.frame)
            times.append(row.time)
        elif row.frame < frames[-1] or row.status == "no_face":
            raise InputError(
                f"{path}: expected the rows of {source} in the order of its frames; {row.frame} follows {frames[-1]}: give each clip once"
            )
        if row.status == "face":
            faces.append(row)
    try:
        found = _faces(faces, labels or EXPRESSIONS)
    except InputError as error:
        raise InputError(f"{path}: {source}: {error}: write the table again") from None
    return VideoResult(
        source,
        found,
        np.array(frames, np.int64),
        np.array(times, np.float64),
        tuple(failures),
    )


def _faces(rows: Sequence[SavedRow], labels: Labels) -> Faces:
    if not rows:
        return Faces.empty(labels)
    followed = all(row.track is not None for row in rows)
    classified = all(len(row.probs) for row in rows)
    smoothed = all(row.smoothed_emotion is not None and len(row.smoothed_probs) for row in rows)
    return Faces(
        boxes=np.array([row.box for row in rows]),
        detection_scores=np.array([row.detection_score for row in rows]),
        frames=np.array([row.frame for row in rows]),
        times=np.array([row.time for row in rows]),
        tracks=np.array([row.track for row in rows]) if followed else None,
        probs=np.array([row.probs for row in rows]) if classified else None,
        smoothed_probs=np.array([row.smoothed_probs for row in rows]) if smoothed else None,
        smoothed_emotion_ids=[labels.index(row.smoothed_emotion or "") for row in rows] if smoothed else None,
        **(_landmarks(rows) if all(len(row.measures) for row in rows) else {}),
        labels=labels if classified else None,
    )


def _landmarks(rows: Sequence[SavedRow]) -> dict[str, Any]:
    """The columns of faces whose landmarks were asked for."""
    return {
        "measures": np.array([row.measures for row in rows]),
        "measure_reasons": [REASONS.index(row.measures_missing or "") for row in rows],
        "talking": [-1 if row.talking is None else int(row.talking) for row in rows],
    }


def _read_csv(path: Path) -> Iterator[SavedRow]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            cut = delimiter(file.readline())
            file.seek(0)
            table = csv.DictReader(file, strict=True, delimiter=cut)
            table.fieldnames = [plain(name) for name in table.fieldnames or ()]
            flat = _flat(_layout(table.fieldnames, path), path)
            for line in table:
                if None in line or None in line.values():
                    raise InputError(
                        f"{path}, line {table.line_num}: expected {counted(len(table.fieldnames), 'cell')}, as the header has; got "
                        f"{'more' if None in line else 'fewer'}: write the table again"
                    )
                if cut == ";":  # Spreadsheets that write semicolons have commas before decimals.
                    line |= {
                        name: text.replace(",", ".")
                        for name, text in line.items()
                        if _DECIMAL.fullmatch(text) and name not in PATHS
                    }
                source, error = plain(line["source"] or "", path=True), plain(line.get("error") or "")
                yield flat({**line, "source": source, "error": error}, table.line_num)
    except OSError as error:
        raise InputError(f"expected a table of rows; {path}: {error.strerror}: check the path") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a table that mien analyze writes; got {_told(error)}: write it again"
        ) from None


def _told(error: Exception) -> str:
    return "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _read_parquet(path: Path) -> Iterator[SavedRow]:
    from mien.outputs.tables.parquet import parquet_columns, parquet_rows

    columns = parquet_columns(path)
    flat = _flat(_layout(columns, path), path)
    return (flat(row, number) for number, row in enumerate(parquet_rows(path, columns=columns), 1))


def _parquet_videos(path: Path) -> Iterator[VideoResult]:
    """Videos by their columns; short ones, and those with something unusual in them, row by row."""
    from mien.outputs.tables.parquet import parquet_columns, parquet_parts

    layout = _layout(parquet_columns(path), path)
    flat, number = _flat(layout, path), 1
    for part in parquet_parts(path):
        names = part["source"]
        text = names.dtype.to_python() is str
        single = str(names[0]) if text and names[0] == names[-1] and names.n_unique() == 1 else None
        video = None if single is None else regular_video(single, part, layout)
        if video is None:
            rows = map(flat, part.iter_rows(named=True), count(number))
            for source, own in groupby(rows, key=attrgetter("source")):
                yield video_of_rows(source, own, path)
        else:
            yield video
        number += len(part)


def _layout(columns: Iterable[str], path: Path) -> FlatLayout:
    """What the columns of a flat table hold."""
    there = list(columns)
    names = [name for name in there if f"smoothed_{name}" in there and name not in ROW_KEYS]
    _require([*_PLAIN, "track", *_CORNERS], there, path)
    if len(names) < 2:
        raise InputError(
            f"{path}: expected columns of expressions, such as happy and smoothed_happy; got {', '.join(there)}: write it again"
        )
    groups = {
        "box": _CORNERS,
        "probs": names,
        "smoothed_probs": [f"smoothed_{name}" for name in names],
        "measures": list(MEASURES) if all(name in there for name in MEASURES) else [],
    }
    return FlatLayout(Labels(tuple(names)), groups)


def _flat(layout: FlatLayout, path: Path) -> Callable[[Mapping[str, Any], int], SavedRow]:
    """How to read rows with a column for each number."""

    def flat(row: Mapping[str, Any], number: int) -> SavedRow:
        numbers = {
            group: [row[name] for name in columns] if row["status"] == "face" else []
            for group, columns in layout.groups.items()
        }
        return _row(row, numbers, layout.labels, f"{path}, line {number}")

    return flat


def _read_lines(path: Path) -> Iterator[SavedRow]:
    with _opened(path) as file:
        yield from _named(
            (_decoded(line, f"{path}, line {number}") for number, line in enumerate(file, 1) if line.strip()),
            path,
        )


def _read_json(path: Path) -> Iterator[SavedRow]:
    yield from _named(_objects(path), path)


def _objects(path: Path) -> Iterator[Any]:
    """The objects of a JSON array, without holding it whole."""
    decoder, text, number = json.JSONDecoder(), "", 0
    with _opened(path) as file:
        while True:
            text = text.lstrip("[, \r\n\t") if number else text.lstrip().removeprefix("[").lstrip()
            if text.startswith("]"):
                return
            if text and text[0] != "{":
                raise InputError(
                    f"{path}: expected a JSON array of rows that mien analyze writes; got {quoted(text)}: give another file"
                )
            try:
                found, end = decoder.raw_decode(text)
            except ValueError:
                more = file.read(_CHUNK)
                if not more or len(text) > _LONGEST:
                    raise InputError(
                        f"{path}: expected a whole JSON array of rows; it breaks off after {number:,}: write it again"
                    ) from None
                text += more
                continue
            number += 1
            text = text[end:]
            yield found


def _named(rows: Iterable[Any], path: Path) -> Iterator[SavedRow]:
    """Rows whose probabilities stand by name."""
    labels: Labels | None = None
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        if not isinstance(row, dict):
            raise InputError(
                f"{where}: expected an object that mien analyze writes; got {type(row).__name__}: write it again"
            )
        _require((*_PLAIN, "box", "probs"), row, path)
        for name in _BY_NAME:
            if not isinstance(row.get(name) or {}, dict):
                raise InputError(
                    f"{where}: expected numbers by name in {name}; got {quoted(row[name])}: write the table again"
                )
        if labels is None and len(row["probs"] or ()) > 1:
            labels = Labels(tuple(row["probs"]))
        yield _nested(row, where, labels)


def _nested(row: dict[str, Any], where: str, labels: Labels | None) -> SavedRow:
    probs = row["probs"] or {}
    if row["status"] == "face" and (labels is None or tuple(probs) != labels.names):
        message = (
            f"expected probabilities of {', '.join(labels or EXPRESSIONS)}; got {', '.join(probs) or 'none'}"
        )
        raise InputError(f"{where}: {message}: give what one network read in a table")
    measures = row.get("measures") or None
    numbers = {
        "box": row["box"] or [],
        "probs": list(probs.values()),
        "smoothed_probs": list((row.get("smoothed_probs") or {}).values()),
        "measures": [] if measures is None else [measures.get(name) for name in MEASURES],
    }
    return _row(row, numbers, labels, where)


def _row(
    row: Mapping[str, Any], numbers: Mapping[str, Sequence[Any]], labels: Labels | None, where: str
) -> SavedRow:
    status = row["status"]
    if status not in ("face", "no_face", "error"):
        raise InputError(
            f"{where}: expected a status face, no_face or error; got {quoted(status)}: write the table again"
        )
    try:
        found = SavedRow(
            str(row["source"]),
            _number(row["frame"], int),
            _number(row["time"], float),
            status,
            _number(row.get("track"), int),
            [_real(value) for value in numbers["box"]],
            _number(row.get("detection_score"), float) or 0.0,
            [_real(value) for value in numbers["probs"]],
            labels,
            row.get("error") or None,
            _number(row.get("item"), int),
            row.get("reference") or None,
            [_real(value) for value in numbers["smoothed_probs"] if value not in (None, "")],
            row.get("smoothed_emotion") or None,
            [math.nan if value in (None, "") else _real(value) for value in numbers["measures"]],
            row.get("measures_missing") or None,
            _TRUTH[str(row.get("talking"))],
        )
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(f"{where}: expected numbers; {error}: write the table again") from None
    if wrong := _wrong(found):
        raise InputError(f"{where}: expected {wrong}: write the table again")
    return found


def _wrong(row: SavedRow) -> str:
    """What a row should have and has not, if anything."""
    if row.status != "error" and (row.frame is None or row.time is None):
        return f"a frame and its time; got {quoted(row.frame)} and {quoted(row.time)}"
    if row.status != "face":
        return ""
    return _wrong_probs(row) or _wrong_face(row)


def _wrong_probs(row: SavedRow) -> str:
    for name in ("probs", "smoothed_probs"):
        probs = getattr(row, name)
        if probs and not (min(probs) >= 0 and abs(sum(probs) - 1) <= ROUNDED):
            return f"{name} from 0 to 1 that add up to 1; got {', '.join(f'{value:g}' for value in probs)}"
    return ""


def _wrong_face(row: SavedRow) -> str:
    if len(row.box) != 4:
        return f"four corners of a box; got {len(row.box)}"
    if row.smoothed_probs and len(row.smoothed_probs) != len(row.probs):
        return f"as many smoothed probabilities as others; got {len(row.smoothed_probs)} and {len(row.probs)}"
    if row.smoothed_emotion is not None and row.smoothed_emotion not in (row.labels or ()):
        return f"a smoothed emotion out of {', '.join(row.labels or ())}; got {quoted(row.smoothed_emotion)}"
    if (row.measures_missing or "") not in REASONS:
        return f"a reason out of {', '.join(filter(None, REASONS))} for measures that are missing; got {quoted(row.measures_missing)}"
    return ""


def _number(value: Any, kind: Callable[[Any], Any]) -> Any:
    if value in (None, ""):
        return None
    number = _real(value) if kind is float else _whole(value)
    if not math.isfinite(number):
        raise ValueError(f"{quoted(value)} is none")
    return number


def _real(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"{quoted(value)} is none" if value not in (None, "") else "one is missing"
        ) from None


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{quoted(value)} is no whole one") from None


def _require(names: Iterable[str], there: Iterable[str], path: Path) -> None:
    missing = [name for name in names if name not in there]
    if missing:
        raise InputError(
            f"{path}: expected a table of rows that mien analyze writes; it has no {', '.join(missing)}"
        )


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise InputError(f"expected a table of rows; {path}: {error.strerror}: check the path") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{path}: expected a table that mien analyze writes; got {_told(error)}: write it again"
        ) from None


def _decoded(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(
            f"{where}: expected one JSON object a line; the line breaks off or is something else: write the table again"
        ) from None


_READERS: Mapping[str, Callable[[Path], Iterator[SavedRow]]] = {
    "csv": _read_csv,
    "json": _read_json,
    "jsonl": _read_lines,
    "parquet": _read_parquet,
}
