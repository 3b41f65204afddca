"""A web site that has nothing of mien but the folder that ``mien web`` writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'"
)
"""As docs/element.md tells sites to have it."""

ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Site:
    """One that is served.

    Args:
        folder: What is served; tests put pages of their own there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.headers: dict[str, str] = {"Content-Security-Policy": POLICY}
        """Sent with every answer."""
        self.asked: list[str] = []
        """Paths, in the order in which they were asked for."""
        self.url = ""

    def page(self, name: str, body: str = "", script: str = "") -> str:
        """Write a page, whose script lies in a file of its own as the policy wants it; returns its address."""
        (self.folder / f"{name}.js").write_text(script, encoding="utf-8")
        text = f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><script type=module src={name}.js></script><main>{body}</main>"
        (self.folder / f"{name}.html").write_text(text, encoding="utf-8")
        return f"{self.url}/{name}.html"


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map: Mapping[str, str] = {  # type: ignore[assignment]
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".webm": "video/webm",
    }

    def __init__(self, *arguments: Any, site: Site) -> None:
        self._site = site
        super().__init__(*arguments, directory=str(site.folder))

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # A policy goes with each file.
        for name, value in self._site.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def send_head(self) -> Any:
        self._site.asked.append(self.path)
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    """The folder on a free port of this machine."""
    site = Site(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site=site))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
