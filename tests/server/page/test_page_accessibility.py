"""No state of the page has anything that axe-core finds fault with: light and dark, on a desktop and a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.server.settings import OwnSource
from tests.server.page.visiting import PHONE, Visit, Visiting
from tests.server.service import encoded, serving

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TOKEN = "sesame-sesame-sesame"

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm ci in web/ (make test does)")

LOOKS = {
    "desktop-light": {"color_scheme": "light"},
    "desktop-dark": {"color_scheme": "dark"},
    "phone-light": {"color_scheme": "light", **PHONE},
    "phone-dark": {"color_scheme": "dark", **PHONE},
}
each_look = pytest.mark.parametrize("look", LOOKS)


def violations(visit: Visit) -> list[str]:
    """What axe-core finds, by its default rules; a line for each kind, with where it is."""
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = visit.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['target'] for node in one['nodes']]}"
        for one in found["violations"]
    ]


def check(visit: Visit, name: str) -> None:
    assert violations(visit) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    visit.shot(name, whole="booth" not in name)


def test_axe_finds_faults(visit: Visit) -> None:
    """So that the other tests can fail."""
    visit.ready()
    visit.page.evaluate("document.querySelector('#start').textContent = ''")
    assert [line.split()[0] for line in violations(visit)] == ["button-name"]


@each_look
def test_the_camera_and_its_booth(visiting: Visiting, look: str) -> None:
    with visiting(**LOOKS[look]) as visit:
        page = visit.page
        visit.ready()
        check(visit, f"{look}-welcome")
        page.click("#start")
        visit.wait_for_results(10)
        check(visit, f"{look}-camera")
        page.click("#pause")
        check(visit, f"{look}-paused")
        page.click("#pause")
        page.click("#booth-open")
        page.select_option("#booth-when", "")
        page.click("#booth-shoot")
        page.wait_for_selector("#booth-count:not(:empty)")
        check(visit, f"{look}-booth-countdown")
        page.wait_for_selector("#photos img")
        check(visit, f"{look}-booth")
        page.click("#booth-leave")
        check(visit, f"{look}-photos")
        assert not visit.problems


@each_look
def test_nobody_in_view_and_no_camera(visiting: Visiting, look: str) -> None:
    with visiting("about:blank", **LOOKS[look]) as visit:
        page = visit.page
        visit.film(640, 360, rate=10)
        page.goto(visit.home)
        visit.ready()
        page.click("#start")
        visit.wait_for_results(8)
        assert "Nobody in view" in page.locator("#group").inner_text()
        check(visit, f"{look}-nobody")
        page.click("#stop")
        page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }"
        )
        page.click("#start")
        page.wait_for_selector("#trouble:not([hidden])")
        check(visit, f"{look}-refused")


@each_look
@pytest.mark.parametrize("way", ["device", "server"])
def test_files(
    visiting: Visiting, look: str, way: str, astronaut: np.ndarray, movie: Callable[..., Path]
) -> None:
    with visiting(**LOOKS[look]) as visit:
        page = visit.page
        visit.ready()
        visit.choose(way)
        given = [
            ("seen.png", "image/png", encoded(astronaut)),
            ("nobody.png", "image/png", encoded(np.full((90, 120, 3), 128, np.uint8))),
            ("notes.txt", "text/plain", b"Dear all"),
        ]
        if way == "device" or look == "desktop-dark":  # The server draws a video for long.
            given.append(("walk.mp4", "video/mp4", movie(10, name="walk.mp4").read_bytes()))
        files: list[Any] = [
            {"name": name, "mimeType": kind, "buffer": content} for name, kind, content in given
        ]
        page.set_input_files("#choose", files)
        check(visit, f"{look}-files-on-their-way-{way}")
        for name, _, _ in given:
            page.wait_for_selector(f".result[aria-label='{name}'][data-state]")
        assert page.locator(".result[data-state=failed]").count() == 1
        check(visit, f"{look}-files-{way}")


@each_look
def test_the_source_of_the_server_and_the_token(
    visiting: Visiting, look: str, tmp_path: Path, movie: Callable[..., Path]
) -> None:
    source = OwnSource(f"live:{movie(200)}")
    with (
        serving(tmp_path / "service", source=source, token=TOKEN) as service,
        visiting(service.url, **LOOKS[look]) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        check(visit, f"{look}-source-welcome")
        page.click("#start")
        page.wait_for_selector("#login[open]")
        check(visit, f"{look}-login")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        visit.wait_for_results(5)
        check(visit, f"{look}-source")
