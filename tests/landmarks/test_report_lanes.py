"""The lanes of a report and their data: what moves when, by how much, and why there is nothing."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from mien import EXPRESSIONS
from mien.core.measures import REASONS
from mien.reports.page import script
from mien.reports.video import write_report
from mien.video.summary import Overview
from tests.landmarks.measured import SHUT, at, measured_result, moving
from tests.pages import A4, DESK, PHONE, browser, opened, violations
from tests.test_report import FACTS, data_of, talk

__all__ = ["browser"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lanes") / "report.html"
    write_report(path, moving(), FACTS)
    return path


def data(path: Path) -> dict[str, Any]:
    return data_of(path.read_text(encoding="utf-8"))


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def curve(page: dict[str, Any], person: int, lane: str, name: str, time: float) -> float:
    """What the script makes of the bytes."""
    found = page["movements"]["people"][person]
    [drawn] = [each for each in found["lanes"] if each["name"] == lane]
    [values] = [unpacked(each["values"]) for each in drawn["curves"] if each["name"] == name]
    value = values[int((time - page["start"]) / page["step"]) - found["first"]]
    return float("nan") if value == 255 else (value - 125.0) / 125 * drawn["reach"]


def test_curves_are_differences_from_the_persons_own_median(report: Path) -> None:
    page = data(report)
    found = {
        (lane, name, time): curve(page, 0, lane, name, time)
        for lane, name, time in (
            ("head", "yaw", 1.5),
            ("head", "yaw", 3.0),
            ("mouth", "opening", 5.5),
            ("mouth", "opening", 3.0),
            ("eyes", "left", 4.6),
            ("brows", "inner", 5.5),
        )
    }
    assert found == pytest.approx(
        {
            ("head", "yaw", 1.5): 0.0,
            ("head", "yaw", 3.0): 20.0,
            ("mouth", "opening", 5.5): 0.2,
            ("mouth", "opening", 3.0): 0.0,
            ("eyes", "left", 4.6): -0.25,
            ("brows", "inner", 5.5): 0.0,
        },
        abs=0.6,
    )
    for key, value in found.items():
        if key[0] != "head":
            assert value == pytest.approx(
                {"opening": 0.2 * (key[2] > 5), "left": -0.25}.get(key[1], 0), abs=0.01
            )
    assert curve(page, 0, "expression", "valence", 3.0) == pytest.approx(0.03 - 4 * 0.03, abs=0.01)
    assert curve(page, 0, "expression", "expressiveness", 3.0) == pytest.approx(0.18, abs=0.01)
    assert page["movements"]["people"][1]["first"] > 0


def test_people_of_a_video_are_drawn_at_one_scale(report: Path) -> None:
    first, second = (
        [lane["reach"] for lane in person["lanes"]] for person in data(report)["movements"]["people"]
    )
    assert first == second
    lanes = {lane["name"]: lane["reach"] for lane in data(report)["movements"]["people"][0]["lanes"]}
    # 68 degrees of the head that is turned away, and where next to nothing happens no more than what is worth seeing.
    assert lanes == pytest.approx(
        {"head": 75, "eyes": 0.3, "mouth": 0.2, "brows": 0.05, "movement": 0.5, "expression": 1}
    )


def test_where_nothing_could_be_measured_there_is_a_hole_and_its_reason(report: Path) -> None:
    page = data(report)
    person = page["movements"]["people"][0]
    place = int((8.5 - page["start"]) / page["step"]) - person["first"]
    assert REASONS[unpacked(person["reasons"])[place]] == "turned away"
    assert np.isnan(curve(page, 0, "mouth", "smile", 8.5))
    assert curve(page, 0, "head", "yaw", 8.5) == pytest.approx(68, abs=0.6)
    assert not np.isnan(curve(page, 0, "mouth", "smile", 9.5))
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(50):
        overview.add(measured_result(frame, frame / 25, {1: "too small"}))
    overview.end()
    path = report.with_name("small.html")
    write_report(path, overview, FACTS)
    [lost] = data(path)["movements"]["people"]
    assert {REASONS[reason] for reason in unpacked(lost["reasons"])} == {"too small"}
    assert {
        value for lane in lost["lanes"][:5] for each in lane["curves"] for value in unpacked(each["values"])
    } == {255}
    assert lost["blinks"] is None


def test_talk_stands_where_it_was(tmp_path: Path) -> None:
    """From 2 to 4 s and from 4.2 to 6 s, which is one stretch, and from 8 s on; of the second person nothing is said."""
    overview = Overview("talk.mp4", EXPRESSIONS)
    for frame in range(250):
        time = frame / 25
        talking = (2 <= time < 6 and not 4 <= time < 4.2) or time >= 8
        result = measured_result(frame, time, {1: {}, 2: {}})
        overview.add(replace(result, faces=result.faces.with_columns(talking=[int(talking), 0])))
    overview.end()
    assert overview.talks == {
        1: [(pytest.approx(2), pytest.approx(6)), (pytest.approx(8), pytest.approx(10))]
    }
    path = tmp_path / "talk.html"
    write_report(path, overview, FACTS)
    page = data(path)
    first, second = page["movements"]["people"]
    assert not unpacked(second["talks"]).any()
    times = page["start"] + page["step"] * (np.flatnonzero(unpacked(first["talks"])) + 0.5)
    assert ((times > 1.9) & (times < 6.1) | (times > 7.9)).all()
    assert len(times) * page["step"] == pytest.approx(6, abs=0.2)


def test_without_talk_told_there_is_none(report: Path) -> None:
    assert [person["talks"] for person in data(report)["movements"]["people"]] == [None, None]


def test_blinks_stand_where_they_were(report: Path) -> None:
    page = data(report)
    person = page["movements"]["people"][0]
    counts = unpacked(person["blinks"])
    times = page["start"] + page["step"] * (np.flatnonzero(counts) + person["first"] + 0.5)
    np.testing.assert_allclose(times, [1.1, 4.6, 7.3], atol=0.1)
    assert unpacked(page["movements"]["people"][1]["blinks"]).sum() == 0
    # However many fall into one step, their number stays.
    overview = Overview("long.mp4", EXPRESSIONS)
    for frame in range(25 * 300):
        shut = frame / 25 % 4 < 0.2 and frame > 25
        overview.add(measured_result(frame, frame / 25, {1: SHUT if shut else {}}))
    overview.end()
    write_report(report.with_name("long.html"), overview, FACTS)
    [many] = data(report.with_name("long.html"))["movements"]["people"]
    assert unpacked(many["blinks"]).sum() == overview.people[0].blinks == 74


def test_whoever_does_not_ask_gets_the_page_as_it_was(tmp_path: Path) -> None:
    write_report(tmp_path / "a.html", talk(), FACTS)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Movements" not in page
    assert "Blinks" not in page
    assert page.count("<script>") == 2, "of the chart and of the people"
    assert str(script("movements.js")) not in page
    assert data(tmp_path / "a.html")["movements"]["people"] == []


def test_the_table_of_people_has_blinks(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    cells = [part.split("<")[0] for part in text.split('data-column="Blinks a minute" class="number">')[1:]]
    assert cells == ["20", "0"]
    slow = report.with_name("slow.html")
    write_report(slow, moving(rate=4), FACTS)
    assert slow.read_text(encoding="utf-8").count('class="number">-</td>') == 2


def test_a_crowd_has_curves_of_those_in_view_longest(tmp_path: Path) -> None:
    overview = Overview("crowd.mp4", EXPRESSIONS)
    for frame in range(300):
        shown = {track: {"yaw": float(track)} for track in range(1, 41) if track % 3 or frame % 2}
        overview.add(measured_result(frame, frame * 2.0, shown))
    overview.end()
    write_report(tmp_path / "a.html", overview, FACTS)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(data_of(page)["movements"]["people"]) == 12
    assert "Of 40 people the 12" in page
    assert len(page) < 500_000


# In a browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_lanes_can_be_read_by_everybody(browser: Browser, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


INK = """box => [...box.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(Array.from({ length: data.length / 4 }, (_, at) => data.slice(4 * at, 4 * at + 4).join())).size;
})"""


def test_pointing_at_a_lane_tells_its_values_and_moves_the_other_charts(
    browser: Browser, report: Path
) -> None:
    with opened(browser, report, DESK) as page:
        lanes = page.locator("#movements-1")
        box = lanes.bounding_box()

        def point(time: float) -> tuple[str, str]:
            lanes.hover(position={"x": 78 + (box["width"] - 86) * time / 10.0, "y": 60})
            return page.locator("#moment").inner_text(), lanes.inner_text().replace("\n", " ")

        moment, told = point(3.0)
        assert moment.startswith("0:03.") or moment.startswith("0:02.9")
        assert "yaw +20°" in told
        moment, told = point(5.5)
        assert moment.startswith("0:05.")
        assert "opening +0.20" in told
        assert "yaw 0°" in told
        _, told = point(8.5)
        assert "turned away" in told
        assert "yaw +68°" in told
        point(1.5)
        assert page.locator("#movements-2").inner_text().count("not in view") == 6
        assert page.locator("#movements-2 .line").is_visible(), "one moment in all charts"
        assert min(lanes.evaluate(INK)) > 3


def test_on_paper_every_person_is_drawn(browser: Browser, tmp_path: Path) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(100):
        overview.add(measured_result(frame, frame / 10, {1: {}, 2: {}, **at(frame / 10), 4: {"yaw": 9.0}}))
    overview.end()
    write_report(tmp_path / "a.html", overview, FACTS)
    with opened(browser, tmp_path / "a.html", A4) as page:
        assert page.locator(".movements[open]").count() == 1
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator(".movements[open]").count() == 3
        for track in (1, 2, 4):
            assert min(page.locator(f"#movements-{track}").evaluate(INK)) > 3
        assert page.evaluate("document.documentElement.scrollWidth") <= A4
