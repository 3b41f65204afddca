"""Videos on their way: read one after the other by processes of their own, watched, ended, and deleted
when their time is over."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mien.core.formatting import counted
from mien.inference.config import PipelineConfig
from mien.server.clock import ServiceClock
from mien.server.errors import STATUS, APIError
from mien.server.folders import Folder, JobFolder, unusable
from mien.server.limits import Room
from mien.server.process import BROKEN, followed, started
from mien.server.resources import NO_ROOM
from mien.server.settings import ServerSettings
from mien.server.store import Job, Store
from mien.server.task import FILES, Bounds, VideoJobOptions, VideoTask
from mien.server.uploads import Upload

_SWEEP = 60.0  # Seconds between two looks for results whose time is over.
# Seconds between two looks at how much there is of what is being read, and whether there is room again.
_LOOK = 0.5
_REST = 2.0  # Seconds after an error before work is begun again.
_TOGETHER = 100  # Videos whose time is over that are deleted before something else is done.
_PROBES = 2  # Headers that are looked at at once: each may take half a gigabyte.
_PROBE = 30.0  # Seconds in which the header of a video must be understood.
_DEATHS = 2  # Processes that a video may break.
_LEAST = 256 * 1024  # Bytes of a disk that is as good as full.
_NO_PROGRESS = {"stage": "waiting", "frames": 0, "expected": None, "progress": 0.0}
_OVER = ("done", "failed")
_DEADLY = {
    **BROKEN,
    "message": f"{BROKEN['message']}, and did so again when it was tried anew: write it again with another program",
}
_LOST = {
    "status": 422,
    "kind": "missing",
    "message": "what was sent is not there any more: send the video again",
}
_LARGE = {"status": STATUS["no_room"], "kind": "no_room", "message": NO_ROOM}


class Jobs:
    """All videos of a service.

    Args:
        settings: Where they lie, how long, and how many.
        seen: Is told how many there are by state, whenever that changes.

    Raises:
        InputError: The folder cannot be used, is one of something else, or another service is at work in it.
    """

    def __init__(
        self, settings: ServerSettings, seen: Callable[[dict[str, int]], None] = lambda _: None
    ) -> None:
        self._settings, self._limits, self._seen = settings, settings.limits, seen
        self._folder = Folder(settings.folder)
        try:
            self._store = Store(self._folder.database)
        except sqlite3.Error as error:
            self._folder.close()
            raise unusable(settings.folder, str(error)) from None
        self._clock = ServiceClock(self._store.moment())
        self._progress: dict[str, dict[str, Any]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._reading: dict[str, asyncio.Event] = {}
        self._stopped: dict[str, dict[str, Any]] = {}
        self._sizes: dict[str, int] = {}
        self._probing = asyncio.Semaphore(_PROBES)
        self._coming: set[Upload] = set()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._troubles: dict[str, str] = {}
        self._room = Room(self._limits.job_bytes, "bytes of videos")
        self._swept = -_SWEEP

    async def start(self) -> None:
        """Go on with what an earlier service left, and delete what nobody will ask for."""
        known, there = self._store.ids(), set(self._folder.names())
        for name in there - known:
            self._delete(self._folder.job(name))
        self._store.remove(*(known - there))  # Deleted by a service that had no time, or no room, to say so.
        for job in self._store.unmeasured():
            self._store.change(
                job.id,
                bytes=self._folder.job(job.id).size(),
                age=self._clock.now() if job.state in _OVER else None,
            )
        for job in self._store.unfinished():
            self._sizes[job.id] = self._folder.job(job.id).size()
            self._queue.put_nowait(job.id)
        work = [("reading videos", self._read_next)] * self._settings.readers + [
            ("looking after videos", self._look_after)
        ]
        self._tasks = [asyncio.create_task(self._kept_up(what, step)) for what, step in work]
        await self._changed()

    async def close(self) -> None:
        """Stop; videos that are being read go on with the next service."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._store.save(self._clock.moment())
        self._store.close()
        self._folder.close()

    def trouble(self) -> str | None:
        """Why videos are not taken or read as they should be, in words that anybody may read; None where all
        is well."""
        notes = [f"{what} has stopped after an error, and is begun again" for what in self._troubles]
        if self._store.trouble is not None or self._full():
            notes.insert(
                0,
                "the disk is full, or cannot be written to: videos are not taken or read before there is room",
            )
        return "; ".join(notes) or None

    def _full(self) -> bool:
        try:
            return self._folder.free() < _LEAST
        except OSError:
            return True

    def get(self, name: str) -> Job:
        """A video by its id.

        Raises:
            APIError: There is none.
        """
        job = self._store.get(name)
        if job is None:
            raise APIError(
                404, "expected the id of a video; there is none, or its time is over: send the video again"
            )
        return job

    def expires(self, job: Job) -> float | None:
        """When everything of a video will be deleted, in seconds since 1970 by the computer's clock as it is
        now; None: not yet known."""
        return (
            None
            if job.age is None
            else round(time.time() + self._settings.results_seconds - (self._clock.now() - job.age))
        )

    def progress(self, job: Job) -> dict[str, Any]:
        """How far a video is: ``stage``, ``frames``, ``expected``, ``progress`` 0 to 1 or None."""
        if job.state in _OVER:
            told = {**_NO_PROGRESS, **self._progress.get(job.id, {}), "stage": job.state, "progress": None}
            read = {} if job.frames is None else {"frames": job.frames, "expected": job.frames}
            return told if job.state == "failed" else {**told, **read, "progress": 1.0}
        return self._progress.get(job.id, _NO_PROGRESS)

    def results(self, job: Job) -> list[str]:
        """Names of the results that are there."""
        return [
            name
            for name in FILES
            if job.state == "done" and (self._folder.job(job.id).results / name).is_file()
        ]

    def result(self, job: Job, name: str) -> Path:
        """A result.

        Raises:
            APIError: It is not there (yet).
        """
        if job.state == "failed":
            assert job.error is not None
            raise APIError(
                409, f"expected a video that was read; this one failed: {job.error['message']}", "failed"
            )
        if job.state != "done":
            raise APIError(
                409,
                "expected a video that has been read; this one is not yet: ask again",
                headers={"Retry-After": "2"},
            )
        place = self._folder.job(job.id)
        if (place.results / name).is_file():
            return place.results / name
        missing = (place.end() or {}).get("missing", {})
        if name in missing:
            raise APIError(501, missing[name])
        raise APIError(
            404, f"expected a result that was asked for and that this video has; there is no {name}"
        )

    def new(self) -> Upload:
        """Room for a video that is about to come.

        Raises:
            APIError: There are too many.
        """
        counts = self._store.totals().counts
        if len(self._coming) + counts["waiting"] + counts["running"] >= self._limits.jobs:
            raise APIError(
                429,
                f"expected at most {counted(self._limits.jobs, 'video')} at once, waiting or being read; there are as many: try again later",
            )
        name = uuid.uuid4().hex
        upload = Upload(name, self._folder.job(name), self._limits.video_bytes, self._room)
        try:
            upload.place.make()
        except OSError as error:
            raise self._no_room(error) from None
        self._coming.add(upload)
        return upload

    async def take(
        self, upload: Upload, options: VideoJobOptions, networks: PipelineConfig, reader: dict[str, str]
    ) -> Job:
        """Have an uploaded video read.

        Args:
            upload: The video.
            options: What the client asks for.
            networks: What reads.
            reader: The same in the words of an answer (`mien.server.offer.facts`).

        Raises:
            APIError: It is no video, or too large or long; or the disk is full.
        """
        await asyncio.to_thread(upload.settle)
        bounds = Bounds(self._limits.video_pixels, self._limits.video_seconds)
        given = {key: value for key, value in vars(options).items() if value is not None}
        job = Job(upload.id, upload.name, time.time(), {**given, **reader})
        try:
            VideoTask(upload.name, networks, options, bounds).save(upload.place.path)
            async with self._probing:
                end = await self._run("probe", upload.id, _PROBE) or {"error": BROKEN}
            if "error" in end:
                raise APIError(end["error"]["status"], end["error"]["message"], end["error"]["kind"])
            self._store.add(job)
        except (OSError, sqlite3.Error) as error:
            raise self._no_room(error) from None
        upload.kept = True
        self._coming.discard(upload)
        self._sizes[job.id] = upload.size
        self._queue.put_nowait(job.id)
        await self._changed()
        return job

    def end(self, upload: Upload) -> None:
        """The upload is over; one that was not taken leaves nothing."""
        self._coming.discard(upload)
        upload.close()
        self._store.trouble = upload.full or self._store.trouble
        if not upload.kept:
            self._delete(upload.place)
        self._measure()

    async def remove(self, job: Job) -> None:
        """Stop reading a video if that is going on, and delete all of it: first its files, so that a full
        disk is no hindrance.

        Raises:
            APIError: The files cannot be deleted.
        """
        self._stopped[job.id] = {}
        try:
            self._kill(job.id)
            if (result := self._reading.get(job.id)) is not None:
                await result.wait()
            await asyncio.to_thread(self._folder.job(job.id).delete)
        except OSError as error:
            self._queue.put_nowait(job.id)
            raise self._no_room(error) from None
        finally:
            self._stopped.pop(job.id, None)
        await self._forget(job.id)

    async def watch(self, name: str, pause: float) -> AsyncIterator[Job | None]:
        """A video whenever something about it changes, until it is over; None where it was deleted, or
        nothing happened for a while."""
        last: Any = None
        while True:
            job = self._store.get(name)
            now = None if job is None else (job.state, self.progress(job))
            if job is None or now != last:
                last = now
                yield job
                if job is None or job.state in _OVER:
                    return
            async with self._news:
                try:
                    await asyncio.wait_for(self._news.wait(), pause)
                except TimeoutError:
                    yield job

    async def _kept_up(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step again and again; after an error, whichever, it is taken again a moment later."""
        while True:
            try:
                await step()
            except Exception:
                logging.getLogger("uvicorn.error").exception("%s went wrong", what)
                self._troubles[what] = what
                await asyncio.sleep(_REST)
            self._troubles.pop(what, None)

    async def _read_next(self) -> None:
        name = await self._queue.get()
        job = self._store.get(name)
        if job is None or job.state in _OVER or name in self._reading or name in self._stopped:
            return
        self._reading[name] = over = asyncio.Event()
        try:
            await self._read(job)
        except OSError:
            self._queue.put_nowait(
                name
            )  # The machine has no process, memory or file to spare; the video is not to blame.
            raise
        except Exception:
            try:
                await self._finish(name, {"error": BROKEN})
            except Exception:
                self._queue.put_nowait(name)
            raise
        finally:
            del self._reading[name]
            over.set()

    async def _read(self, job: Job) -> None:
        place = self._folder.job(job.id)
        end, deaths = place.end(), job.deaths + place.died()
        if end is None and not place.upload.exists():
            end = {"error": _LOST}
        while end is None and deaths < _DEATHS:
            self._store.change(job.id, state="running", deaths=deaths)
            await self._changed()
            end = await self._run("read", job.id, self._limits.job_seconds)
            deaths += end is None
            end = self._stopped.pop(job.id, end)
        if end != {}:  # Otherwise it is being deleted.
            await self._finish(job.id, {"error": _DEADLY} if end is None else end)

    async def _finish(self, name: str, end: dict[str, Any]) -> None:
        error, size = await asyncio.to_thread(self._folder.job(name).conclude, end, self._settings.keep)
        state = "done" if error is None else "failed"
        self._store.change(
            name,
            state=state,
            ended=time.time(),
            age=self._clock.now(),
            error=error,
            bytes=size,
            frames=end.get("frames"),
        )
        self._sizes.pop(name, None)
        self._measure()
        await self._changed()

    async def _run(self, what: str, name: str, seconds: float) -> dict[str, Any] | None:
        async def progressed(progress: dict[str, Any]) -> None:
            self._progress[name] = progress
            await self._tell()

        place = self._folder.job(name)
        try:
            async with started(what, place, self._room.free + place.size()) as process:
                self._processes[name] = process
                if name in self._stopped:  # While it was being started.
                    self._kill(name)
                try:
                    return await followed(process, seconds, progressed)
                finally:
                    del self._processes[name]
        finally:
            place.leave()

    def _kill(self, name: str) -> None:
        """End the process that reads a video, where there is one and it has not just ended."""
        if (process := self._processes.get(name)) is not None:
            with suppress(ProcessLookupError):
                process.kill()

    def _delete(self, place: JobFolder) -> None:
        """Delete what nobody knows; what cannot be deleted now is by the next start."""
        try:
            place.delete()
        except OSError as error:
            logging.getLogger("uvicorn.error").error(
                "files that nobody needs cannot be deleted: %s", error.strerror
            )

    def _no_room(self, error: Exception) -> APIError:
        """What is told of an error of the disk; `trouble` tells of it as well."""
        reason = getattr(error, "strerror", None) or str(error)
        self._store.trouble = reason
        return APIError(507, f"the service cannot keep or delete videos now: {reason}", "disk_full")

    def _measure(self) -> None:
        """See how much room is left; what is being written is counted as it comes."""
        used = (
            self._store.totals().bytes
            + sum(self._sizes.values())
            + sum(upload.size for upload in self._coming)
        )
        self._room.free = self._limits.job_bytes - used

    async def _look_after(self) -> None:
        """Count what is being written, and end what takes too much; sweep when it is time to; and see whether
        there is room again."""
        began = time.monotonic()
        for name in set(self._processes) & set(self._sizes):
            size = await asyncio.to_thread(self._folder.job(name).size)
            if name in self._sizes:  # It may be over by now.
                self._sizes[name] = size
        if working := set(self._processes) & set(self._sizes):
            self._measure()
            if self._room.free < 0:
                largest = max(working, key=lambda name: self._sizes[name])
                self._stopped.setdefault(largest, {"error": _LARGE})
                self._kill(largest)
        if self._store.trouble is not None or began - self._swept >= min(
            _SWEEP, self._settings.results_seconds
        ):
            await self._sweep()
        await asyncio.sleep(max(_LOOK, 20 * (time.monotonic() - began)))

    async def _sweep(self) -> None:
        self._swept = time.monotonic()
        self._store.save(self._clock.moment())
        over = self._store.ended_before(self._clock.now() - self._settings.results_seconds)
        for start in range(0, len(over), _TOGETHER):
            names = over[start : start + _TOGETHER]
            await asyncio.to_thread(self._folder.delete, names)
            await self._forget(*names)

    async def _forget(self, *names: str) -> None:
        """What was known of videos whose files are deleted."""
        self._store.remove(*names)
        for name in names:
            self._progress.pop(name, None)
            self._sizes.pop(name, None)
        self._measure()
        await self._changed()

    async def _changed(self) -> None:
        self._seen(self._store.totals().counts)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
