"""Chromium and Firefox behind one interface, for pages of others that use what ``mien web`` writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.element.firefox import Connection, firefox

NAMES = ("chromium", "firefox")
_PACKAGES = {"chromium": "chromium", "firefox": "firefox-esr"}


class Tab(Protocol):
    """A page that is open in a browser."""

    @property
    def problems(self) -> list[str]:
        """Errors and warnings in its console."""

    def open(self, url: str) -> None:
        """Leave the page for another, and wait until that is loaded."""

    def run(self, function: str, *arguments: Any) -> Any:
        """Call a function of JavaScript, and wait for what it promises; plain values go in and come out."""

    def click(self, x: float, y: float) -> None:
        """Press the mouse's button at a place in px: a gesture of the user."""


BUTTON = """(id) => {
  const button = document.getElementById(id).shadowRoot.querySelector("button");
  button.scrollIntoView({ block: "center" });
  const { x, y, width, height } = button.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""
"""Where the button of an element is, in px; it is in sight then."""


class ChromiumTab:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.set_default_timeout(90_000)
        page.on(
            "console",
            lambda told: self.problems.append(told.text) if told.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, url: str) -> None:
        self.problems.clear()
        self.page.goto(url)

    def run(self, function: str, *arguments: Any) -> Any:
        return self.page.evaluate(f"(given) => ({function})(...given)", list(arguments))

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(x, y)


class FirefoxTab:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._context = connection.ask("browsingContext.getTree")["contexts"][0]["context"]

    @property
    def problems(self) -> list[str]:
        return [str(told["text"]) for told in self._connection.said if told["level"] in ("error", "warn")]

    def open(self, url: str) -> None:
        self._connection.said.clear()
        self._connection.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def run(self, function: str, *arguments: Any) -> Any:
        told = self._connection.ask(
            "script.callFunction",
            functionDeclaration=f"async (given) => JSON.stringify((await ({function})(...JSON.parse(given))) ?? null)",
            awaitPromise=True,
            target={"context": self._context},
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
        )
        if told["type"] == "exception":
            raise RuntimeError(told["exceptionDetails"]["text"])
        return json.loads(told["result"]["value"])

    def click(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        press = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        source = {"type": "pointer", "id": "mouse", "actions": [move, *press]}
        self._connection.ask("input.performActions", context=self._context, actions=[source])


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Tab]:
    """A tab in one of the browsers, whose camera is a pattern that moves and is given without a question."""
    program = shutil.which(_PACKAGES[name]) or shutil.which(name)
    if program is None:
        pytest.skip(f"no {name} on this machine: apt-get install {_PACKAGES[name]} (.ci/run does)")
    if name == "firefox":
        with firefox(program, folder) as connection:
            yield FirefoxTab(connection)
        return
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", *fake]
        )
        yield ChromiumTab(chromium.new_context().new_page())
        chromium.close()
