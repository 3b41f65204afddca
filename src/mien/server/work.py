"""One video, read by a process of its own: ``python -m mien.server.work probe|read FOLDER BYTES``.

What a broken video can do to FFmpeg, it does to this process alone. The folder holds ``task.json`` and the
video as ``upload``; results go to ``results``, what was read so far to ``checkpoint``; all of it may take so
many bytes. Each line of standard output is JSON: progress, or how it ended. The process ends with its
standard input, and so with the service.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mien.core.atomic import sync_path
from mien.core.errors import InputError, MediaError, MienError, MissingExtraError
from mien.outputs.charts import CHARTS
from mien.server.folders import FULL, JobFolder, folder_size
from mien.server.resources import NO_ROOM, Space, full, give_back
from mien.server.task import COPY, PEOPLE, RESULTS, VideoTask

if TYPE_CHECKING:
    from mien.media.byte_source import ByteSource
    from mien.outputs.base import RunContext
    from mien.outputs.spec import OutputSpec
    from mien.video.checkpoint import CheckpointStore
    from mien.video.runner import AnalyzedFrame
    from mien.video.sources import AnalyzedSource

T = TypeVar("T")

_MEMORY = {"probe": 2**29, "read": 7 * 2**28}
"""Bytes that a process may fill. A video of 4K with all results takes 1.1 GB, and half as much again is
reserved."""

_TOO_LARGE = "expected a video that can be read in the memory that is allowed for one; got one that takes more: scale it down"
_EVERY = 0.2  # Seconds between two lines about progress.
_MOST_RATE = 250  # Frames a second of the longest video, whatever its timestamps say.


@dataclass
class _Progress:
    """Tells how far the work is: reading, writing, then everything that needs images again."""

    task: VideoTask
    say: Callable[[dict[str, Any]], None]
    passes: int
    space: Space
    count: int = 0
    written: int = 0
    _done: int = 0
    _told: float = field(default=0.0)

    def read(self, frames: Iterable[AnalyzedFrame]) -> Iterator[AnalyzedFrame]:
        """Pass on frames as they are read, and end where the video is too long."""
        most = self.task.bounds.seconds * _MOST_RATE
        for self.count, frame in enumerate(frames, 1):
            self.space.check()
            if self.count == 1 and frame.media is not None:
                self.task.bounds.check(frame.media)
            self.task.bounds.check_time(self.task.name, frame.result.time or 0.0)
            if self.count > most:
                raise MediaError(
                    f"{self.task.name}: expected at most {most:,.0f} frames; got more: cut it into parts",
                    "too_long",
                )
            expected = None if frame.media is None else frame.media.expected_frames
            self._tell("analyzing", self.count, expected)
            yield frame
        self._done = 1

    def step(self, items: Iterable[T], what: str, /) -> Iterator[T]:
        """Pass on frames once more."""
        for number, item in enumerate(items, 1):
            self.space.check()
            self._tell(what.split(maxsplit=1)[0], number, self.count)
            yield item
            self.written = max(
                self.written, number
            )  # All of them, also where an earlier process had read some.
        self._done += 1

    def _tell(self, stage: str, number: int, expected: int | None) -> None:
        if time.monotonic() - self._told < _EVERY:
            return
        self._told = time.monotonic()
        share = None if not expected else min(1.0, (self._done + min(1.0, number / expected)) / self.passes)
        self.say({"stage": stage, "frames": number, "expected": expected, "progress": share})


def probe(folder: Path) -> dict[str, Any]:
    """Whether a video may be read, by its header and first frame.

    Raises:
        MediaError: It is none, too large or too long.
    """
    from mien.media import open_media

    task = VideoTask.load(folder)
    try:
        with open_media(_content(folder, task)) as media:
            task.bounds.check(media)
            return {"width": media.width, "height": media.height, "seconds": media.duration}
    except MediaError as error:
        if error.kind == "unreadable":
            raise MediaError(
                str(error), "unsupported"
            ) from None  # What is not even known by its header is something else.
        raise


def read(folder: Path, most: int, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Read a video and write its results, on from where an earlier process was.

    Args:
        folder: Its folder.
        most: Bytes that the folder may come to hold.
        say: Is told how far it is.

    Raises:
        MienError: Nothing of it can be read, or something is impossible.
    """
    from mien.inference.pipeline import Pipeline
    from mien.outputs.base import RunContext
    from mien.outputs.run_info import run_facts, run_settings
    from mien.outputs.writer import RunWriter
    from mien.video.sources import process_sources

    task = VideoTask.load(folder)
    video_options, chosen = task.options.video_options(), task.chosen
    pipeline = Pipeline.open(chosen)
    asked, missing = _asked(folder, task)
    source = _content(folder, task)
    settings = run_settings(chosen, video_options, pipeline)
    space = Space(folder, most, task.name)
    progress = _Progress(task, say, 2 + (asked.annotate is not None) + asked.thumbnails, space)
    facts = run_facts(settings, video_options, pipeline)
    run = RunContext(
        [source], pipeline.labels, video_options, facts, mesh=pipeline.mesh, follow=progress.step
    )
    asked.remove_partials([source])
    JobFolder(folder).begin()
    space.watch(_end_with(say))
    with _checkpoints(folder / "checkpoint", settings) as checkpoints, RunWriter(asked, run) as writer:
        writer.write(
            _readable(
                process_sources([source], pipeline, video_options, checkpoints, progress.read), task.name
            )
        )
        if writer.failures:
            raise writer.failures[0]
        checkpoints.remove()
    _spread_people(folder / "results", run)
    space.check()
    for path in (*(folder / "results").iterdir(), folder / "results"):
        sync_path(path)
    return {"missing": missing, "remarks": writer.remarks, "frames": progress.written}


def _readable(sources: Iterable[AnalyzedSource], name: str) -> Iterator[AnalyzedSource]:
    """The same, unless one cannot even be opened.

    Raises:
        MediaError: Why it cannot.
    """
    for source in sources:
        if source.media is None:
            raise next(source.frames).result.error or MediaError(
                f"{name}: expected a video; it cannot be read"
            )
        yield source


def _content(folder: Path, task: VideoTask) -> ByteSource:
    from mien.media.byte_source import ByteSource

    return ByteSource(folder / "upload", task.name)


def _asked(folder: Path, task: VideoTask) -> tuple[OutputSpec, dict[str, str]]:
    """What is to be written and can be; and why the rest cannot."""
    from mien.media.blur import Blur
    from mien.outputs.spec import OutputSpec

    results, options = folder / "results", task.options
    results.mkdir(mode=0o700, exist_ok=True)
    wanted = set(options.wanted)
    charts = bool(wanted & set(CHARTS))
    missing = {
        name: reason
        for name in RESULTS
        if name in wanted and name != COPY and (reason := _lacking(OutputSpec((results / name,))))
    }
    if charts and (reason := _lacking(OutputSpec(plots=results))):
        missing |= dict.fromkeys(CHARTS, reason)
    asked = OutputSpec(
        tuple(results / name for name in RESULTS if name in wanted and name not in missing and name != COPY),
        results / "persons.json" if wanted & set(PEOPLE) else None,
        results / COPY if COPY in wanted else None,
        results if charts and CHARTS[0] not in missing else None,
        options.thumbnails and "result.html" in wanted - set(missing),
        None if options.blur is None or COPY not in wanted else Blur.parse(options.blur),
    )
    return asked, missing


def _lacking(asked: OutputSpec) -> str | None:
    """Why something cannot be written here, or None."""
    try:
        asked.check([])
    except MissingExtraError as error:
        return str(error)
    return None


def _checkpoints(folder: Path, settings: dict[str, Any]) -> CheckpointStore:
    """The checkpoint of an earlier process; a new one where that was asked for something else, such as by
    another version of mien."""
    from mien.video.checkpoint import CheckpointStore

    try:
        return CheckpointStore(folder, settings)
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)
        return CheckpointStore(folder, settings)


def _spread_people(results: Path, run: RunContext) -> None:
    """The table of people in the other formats."""
    from mien.outputs.tables import open_persons

    if not (results / "persons.json").exists():
        return
    rows = json.loads((results / "persons.json").read_text(encoding="utf-8"))
    for name in PEOPLE:
        if name != "persons.json":
            with open_persons(results / name, name.rsplit(".", 1)[1], run.labels, run.landmarks) as write:
                write(rows)


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _end_with(say: Callable[[dict[str, Any]], None]) -> Callable[[MediaError], None]:
    def end(error: MediaError) -> None:
        say({"error": _told(error)})
        os._exit(0)

    return end


def _told(error: Exception) -> dict[str, Any]:
    if (number := full(error)) is not None:
        return {"kind": "no_room", "message": NO_ROOM} if number == errno.EFBIG else FULL
    if isinstance(error, MediaError):
        return {"kind": error.kind, "message": str(error)}
    return {"kind": "invalid" if isinstance(error, InputError) else "broken", "message": str(error)}


def _bound(folder: Path, free: int) -> None:
    """Leave the machine's memory and disk to the others, and end with the service."""
    os.umask(0o077)
    with suppress(ImportError):  # Windows, which bounds no process in this way.
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, highest = resource.getrlimit(resource.RLIMIT_FSIZE)
        least = min(
            value
            for value in (*resource.getrlimit(resource.RLIMIT_FSIZE), max(0, free))
            if value != resource.RLIM_INFINITY
        )
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, highest))

    def wait() -> None:
        os.read(0, 1)  # Nothing is ever sent: it ends when the service does.
        JobFolder(folder).leave()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _hold(what: str) -> None:
    """Take no more memory than a video may need, whatever it asks for, and give it back as soon as it is
    free."""
    most = _MEMORY[what]
    give_back(2**20)  # Frames are single blocks.
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> None:
    """Do what the command line says."""
    what, folder, most = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    _bound(folder, most - folder_size(folder))
    if what == "read" and hasattr(os, "nice"):
        os.nice(10)  # The answer to an upload waits for a probe; nobody's waits for a whole video.
    _hold(what)
    try:
        _say({"end": probe(folder) if what == "probe" else read(folder, most, _say)})
    except MemoryError:
        _say({"error": {"kind": "too_large", "message": _TOO_LARGE}})
    except (MienError, OSError) as error:
        if not isinstance(error, MienError) and full(error) is None:
            raise
        _say({"error": _told(error)})


if __name__ == "__main__":
    main()
