"""The clips of saved tables, each in short; one video is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np

from mien.clips.aggregate import ClipResult, ClipRule, Kind, read_clip
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.names import spelled
from mien.metrics.sentiment import PRESETS, SentimentMapping
from mien.outputs.tables import FORMATS, is_table, read_videos
from mien.people import Corrections
from mien.video.results import VideoResult

Track = Callable[[Iterable[Any], str, int | None], Iterable[Any]]
Per = Literal["folder", "person"]


@dataclass(frozen=True)
class ScoreOptions:
    """How clips are scored.

    Args:
        rule: How a clip gets its label.
        mapping: What counts as positive, neutral, negative.
        classes: Whether answers are expressions or sentiments; None: as the reference labels are.
        group_by: Whether totals are of folders or of people.
        sequences: The images of a folder are one clip, which the folder gives its name.
        corrections: Who is who, corrected by hand; None: as tracked.
    """

    rule: ClipRule = field(default_factory=ClipRule)
    mapping: SentimentMapping = PRESETS["valence"]
    classes: Kind | None = None
    group_by: Per = "folder"
    sequences: bool = False
    corrections: Corrections | None = None


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one detector, network or sampling rate made of the clips.

    Args:
        name: The table or folder, as given.
        clips: In the order of the tables.
        people: Name and result of every person of every clip, where that was asked for.
        twice: Clips that stand in two places; the first of each is in ``clips``.
        problems: What could not be used.
        remarks: What a person should know about where they come from.
    """

    name: str
    clips: tuple[ClipResult, ...]
    people: tuple[tuple[str, ClipResult], ...] = ()
    twice: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class that a clip was read in."""
        return tuple(dict.fromkeys(name for clip in self.clips for name in clip.expression.classes))


def read_predictions(
    path: str | Path, options: ScoreOptions | None = None, track: Track = lambda items, _, __: items
) -> Predictions:
    """Read a table, or all tables of a folder and its subfolders.

    In a folder, what is no table of rows is told and left out.

    Args:
        path: A file ending in .csv, .json, .jsonl or .parquet, one of another program (`mien.outputs.tables.read_videos`), or a
            folder of them.
        options: How each clip gets its label.
        track: Gets the tables, a word for what is done and their number, and gives the tables, such as a
            progress bar does.

    Raises:
        InputError: There is no table, or the only one cannot be used.
        MissingExtraError: A table is Parquet, and polars is not installed.
    """
    path, options = Path(path), options or ScoreOptions()
    tables, problems = _tables(path)
    found: dict[str, ClipResult] = {}
    homes: dict[str, Path] = {}
    people: list[tuple[str, ClipResult]] = []
    twice: set[str] = set()
    remarks: list[str] = []
    for table in track(tables, f"reading {path.name}", len(tables)):
        try:
            videos = _corrected(read_videos(table), options)
            for video in _sequences(videos) if options.sequences else videos:
                remarks += video.remarks
                if video.source in found:
                    twice.add(video.source)
                    problems.append(_told_twice(video.source, homes[video.source], table))
                    continue
                found[video.source] = read_clip(video, options.rule, options.mapping)
                homes[video.source] = table
                people += _people(video, options) if options.group_by == "person" else []
        except InputError as error:
            if table == path:
                raise
            problems.append(str(error))
    remarks += [] if options.corrections is None else options.corrections.remarks()
    if not found:
        raise InputError(
            f"{path}: expected rows of clips; got none" + (f": {problems[0]}" if problems else "")
        )
    return Predictions(
        spelled(path),
        tuple(found.values()),
        tuple(people),
        frozenset(twice),
        tuple(problems),
        tuple(dict.fromkeys(remarks)),
    )


def _corrected(videos: Iterable[VideoResult], options: ScoreOptions) -> Iterable[VideoResult]:
    corrections = options.corrections
    return videos if corrections is None else map(corrections.apply, videos)


def _tables(path: Path) -> tuple[list[Path], list[str]]:
    if not path.exists():
        raise InputError(f"expected a table of rows or a folder of them; {path} is not there: check the path")
    if not path.is_dir():
        return [path], []
    inside = [
        file
        for file in sorted(path.rglob("*"))
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    unfinished = [file for file in inside if file.is_dir() and file.suffix == ".checkpoint"]
    tables = [
        file
        for file in inside
        if file.is_file() and is_table(file) and not set(unfinished) & set(file.parents)
    ]
    if not tables:
        raise InputError(
            f"expected tables ending in {', '.join(f'.{form}' for form in FORMATS)} in {path}; there is none: mien analyze writes them"
        )
    return tables, [
        f"{file.with_suffix('')}: not finished: give its mien analyze again, and it goes on"
        for file in unfinished
    ]


def _sequences(videos: Iterable[VideoResult]) -> Iterator[VideoResult]:
    """The videos of each folder as one; who is who from one to the next is not known."""
    for folder, group in groupby(videos, key=lambda video: str(PurePath(video.source).parent)):
        own = list(group)
        starts = np.cumsum([0, *(len(one.frames) for one in own)])
        faces = [
            one.faces.with_columns(frames=start + np.searchsorted(one.frames, one.faces.frames), tracks=None)
            for one, start in zip(own, starts, strict=False)
        ]
        failures = tuple(failure for one in own for failure in one.failures)
        yield VideoResult(
            folder,
            Faces.concatenate(faces),
            np.arange(starts[-1]),
            np.concatenate([one.times for one in own]),
            failures,
            remarks=tuple(dict.fromkeys(remark for one in own for remark in one.remarks)),
        )


def _told_twice(source: str, first: Path, second: Path) -> str:
    if first == second:
        return f"{second}: {source} stands there in two places: left out"
    return f"{source} stands in {first} and in {second}: left out; keep one of the tables"


def _people(video: VideoResult, options: ScoreOptions) -> Iterator[tuple[str, ClipResult]]:
    tracks = video.faces.tracks
    for number in [] if tracks is None else sorted({*tracks.tolist()}):
        rule = replace(options.rule, person=number)
        yield f"{video.source}, person {number}", read_clip(video, rule, options.mapping)
