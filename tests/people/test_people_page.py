"""The editor of people, as somebody uses it with mouse and keyboard, in the report and on its own page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mien.people import read_corrections
from mien.people.outputs import PeoplePage, listed
from mien.reports.people import editor_recording
from mien.reports.video import write_report
from tests.pages import DESK, PHONE, browser, opened, violations
from tests.people.test_corrections import corrections, seen, spans, talk
from tests.test_report import FACTS

__all__ = ["browser"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    page = PeoplePage(read_corrections(corrections(folder, "name,1,,,,Anna")))
    page.add(talk())
    page.write(folder / "people.html", list(listed(talk())), ["one remark"])
    return folder / "people.html"


def saved(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save corrections.csv").click()
    path = folder / "saved.csv"
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing_wrong(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    with opened(browser, page_file, width, scheme) as page:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_done_with_the_fields_is_what_mien_applies(
    browser: Browser, page_file: Path, tmp_path: Path
) -> None:
    with opened(browser, page_file) as page:
        assert page.locator(".who").all_inner_texts() == ["Anna (1)", "person 2", "person 3"]
        page.get_by_label("Person", exact=True).select_option("1")
        page.get_by_label("Other", exact=True).select_option("2")
        page.get_by_role("button", name="Join").click()
        assert "seen twice at once" in page.locator("#hand-said").inner_text()
        page.get_by_role("button", name="Remove: 1 and 2 are one").click()
        page.get_by_label("Person", exact=True).select_option("1")
        page.get_by_label("Other", exact=True).select_option("3")
        page.get_by_role("button", name="Join").click()
        assert page.locator(".who").all_inner_texts() == ["Anna (1)", "person 2"]
        page.get_by_label("Person", exact=True).select_option("2")
        page.get_by_label("From", exact=True).fill("0:02.0")
        page.get_by_role("button", name="Split").click()
        page.get_by_label("Person", exact=True).select_option("4")
        page.get_by_label("Name", exact=True).fill('=Ben, "B"')
        page.get_by_role("button", name="Name", exact=True).click()
        assert page.locator(".who").all_inner_texts() == ["Anna (1)", "person 2", '=Ben, "B" (4)']
        (changed,) = read_corrections(saved(page, tmp_path)).applied([talk()])
    assert changed.remarks == ()
    assert changed.names == {1: "Anna", 4: '=Ben, "B"'}
    assert spans(changed) == {1: [(0.0, 1.9), (3.0, 3.9)], 2: [(1.0, 1.9)], 4: [(2.0, 3.9)]}


def test_by_mouse_on_the_lanes(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    with opened(browser, page_file) as page:
        page.locator(".who").nth(2).drag_to(page.locator(".who").nth(0))
        assert page.locator(".who").count() == 2
        box = page.locator(".track").nth(1).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 5)
        page.mouse.up()
        assert page.get_by_label("Person", exact=True).input_value() == "2"
        page.get_by_role("button", name="Exclude", exact=True).click()
        (changed,) = read_corrections(saved(page, tmp_path)).applied([talk()])
    (first, second) = spans(changed)[2]
    assert (first[0], second[1]) == (1.0, 3.9)
    assert first[1] == pytest.approx(1.95, abs=0.11)
    assert second[0] == pytest.approx(3.0, abs=0.11)
    assert 3 not in spans(changed)


def test_by_keyboard_alone(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    with opened(browser, page_file) as page:
        page.locator(".who").nth(2).focus()
        page.keyboard.press("Enter")
        assert page.locator(".who[aria-pressed=true]").inner_text() == "person 3"
        page.get_by_role("button", name="Exclude", exact=True).focus()
        page.keyboard.press("Space")
        assert page.locator(".who").count() == 2
        (changed,) = read_corrections(saved(page, tmp_path)).applied([talk()])
    assert 3 not in spans(changed)


def test_the_report_of_a_video_has_it(browser: Browser, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk().overview(), FACTS)
    with opened(browser, tmp_path / "report.html") as page:
        page.get_by_label("Person", exact=True).select_option("1")
        page.get_by_label("Other", exact=True).select_option("2")
        page.get_by_label("From", exact=True).fill("1.5")
        page.get_by_role("button", name="Swap").click()
        assert violations(page) == []
        (changed,) = read_corrections(saved(page, tmp_path)).applied([talk()])
    assert spans(changed)[1] == [(0.0, 3.9)]


def test_the_lanes_of_a_long_recording_stay_small() -> None:
    """Somebody whose expression changes with every frame, and who is away now and then."""
    names = ["happy", "sad", "neutral"]
    frames = [{} if place % 50 == 49 else {1: names[place % 3]} for place in range(4500)]
    (person,) = editor_recording(seen(frames).overview())["people"]
    assert len(person["pieces"]) <= 4000
    assert (person["pieces"][0][0], person["pieces"][-1][1]) == (0.0, pytest.approx(449.9, abs=0.11))
    assert sum(end - start for start, end, _ in person["pieces"]) == pytest.approx(450, rel=0.05)
    kept = editor_recording(talk().overview())["people"]
    assert [[label for *_, label in each["pieces"]] for each in kept] == [["happy"], ["sad"], ["neutral"]]
