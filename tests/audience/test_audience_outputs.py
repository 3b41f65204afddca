"""Nothing about too few people, in any file and on the terminal; nothing about anyone alone, ever."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.outputs import AudienceOutputSpec, PartialResultWriter, write_rows
from mien.audience.participants import AudienceSample
from mien.audience.report import points
from mien.audience.result import Audience, by_effect, columns
from mien.cli.audience_view import Follower, summarise
from mien.cli.console import Console
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS
from tests.audience.crowds_seen import gathered, look, meeting, shown

FIGURES = [
    name for name in columns(EXPRESSIONS) if name not in ("start", "end", "status", "samples", "key_points")
]


def terminal(audience: Audience) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    summarise(audience, console)
    follower = Follower(
        "crowd", audience.options, audience.labels, (lambda windows: None, Console(quiet=True))
    )
    follower.looked(audience.length, audience.windows)
    console.print(follower)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def files(audience: Audience, folder: Path) -> dict[str, str]:
    asked = AudienceOutputSpec(
        (folder / "a.csv", folder / "a.json", folder / "a.html"), folder / "changes.csv"
    )
    return {path.name: path.read_text(encoding="utf-8") for path in asked.write(audience)}


def three_then_nobody(second: int) -> AudienceSample:
    return look(second, [(place, shown("surprise", 0.9731)) for place in range(3)] if second < 50 else [])


def test_under_the_smallest_group_there_is_no_figure_anywhere(tmp_path: Path) -> None:
    audience = gathered(
        [three_then_nobody(second) for second in range(100)],
        key_points=[KeyPoint(20, "joke"), KeyPoint(60, "empty")],
    )
    written = files(audience, tmp_path)
    rows = list(csv.DictReader(written["a.csv"].splitlines()))
    assert [row["status"] for row in rows] == ["too_few"] * 10
    assert all(row[name] == "" for row in rows for name in FIGURES), (
        "neither a share nor the number of people, be it three or none"
    )
    assert {
        (row["status"], row["before"], row["participants"])
        for row in csv.DictReader(written["changes.csv"].splitlines())
    } == {("too_few", "", "")}
    facts = json.loads(written["a.json"])
    assert all(
        window[name] is None
        for window in facts["windows"]
        for name in ("participants", "shares", "sentiment", "similarity", "coverage")
    )
    assert all(point["expression"] is None and point["sentiment"] is None for point in facts["key_points"])
    # Times may be told: how far along the chart a key point lies.
    times = r'<span (class="(missing|mark|name)\b[^"]*" )?style="(left|right): [^"]*"'
    shown_on_page = re.sub(
        rf"<style>.*?</style>|#[0-9a-f]{{6}}|{times}", "", written["a.html"], flags=re.DOTALL
    )
    for text in (shown_on_page, terminal(audience)):
        assert not re.findall(r"\d ?%", re.sub(r"(0 to 100 %|up to 100 %|in 95 of 100)", "", text)), (
            "no share"
        )
        assert "97" not in text
        assert "3 people" not in text


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(1, 9), st.floats(0.1, 1)),
    st.integers(4, 7),
)
def test_figures_stand_exactly_where_there_are_people_enough(
    counts: list[int], quorum: float | int | None, smallest: int
) -> None:
    options = AudienceOptions(min_group=smallest, quorum=quorum, window=1)
    audience = gathered(
        [
            look(second, [(place, shown("happy")) for place in range(count)])
            for second, count in enumerate(counts)
        ],
        options,
    )
    most = 0
    for window, count in zip(audience.windows, counts, strict=True):
        most = max(most, count)
        enough = count >= max(smallest, options.needed(most))
        assert (window.status == "reported") == enough
        row = {
            name: getattr(window, name)
            for name in ("participants", "shares", "sentiment", "similarity", "coverage")
        }
        assert all((value is not None) == enough for value in row.values())


def test_nothing_about_one_person_is_in_the_result() -> None:
    audience = gathered(meeting(20, lambda person, second: "happy", 6))
    text = io.StringIO()
    write_rows(text, audience, "json")
    keys = set(re.findall(r'"(\w+)":', text.getvalue()))
    assert not keys & {"box", "boxes", "track", "tracks", "points", "faces", "probs", "frame", "image"}
    assert len(json.loads(text.getvalue())["windows"]) == 2, "a row per window, none per person"


def test_a_locked_screen_and_a_lost_source_are_told_apart_from_few_people() -> None:
    blank = [AudienceSample(float(second), Faces.empty(EXPRESSIONS), blank=True) for second in range(20, 40)]
    looks = [
        *meeting(20, lambda person, second: "happy", 6),
        *blank,
        look(65.0, [(place, shown("sad")) for place in range(6)]),
    ]
    audience = gathered(looks)
    assert [window.status for window in audience.windows] == [
        "reported",
        "reported",
        "blank",
        "blank",
        "not_looked",
        "reported",
    ]
    assert (audience.windows[4].start, audience.windows[4].end) == (40, 60)
    assert "image of one colour" in terminal(gathered([*looks[:40]]))


def test_shares_lie_on_the_steps_of_their_number_of_people(tmp_path: Path) -> None:
    few, many = (
        gathered(meeting(10, lambda person, second: "happy" if person % 2 else "sad", people)).windows[0]
        for people in (5, 30)
    )
    assert all(round(share * 20, 6).is_integer() for share in few.shares.values())
    assert all(round(share * 100, 6).is_integer() for share in many.shares.values())


def test_windows_are_on_the_disk_as_soon_as_they_are_over(tmp_path: Path) -> None:
    audience = gathered(meeting(30, lambda person, second: "happy", 6))
    path = tmp_path / "a.partial.csv"
    with PartialResultWriter(path, EXPRESSIONS) as keeper:
        keeper.add(audience.windows[:2])
        assert len(path.read_text(encoding="utf-8").splitlines()) == 3
        keeper.add(audience.windows[2:])
    assert not path.exists(), "the results are written by then"
    broken = ZeroDivisionError()
    with contextlib.suppress(ZeroDivisionError), PartialResultWriter(path, EXPRESSIONS) as keeper:
        keeper.add(audience.windows)
        raise broken
    assert [row["status"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())] == [
        "reported"
    ] * 3
    assert "keeps what was measured" in broken.__notes__[0]
    with pytest.raises(InputError, match="rename or delete"):
        AudienceOutputSpec((tmp_path / "a.html",)).check("talk.mp4")


def test_a_chart_is_drawn(tmp_path: Path) -> None:
    audience = gathered(
        meeting(100, lambda person, second: "happy" if second > 50 else "sad", 6),
        key_points=[KeyPoint(50, "a $ sign")],
    )
    [path] = AudienceOutputSpec((tmp_path / "a.png",)).write(audience)
    assert path.read_bytes()[:4] == b"\x89PNG"


def changing() -> Audience:
    """At 60 s a third become happy, at 120 s all do, at 180 s nothing happens; at 220 s only three are left."""

    def script(person: int, second: int) -> str | None:
        if second >= 220 and person >= 3:
            return None
        return "happy" if second >= 120 or (second >= 60 and person % 3 == 0) else "sad"

    points = [KeyPoint(60, "some"), KeyPoint(120, "all"), KeyPoint(180, "nothing"), KeyPoint(225, "few left")]
    return gathered(meeting(260, script, 9), key_points=points)


def test_key_points_are_ranked_by_their_effect_and_keep_their_numbers(tmp_path: Path) -> None:
    audience = changing()
    ranked = by_effect(audience.changes)
    assert [(number, change.label) for number, change in ranked] == [
        (2, "all"),
        (1, "some"),
        (3, "nothing"),
        (4, "few left"),
    ]
    assert [change.effect > 0 for _, change in ranked] == [True, True, False, False]
    page = files(audience, tmp_path)["a.html"]
    rows = re.findall(r'data-column="No.">(\d)<.*?data-column="Key point"[^>]*>([^<]*)<', page, re.DOTALL)
    assert rows == [("2", "all"), ("1", "some"), ("3", "nothing"), ("4", "few left")]
    shown_at = [terminal(audience).index(name) for name in ("all", "some", "nothing ", "few left")]
    assert shown_at == sorted(shown_at)


def test_why_there_are_no_figures_is_told_in_words_of_the_options() -> None:
    few = [three_then_nobody(second) for second in range(20)]
    assert "no figures: fewer people than 4 were read" in terminal(gathered(few, AudienceOptions()))
    wanted = gathered(few, AudienceOptions(quorum=9))
    assert "fewer people than 4, or than --quorum asks for, were read" in " ".join(terminal(wanted).split())


def test_changes_of_sentiment_are_told_on_the_terminal_too() -> None:
    audience = changing()
    text = " ".join(terminal(audience).split())
    shift = audience.changes[1].sentiment["positive"]
    assert shift.clear
    assert f"sentiment: positive {points(shift.change)}" in text


def test_bars_of_changes_are_as_long_as_they_are(tmp_path: Path) -> None:
    audience = changing()
    page = files(audience, tmp_path)["a.html"]
    bars = re.findall(
        r'<span class="what">(\w+)[^\n]*?<i style="left: ([\d.]+)%; width: ([\d.]+)%[^\n]*?<b style="left: ([\d.]+)%; width: ([\d.]+)%',
        page,
    )
    shifts = [
        (name, shift)
        for _, change in by_effect(audience.changes)
        for of in (change.shifts, change.sentiment)
        for name, shift in (of or {}).items()
        if shift.clear
    ]
    assert [name for name, *_ in bars] == [name for name, _ in shifts]
    (_, first), scale = shifts[0], max(abs(end) for _, shift in shifts for end in (shift.low, shift.high))
    unit = float(bars[0][2]) / abs(first.change)
    assert unit == pytest.approx(50 / (math.ceil(10 * scale - 1e-9) / 10), rel=0.01)
    for (_, left, width, low, reach), (_, shift) in zip(bars, shifts, strict=True):
        assert float(width) == pytest.approx(unit * abs(shift.change), abs=0.1)
        assert float(left) == pytest.approx(50 + min(0, unit * shift.change), abs=0.1)
        assert float(low) == pytest.approx(50 + unit * shift.low, abs=0.1)
        assert float(low) + float(reach) == pytest.approx(50 + unit * shift.high, abs=0.1)


def test_a_change_lies_within_its_interval() -> None:
    shifts = [
        shift
        for change in changing().changes
        for of in (change.shifts, change.sentiment)
        for shift in (of or {}).values()
    ]
    assert len(shifts) == 30
    assert all(shift.low <= shift.change <= shift.high for shift in shifts)


def test_windows_without_figures_are_hatched_once_for_each_stretch(tmp_path: Path) -> None:
    page = files(changing(), tmp_path)["a.html"]
    first = page.split('class="plot"')[1]
    assert re.findall(
        r'class="missing" style="left: ([\d.]+)%; width: ([\d.]+)%" title="([^"]*)"', first
    ) == [("84.615", "15.385", "3:40 to 4:20: too few people")]
    assert "neutral" not in first.split("</svg>")[1].split("<ul")[0]


def test_a_measurement_that_was_cut_says_so_at_the_top(tmp_path: Path) -> None:
    whole = changing()
    for audience, told in ((whole, False), (replace(whole, finished=False), True)):
        top = files(audience, tmp_path)["a.html"].split('aria-label="In short"')[0]
        assert ("cut off before its end" in top) == told


@pytest.mark.slow
def test_a_day_in_a_report_stays_small(tmp_path: Path) -> None:
    looks = [
        look(float(second), [(place, shown("happy")) for place in range(4)])
        for second in range(0, 86_400, 10)
    ]
    text = files(gathered(looks, AudienceOptions(interval=10)), tmp_path)["a.html"]
    assert len(text) < 1_500_000
    assert "more are in the CSV" in text


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"files": (Path("a.xlsx"),)}, "ending in .csv"),
        ({"files": (Path("a.csv"), Path("./a.csv"))}, "twice"),
        ({"changes": Path("a.json")}, "ending in .csv"),
    ],
)
def test_files_that_cannot_be(asked: dict, word: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=word):
        AudienceOutputSpec(**asked)


@pytest.mark.parametrize(
    "options",
    [
        {"min_group": 3},
        {"interval": 0},
        {"window": 0.5},
        {"quorum": 0},
        {"quorum": 2.5},
        {"offset": float("nan")},
        {"duration": -1},
    ],
)
def test_options_that_cannot_be(options: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError):
        AudienceOptions(**options)
