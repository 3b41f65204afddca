"""Videos on their way: read one after the other by processes of their own, watched, ended, and deleted when their time is over."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mien.errors import InputError
from mien.serve.incoming import Upload
from mien.serve.process import BROKEN, followed, started
from mien.serve.refusals import Refusal
from mien.serve.room import Room
from mien.serve.settings import Settings
from mien.serve.store import Job, Store
from mien.serve.task import FILES, Bounds, Options, Task

_SWEEP = 60.0  # Seconds between two looks for results whose time is over.
_PROBE = 30.0  # Seconds in which the header of a video must be understood.
_NO_PROGRESS = {"stage": "waiting", "frames": 0, "expected": None, "progress": 0.0}


class Jobs:
    """All videos of a service.

    Args:
        settings: Where they lie, how long, and how many.
        seen: Is told how many there are by state, whenever that changes.

    Raises:
        InputError: The folder cannot be used, or another service is at work in it.
    """

    def __init__(self, settings: Settings, seen: Callable[[dict[str, int]], None] = lambda _: None) -> None:
        self._settings, self._limits, self._seen = settings, settings.limits, seen
        self._folder = settings.folder / "videos"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = open(settings.folder / "lock", "w")  # noqa: SIM115 - closed in close()
            try:
                _lock(self._lock)
                self._store = Store(settings.folder / "videos.sqlite")
            except BaseException:
                self._lock.close()
                raise
        except (OSError, sqlite3.Error) as error:
            told = f"{settings.folder}: expected a folder for videos that no other service uses; {getattr(error, 'strerror', None) or error}"
            raise InputError(f"{told}: give another one with --folder") from None
        self._progress: dict[str, dict[str, Any]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._room = Room(self._limits.job_bytes, "bytes of videos")
        self._coming = 0

    async def start(self) -> None:
        """Go on with what an earlier service left, and delete what nobody will ask for."""
        jobs = {job.id: job for job in self._store.all()}
        for folder in self._folder.iterdir():
            if folder.name not in jobs:
                shutil.rmtree(folder, ignore_errors=True)
        for job in jobs.values():
            if job.state in ("waiting", "reading"):
                self._store.change(job.id, state="waiting")
                self._queue.put_nowait(job.id)
        self._sweep()
        self._measure()
        self._tasks = [asyncio.create_task(self._read_all()) for _ in range(self._settings.readers)]
        self._tasks.append(asyncio.create_task(self._sweep_often()))
        await self._changed()

    async def close(self) -> None:
        """Stop; videos that are being read go on with the next service."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._store.close()
        self._lock.close()

    def get(self, name: str) -> Job:
        """A video by its id.

        Raises:
            Refusal: There is none.
        """
        job = self._store.get(name)
        if job is None:
            raise Refusal(404, "expected the id of a video; there is none, or its time is over: send the video again")
        return job

    def progress(self, job: Job) -> dict[str, Any]:
        """How far a video is: ``stage``, ``frames``, ``expected``, ``progress`` 0 to 1 or None."""
        if job.state in ("done", "failed"):
            return {**_NO_PROGRESS, **self._progress.get(job.id, {}), "stage": job.state, "progress": 1.0 if job.state == "done" else None}
        return self._progress.get(job.id, _NO_PROGRESS)

    def results(self, job: Job) -> list[str]:
        """Names of the results that are there."""
        return [name for name in FILES if job.state == "done" and (self._place(job.id) / "results" / name).is_file()]

    def result(self, job: Job, name: str) -> Path:
        """A result.

        Raises:
            Refusal: It is not there (yet).
        """
        if job.state == "failed":
            assert job.error is not None
            raise Refusal(409, f"expected a video that was read; this one failed: {job.error['message']}", "failed")
        if job.state != "done":
            raise Refusal(409, "expected a video that has been read; this one is not yet: ask again", headers={"Retry-After": "2"})
        path = self._place(job.id) / "results" / name
        if path.is_file():
            return path
        missing = json.loads((self._place(job.id) / "end.json").read_text(encoding="utf-8"))["missing"]
        if name in missing:
            raise Refusal(501, missing[name])
        raise Refusal(404, f"expected a result that was asked for; {name} was not")

    def new(self) -> Upload:
        """Room for a video that is about to come.

        Raises:
            Refusal: There are too many.
        """
        if self._coming + sum(job.state in ("waiting", "reading") for job in self._store.all()) >= self._limits.jobs:
            raise Refusal(429, f"expected at most {self._limits.jobs} videos that wait or are read; there are as many: try again later")
        name = uuid.uuid4().hex
        place = self._place(name)
        try:
            place.mkdir(mode=0o700)
        except OSError as error:
            raise Refusal(507, f"the service cannot keep videos now: {error.strerror or error}", "disk_full") from None
        self._coming += 1
        return Upload(name, place, self._limits.video_bytes, self._room)

    async def take(self, upload: Upload, options: Options) -> Job:
        """Have an uploaded video read.

        Raises:
            Refusal: It is no video, or too large or long.
        """
        bounds = Bounds(self._limits.video_pixels, self._limits.video_seconds)
        Task(upload.name, self._settings.networks, options, bounds).save(upload.place)
        end = await self._run("probe", upload.id, _PROBE)
        if "error" in end:
            raise Refusal(end["error"]["status"], end["error"]["message"], end["error"]["kind"])
        given = {key: value for key, value in vars(options).items() if value is not None}
        job = Job(upload.id, upload.name, time.time(), given)
        self._store.add(job)
        upload.kept = True
        self._queue.put_nowait(job.id)
        await self._changed()
        return job

    def end(self, upload: Upload) -> None:
        """The upload is over; one that was not taken leaves nothing."""
        self._coming -= 1
        upload.close()
        if not upload.kept:
            self._delete(upload.id)

    async def remove(self, job: Job) -> None:
        """Stop reading a video if that is going on, and delete all of it."""
        self._store.remove(job.id)
        if (process := self._processes.get(job.id)) is not None:
            process.kill()
            await process.wait()
        self._delete(job.id)
        await self._changed()

    async def watch(self, name: str, pause: float) -> AsyncIterator[Job | None]:
        """A video whenever something about it changes, until it is over; None where it was deleted, or nothing happened for a while."""
        last: Any = None
        while True:
            job = self._store.get(name)
            now = None if job is None else (job.state, self.progress(job))
            if job is None or now != last:
                last = now
                yield job
                if job is None or job.state in ("done", "failed"):
                    return
            async with self._news:
                try:
                    await asyncio.wait_for(self._news.wait(), pause)
                except TimeoutError:
                    yield job

    def _place(self, name: str) -> Path:
        return self._folder / name

    async def _read_all(self) -> None:
        while True:
            name = await self._queue.get()
            if self._store.get(name) is None:
                continue
            try:
                await self._read(name)
            except Exception:  # Whatever it is, the next video is read.
                logging.getLogger("uvicorn.error").exception("a video could not be read")
                self._store.change(name, state="failed", ended=time.time(), error=BROKEN)
                await self._changed()

    async def _read(self, name: str) -> None:
        self._store.change(name, state="reading")
        await self._changed()
        end = await self._run("read", name, self._limits.job_seconds)
        if self._store.get(name) is None:
            self._delete(name)  # Deleted while it was read.
            return
        place = self._place(name)
        (place / "end.json").write_text(json.dumps(end.get("end", {})), encoding="utf-8")
        if "error" in end:
            shutil.rmtree(place / "results", ignore_errors=True)
        shutil.rmtree(place / "journal", ignore_errors=True)
        if not self._settings.keep:
            (place / "upload").unlink(missing_ok=True)
        self._store.change(name, state="failed" if "error" in end else "done", ended=time.time(), error=end.get("error"))
        self._measure()
        await self._changed()

    async def _run(self, what: str, name: str, seconds: float) -> dict[str, Any]:
        async def progressed(told: dict[str, Any]) -> None:
            self._progress[name] = told
            await self._changed()

        async with started(what, self._place(name)) as process:
            self._processes[name] = process
            try:
                return await followed(process, seconds, progressed)
            finally:
                del self._processes[name]

    def _delete(self, name: str) -> None:
        place = self._place(name)
        self._progress.pop(name, None)
        shutil.rmtree(place, ignore_errors=True)
        self._measure()

    def _measure(self) -> None:
        """See how much room is left; what is being written is counted as it comes."""
        self._room.free = self._limits.job_bytes - _size(self._folder)

    def _sweep(self) -> None:
        for job in self._store.all():
            if job.ended is not None and time.time() - job.ended > self._settings.results_seconds:
                self._store.remove(job.id)
                self._delete(job.id)

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP, self._settings.results_seconds))
            self._sweep()
            await self._changed()

    async def _changed(self) -> None:
        jobs = self._store.all()
        self._seen({state: sum(job.state == state for job in jobs) for state in ("waiting", "reading", "done", "failed")})
        async with self._news:
            self._news.notify_all()


def _lock(file: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # Written aside, and renamed a moment ago.
            total += path.lstat().st_size
    return total
