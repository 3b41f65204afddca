"""What has been read of videos, kept on disk while the work goes on: a run that was killed goes on where
it was.

A `CheckpointStore` is a folder beside the result. It holds what the run was asked for, and for each video
its raw results in pieces that are written aside and renamed, with the state of the tracker at the end of
each piece. Memory does not grow with the length of a video.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from mien.core.atomic import (
    atomic_write,
    missing_folders,
    remove_empty,
    remove_partials,
    sync_file,
    translate_os_errors,
)
from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.core.leftovers import expect, settled
from mien.core.run_folder import LOCK, changed_setting, lock_folder

_COLUMNS = tuple(field.name for field in fields(Faces) if field.name != "labels")
_ASKED = "asked.json"
_NO_FRAME = -1
_FORMAT = 1


@dataclass(frozen=True)
class Chunk:
    """Results that follow one another, and where the tracker stood after them.

    Args:
        results: As the networks gave them, nothing smoothed.
        state: What `Session.state` said after the last one, ready for JSON; None where nothing has a state.
        last: Whether the video is at its end.
    """

    results: Sequence[FrameResult]
    state: Any = None
    last: bool = False


class VideoCheckpoint:
    """The pieces of one video. Made by `CheckpointStore.record`.

    Args:
        folder: Where its pieces lie; made with the first one.
        source: Name of the video.
        labels: Expressions that the network tells apart.

    Attributes:
        count: How many results there are.
        state: The state after the last of them, or None.
        done: Whether the video was read to its end.
    """

    def __init__(self, folder: Path, source: str, labels: Labels) -> None:
        self.folder, self.source, self.labels = folder, source, labels
        self.count, self.state, self.done = 0, None, False
        self._pieces = 0
        for piece in self._stored():
            self.count += len(piece.results)
            self.state, self.done = piece.state, piece.last
            self._pieces += 1
        self._drop_rest()

    def add(self, piece: Chunk) -> None:
        """Keep a piece; it is there whole or not at all.

        Raises:
            InputError: The disk is full, or the folder cannot be written to.
        """
        place = self._place(self._pieces)
        with atomic_write(place) as aside, translate_os_errors(place), open(aside, "wb") as file:
            np.savez(file, **_packed(piece, self.labels))
            sync_file(file)
        self._pieces += 1
        self.count += len(piece.results)
        self.state, self.done = piece.state, piece.last

    def results(self) -> Iterator[FrameResult]:
        """All that is kept, in order, a piece in memory at a time."""
        for number in range(self._pieces):
            yield from _unpacked(self._place(number), self.source, self.labels).results

    def _stored(self) -> Iterator[Chunk]:
        """The pieces of an earlier run, up to the first that is missing or damaged."""
        number = 0
        while (place := self._place(number)).exists():
            try:
                piece = _unpacked(place, self.source, self.labels)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                return  # Lost with the power; what came after it is read anew.
            yield piece
            number += 1

    def _drop_rest(self) -> None:
        """Delete pieces that follow one that is missing or damaged: what is read anew is cut otherwise, and must never be
        mixed with them."""
        with translate_os_errors(self.folder):
            for piece in self.folder.glob("*.npz"):
                if piece.name >= self._place(self._pieces).name:
                    piece.unlink()

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06}.npz"


class CheckpointStore:
    """A run's folder of results; a context manager. Left by an exception it stays, as when the run is
    killed.

    Args:
        folder: Where it lies, such as ``faces.csv.checkpoint``; made when it is not there.
        asked: What decides the results: options, the network's checksum, the sources; plain values, ready
            for JSON. A run that asks for something else must not mix with it.

    Attributes:
        resumed: Whether an earlier run has left something.

    Raises:
        InputError: The folder belongs to a run that was asked for something else, to one that is at work now,
            or cannot be written to.

    >>> import tempfile
    >>> from mien.core.labels import EXPRESSIONS
    >>> place = Path(tempfile.mkdtemp()) / "faces.csv.checkpoint"
    >>> with CheckpointStore(place, {"detector": "mtcnn"}) as checkpoints:
    ...     checkpoints.record(0, "a.mp4", EXPRESSIONS).add(Chunk([FrameResult("a.mp4", 0, 0.0, Faces.empty())]))
    >>> with CheckpointStore(place, {"detector": "mtcnn"}) as checkpoints:
    ...     checkpoints.resumed, checkpoints.record(0, "a.mp4", EXPRESSIONS).count
    (True, 1)
    >>> CheckpointStore(place, {"detector": "haar"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: ... keeps a run with detector "mtcnn"; now it is "haar": repeat that command, or delete the folder to start anew
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self.folder = folder
        self._asked = dict(asked)
        self._lock: IO[str] | None = None
        self._complete = False
        _refuse_strange(folder)
        with translate_os_errors(folder):
            self._around = missing_folders(folder.parent)
        expect(self, self._left)
        try:
            self._lock = lock_folder(folder)
            self.resumed = self._compare()
        except Exception:
            if not (folder / _ASKED).exists():
                self.close()
            self._unlock()
            settled(self)
            raise

    def record(self, position: int, source: str, labels: Labels) -> VideoCheckpoint:
        """What is kept of one of the sources.

        Args:
            position: Which of the sources, 0-based.
            source: Its name.
            labels: Expressions that the network tells apart.
        """
        return VideoCheckpoint(self.folder / f"{position}", source, labels)

    @property
    def kept(self) -> bool:
        """Whether something of a video is kept that is not complete."""
        return not self._complete and any(self.folder.glob("*/[0-9]*.npz"))

    def remove(self) -> None:
        """Delete the folder: its results are complete."""
        self._complete = True
        self.close()

    def close(self) -> None:
        """Let go of the folder; one that keeps nothing is deleted."""
        if self._lock is not None and not self.kept:
            self._delete()
        self._unlock()
        settled(self)

    def __enter__(self) -> CheckpointStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.kept:
            error.add_note(self._goes_on)
        self.close()

    @property
    def _goes_on(self) -> str:
        return f"{self.folder} keeps what was read: the same command goes on from there"

    def _delete(self) -> None:
        """Also folders that were made for it and hold nothing else."""
        if self.folder.is_dir():
            # What says whose they are goes last: killed before, the folder is still one to go on with.
            for child in self.folder.iterdir():
                if child.is_dir():
                    shutil.rmtree(child, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        remove_empty(self._around)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _left(self) -> str | None:
        """What a command that was stopped leaves; the stop may have come before there was anything, and kept `close` from its
        end."""
        if self._lock is None and self.folder.is_dir():
            try:
                self._lock = lock_folder(self.folder)
            except InputError:
                return None  # Another run's.
        self.close()
        remove_empty(self._around)
        return self._goes_on if self.folder.is_dir() else None

    def _compare(self) -> bool:
        """Whether there is an earlier run; it must have been asked for the same."""
        place = self.folder / _ASKED
        if place.exists():
            try:
                before = json.loads(place.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                before = None
            if not isinstance(before, dict) or before.pop("format", None) != _FORMAT:
                raise InputError(
                    f"{self.folder} is damaged, or of another version of mien: delete the folder to start anew"
                )
            if other := changed_setting(before, self._asked):
                found = f"keeps a run with {other.name} {other.before}; now it is {other.now}"
                raise InputError(
                    f"{self.folder} {found}: repeat that command, or delete the folder to start anew"
                )
            return True
        remove_partials(place)
        with atomic_write(place) as aside, translate_os_errors(place):
            aside.write_text(
                json.dumps({"format": _FORMAT, **self._asked}, indent=1), encoding="utf-8", newline="\n"
            )
        return False


def _refuse_strange(folder: Path) -> None:
    """See that a folder, if it is there, holds nothing but what a run has put there.

    Raises:
        InputError: It is somebody's own.
    """
    begun = re.compile(rf"{re.escape(LOCK)}|\.asked-[0-9a-f]{{8}}\.part\.json")
    if (folder / _ASKED).exists() or not folder.is_dir():
        return
    if any(not begun.fullmatch(child.name) for child in folder.iterdir()):
        raise InputError(
            f"expected a place for a run's checkpoint; {folder} is a folder of something else: give another output"
        )


def _packed(piece: Chunk, labels: Labels) -> dict[str, Any]:
    results = piece.results
    faces = Faces.concatenate([Faces.empty(labels), *(result.faces for result in results)])
    errors = [None if result.error is None else [str(result.error), result.error.kind] for result in results]
    return {
        "frame": np.array(
            [_NO_FRAME if result.frame is None else result.frame for result in results], np.int64
        ),
        "time": np.array([np.nan if result.time is None else result.time for result in results], np.float64),
        "count": np.array([len(result.faces) for result in results], np.int64),
        "extra": np.array(json.dumps({"errors": errors, "state": piece.state, "last": piece.last})),
        **{f"faces_{name}": getattr(faces, name) for name in _COLUMNS if getattr(faces, name) is not None},
    }


def _unpacked(place: Path, source: str, labels: Labels) -> Chunk:
    with np.load(place, allow_pickle=False) as stored:
        table = {name: stored[name] for name in stored.files}
    extra = json.loads(str(table["extra"]))
    columns: dict[str, Any] = {name: table.get(f"faces_{name}") for name in _COLUMNS}
    faces = Faces(**columns, labels=labels)
    ends = np.cumsum(table["count"])
    results = []
    for frame, time, count, end, error in zip(
        table["frame"], table["time"], table["count"], ends, extra["errors"], strict=True
    ):
        index = None if frame == _NO_FRAME else int(frame)
        failure = None if error is None else MediaError(*error)
        results.append(
            FrameResult(
                source, index, None if np.isnan(time) else float(time), faces[end - count : end], failure
            )
        )
    return Chunk(results, extra["state"], extra["last"])
