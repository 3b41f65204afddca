from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mien.server.broadcast import unpacked
from tests.commands import run_mien
from tests.server.service import HTTP
from tests.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests-0123"


def command(*options: str, alone: bool = False, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mien", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=alone,
    )


@contextmanager
def served(
    *options: str, alone: bool = False, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, running, and the address that it tells."""
    process = command("--port", "0", *options, alone=alone, **environment)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("mien serves http://"), line + process.stderr.read()
        yield process, line.split()[2]
    finally:
        process.kill()
        process.communicate()


def test_it_answers_until_it_is_told_to_end(tmp_path: Path) -> None:
    with served("--folder", str(tmp_path / "service")) as (process, url):
        assert HTTP.get(f"{url}healthz").json()["status"] == "ok"
        process.send_signal(signal.SIGTERM)  # The other tests send SIGINT.
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_stop_as_soon_as_it_tells_its_address_ends_it(tmp_path: Path) -> None:
    for _ in range(2):  # The server's own handlers come some milliseconds after that.
        with served("--folder", str(tmp_path / "service")) as (process, _url):
            process.send_signal(signal.SIGINT)
            assert (process.wait(30), process.communicate()) == (0, ("", ""))


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no process groups as terminals stop them")
@pytest.mark.parametrize("stage", ["waiting", "running"])
def test_ctrl_c_at_a_terminal_loses_no_job(tmp_path: Path, movie: Callable[..., Path], stage: str) -> None:
    """SIGINT to the whole group, as a terminal sends it, twice as of somebody in a hurry."""
    options = ("--folder", str(tmp_path / "service"))
    with served(*options, alone=True) as (process, url):
        video = HTTP.post(
            f"{url}v1/videos",
            files={"file": ("talk.mp4", movie(80).read_bytes())},
            data={"results": "result.csv"},
        ).json()["id"]
        if stage == "running":
            until(lambda: HTTP.get(f"{url}v1/videos/{video}").json()["frames"], 60)
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.05)
        assert (process.wait(30), process.communicate()) == (0, ("", ""))
    with served(*options) as (_, url):
        until(lambda: HTTP.get(f"{url}v1/videos/{video}").json()["state"] == "done", 120)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no process groups as terminals stop them")
def test_two_stops_as_soon_as_it_tells_its_address(tmp_path: Path) -> None:
    for pause in (0.0, 0.05, 0.2):
        with served("--folder", str(tmp_path / "service"), alone=True) as (process, _url):
            for _ in range(2):
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(pause)
            assert (process.wait(30), process.communicate()) == (0, ("", ""))


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no process groups as terminals stop them")
def test_stops_until_nothing_is_left_of_it(tmp_path: Path) -> None:
    """As of a key held down: also while Python itself ends, which gives signals back to the system."""
    with served("--folder", str(tmp_path / "service"), alone=True) as (process, _url):
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.002)
        assert (process.poll(), process.communicate()) == (0, ("", ""))


def test_a_token_for_others(tmp_path: Path) -> None:
    with served("--folder", str(tmp_path / "service"), "--host", "0.0.0.0", MIEN_TOKEN=TOKEN) as (
        process,
        url,
    ):
        port = httpx.URL(url).port
        assert HTTP.get(f"http://127.0.0.1:{port}/v1/models").status_code == 401
        assert (
            HTTP.get(
                f"http://127.0.0.1:{port}/v1/models", headers={"authorization": f"Bearer {TOKEN}"}
            ).status_code
            == 200
        )
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{port}/v1/stream")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "", "refusals are told to the client, and to nobody else"


def test_what_cannot_be_served_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, words in (
            (["--host", "0.0.0.0"], "expected a token where others can reach the service"),
            (["--port", port], "Address already in use"),
            (["--model", "nothing"], "expected a path to an ONNX file"),
            (["--photos", __file__], "expected the folder in which rules save photos; got a file"),
        ):
            ended = run_mien("serve", "--folder", tmp_path / "service", *options)
            assert ended.returncode in (2, 4), (options, ended.stderr)
            assert ended.stdout == ""
            assert ended.stderr.startswith("mien: ")
            assert words in ended.stderr
            assert ended.stderr.count("\n") == 1, ended.stderr


def test_a_source_of_its_own_is_shown(tmp_path: Path, movie: Callable[..., Path]) -> None:
    with served(
        "--folder",
        str(tmp_path / "service"),
        "--source",
        f"live:{movie(200)}",
        "--blur",
        "all",
        "--fps",
        "5",
    ) as (process, url):
        told = HTTP.get(f"{url}v1/source").json()
        assert (told["source"], told["state"], told["covered"]) == ("live:clip.mp4", "resting", True)
        with connect(f"{url}v1/source".replace("http", "ws")) as socket:
            frames: list[Any] = []
            while len(frames) < 4:
                socket.send('{"type": "next"}')
                message = socket.recv(timeout=60)
                if isinstance(message, bytes):
                    frames.append(unpacked(message)[0])
        assert all(after["time"] - before["time"] > 0.15 for before, after in pairwise(frames)), (
            "five a second"
        )
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")


def test_a_source_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    missing = f"live:{tmp_path / 'none.mp4'}"
    for options, words in (
        (["--source", "talk.mp4"], "for a file write live:talk.mp4"),
        (["--source", missing], "none.mp4"),
        (["--source", missing, "--blur", "faces"], "blur: expected all"),
        (["--blur", "all"], "expected --source with --blur"),
        (["--capture-fps", "5"], "expected --source with --blur"),
    ):
        ended = run_mien("serve", "--folder", tmp_path / "service", *options)
        assert ended.returncode == (1 if words == "none.mp4" else 2), (options, ended.stderr)
        assert (ended.stdout, ended.stderr.count("\n")) == ("", 1), ended.stderr
        assert words in ended.stderr


def test_killed_in_the_middle_of_a_video_it_goes_on_and_leaves_no_process(
    tmp_path: Path, movie: Callable[..., Path]
) -> None:
    folder = tmp_path / "state"
    with served("--folder", str(folder)) as (process, url):
        video = HTTP.post(
            f"{url}v1/videos",
            files={"file": movie(500).read_bytes()},
            data={"results": "result.jsonl"},
            timeout=60,
        ).json()["id"]
        checkpoints = folder / "videos" / video / "checkpoint" / "0" / "000000.npz"
        while not checkpoints.exists():
            assert HTTP.get(f"{url}v1/videos/{video}").json()["state"] in ("waiting", "running")
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not _at_work(video))  # What reads the video ends with the service.
    with served("--folder", str(folder)) as (_, url):
        events = HTTP.get(f"{url}v1/videos/{video}/events", timeout=100).text
        assert events.strip().splitlines()[-2] == "event: done"
        rows = [
            json.loads(line) for line in HTTP.get(f"{url}v1/videos/{video}/result.jsonl").text.splitlines()
        ]
        assert sorted({row["frame"] for row in rows}) == list(range(500))


def _at_work(video: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if video in place.read_text():
                return True
        except OSError:
            continue
    return False


def test_the_photos_of_rules_are_shown_without_a_source(tmp_path: Path) -> None:
    name = "2026-11-20T19-33-12.400+00-00-smile-6d0f5b.jpg"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / name).write_bytes(b"photo")
    with served("--folder", str(tmp_path / "service"), "--photos", str(tmp_path / "photos")) as (
        process,
        url,
    ):
        assert HTTP.get(f"{url}v1/photos").json()["photos"] == [{"name": name, "url": f"/v1/photos/{name}"}]
        assert HTTP.get(f"{url}v1/photos/{name}").content == b"photo"
        assert str(tmp_path) not in HTTP.get(f"{url}v1/page").text
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""


def test_offers_tokens_rates_and_a_prefix(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"anna {TOKEN}\n")
    options = [
        "--folder",
        str(tmp_path / "service"),
        "--offer",
        "nano",
        "--offer",
        "whole",
        "--tokens",
        str(path),
    ]
    path.chmod(0o644)
    ended = run_mien("serve", *options)
    assert ended.returncode == 2
    assert "others can read them: run chmod 600" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    path.chmod(0o600)
    with served(*options, "--rate-limit", "0.01", "--burst", "2", "--prefix", "/mien/") as (_, url):
        bearer = {"authorization": f"Bearer {TOKEN}"}
        answers = [HTTP.get(f"{url}mien/v1/models", headers=bearer) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        told = answers[0].json()
        assert [model["name"] for model in told["models"] if model["offered"]] == ["small-int8", "nano"]
        assert told["detectors"] == ["mtcnn", "whole"]
        assert told["models"][1]["url"] == "/mien/networks/nano.onnx"
