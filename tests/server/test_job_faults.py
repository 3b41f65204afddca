"""A real service whose processes are killed, whose disk is full, whose clock jumps: nothing is lost,
nothing stays, nothing stalls.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from mien.server.settings import Limits
from mien.server.store import Store
from tests.server.service import HTTP, serving
from tests.server.test_serve_command import served
from tests.waiting import until

pytestmark = pytest.mark.slow

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and limits another process")


def send(url: str, path: Path, results: str = "result.jsonl", **fields: str) -> str:
    answer = HTTP.post(
        f"{url}v1/videos",
        files={"file": (path.name, path.read_bytes())},
        data={"results": results, **fields},
        timeout=90,
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def over(url: str, video: str) -> dict[str, Any]:
    """A video that is over."""

    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = HTTP.get(f"{url}v1/videos/{video}", timeout=60).json()
        return told if told["state"] in ("done", "failed") else None

    found: dict[str, Any] = until(look)
    return found


def worker(video: str, but: int = 0) -> int:
    """The process that reads a video; 0: there is none."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "read" in words and any(video in word for word in words) and int(place.parent.name) != but:
            return int(place.parent.name)
    return 0


def at_work(folder: Path, video: str, but: int = 0) -> int:
    """The process that reads a video, once it has begun to."""
    return worker(video, but) if (folder / "videos" / video / "working").exists() else 0


@linux
def test_what_reads_strangers_videos_knows_no_secret_and_works_in_the_videos_folder(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    state, temporary = tmp_path / "state", tmp_path / "tmp"
    temporary.mkdir()
    secrets = {
        "MIEN_TOKEN": "a-token-of-the-tests-0123",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "TMPDIR": str(temporary),
    }
    with (
        served("--folder", str(state), alone=False, **secrets) as (process, url),
        httpx.Client(headers={"Authorization": f"Bearer {secrets['MIEN_TOKEN']}"}) as client,
    ):
        answer = client.post(
            f"{url}v1/videos",
            files={"file": movie(300).read_bytes()},
            data={"results": "result.parquet"},
            timeout=90,
        )
        video = answer.json()["id"]
        number = until(lambda: at_work(state, video))
        told = (Path("/proc") / str(number) / "environ").read_bytes().decode().split("\0")
        assert not [line for line in told if "a-token-of" in line or "hidden" in line]
        assert f"TMPDIR={state / 'videos' / video / 'tmp'}" in told
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert time.monotonic() - began < 20
        assert not worker(video)
        assert not [path for path in temporary.rglob("*") if path.is_file()]


@linux
def test_a_video_that_ends_its_process_is_tried_once_more_and_then_fails(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip, state = movie(80), tmp_path / "state"
    with served("--folder", str(state)) as (_, url):
        once, twice = send(url, clip), send(url, clip)
        first = until(lambda: at_work(state, once))
        os.kill(first, signal.SIGKILL)
        assert over(url, once)["state"] == "done", "it was not the video's fault"
        first = until(lambda: at_work(state, twice))
        os.kill(first, signal.SIGKILL)
        os.kill(until(lambda: at_work(state, twice, first)), signal.SIGKILL)
        told = over(url, twice)
        assert (told["state"], told["error"]["kind"]) == ("failed", "broken")
        assert "did so again" in told["error"]["message"]
        assert [path.name for path in (state / "videos" / twice).iterdir() if path.name != "task.json"] == [
            "end.json"
        ]
        assert HTTP.get(f"{url}healthz").json()["status"] == "ok"


@linux
def test_a_video_that_ended_its_process_counts_over_restarts(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip, state = movie(80), tmp_path / "state"
    with served("--folder", str(state)) as (process, url):
        video = send(url, clip)
        first = until(lambda: at_work(state, video))
        os.kill(first, signal.SIGKILL)
        until(lambda: at_work(state, video, first))
        process.kill()
        process.wait()
        until(lambda: not worker(video))
    store = Store(state / "videos.sqlite")
    assert [(job.state, job.deaths) for job in store.all()] == [("running", 1)], (
        "the end of the service is not the video's fault"
    )
    store.close()
    with served("--folder", str(state)) as (_, url):
        os.kill(until(lambda: at_work(state, video)), signal.SIGKILL)
        assert over(url, video)["error"]["kind"] == "broken"


@contextmanager
def small_disk(place: Path) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A disk of a few megabytes, and what fills it and makes room again."""
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("needs root: a small disk has to be mounted")

    def fill(_: int) -> None:
        with open(place / "fill", "ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    try:
        yield fill, lambda _: (place / "fill").unlink()
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@contextmanager
def no_bytes(_: Path) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """No disk, but a service that may not write a byte to any file."""
    unlimited = resource.RLIM_INFINITY
    yield (
        lambda process: resource.prlimit(process, resource.RLIMIT_FSIZE, (0, unlimited)) and None,
        lambda process: resource.prlimit(process, resource.RLIMIT_FSIZE, (unlimited, unlimited)) and None,
    )


@linux
@pytest.mark.parametrize("disk", [small_disk, no_bytes])
def test_a_full_disk_stops_nothing_for_good(disk: Any, movie: Callable[..., Path], tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    long, short = movie(100, name="long.mp4"), movie(6, name="short.mp4")
    state = place / "state"
    with disk(place) as (fill, free), served("--folder", str(state)) as (process, url):

        def health() -> dict[str, Any]:
            told: dict[str, Any] = HTTP.get(f"{url}healthz").json()
            return told

        assert health()["status"] == "ok"
        kept = over(url, send(url, short))["id"]
        first, waiting = send(url, long), send(url, short)
        until(lambda: at_work(state, first))
        fill(process.pid)
        refused = HTTP.post(f"{url}v1/videos", files={"file": short.read_bytes()}, timeout=60)
        assert (refused.status_code, refused.json()["error"]["kind"]) == (507, "disk_full")
        told = health()
        assert told["status"] == "degraded"
        assert "the disk is full" in told["reason"]
        assert str(tmp_path) not in told["reason"]
        assert HTTP.get(f"{url}v1/videos/{kept}/result.jsonl").status_code == 200
        for video in (kept, waiting):
            assert HTTP.delete(f"{url}v1/videos/{video}", timeout=60).status_code == 204, (
                "a full disk is no reason to keep anything"
            )
            assert not (state / "videos" / video).exists()
            assert HTTP.get(f"{url}v1/videos/{video}").status_code == 404
        over_or_waits = HTTP.get(f"{url}v1/videos/{first}").json()["state"]
        assert over_or_waits in ("running", "failed", "waiting")
        free(process.pid)
        assert over(url, first)["state"] in ("done", "failed")
        assert over(url, send(url, short))["state"] == "done"
        until(lambda: health() == {**health(), "status": "ok", "reason": None})
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        store = Store(state / "videos.sqlite")
        assert {job.id for job in store.all()} & {kept, waiting} == set()
        store.close()


def test_results_count_against_the_space_while_they_are_written(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip = movie(300)
    limit, most = clip.stat().st_size + 60_000, 0
    with serving(tmp_path / "state", limits=replace(Limits(), job_bytes=limit)) as service:
        url = service.url
        video = send(url, clip, "result.jsonl,result.json,result.html,result.csv")
        videos = tmp_path / "state" / "videos"

        def look() -> bool:
            nonlocal most
            sizes = []
            for path in videos.rglob("*"):
                try:
                    sizes.append(path.stat().st_size if path.is_file() else 0)
                except OSError:
                    continue
            most = max(most, sum(sizes))
            return HTTP.get(f"{url}v1/videos/{video}").json()["state"] in ("done", "failed")

        until(look)
        told = over(url, video)
        assert (told["state"], told["error"]["status"], told["error"]["kind"]) == ("failed", 507, "no_room")
        assert most < 1.1 * limit + 50_000
        assert [path.name for path in (videos / video).iterdir() if path.name != "task.json"] == ["end.json"]
    # A short video keeps some 170 kB while it is read where that takes longer than a second: there is room
    # for it if nothing of the first is left.
    with serving(tmp_path / "state", limits=replace(Limits(), job_bytes=230_000)) as service:
        told = over(service.url, send(service.url, movie(5, name="short.mp4"), "result.csv"))
        assert told["state"] == "done", told["error"]


def test_a_jump_of_the_clock_neither_deletes_results_nor_keeps_them(
    movie: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, now, month = movie(5), time.time, 30 * 24 * 3600.0
    with serving(tmp_path / "kept") as service:
        kept = over(service.url, send(service.url, clip))["id"]
        for jump in (month, -month):
            monkeypatch.setattr(time, "time", lambda jump=jump: now() + jump)
            time.sleep(1.2)  # It has looked since.
            told = over(service.url, kept)
            assert abs(told["expires"] - (now() + jump) - 24 * 3600) < 120, f"as the clock is now: {jump}"
    for jump in (month, -month):
        monkeypatch.setattr(time, "time", lambda jump=jump: now() + jump)
        with serving(tmp_path / "kept") as service:
            time.sleep(1.2)
            assert over(service.url, kept)["state"] == "done", f"nor over a restart: {jump}"
    with serving(tmp_path / "kept", results_seconds=0.5) as service:
        until(lambda: HTTP.get(f"{service.url}v1/videos/{kept}").status_code == 404)
        assert not (tmp_path / "kept" / "videos" / kept).exists()
