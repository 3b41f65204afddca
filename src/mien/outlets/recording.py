"""A recording of what is watched: the video as it came, a row for each face, marked moments, and the settings.

Every file can be opened at any moment, and what was written stays readable when the process is killed.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from mien.core.atomic import made_folder, translate_os_errors
from mien.core.csv_cells import csv_writer
from mien.core.errors import InputError
from mien.core.formatting import date_time
from mien.core.frame_result import FrameResult
from mien.core.names import quoted
from mien.media.live import LiveFrame
from mien.media.recorded_video import RecordedVideo
from mien.outlets.base import Marker, Outlet, StreamFacts
from mien.outputs.tables.rows import row_writer
from mien.video.live import Watched

VIDEO, ROWS, EVENTS, SETTINGS = "video.mp4", "rows.jsonl", "events.csv", "settings.json"
_LEAST_FREE = 500_000_000
"""Bytes that a recording leaves free on the disk."""
_EVERY = 1.0
"""Seconds between two looks at the disk."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size_of(text: str) -> int:
    """Bytes, as people write them.

    Raises:
        InputError: It is no size.

    >>> size_of("20GB"), size_of("1.5 M"), size_of("800")
    (20000000000, 1500000, 800)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if found is None or not float(found[1]):
        raise InputError(f"expected a size such as 20GB; got {quoted(text)}")
    return int(float(found[1]) * _UNITS[found[2]])


class Recording(Outlet):
    """Keeps what is watched in a folder. Where it comes to its limit, or the disk is nearly full, it ends, and watching
    goes on.

    Each frame is stored before it is read, and what is read is what was stored. So whoever reads the video again with the
    same settings gets the same rows.

    Args:
        folder: A new or an empty one.
        facts: Of what is watched.
        settings: What decides the rows, ready for JSON.
        limit: Most bytes of its video; None: as much as the disk has, but for 500 MB.
        tell: Called with a line for people when it ends before its time.

    Attributes:
        cut_short: Whether it could not go on, and had not come to its limit.

    Raises:
        InputError: The folder holds something, or cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        facts: StreamFacts,
        settings: Mapping[str, Any],
        limit: int | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._folder, self._facts, self._limit, self._tell = folder, facts, limit, tell
        self._video: RecordedVideo | None = None
        self._begun: float | None = None  # Time of the first frame, which is 0 s of the recording.
        self._count, self._looked, self._over = 0, 0.0, False
        self.cut_short = False
        self._files = ExitStack()
        with translate_os_errors(folder), made_folder(folder):
            if any(folder.iterdir()):
                raise InputError(
                    f"{folder}: expected a new or an empty folder for a recording; got one that holds something"
                )
            self._check_room()
            self._open(settings)
        most = "" if limit is None else f", up to {limit / 1e9:g} GB"
        self.about = (
            f"{folder}: the video without marks ({VIDEO}), a row for each face ({ROWS}), marked moments ({EVENTS}) and settings "
            f"({SETTINGS}){most}; people can be recognised in it"
        )

    def _open(self, settings: Mapping[str, Any]) -> None:
        began = {"source": self._facts.source, "began": date_time(), **settings}
        (self._folder / SETTINGS).write_text(
            json.dumps(began, indent=1, ensure_ascii=False), encoding="utf-8", newline="\n"
        )
        self._rows = self._files.enter_context(
            row_writer(self._lines(ROWS), "jsonl", self._facts.labels, landmarks=self._facts.landmarks)
        )
        self._events = csv_writer(self._lines(EVENTS), ("time", "label"))

    def _lines(self, name: str) -> TextIO:
        """A file each of whose lines is on the disk as soon as it is written."""
        file = open(self._folder / name, "w", buffering=1, encoding="utf-8", newline="")  # noqa: SIM115
        return self._files.enter_context(file)

    def store(self, frame: LiveFrame) -> LiveFrame:
        """Store a frame.

        Returns:
            The frame as it was stored, with its number and time in the recording; the same frame when the recording is over.
        """
        begun = self._begun = frame.time if self._begun is None else self._begun
        moved = replace(frame, index=self._count, time=frame.time - begun)
        self._count += 1
        self._check()
        if self._over:
            return moved
        try:
            if self._video is None:
                self._video = RecordedVideo(self._folder / VIDEO, frame.image.shape[1], frame.image.shape[0])
            image, stored = self._video.write(frame.image, moved.time)
        except InputError as error:
            self._fail(error)
            return moved
        return replace(moved, image=image, time=stored)

    def send(self, watched: Watched) -> None:
        if not self._over:
            frame = watched.frame
            self._rows(FrameResult(VIDEO, frame.index, frame.time, watched.faces).rows())

    def mark(self, marker: Marker) -> None:
        if not self._over:
            self._events([{"time": round(marker.time, 6), "label": marker.label}])

    def close(self) -> None:
        self._over = True
        video, self._video = self._video, None
        self._files.close()
        if video is not None:
            video.close()

    def _check(self) -> None:
        now = time.monotonic()
        if self._over or now - self._looked < _EVERY:
            return
        self._looked = now
        try:
            self._check_room()
        except InputError as error:
            self._fail(error)
            return
        stored = 0 if self._video is None else self._video.path.stat().st_size
        if self._limit is not None and stored > self._limit:
            self._end(f"{self._folder}: it has come to its limit of {self._limit / 1e9:g} GB")

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < _LEAST_FREE:
            raise InputError(
                f"{self._folder}: expected {_LEAST_FREE / 1e6:.0f} MB free on the disk; got {free / 1e6:.0f} MB: free some"
            )

    def _fail(self, why: InputError) -> None:
        self.cut_short = True
        self._end(str(why))

    def _end(self, why: str) -> None:
        self._over = True
        self._tell(f"recording ended, watching goes on: {why}")
