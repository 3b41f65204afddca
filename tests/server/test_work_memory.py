"""A process that reads a stranger's video has a limit of memory, and says so when it is reached."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.inference.config import PipelineConfig
from mien.server.errors import APIError
from mien.server.jobs import Jobs
from mien.server.settings import ServerSettings
from mien.server.task import VideoJobOptions

pytestmark = pytest.mark.integration

_GREEDY = """
import sys
import mien.server.work as work

def greedy(*_):
    return {"bytes": len(bytearray(int(sys.argv[4])))}

work.probe = work.read = greedy
work.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the memory that a process fills")
@pytest.mark.parametrize(("what", "most"), [("probe", 2**29), ("read", 7 * 2**28)])
def test_no_more_than_a_video_may_need(what: str, most: int, tmp_path: Path) -> None:
    def asked(size: int) -> dict[str, object]:
        command = [sys.executable, "-c", _GREEDY, what, str(tmp_path), str(2**30), str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told: dict[str, object] = json.loads(process.stdout.readlines()[-1])
        return told

    assert asked(most // 2) == {"end": {"bytes": most // 2}}
    refused = asked(most)["error"]
    assert isinstance(refused, dict)
    assert refused["kind"] == "too_large"
    assert "takes more: scale it down" in refused["message"]


@pytest.mark.parametrize(("what", "priority"), [("probe", 0), ("read", 10)])
def test_a_whole_video_stands_back_and_a_look_at_its_header_does_not(
    what: str, priority: int, tmp_path: Path
) -> None:
    told = """
import os
import mien.server.work as work
work.probe = work.read = lambda *_: os.nice(0)
work.main()
"""
    command = [sys.executable, "-c", told, what, str(tmp_path), str(2**30)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"end": min(19, os.nice(0) + priority)}


def test_few_headers_are_looked_at_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may take half a gigabyte."""
    busy = most = 0

    async def slow(*_: object) -> dict[str, object]:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return {"error": {"status": 422, "kind": "unsupported", "message": "none"}}

    async def all_at_once() -> None:
        jobs = Jobs(ServerSettings(tmp_path / "service"))
        monkeypatch.setattr(jobs, "_run", slow)
        uploads = [jobs.new() for _ in range(8)]
        for upload in uploads:
            upload.open("a.mp4").write(b"x")
        told = await asyncio.gather(
            *(jobs.take(upload, VideoJobOptions(), PipelineConfig(), {}) for upload in uploads),
            return_exceptions=True,
        )
        assert all(isinstance(error, APIError) for error in told), told
        for upload in uploads:
            jobs.end(upload)
        await jobs.close()

    asyncio.run(all_at_once())
    assert most == 2
