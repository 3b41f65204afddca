"""The page with a camera: both ways, without a connection, paused, by keyboard. On a phone: test_page_accessibility.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.core.labels import NOTICE
from tests.server.page.visiting import Visit, Visiting
from tests.server.service import serving

pytestmark = pytest.mark.usefixtures("compiled")


def test_the_camera_is_read_both_ways(visit: Visit) -> None:
    page = visit.page
    visit.ready()
    for way, promise in (("device", "No image leaves it"), ("server", "forgotten at once")):
        visit.choose(way)
        asked = page.locator("#welcome").inner_text()
        assert NOTICE in asked
        assert promise in asked
        assert page.evaluate("document.querySelector('video').srcObject") is None, (
            f"{way}: the camera must wait for the button"
        )
        visit.shot(f"welcome-{way}")
        page.click("#start")
        visit.wait_for_results(10)
        person = page.locator("#people .person").first
        shown = person.locator(".shown").inner_text()
        assert shown in page.evaluate("async () => (await (await fetch('/v1/page')).json()).labels"), way
        assert sum(map(int, re.findall(r"(\d+) %", person.inner_text()))) == pytest.approx(100, abs=6), way
        group = page.locator("#group").inner_text()
        assert sum(map(int, re.findall(r"(\d+) %", group))) == pytest.approx(100, abs=3), way
        page.wait_for_function("document.querySelector('#announcer').textContent.startsWith('Person')")
        page.wait_for_function("/frames a second/.test(document.querySelector('#rate').textContent)")
        visit.shot(f"camera-{way}")
        page.click("#stop")


def test_on_the_device_nothing_is_sent_and_no_connection_is_needed(visit: Visit) -> None:
    visit.ready()
    visit.asked.clear()
    visit.page.context.set_offline(True)
    try:
        visit.page.click("#start")
        visit.wait_for_results(10)
        visit.page.set_input_files(
            "#choose", {"name": "seen.png", "mimeType": "image/png", "buffer": visit.page.screenshot()}
        )
        visit.page.wait_for_selector(".result[data-state=done]")
    finally:
        visit.page.context.set_offline(False)
    assert [url for url in visit.asked if not url.startswith("blob:")] == []


def test_pause_and_stop(visit: Visit) -> None:
    page = visit.page
    visit.ready()
    page.click("#start")
    visit.wait_for_results(5)
    page.click("#pause")
    before = visit.results()
    page.wait_for_timeout(800)
    assert visit.results() == before
    assert page.locator("#stage-note").inner_text() == "Paused"
    visit.shot("paused")
    page.click("#pause")
    visit.wait_for_results(5)
    page.click("#stop")
    assert page.evaluate("document.querySelector('video').srcObject") is None
    assert page.locator("#welcome").is_visible()
    page.click("#start")
    visit.wait_for_results(3)


def test_choices_while_the_camera_runs(visit: Visit) -> None:
    page = visit.page
    visit.ready()
    page.click("#start")
    page.wait_for_selector("#people .person")
    for way in ("device", "server"):
        visit.choose(way)
        visit.wait_for_results(5)
        page.select_option("#min-face", "140")
        page.check("#largest")
        visit.wait_for_results(5)
        page.wait_for_function("document.querySelectorAll('#people .person').length <= 1")
        page.uncheck("#largest")
        page.select_option("#min-face", "40")
        visit.wait_for_results(5)
    page.uncheck("#mirror")
    assert page.evaluate("getComputedStyle(document.querySelector('#video')).transform") == "none"


def test_everything_can_be_done_by_keyboard(visit: Visit) -> None:
    page = visit.page
    visit.ready()

    def focused() -> str:
        return str(page.evaluate("document.activeElement.id || document.activeElement.value"))

    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(focused())
    assert reached.index("device") < reached.index("start")
    page.focus("#start")
    page.keyboard.press("Enter")
    visit.wait_for_results(3)
    assert focused() == "pause", "who starts by keyboard goes on from there"
    page.keyboard.press("Space")
    assert page.locator("#pause").get_attribute("aria-pressed") == "true"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.focus("input[value=device]")
    page.keyboard.press("ArrowRight")
    assert page.locator("input[value=server]").is_checked()


def test_names_and_landmarks(visit: Visit) -> None:
    """What a screen reader finds: landmarks, headings, and a name for everything that can be used."""
    visit.ready()
    page = visit.page
    for role, names in (
        ("radio", ["On this device", "On the server"]),
        ("button", ["Start the camera"]),
        ("heading", ["Together", "In view"]),
    ):
        for name in names:
            assert page.get_by_role(role, name=name).count() == 1, (role, name)  # type: ignore[arg-type]
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role  # type: ignore[arg-type]
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas[role=img], img")].filter(
             (element) => !element.labels?.length && !element.textContent && !element.ariaLabel && !element.hasAttribute("alt"),
           ).map((element) => element.outerHTML)"""
    )
    assert nameless == []


def test_in_the_dark(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    visit.ready()
    page.click("#start")
    visit.wait_for_results(5)
    visit.shot("camera-dark")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 150


@pytest.mark.usefixtures("without_npm")
def test_without_parts_from_npm_the_server_reads(visit: Visit) -> None:
    visit.ready()
    assert visit.page.locator("input[value=device]").is_disabled()
    assert (
        "built without the parts that it needs in a browser"
        in visit.page.locator("#device-note").inner_text()
    )
    visit.page.click("#start")
    visit.wait_for_results(5)
    visit.shot("server-alone")


@pytest.mark.usefixtures("without_npm")
def test_a_token_is_asked_for_where_it_is_needed(visiting: Visiting, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "service", token="sesame-sesame-sesame") as guarded,
        visiting(guarded.url) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("server")
        page.click("#start")
        page.wait_for_selector("#login[open]")
        page.fill("#token", "wrong-wrong-wrong-wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("#login-trouble:not([hidden])")
        visit.shot("token", whole=False)
        page.fill("#token", "sesame-sesame-sesame")
        page.keyboard.press("Enter")
        visit.wait_for_results(5)


@pytest.mark.usefixtures("without_npm")
def test_a_server_that_goes_away_is_told(visiting: Visiting, tmp_path: Path) -> None:
    with serving(tmp_path / "service") as running:
        visiting_it = visiting(running.url)
        visit = visiting_it.__enter__()
        visit.ready()
        visit.choose("server")
        visit.page.click("#start")
        visit.wait_for_results(3)
    visit.page.wait_for_selector("#trouble:not([hidden])")
    assert "server" in visit.page.locator("#trouble").inner_text()
    visiting_it.__exit__(None, None, None)


def test_a_camera_that_is_refused_is_told(visiting: Visiting) -> None:
    with visiting("about:blank") as visit:
        visit.page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))",
        )
        visit.page.goto(visit.home)
        visit.ready()
        visit.page.click("#start")
        visit.page.wait_for_selector("#trouble:not([hidden])")
        assert "allow it for this page" in visit.page.locator("#trouble").inner_text()
        assert visit.page.locator("#start").is_enabled()
