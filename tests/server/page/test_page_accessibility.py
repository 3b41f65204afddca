"""No state of the page has anything that axe-core finds fault with: light and dark, on a desktop and a phone.

Each state is reached once on each screen, those of the camera and of files in one visit, and looked at in light and in
dark: what differs are colours, and they follow what the browser prefers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from mien.server.settings import OwnSource
from tests.server.page.visiting import PHONE, Visit, Visiting
from tests.server.service import encoded, serving

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TOKEN = "sesame-sesame-sesame"

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm ci in web/ (make test does)")

SCREENS: dict[str, dict[str, Any]] = {"desktop": {}, "phone": PHONE}
each_screen = pytest.mark.parametrize("screen", SCREENS)
COLOURS = ("color-contrast", "link-in-text-block")
"""What axe-core's default rules say about colours."""
FADED = "async () => { await Promise.allSettled(document.getAnimations().map(({ finished }) => finished)); }"
"""Buttons change their colours within some tenths of a second."""


def violations(visit: Visit, *rules: str) -> list[str]:
    """What axe-core finds, by its default rules or by these; a line for each kind, with where it is."""
    if visit.page.evaluate("!('axe' in globalThis)"):
        visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = visit.page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['target'] for node in one['nodes']]}"
        for one in found["violations"]
    ]


def check(visit: Visit, screen: str, state: str) -> None:
    """By all rules in one scheme, by those of colours in the other; of a state that passes, the phone's dark and the
    desktop's light come first.
    """
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for number, scheme in enumerate(schemes if screen == "desktop" else reversed(schemes)):
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.evaluate(FADED)
        assert violations(visit, *COLOURS * number) == [], f"{state}, {scheme}"
        visit.shot(f"{screen}-{scheme}-{state}", whole="booth" not in state)
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{state}: wider than the screen"
    )


def test_axe_finds_faults(visit: Visit) -> None:
    """So that the other tests can fail."""
    visit.ready()
    visit.page.evaluate("document.querySelector('#start').textContent = ''")
    visit.page.evaluate("document.querySelector('#device-note').style.color = '#bbb'")
    assert {line.split()[0] for line in violations(visit)} == {"button-name", "color-contrast"}
    assert [line.split()[0] for line in violations(visit, *COLOURS)] == ["color-contrast"]


@each_screen
def test_the_camera_its_booth_and_files(
    visiting: Visiting, screen: str, astronaut: np.ndarray, movie: Callable[..., Path]
) -> None:
    with visiting("about:blank", **SCREENS[screen]) as visit:
        page = visit.page
        visit.film(640, 480, rate=5, face=True)  # Few frames, so that there is time for axe between them.
        page.goto(visit.home)
        visit.ready()
        check(visit, screen, "welcome")
        page.click("#start")
        visit.wait_for_results(5)
        assert page.locator("#people .person").count() == 1
        check(visit, screen, "camera")
        page.check("#landmarks")
        page.wait_for_function("() => /yaw/.test(document.querySelector('.measures')?.textContent ?? '')")
        check(visit, screen, "landmarks")
        page.uncheck("#landmarks")
        page.click("#pause")
        check(visit, screen, "paused")
        page.click("#pause")
        page.click("#booth-open")
        page.select_option("#booth-when", "")
        page.click("#booth-shoot")
        page.wait_for_selector("#booth-count:not(:empty)")
        check(visit, screen, "booth-countdown")
        page.wait_for_selector("#photos img")
        check(visit, screen, "booth")
        page.click("#booth-leave")
        check(visit, screen, "photos")
        page.click("#stop")
        visit.film(640, 360, rate=10)
        page.click("#start")
        visit.wait_for_results(8)
        assert "Nobody in view" in page.locator("#group").inner_text()
        check(visit, screen, "nobody")
        page.click("#stop")
        page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }"
        )
        page.click("#start")
        page.wait_for_selector("#trouble:not([hidden])")
        check(visit, screen, "refused")
        assert not visit.problems
        for way in ("device", "server"):
            visit.choose(way)
            give_files(visit, screen, way, astronaut, movie)


def give_files(
    visit: Visit, screen: str, way: str, astronaut: np.ndarray, movie: Callable[..., Path]
) -> None:
    """A face, nobody, what is no image, and a video."""
    given = [
        ("seen.png", "image/png", encoded(astronaut)),
        ("nobody.png", "image/png", encoded(np.full((90, 120, 3), 128, np.uint8))),
        ("notes.txt", "text/plain", b"Dear all"),
    ]
    if way == "device" or screen == "desktop":  # The server draws a video for long.
        given.append(("walk.mp4", "video/mp4", movie(10, name="walk.mp4").read_bytes()))
    files: list[Any] = [{"name": name, "mimeType": kind, "buffer": content} for name, kind, content in given]
    visit.page.set_input_files("#choose", files)
    check(visit, screen, f"files-on-their-way-{way}")
    for name, _, _ in given:
        visit.page.wait_for_selector(f".result[aria-label='{name}'][data-state]")
    assert visit.page.locator(".result[data-state=failed]").count() == 1, way
    check(visit, screen, f"files-{way}")
    for name, _, _ in given:
        visit.page.get_by_role("button", name=f"Remove {name}").click()


@each_screen
@pytest.mark.usefixtures("without_npm")
def test_the_source_of_the_server_and_the_token(
    visiting: Visiting, screen: str, tmp_path: Path, movie: Callable[..., Path]
) -> None:
    source = OwnSource(f"live:{movie(200)}")
    with (
        serving(tmp_path / "service", source=source, token=TOKEN) as service,
        visiting(service.url, **SCREENS[screen]) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        check(visit, screen, "source-welcome")
        page.click("#start")
        page.wait_for_selector("#login[open]")
        check(visit, screen, "login")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        visit.wait_for_results(5)
        check(visit, screen, "source")
