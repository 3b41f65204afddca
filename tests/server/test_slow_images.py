"""Images that take long or much: refused in time, while others are answered, and within the memory that
there is for all.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

import httpx
import numpy as np
import pytest

from mien.server.limits import Memory
from mien.server.settings import Limits
from tests.media.slow_files import many_scans, png, qoi
from tests.server.service import encoded, serving, talk
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("slow", [partial(qoi, 3000), partial(many_scans, 7000, 80)], ids=["qoi", "scans"])
def test_slow_images_are_ended_while_others_are_answered(
    tmp_path: Path, portrait: np.ndarray, slow: Callable[[], bytes]
) -> None:
    image = slow()  # Not as a parameter: every process that collects this test would make it.
    with serving(tmp_path, limits=replace(Limits(), decode_seconds=1)) as service:
        good = encoded(portrait, "JPEG")
        assert service.client.post("/v1/images", files={"file": good}).status_code == 200
        with ThreadPoolExecutor(8) as clients:
            waiting = [
                clients.submit(httpx.post, f"{service.url}v1/images", files={"file": image}, timeout=120)
                for _ in range(4)
            ]
            assert talk(service, {"type": "start"}, [good])[1]["status"] == "face", (
                "frames do not wait for images"
            )
            assert service.client.get("/healthz").status_code == 200
            answers = [one.result() for one in waiting]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "too_complex")
            assert "decoded within 1 s" in answer.json()["error"]["message"]
        assert service.client.post("/v1/images", files={"file": good}).json()["images"][0]["status"] == "face"


def test_slow_frames_are_told(tmp_path: Path) -> None:
    slow = qoi(1900)
    with serving(tmp_path, limits=replace(Limits(), decode_seconds=0.5, frame_pixels=4_000_000)) as service:
        told = talk(service, {"type": "start"}, [slow] * 3)
        assert [one["error"]["kind"] for one in told[1:4]] == ["too_complex"] * 3


def test_an_image_that_takes_more_memory_than_there_is(tmp_path: Path) -> None:
    with serving(tmp_path, limits=replace(Limits(), decoded_bytes=50_000_000)) as service:
        answer = service.client.post("/v1/images", files={"file": png(4000, 8, 2)})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")
        assert "at most 50,000,000 bytes" in answer.json()["error"]["message"]
        assert service.client.post("/v1/images", files={"file": png(400, 8, 2)}).status_code == 200


def test_memory_is_shared_in_turn() -> None:
    memory, held, most, together = Memory(100), [0], [0], threading.Event()

    def use(amount: int) -> None:
        with memory.taken(amount):
            held[0] += amount
            most[0] = max(most[0], held[0])
            if held[0] > 60:
                together.set()
            together.wait(1)
            held[0] -= amount

    threads = [threading.Thread(target=use, args=(amount,)) for amount in (60, 60, 30, 100, 30, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert memory.free == 100
    assert 60 < most[0] <= 100


def tree(pid: int) -> set[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for thread in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):  # It has just ended.
                found += [int(child) for child in thread.read_text().split()]
    return set(found)


def used(pid: int) -> int:
    """Bytes that all of them take together (PSS)."""
    total = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def drained(pipe: IO[str]) -> None:
    with pipe:
        pipe.read()


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--folder", str(folder), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "http://" in line:
            threading.Thread(target=drained, args=(process.stderr,), daemon=True).start()
            return process, "http://" + line.split("http://")[1].split()[0]
    raise AssertionError("the service did not start")


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_eight_large_images_at_once_stay_within_a_gigabyte(tmp_path: Path) -> None:
    process, url = started(tmp_path, "--decode-seconds", "30")
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, used(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(8) as clients:
            asked = [
                clients.submit(httpx.post, f"{url}v1/images", files={"file": png(4000, 16, 0)}, timeout=300)
                for _ in range(8)
            ]
            assert {one.result().status_code for one in asked} == {200}
    finally:
        over.set()
        watcher.join()
        process.kill()
        process.wait()
    assert 200e6 < peak < 1e9, peak


_HELD = """
import sys
from mien.server.resources import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1:]:
    give_back(2**22)
before = resident()
for _ in range(3):
    block, small = bytearray(b"1") * 20_000_000, [bytearray(1000) for _ in range(100)]
    del block
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_large_blocks_go_back_to_the_system() -> None:
    kept, given = (
        int(subprocess.run([sys.executable, "-c", _HELD, *words], capture_output=True, check=True).stdout)
        for words in ([], ["back"])
    )
    assert given < 5_000_000
    assert kept > 15_000_000, "so does the C library without being told: `give_back` is not needed any more"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_the_end_does_not_wait_for_an_image(tmp_path: Path, signals: list[signal.Signals]) -> None:
    process, url = started(tmp_path, "--decode-seconds", "300")
    with ThreadPoolExecutor(4) as clients:
        asked = [
            clients.submit(httpx.post, f"{url}v1/images", files={"file": qoi(4900)}, timeout=300)
            for _ in range(4)
        ]
        below = until(lambda: tree(process.pid) - {process.pid})
        time.sleep(1)  # They decode.
        began = time.monotonic()
        for one in signals:
            process.send_signal(one)
            time.sleep(0.3)
        process.wait(60)
        assert time.monotonic() - began < 30, "5 s where the machine is not busy"
        for answer in asked:
            assert answer.exception(30) is not None or answer.result().status_code >= 400
    until(lambda: not [one for one in below if Path(f"/proc/{one}").exists()], 30)
