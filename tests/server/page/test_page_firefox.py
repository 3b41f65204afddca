"""The page of the service in Firefox; the other files of this folder look at it in Chromium."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest

from tests.element.browsers import Tab, opened
from tests.server.page.visiting import FILM, PHOTOGRAPH
from tests.server.service import Service, encoded

UNTIL = """async (selector, text) => {
  const there = () => [...document.querySelectorAll(selector)].some((part) => part.textContent.includes(text));
  for (let waited = 0; !there(); waited++) {
    if (waited > 3000) throw new Error(`no ${text} in ${selector}: ${document.querySelector("#trouble").textContent}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return document.querySelector(selector).textContent;
}"""
CENTRE = """(id) => {
  const { x, y, width, height } = document.getElementById(id).getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with opened("firefox", tmp_path_factory.mktemp("firefox")) as tab:
        yield tab


def test_the_camera_and_a_file(service: Service, browser: Tab, astronaut: np.ndarray) -> None:
    browser.open(service.url)
    photograph = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    browser.run(f"({FILM})", 640, 480, 30, photograph)
    browser.run(UNTIL, "#readiness", "Ready.")
    browser.click(*browser.run(CENTRE, "start"))
    assert "%" in browser.run(UNTIL, "#people .person", "Person 1")
    browser.run(UNTIL, "#rate", "frames a second")
    file = base64.b64encode(encoded(astronaut)).decode()
    browser.run(
        """(file) => {
          const bytes = Uint8Array.from(atob(file), (sign) => sign.charCodeAt(0)), chosen = new DataTransfer();
          chosen.items.add(new File([bytes], "astronaut.png", { type: "image/png" }));
          const input = document.getElementById("choose");
          input.files = chosen.files;
          input.dispatchEvent(new Event("change"));
        }""",
        file,
    )
    assert "1 face: happy." in browser.run(UNTIL, "#results .result", "1 face")
    assert browser.problems == []
