"""Videos that are deleted just as their reading begins or ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mien.server.jobs import Jobs
from mien.server.settings import ServerSettings
from mien.server.store import Job

ID = "0123456789abcdef" * 2


def with_video(folder: Path, run: Any) -> None:
    """Do something with a service that knows one video."""

    async def done() -> None:
        jobs = Jobs(ServerSettings(folder))
        job = Job(ID, "talk.mp4", 0.0)
        place = jobs._folder.job(ID)
        place.make()
        place.upload.touch()
        jobs._store.add(job)
        try:
            await asyncio.wait_for(run(jobs, job), 60)
            assert jobs.trouble() is None
            assert jobs._store.get(ID) is None
            assert not place.path.exists()
        finally:
            jobs._store.close()
            jobs._folder.close()

    asyncio.run(done())


@pytest.mark.integration
def test_one_whose_process_is_being_started_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, deleted = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def started(*_: object) -> AsyncIterator[asyncio.subprocess.Process]:
        starting.set()
        await deleted.wait()
        process = await asyncio.create_subprocess_exec("sleep", "600", stdout=asyncio.subprocess.PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    monkeypatch.setattr("mien.server.jobs.started", started)

    async def delete(jobs: Jobs, job: Job) -> None:
        jobs._queue.put_nowait(ID)
        reading = asyncio.create_task(jobs._read_next())
        await starting.wait()
        removing = asyncio.create_task(jobs.remove(job))
        while not jobs._stopped:
            await asyncio.sleep(0)
        deleted.set()
        await asyncio.gather(reading, removing)

    with_video(tmp_path / "service", delete)


@pytest.mark.integration
def test_one_whose_process_has_just_ended_is_deleted(tmp_path: Path) -> None:
    async def delete(jobs: Jobs, job: Job) -> None:
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()
        jobs._processes[ID] = process
        await jobs.remove(job)

    with_video(tmp_path / "service", delete)
