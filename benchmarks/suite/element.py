"""How fast ``<mien-camera>`` is in Chromium on one core: ``python -m benchmarks.suite.element [CLIP] [--json FILE]``.

A site with what ``mien web`` writes, and a real browser whose camera is the clip (640x360, 30 frames a second): seconds
from opening the page, with an empty cache, until the element is ready, and frames that it reads a second. The
browser, with all its processes, and the site share one core. Limits: 1.5 s, 25 frames a second.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from benchmarks.lib.browser import chromium, fake_camera
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import CLIP
from benchmarks.lib.machine import describe, load
from mien.server.site import write_site

SIZE = (640, 360)
LIMITS = {"ready_s": 1.5, "frames_per_second": 25.0}
PAGE = """<!doctype html><html lang="en"><title>element</title><script type="module" src="mien/mien-camera.js"></script>
<script type="module" src="page.js"></script><mien-camera></mien-camera>"""
SCRIPT = """
const element = document.querySelector("mien-camera");
window.faces = 0;
window.milliseconds = [];
element.addEventListener("ready", () => { window.ready = performance.now(); });
element.addEventListener("faces", ({ detail }) => {
  window.faces += 1;
  window.milliseconds.push(detail.milliseconds);
});
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.element", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("clip", nargs="?", default=str(CLIP))
    parser.add_argument("--rounds", type=int, default=3, help="each with an empty cache")
    parser.add_argument("--seconds", type=float, default=15.0, help="for which frames are counted in a round")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "site"
        camera = fake_camera(Path(asked.clip), Path(place) / "camera.mjpeg", SIZE)
        write_site(folder / "mien")
        (folder / "index.html").write_text(PAGE, encoding="utf-8")
        (folder / "page.js").write_text(SCRIPT, encoding="utf-8")
        with _one_core(), _served(folder) as url, chromium(camera) as browser:
            rounds = [_round(browser, url, asked.seconds) for _ in range(asked.rounds)]
    medians = {name: float(np.median([one[name] for one in rounds])) for name in rounds[0]}
    ratios = {
        "ready_over_limit": round(medians["ready_s"] / LIMITS["ready_s"], 2),
        "frames_per_second_over_limit": round(medians["frames_per_second"] / LIMITS["frames_per_second"], 2),
    }
    result = {
        "machine": describe(),
        "element": medians,
        "rounds": rounds,
        "limits": LIMITS,
        **ratios,
        "load_after": load(),
    }
    print(json.dumps(result, indent=1))
    write_results(result, figures(medians), asked.json)


def figures(medians: dict[str, float]) -> list[Figure]:
    """What was promised of the element."""
    return [
        Figure("element, until it is ready, one core", medians["ready_s"], "s", LIMITS["ready_s"]),
        Figure(
            "element, 640x360, one core",
            medians["frames_per_second"],
            "frames a second",
            LIMITS["frames_per_second"],
            "at least",
        ),
    ]


def _round(browser: Browser, url: str, seconds: float) -> dict[str, float]:
    page = browser.new_context(viewport={"width": 800, "height": 700}).new_page()
    page.goto(url)
    page.wait_for_function("window.ready", timeout=120_000)
    ready = float(page.evaluate("ready")) / 1000
    page.locator("mien-camera button").click()
    page.wait_for_function("faces > 10", timeout=120_000)
    time.sleep(2)
    before, start = int(page.evaluate("faces")), time.perf_counter()
    time.sleep(seconds)
    rate = (int(page.evaluate("faces")) - before) / (time.perf_counter() - start)
    each = float(np.median(page.evaluate("milliseconds.slice(-200)")))
    page.context.close()
    return {"ready_s": round(ready, 2), "frames_per_second": round(rate, 1), "milliseconds": round(each, 1)}


@contextmanager
def _one_core() -> Iterator[None]:
    """What is started here runs on one core, where the system can tell."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main()
