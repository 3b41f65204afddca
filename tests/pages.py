"""Pages in the Chromium that is installed, as somebody sees them: light, dark, on a phone, on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
DESK, PHONE, A4 = 1100, 390, 700
"""Widths in px; the last one is what is left of a sheet between its margins."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each file of tests, as its loop would be in the way of others."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Browser, path: Path, width: int = DESK, scheme: str = "light") -> Iterator[Page]:
    """A page of a file, in which nothing went wrong. One page shows all, one after the other: each of its own would start
    a process, for half a second of a core.
    """
    # The page's own policy forbids scripts from elsewhere, such as those of a test.
    [context] = browser.contexts or [browser.new_context(bypass_csp=True)]
    [page] = context.pages or [context.new_page()]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media="screen", color_scheme=scheme)  # type: ignore[arg-type]
    problems: list[str] = []

    def note(error: Error) -> None:
        problems.append(str(error))

    page.on("pageerror", note)
    page.goto(path.as_uri())
    yield page
    page.remove_listener("pageerror", note)
    assert problems == []


def violations(page: Page) -> list[Any]:
    """What axe finds wrong for people who see little, or nothing, or use no mouse."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: make web/node_modules/.ready")
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then((told) => told.violations)")
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
