"""How fast the page of ``mien serve`` is in Chromium: ``python -m benchmarks.suite.page [CLIP] [--json FILE]``.

A real service, a real browser whose camera is the clip (640x480, 30 frames a second), read on the device:
frames read per second, seconds until the camera can be started and until the first answer, bytes that the
page loads. Limits: 15 frames a second, 3 s, 25 MB. Beside it, in the same run, the server way: frames per
second and milliseconds from a frame to its answer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.lib.browser import chromium, fake_camera
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP
from benchmarks.lib.machine import describe, load
from benchmarks.lib.service import running

SIZE = (640, 480)
LIMITS = {"frames_per_second": 15.0, "ready_s": 3.0, "megabytes": 25.0}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.page", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("clip", nargs="?", default=str(CLIP))
    parser.add_argument("--rounds", type=int, default=3, help="each with an empty cache")
    parser.add_argument("--seconds", type=float, default=15.0, help="for which frames are counted in a round")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        camera = fake_camera(Path(asked.clip), Path(place) / "camera.mjpeg", SIZE)
        with running(Path(place)) as (url, _), chromium(camera) as browser:
            result = {
                "machine": describe(),
                **measured(browser, url, asked.rounds, asked.seconds),
                "load_after": load(),
            }
    print(json.dumps(result, indent=1))
    write_results(result, figures(result), asked.json)


def figures(result: dict[str, Any]) -> list[Figure]:
    """What was promised of the page."""
    device, server, limits = result["device"], result["server"]["frames_per_second"], result["limits"]
    rate = device["frames_per_second"]
    return [
        Figure(
            "page, on the device",
            rate,
            "frames a second",
            limits["frames_per_second"],
            "at least",
            "on the server",
            rate / server,
        ),
        Figure("page, until the camera can be started", device["ready_s"], "s", limits["ready_s"]),
        Figure("page, all that it loads", device["megabytes"], "MB", limits["megabytes"]),
    ]


def measured(browser: Browser, url: str, count: int, seconds: float) -> dict[str, Any]:
    """Medians of some rounds, each with an empty cache."""
    rounds = [_round(browser, url, seconds) for _ in range(count)]
    medians = {name: float(np.median([one[name] for one in rounds])) for name in rounds[0]}
    server = _way(browser, url, "server", seconds)
    ratios = {
        "frames_per_second_over_limit": round(medians["frames_per_second"] / LIMITS["frames_per_second"], 2),
        "ready_over_limit": round(medians["ready_s"] / LIMITS["ready_s"], 2),
        "megabytes_over_limit": round(medians["megabytes"] / LIMITS["megabytes"], 2),
    }
    return {
        "chromium": browser.version,
        "device": medians,
        "rounds": rounds,
        "server": server,
        "limits": LIMITS,
        **ratios,
    }


def _round(browser: Browser, url: str, seconds: float) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    bytes_loaded: list[float] = []
    network.on("Network.loadingFinished", lambda event: bytes_loaded.append(event["encodedDataLength"]))
    served: list[int] = []
    # What the worker loads is told by the sizes that the server gives.
    page.on("response", lambda response: served.append(int(response.headers.get("content-length", 0))))
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("#start:enabled", timeout=120_000)
    ready = time.perf_counter() - start
    begun = time.perf_counter()
    page.click("#start")
    _until(page, 1)
    first = time.perf_counter() - begun
    speed = _speed(page, seconds)
    context.close()
    return {
        "ready_s": round(ready, 2),
        "first_answer_s": round(first, 2),
        "megabytes": round(max(sum(served), sum(bytes_loaded)) / 1e6, 2),
        **speed,
    }


def _way(browser: Browser, url: str, way: str, seconds: float) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#start:enabled", timeout=120_000)
    page.locator(f"label:has(input[value={way}])").click()
    page.wait_for_selector("#start:enabled", timeout=120_000)
    page.click("#start")
    _until(page, 1)
    speed = _speed(page, seconds)
    context.close()
    return speed


def _speed(page: Page, seconds: float) -> dict[str, float]:
    """Frames read per second, after two seconds of warming up, and the middle of the milliseconds that one
    takes, as the page tells it.
    """
    time.sleep(2)
    count, start = _results(page), time.perf_counter()
    time.sleep(seconds)
    rate = (_results(page) - count) / (time.perf_counter() - start)
    told = page.locator("#rate").inner_text()
    return {"frames_per_second": round(rate, 1), "milliseconds": float(told.split(",")[1].split()[0])}


def _results(page: Page) -> int:
    return int(page.evaluate("document.documentElement.dataset.results ?? 0"))


def _until(page: Page, count: int) -> None:
    page.wait_for_function(
        "(count) => Number(document.documentElement.dataset.results ?? 0) >= count",
        arg=count,
        timeout=120_000,
    )


if __name__ == "__main__":
    main()
