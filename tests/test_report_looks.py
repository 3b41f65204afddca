"""Reports as people see them, in a real browser: light, dark, on a phone, on paper, with a screen reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from mien import EXPRESSIONS, Faces, FrameResult
from mien.core.formatting import percents
from mien.reports.video import Thumbnail, write_report
from mien.video.summary import Overview
from tests.pages import A4, DESK, PHONE, browser, opened, violations
from tests.test_report import FACTS, result, talk

__all__ = ["browser"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(
        path, talk(), FACTS, [Thumbnail(1, 5.0, b"\xff\xd8\xff"), Thumbnail(2, 5.0, b"\xff\xd8\xff")]
    )
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing_wrong(browser: Browser, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as page:
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert violations(page) == []


def test_on_a_phone_people_are_cards_that_say_what_each_figure_is(browser: Browser, report: Path) -> None:
    with opened(browser, report, PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        rows = page.locator(".cards tbody tr")
        first, second = rows.nth(0).bounding_box(), rows.nth(1).bounding_box()
        assert first["y"] + first["height"] <= second["y"]
        named = rows.nth(0).evaluate(
            "row => [...row.children].map((cell) => getComputedStyle(cell, '::before').content)"
        )
        assert named[:3] == ['"Person"', '"Face"', '"From"']
        assert page.get_by_role("row").count() >= 3, "to a screen reader it is a table still"


def brightness(png: bytes) -> float:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return float(np.asarray(image.convert("L")).mean())


def test_in_the_dark_no_part_is_white(browser: Browser, report: Path) -> None:
    with opened(browser, report, DESK, "dark") as page:
        for section in page.locator("section, header, footer").all():
            assert brightness(section.screenshot()) < 110


def test_paper_is_white_whatever_the_screen_is(browser: Browser, report: Path) -> None:
    with opened(browser, report, A4, "dark") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print", color_scheme="dark")
        assert brightness(page.screenshot(full_page=True)) > 170
        assert page.evaluate("document.documentElement.scrollWidth") <= A4, "nothing is cut off at the edge"
        assert page.locator("details:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen", color_scheme="dark")
        assert brightness(page.screenshot(full_page=True)) < 110
        assert page.locator("details:not([open])").count() == 1


@pytest.mark.parametrize(
    "name", ["x" * 200 + ".mp4", "a b " * 50, "שלום_עולם.mp4", "مقابلة مع الجمهور.mp4", "<b>&amp;.mp4"]
)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_no_name_runs_out_of_the_page(browser: Browser, tmp_path: Path, name: str, width: int) -> None:
    from dataclasses import replace

    write_report(tmp_path / "a.html", talk(), replace(FACTS, title=name, settings=[("Remark", name)]))
    with opened(browser, tmp_path / "a.html", width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").inner_text() == name.strip()


def crowd(people: int, frames: int, every: float) -> Overview:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(frames):
        shown = {track: EXPRESSIONS[(track + frame // 5) % 7] for track in range(1, people + 1)}
        overview.add(result(frame, frame * every, shown))
    overview.end()
    return overview


@pytest.mark.parametrize(
    ("people", "frames", "every"),
    [(0, 0, 1.0), (0, 5, 1.0), (1, 1, 1.0), (2, 40, 0.1), (40, 20, 0.5), (2, 600, 18.0)],
    ids=["nothing", "nobody", "one frame", "two people", "forty people", "three hours"],
)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_any_video_has_a_readable_page(
    browser: Browser, tmp_path: Path, people: int, frames: int, every: float, width: int
) -> None:
    write_report(tmp_path / "a.html", crowd(people, frames, every), FACTS)
    with opened(browser, tmp_path / "a.html", width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".cards tbody tr").count() == people
        told = page.locator("#moment").inner_text()
        assert ("peak of" in told) == (people > 0)
        assert ("Nobody in view" in told) == (not people and frames > 0)
        assert " 1 frames" not in page.locator("main").inner_text().replace("\n", " ")


@pytest.mark.parametrize("shares", [(0.436, 0.436, 0.128), (0.996, 0.004), (1.0,), (1 / 3, 1 / 3, 1 / 3)])
def test_percentages_of_a_moment_add_up(browser: Browser, tmp_path: Path, shares: tuple[float, ...]) -> None:
    """As everywhere: rounded one by one they may come to 101."""
    probs = dict(zip(EXPRESSIONS, [*shares, *([0.0] * 7)], strict=False))
    overview = Overview("a.mp4", EXPRESSIONS)
    row = np.array([list(probs.values())], np.float32)
    faces = Faces([[0, 0, 40, 50]], [1], [0], [0.0], tracks=[1], probs=row, labels=EXPRESSIONS)
    overview.add(FrameResult("a.mp4", 0, 0.0, faces))
    overview.end()
    write_report(tmp_path / "a.html", overview, FACTS)
    with opened(browser, tmp_path / "a.html", DESK) as page:
        told = page.locator("#moment .bars .number").all_inner_texts()
        head = page.locator("#moment .person p").first.inner_text()
    expected = list(percents(probs).values())
    assert [text.replace("\xa0", " ") for text in told] == expected
    assert head.replace("\xa0", " ").startswith(f"angry {expected[0]}")


def lines_of(page: Page, cells: str) -> list[tuple[str, int]]:
    """The text of each of these cells, and on how many lines it stands."""
    script = """cells => cells.map((cell) => {
      const text = document.createRange();
      text.selectNodeContents(cell);
      return [cell.innerText, new Set([...text.getClientRects()].map((box) => Math.round(box.top))).size];
    })"""
    found: list[tuple[str, int]] = page.locator(cells).evaluate_all(script)
    return found


@pytest.mark.parametrize(
    ("width", "medium"),
    [(PHONE, "screen"), (A4, "screen"), (800, "screen"), (900, "screen"), (A4, "print")],
)
def test_no_time_or_number_is_broken(browser: Browser, tmp_path: Path, width: int, medium: str) -> None:
    """Hours take the most room; on paper they may be broken between words."""
    write_report(tmp_path / "a.html", crowd(3, 600, 18.0), FACTS)
    with opened(browser, tmp_path / "a.html", width) as page:
        page.emulate_media(media=medium)  # type: ignore[arg-type]
        lines = lines_of(page, ".cards tbody :is(.time, .number)")
        assert len(lines) == 3 * 6
        assert [text for text, count in lines if count > 1 and (medium == "screen" or " " not in text)] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
