"""The page's third choice: what the server's own source sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.labels import NOTICE
from mien.media import VideoWriter
from mien.media.blur import Blur
from mien.media.live import LiveOptions
from mien.server.settings import OwnSource
from tests.server.camera_server import camera_server
from tests.server.page.visiting import PHONE, Visiting
from tests.server.service import Service, serving
from tests.waiting import until

TOKEN = "sesame-sesame-sesame"


@pytest.fixture(scope="session")
def scene(astronaut: np.ndarray, grace_hopper: np.ndarray) -> Callable[[int], np.ndarray]:
    """Two people who nod, 640 x 480."""
    small = [
        np.asarray(Image.fromarray(one).resize((300, 300 * one.shape[0] // one.shape[1])))
        for one in (astronaut, grace_hopper)
    ]

    def image(index: int) -> np.ndarray:
        canvas, shift = np.full((480, 640, 3), 60, np.uint8), int(10 * np.sin(2 * np.pi * index / 40))
        for left, part in zip((10, 330), small, strict=True):
            canvas[60 + shift : 60 + shift + len(part), left : left + 300] = part
        return canvas

    return image


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, scene: Callable[[int], np.ndarray]) -> Path:
    """A minute of them."""
    path = tmp_path_factory.mktemp("clip") / "two.mp4"
    with VideoWriter(path, 640, 480, rate=10) as writer:
        for index in range(600):
            writer.write(scene(2 * index % 40), index / 10)
    return path


@pytest.mark.usefixtures("without_npm")
def test_what_the_server_sees_is_shown(visiting: Visiting, tmp_path: Path, clip: Path) -> None:
    with (
        serving(tmp_path / "service", source=OwnSource(f"live:{clip}")) as service,
        visiting(service.url) as visit,
        visiting(service.url) as other,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        welcome = page.locator("#welcome").inner_text()
        assert "Everybody who may use this server can see them" in welcome
        assert NOTICE in welcome
        assert page.locator("#start").inner_text() == "Show what the server sees"
        assert not page.locator("#min-face").is_visible(), (
            "one reading is for all: nobody chooses for the others"
        )
        visit.shot("welcome-source")
        page.click("#start")
        visit.wait_for_results(10)
        page.wait_for_function("() => document.querySelectorAll('#people .person').length === 2")
        labels = page.evaluate("async () => (await (await fetch('/v1/page')).json()).labels")
        assert page.locator("#people .person .shown").first.inner_text() in labels
        assert sum(
            int(number) for number in re.findall(r"(\d+) %", page.locator("#group").inner_text())
        ) == pytest.approx(100, abs=3)
        page.wait_for_function(
            "() => /frames a second of \\d+ that come/.test(document.querySelector('#rate').textContent)"
        )
        assert "live:two.mp4" in page.locator("#source-note").inner_text()
        assert "only you" in page.locator("#source-note").inner_text()
        assert str(clip.parent) not in page.content()
        drawn = page.locator("#image").evaluate(
            "(canvas) => [canvas.width, canvas.height, ...canvas.getContext('2d').getImageData(160, 160, 1, 1).data]"
        )
        assert drawn[:2] == [640, 480]
        assert sum(drawn[2:5]) > 0
        assert page.evaluate("document.querySelector('video').srcObject") is None, (
            "the browser's own camera stays off"
        )
        other.ready()
        other.choose("source")
        other.page.click("#start")
        other.wait_for_results(3)
        page.wait_for_function(
            "() => document.querySelector('#source-note').textContent.includes('2 are looking')"
        )
        visit.shot("source")
        assert not visit.problems
        assert not other.problems


def test_pause_stop_and_back_to_the_camera(visiting: Visiting, tmp_path: Path, clip: Path) -> None:
    with (
        serving(tmp_path / "service", source=OwnSource(f"live:{clip}")) as service,
        visiting(service.url) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        page.click("#start")
        visit.wait_for_results(5)
        page.click("#pause")
        before = visit.results()
        page.wait_for_timeout(500)
        assert visit.results() == before
        assert page.locator("#stage-note").inner_text() == "Paused"
        until(lambda: service.client.get("/v1/source").json()["viewers"] == 0)  # Nothing more is asked for.
        page.click("#pause")
        visit.wait_for_results(5)
        visit.choose("device")
        assert page.locator("#welcome").is_visible(), "the camera waits for its own button"
        assert page.evaluate("document.querySelector('video').srcObject") is None
        page.click("#start")
        visit.wait_for_results(5)
        assert page.locator("#video").is_visible()
        visit.choose("source")
        assert page.evaluate("document.querySelector('video').srcObject") is None, "the camera is off"
        assert not visit.problems


@pytest.mark.usefixtures("without_npm")
def test_lost_and_back(visiting: Visiting, tmp_path: Path, scene: Callable[[int], np.ndarray]) -> None:
    with camera_server(scene(0)) as camera:
        own = OwnSource(
            f"http://127.0.0.1:{camera.port}/", LiveOptions(timeout=1, retry=(0.3, 1)), blur=Blur()
        )
        with serving(tmp_path / "service", source=own) as service, visiting(service.url) as visit:
            page = visit.page
            visit.ready()
            visit.choose("source")
            assert "Faces are covered before frames leave it" in page.locator("#way-note").inner_text()
            page.click("#start")
            visit.wait_for_results(5)
            visit.shot("source-covered")
            camera.off = True
            page.wait_for_function(
                "() => document.querySelector('#stage-note').textContent.startsWith('Lost')"
            )
            assert page.locator("#people .person").count() == 0, (
                "what was seen last is not shown as what there is"
            )
            visit.shot("source-lost")
            camera.off = False
            visit.wait_for_results(5)
            page.wait_for_selector("#stage-note", state="hidden")


@pytest.mark.usefixtures("without_npm")
def test_the_end_of_a_video_is_told_on_a_phone(
    visiting: Visiting, tmp_path: Path, movie: Callable[..., Path]
) -> None:
    with (
        serving(tmp_path / "service", source=OwnSource(f"live:{movie(12)}")) as service,
        visiting(service.url, **PHONE) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page is wider than the phone"
        )
        visit.shot("phone-source-welcome")
        page.click("#start")
        page.wait_for_function(
            "() => document.querySelector('#readiness').textContent.includes('came to its end')",
        )
        assert page.locator("#start").is_enabled()
        assert not visit.problems


@pytest.mark.usefixtures("without_npm")
def test_the_token_is_asked_for(visiting: Visiting, tmp_path: Path, clip: Path) -> None:
    with (
        serving(tmp_path / "service", source=OwnSource(f"live:{clip}"), token=TOKEN) as service,
        visiting(service.url) as visit,
    ):
        page = visit.page
        visit.ready()
        visit.choose("source")
        page.click("#start")
        page.wait_for_selector("#login[open]")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        visit.wait_for_results(3)


def test_without_a_source_there_is_no_third_choice(visiting: Visiting, service: Service) -> None:
    with visiting() as visit:
        visit.ready()
        assert visit.page.locator("#source-way").is_hidden()
