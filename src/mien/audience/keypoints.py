"""Key points of a presentation: what was said or shown when, out of a CSV or WebVTT file."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from mien.core.errors import InputError

_TIMES = ("time", "start", "begin", "seconds", "t")
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)")
_ASIDE = ("NOTE", "STYLE", "REGION")
_MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class KeyPoint:
    """A moment that matters.

    Args:
        time: Seconds from the beginning of the presentation.
        label: In a few words.
    """

    time: float
    label: str


def read_key_points(path: str | Path) -> tuple[list[KeyPoint], list[str]]:
    r"""Key points in order of time, and remarks on what was amiss, a line each.

    A CSV has a time and a label in each line, with a header (``time,label``) or without; the delimiter may be
    a comma, semicolon or tab. Of WebVTT (https://www.w3.org/TR/webvtt1/) the beginning and the text of each
    cue count. Times are seconds, ``mm:ss`` or ``hh:mm:ss``. Points out of order are put in order, and those
    at the same time become one; both is remarked on.

    Raises:
        InputError: The file cannot be read, is neither, holds no key point or a time that is none; the
            message names the line.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "points.csv"
    >>> _ = path.write_text("time,label\n1:30,Prices\n12.5,Welcome\n", encoding="utf-8")
    >>> points, remarks = read_key_points(path)
    >>> [(point.time, point.label) for point in points], remarks[0].endswith("put in order")
    ([(12.5, 'Welcome'), (90.0, 'Prices')], True)
    """
    text = _text(Path(path))
    cells = _cues(text, path) if text.startswith("WEBVTT") else _table(text, path)
    points = [
        KeyPoint(_seconds(time, f"{path}, line {line}"), " ".join(label.split()))
        for line, time, label in cells
    ]
    if not points:
        raise InputError(
            f"{path}: expected key points, a time and a label in each line; got none: add lines such as 1:30,Prices"
        )
    remarks = []
    if any(later.time < earlier.time for earlier, later in pairwise(points)):
        remarks.append(f"{path}: key points were not in order of time and have been put in order")
    return _ordered(points, remarks, path), remarks


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path}: expected key points as CSV or WebVTT; {error.strerror}: check the path"
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if len(content) > _MOST_BYTES or "\0" in text:
        raise InputError(
            f"{path}: expected key points as CSV or WebVTT in UTF-8; got another format: save it as CSV with a time and a label a line"
        )
    return text


def _table(text: str, path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Line, time and label of each row of a CSV."""
    if "-->" in text:
        raise InputError(
            f"{path}: expected key points as CSV or WebVTT; got subtitles without the line WEBVTT at the beginning: add it, or save as CSV"
        )
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in "\t;," if mark in first), ",")
    reader = csv.reader(text.splitlines(), delimiter=delimiter, strict=False)
    rows = [
        (reader.line_num, [cell.strip() for cell in row])
        for row in reader
        if any(cell.strip() for cell in row)
    ]
    if not rows:
        return
    time, label = 0, 1
    if not _CLOCK.fullmatch(rows[0][1][0].strip()):
        time, label = _columns([cell.lower() for cell in rows[0][1]], path)
        rows = rows[1:]
    for line, row in rows:
        yield line, row[time] if time < len(row) else "", row[label] if label < len(row) else ""


def _columns(header: list[str], path: str | Path) -> tuple[int, int]:
    time = next((header.index(name) for name in _TIMES if name in header), None)
    if time is None:
        header_text = ", ".join(cell[:30] for cell in header[:5])
        raise InputError(
            f"{path}: expected key points with the header time,label (or WebVTT); got {header_text!r}: name the column of times time"
        )
    return time, header.index("label") if "label" in header else int(time == 0)


def _cues(text: str, path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Line, beginning and text of each cue of a WebVTT file."""
    lines = list(enumerate(text.splitlines(), 1))
    blocks = [
        list(block) for empty, block in groupby(lines, key=lambda line: not line[1].strip()) if not empty
    ]
    for block in blocks[1:]:
        if block[0][1].split()[0] in _ASIDE:
            continue
        at = next((place for place, (_, line) in enumerate(block) if "-->" in line), None)
        if at is None:
            line, content = block[0]
            raise InputError(
                f"{path}, line {line}: expected a cue with times such as 00:05.000 --> 00:10.000; got {content[:40]!r}: correct the line"
            )
        words = re.sub(r"<[^>]*>", "", " ".join(line for _, line in block[at + 1 :]))
        yield (
            block[at][0],
            block[at][1].split("-->")[0].strip(),
            html.unescape(words) or " ".join(line for _, line in block[:at]),
        )


def _seconds(text: str, where: str) -> float:
    """A time as people write it.

    >>> _seconds("90", ""), _seconds("1:30,5", ""), _seconds("1:00:00.25", "")
    (90.0, 90.5, 3600.25)
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise InputError(
            f"{where}: expected a time in seconds, as mm:ss or hh:mm:ss; got {text[:40]!r}: correct the line"
        )
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", "."))


def _ordered(points: list[KeyPoint], remarks: list[str], path: str | Path) -> list[KeyPoint]:
    ordered: list[KeyPoint] = []
    for time, group in groupby(sorted(points, key=lambda point: point.time), key=lambda point: point.time):
        labels = list(dict.fromkeys(point.label for point in group if point.label))
        ordered.append(KeyPoint(time, " / ".join(labels) or f"key point {len(ordered) + 1}"))
    if len(ordered) < len(points):
        remarks.append(
            f"{path}: {len(points) - len(ordered)} key points at the same time as another were joined with it"
        )
    return ordered
