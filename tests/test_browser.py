"""Annotated videos play in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from mien import Pipeline, analyze
from mien.annotate import annotate_recording
from mien.media import open_media

PAGE = """<!doctype html><video id="v" src="seen.mp4" muted></video><script>
const tell = (what) => fetch("/told?" + new URLSearchParams(what));
v.onerror = () => tell({ error: v.error.message || v.error.code });
v.onended = () => tell({ time: v.currentTime, width: v.videoWidth, frames: v.getVideoPlaybackQuality().totalVideoFrames });
v.play().catch((error) => tell({ error }));
</script>"""


class _Pages(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what the page tells."""

    told: dict[str, list[str]]
    heard: threading.Event

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path == "/told":
            type(self).told = parse_qs(url.query)
            self.send_response(204)
            self.end_headers()
            self.heard.set()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_an_annotated_video_plays_in_chromium(movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")
    [recording] = analyze(clip := movie(20), pipeline=pipeline)
    with open_media(clip) as media:
        annotate_recording(tmp_path / "seen.mp4", media, recording.readings())
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    handler = type("Pages", (_Pages,), {"told": {}, "heard": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        quiet = ["gpu", "quic", "background-networking", "component-update", "sync"]
        options = [
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={tmp_path / 'profile'}",
            *(f"--disable-{part}" for part in quiet),
        ]
        page = f"http://127.0.0.1:{server.server_port}/"
        process = subprocess.Popen([browser, *options, page], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert handler.heard.wait(60), "the page never told how it went"
        finally:
            process.kill()
            process.wait()
            server.shutdown()
    assert "error" not in handler.told
    assert handler.told["width"] == ["240"]
    assert float(handler.told["time"][0]) == pytest.approx(2.0, abs=0.2)
    assert int(handler.told["frames"][0]) >= 10
