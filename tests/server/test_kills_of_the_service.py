"""``mien serve`` killed at random moments while it reads a video: the result is that of a service to which
nothing happened.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.service import HTTP
from tests.server.test_serve_command import served
from tests.soak import kills
from tests.waiting import until

pytestmark = pytest.mark.slow

KILLS = kills(3)


def state(url: str, video: str) -> str:
    told: str = HTTP.get(f"{url}v1/videos/{video}", timeout=60).json()["state"]
    return told


def result(url: str, video: str) -> bytes:
    """The rows of a video, when it is done."""
    until(lambda: state(url, video) in ("done", "failed"), 120)
    assert state(url, video) == "done"
    answer = HTTP.get(f"{url}v1/videos/{video}/result.jsonl", timeout=60)
    assert answer.status_code == 200
    return answer.content


def sent(url: str, film: bytes) -> str:
    answer = HTTP.post(
        f"{url}v1/videos", files={"file": ("talk.mp4", film)}, data={"results": "result.jsonl"}, timeout=60
    )
    assert answer.status_code == 202, answer.text
    video: str = answer.json()["id"]
    return video


def pieces(folder: Path, video: str) -> int:
    """How far the reading of a video has come, as it is kept."""
    return len(list((folder / "videos" / video / "checkpoint").rglob("*.npz")))


@pytest.mark.timeout(180 + 60 * KILLS)
def test_services_killed_at_any_moment_come_to_the_same_results(
    tmp_path: Path, movie: Callable[..., Path]
) -> None:
    """Whenever two kills find no more read than the first did, the video would rightly be held for what
    kills: then it is left alone.
    """
    film, folder = movie(120).read_bytes(), tmp_path / "state"
    with served("--folder", str(folder)) as (_, url):
        undisturbed = result(url, sent(url, film))
    assert undisturbed.count(b"\n") >= 120
    chance, count, videos = random.Random(KILLS), 0, []
    while count < KILLS:
        with served("--folder", str(folder)) as (process, url):
            videos.append(sent(url, film))
            time.sleep(chance.uniform(0.0, 3.0))
            process.kill()
            count += 1
        before, again = -1, pieces(folder, videos[-1])
        while again > before and count < KILLS:
            with served("--folder", str(folder)) as (process, _):
                time.sleep(chance.uniform(0.0, 3.0))
                process.kill()
                count += 1
            before, again = again, pieces(folder, videos[-1])
        with served("--folder", str(folder)) as (_, url):
            for video in videos:
                assert result(url, video) == undisturbed
                left = sorted(path.name for path in (folder / "videos" / video).iterdir())
                assert left == ["end.json", "results", "task.json"]
