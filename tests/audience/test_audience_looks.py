"""The report of an audience as people see it: labels of key points apart, phones, the dark, a screen reader."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mien.audience.keypoints import KeyPoint
from mien.audience.report import write_report
from tests.audience.crowds_seen import gathered, meeting
from tests.pages import A4, DESK, PHONE, browser, opened, violations

__all__ = ["browser"]

POINTS = [
    KeyPoint(5, "Welcome"),
    KeyPoint(60, "The new prices"),
    KeyPoint(64, "Once more, with a " + "very " * 30 + "long name"),
    KeyPoint(66, "مرحبا بكم جميعا"),
    KeyPoint(68, "x" * 200),
    KeyPoint(75, "Questions"),
    KeyPoint(118, "Thank you all for coming"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def script(person: int, second: int) -> str | None:
        if 90 <= second < 110 and person > 2:
            return None
        return "happy" if second >= 60 else "neutral"

    path = tmp_path_factory.mktemp("audience") / "audience.html"
    write_report(path, gathered(meeting(120, script, 8), key_points=POINTS))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing_wrong(browser: Browser, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as page:
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [DESK, A4])
def test_names_of_key_points_lie_apart_and_within_the_chart(
    browser: Browser, report: Path, width: int
) -> None:
    with opened(browser, report, width) as page:
        page.emulate_media(media="print" if width == A4 else "screen")
        plot = page.locator(".plot").first
        frame = plot.bounding_box()
        boxes = [name.bounding_box() for name in plot.locator(".name").all()]
        texts = plot.locator(".name").all_inner_texts()
        assert len(boxes) == len(POINTS)
        assert texts[0] == "1 Welcome"
        for box in boxes:
            assert frame["x"] - 8 <= box["x"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 8
        for one, other in combinations(
            [box for box, text in zip(boxes, texts, strict=True) if " " in text], 2
        ):
            apart = one["x"] + one["width"] <= other["x"] + 4 or other["x"] + other["width"] <= one["x"] + 4
            assert apart or abs(one["y"] - other["y"]) >= 16
