"""What the page shows of a camera: a sample before it starts, its own shape, and one person at a few frames a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.media.live import LiveOptions
from mien.media.sampling import Sampling
from mien.server.settings import OwnSource
from tests.server.page.visiting import Visit, Visiting
from tests.server.service import serving

pytestmark = pytest.mark.usefixtures("compiled")

VIEWS = [
    *((*shape, (1320, 960)) for shape in ((640, 360), (640, 480), (360, 640), (480, 480))),
    (640, 360, (390, 844)),
    (360, 640, (844, 390)),
]
"""Width and height of a source, and the screen."""


def test_a_sample_stands_where_nothing_was_read_yet(visit: Visit) -> None:
    page = visit.page
    visit.ready()
    assert page.locator("#people .person").count() == 2
    assert page.locator("h2 .sample-mark").evaluate_all(
        "(found) => found.every((one) => one.checkVisibility())"
    )
    assert page.locator("#timeline").get_attribute("aria-label").startswith("Sample: happy")
    assert "two people who do not exist" in page.locator(".side").inner_text()
    assert page.locator("#announcer").inner_text() == "", "nobody is told of people who do not exist"
    page.click("#start")
    visit.wait_for_results(3)
    assert not page.locator(".sample-mark").first.is_visible()
    assert page.locator("#people .person").count() <= 1
    page.click("#stop")
    assert page.locator("#people .person").count() == 0


def test_the_view_has_the_shape_of_the_source(visit: Visit) -> None:
    visit.ready()
    for width, height, screen in VIEWS:
        shape, page = pytest.approx(width / height, rel=0.01), visit.page
        page.set_viewport_size({"width": screen[0], "height": screen[1]})
        visit.film(width, height, rate=10)
        page.click("#start")
        visit.wait_for_results(3)
        box = page.locator("#stage").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == shape, (screen, box)
        assert box["height"] <= max(0.75 * screen[1], 200)
        page.click("#booth-open")
        page.wait_for_timeout(200)
        box = page.locator("#stage").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == shape, (screen, box)
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= screen[1]
        page.click("#booth-leave")
        page.click("#stop")


@pytest.mark.parametrize("fps", [2, 5])
@pytest.mark.usefixtures("without_npm")
def test_at_a_few_frames_a_second_a_person_stays_one(
    visiting: Visiting, tmp_path: Path, movie: Callable[..., Path], fps: int
) -> None:
    source = OwnSource(f"live:{movie(120)}", LiveOptions(Sampling(fps=fps)))
    with serving(tmp_path / "service", source=source) as service, visiting(service.url) as visit:
        page = visit.page
        visit.ready()
        visit.choose("source")
        page.click("#start")
        names = set()
        for _ in range(3 * fps):
            visit.wait_for_results(1)
            names |= set(page.locator("#people .who").all_inner_texts())
        assert names == {"Person 1"}


def test_a_camera_that_moves_has_no_cuts(visiting: Visiting) -> None:
    """A phone in a hand at three frames a second: every frame differs much from the one before."""
    with visiting("about:blank") as visit:
        visit.film(640, 480, rate=3, face=True)
        visit.page.goto(visit.home)
        visit.ready()
        for way in ("device", "server"):
            visit.choose(way)
            visit.page.click("#start")
            names = set()
            for _ in range(10):
                visit.wait_for_results(1)
                names |= set(visit.page.locator("#people .who").all_inner_texts())
            assert names == {"Person 1"}, way
            visit.page.click("#stop")
