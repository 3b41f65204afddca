"""People of saved rows: a list of them, rows with corrected tracks, and a page to correct them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.atomic import atomic_write, check_writable, translate_os_errors
from mien.core.errors import InputError
from mien.core.formatting import clock, counted, lasting
from mien.core.frame_result import Row
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.names import titled
from mien.outputs.tables.rows import FORMATS, row_writer
from mien.people.corrections import COLUMNS, Correction, Corrections
from mien.reports.page import script, write_page
from mien.reports.people import editor_data, editor_recording
from mien.video.results import VideoResult


@dataclass(frozen=True)
class ListedPerson:
    """One person of one recording.

    Args:
        source: The recording.
        track: Number of the person.
        name: What the person is called; empty where nobody has said.
        first: Seconds at which the person was first seen.
        end: Seconds at which the last frame with the person was over.
        seconds: In view.
        frames: With a face.
        mostly: The label that was shown longest.
    """

    source: str
    track: int
    name: str
    first: float
    end: float
    seconds: float
    frames: int
    mostly: str


def listed(video: VideoResult) -> Iterator[ListedPerson]:
    """The people of a recording, in order of their numbers; also where no expressions were read, as in rows of OpenFace."""
    if video.faces.labels is None:
        yield from _listed_by_frames(video)
        return
    for person in video.people():
        name = video.names.get(person.track, "")
        times = round(person.first, 3), round(person.end, 3), round(person.seconds, 3)
        yield ListedPerson(video.source, person.track, name, *times, person.frames, person.mostly)


def _listed_by_frames(video: VideoResult) -> Iterator[ListedPerson]:
    """The same of faces without expressions; each frame stands for as long as frames usually last."""
    steps = np.diff(video.times)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    tracks = video.faces.tracks
    for track in np.unique(tracks).tolist() if tracks is not None else ():
        times = video.faces.times[tracks == track]
        span = round(float(times[0]), 3), round(float(times[-1]) + step, 3), round(len(times) * step, 3)
        yield ListedPerson(video.source, track, video.names.get(track, ""), *span, len(times), "")


def named_rows(video: VideoResult) -> Iterator[Row]:
    """The rows of a recording with a further key ``name``: what the person is called, or None."""
    for row in video.rows():
        yield {**row, "name": video.names.get(row["track"])}


@contextmanager
def open_named_rows(
    path: Path, labels: Labels = EXPRESSIONS, landmarks: bool = False
) -> Iterator[Callable[[Iterator[Row]], None]]:
    """A table for `named_rows` that appears whole: .csv, .json, .jsonl or .parquet.

    Raises:
        InputError: The ending is another, or the place cannot be written to.
        MissingExtraError: It is Parquet, and polars is not installed.
    """
    form = _form(path)
    with atomic_write(path) as aside, translate_os_errors(path):
        if form == "parquet":
            from mien.outputs.tables.parquet import ParquetTable

            table = ParquetTable(labels, after=("name",), landmarks=landmarks)
            yield table.add
            with open(aside, "wb") as packed:
                table.write(packed)
        else:
            with (
                open(aside, "w", encoding="utf-8", newline="") as file,
                row_writer(file, form, labels, after=("name",), landmarks=landmarks) as write,
            ):
                yield write


class TablesOfRows:
    """Tables that are opened when the first recording says which expressions there are.

    Args:
        paths: Where they go.
        held: Closes them.
    """

    def __init__(self, paths: Sequence[Path], held: ExitStack) -> None:
        for path in paths:
            _form(path)
            check_writable(path)
        self._paths, self._held = paths, held
        self._writers: list[Callable[[Iterator[Row]], None]] | None = None

    def write(self, video: VideoResult) -> None:
        """Add the rows of a recording."""
        if self._writers is None:
            labels, landmarks = video.faces.labels or EXPRESSIONS, video.faces.measures is not None
            self._writers = [
                self._held.enter_context(open_named_rows(path, labels, landmarks)) for path in self._paths
            ]
        for write in self._writers:
            write(named_rows(video))


def _form(path: Path) -> str:
    form = path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise InputError(
            f"expected a file ending in .{', .'.join(FORMATS)} or .html; got {path}: give another name with -o"
        )
    return form


class PeoplePage:
    """Gathers recordings for the page on which people are corrected.

    Args:
        corrections: The lines that it begins with; None: none.
    """

    def __init__(self, corrections: Corrections | None) -> None:
        self._lines = corrections.lines if corrections else ()
        self._recordings: list[dict[str, Any]] = []
        self._labels = EXPRESSIONS

    def add(self, video: VideoResult) -> None:
        """Take a recording as it is in the rows, without corrections."""
        self._labels = video.faces.labels or self._labels
        own = [_cells(each) for each in self._lines if each.source and each.about(video.source)]
        everywhere = [_cells(each) for each in self._lines if not each.source] if not self._recordings else []
        recording = editor_recording(video.overview(), video.names, [*everywhere, *own])
        self._recordings.append(recording)

    def write(self, path: Path, people: Sequence[ListedPerson], remarks: Sequence[str]) -> None:
        """Write the page; it appears whole.

        Raises:
            MissingExtraError: jinja2 is not installed.
            InputError: The file cannot be written.
        """
        several = len(self._recordings) > 1
        title = (
            counted(len(self._recordings), "recording") if several else titled(self._recordings[0]["source"])
        )
        rows = [
            {
                **vars(each),
                "first": clock(each.first),
                "end": clock(each.end),
                "seconds": lasting(each.seconds),
            }
            for each in people
        ]
        data = editor_data(self._recordings, self._labels)
        write_page(
            path,
            "people.html",
            {
                "title": title,
                "several": several,
                "people": rows,
                "remarks": list(remarks),
                "data": data,
                "script": script("people.js"),
            },
        )


def _cells(line: Correction) -> dict[str, str]:
    """A line as the editor has it."""
    cells = {name: getattr(line, name) for name in COLUMNS}
    return {
        name: "" if value is None else clock(value, 3) if isinstance(value, float) else value
        for name, value in cells.items()
    }
