"""Scripted changes are found, calm stretches stay calm, and one person is never a change."""

from __future__ import annotations

import pytest

from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from tests.audience.crowds_seen import gathered, look, meeting, shown

POINTS = [KeyPoint(40, "calm"), KeyPoint(80, "change"), KeyPoint(120, "calm again")]


@pytest.mark.parametrize(("people", "changing"), [(4, 2), (6, 2), (10, 3), (25, 8)])
def test_a_third_of_the_people_going_over_is_found_and_nothing_else(people: int, changing: int) -> None:
    looks = meeting(
        160, lambda person, second: "happy" if second >= 80 and person < changing else "neutral", people
    )
    calm, change, after = gathered(looks, key_points=POINTS).changes
    assert (calm.clear, after.clear) == ((), ())
    assert set(change.clear) >= {"happy", "neutral"}
    assert change.participants == people
    happy = change.shifts["happy"]
    assert happy.change == pytest.approx(changing / people * 0.75, abs=0.08)
    assert happy.low <= happy.change <= happy.high
    assert change.sentiment["positive"].clear


def test_one_person_alone_is_no_change() -> None:
    looks = meeting(160, lambda person, second: "happy" if second >= 80 and person == 0 else "neutral", 4)
    changes = gathered(looks, key_points=POINTS).changes
    assert changes[1].shifts["happy"].change > 0.1
    assert not any(change.clear for change in changes)


def test_cameras_that_go_dark_leave_the_count_and_not_the_average() -> None:
    looks = meeting(
        160,
        lambda person, second: None if second >= 80 and person < 3 else "sad" if person < 3 else "happy",
        9,
    )
    audience = gathered(looks, key_points=POINTS)
    assert [window.participants for window in audience.windows] == [9] * 8 + [6] * 8
    assert audience.changes[1].participants == 6
    assert not audience.changes[1].clear


def test_a_crowd_that_moves_its_tiles_at_a_key_point_has_not_changed() -> None:
    before = meeting(80, lambda person, second: ("happy", "sad", "neutral")[person % 3], 9)
    rows = [
        [((8 - person) * 1.31 + 4, shown(("happy", "sad", "neutral")[person % 3])) for person in range(9)]
        for _ in range(80)
    ]
    after = [look(80.0 + second, row) for second, row in enumerate(rows)]
    audience = gathered([*before, *after], key_points=POINTS)
    assert [window.participants for window in audience.windows] == [9] * 16
    assert not any(change.clear for change in audience.changes)


def test_people_who_waver_all_the_time_do_not_change_at_key_points() -> None:
    def script(person: int, second: int) -> str:
        return "happy" if (second // 5 + person * 3) % 7 < 3 else "neutral"

    points = [KeyPoint(40.0 * number, str(number)) for number in range(1, 10)]
    assert not any(change.clear for change in gathered(meeting(400, script, 12), key_points=points).changes)


def test_what_cannot_be_compared_is_said() -> None:
    looks = [
        *meeting(60, lambda person, second: "neutral", 5),
        *(look(60.0 + t, [(0, shown("happy"))]) for t in range(60)),
    ]
    points = [KeyPoint(0, "at once"), KeyPoint(60, "all leave"), KeyPoint(61, "soon"), KeyPoint(500, "never")]
    statuses = [change.status for change in gathered(looks, key_points=points).changes]
    assert statuses == ["too_short", "too_short", "too_short", "not_reached"]
    [left] = gathered(looks, key_points=[KeyPoint(60, "all leave")]).changes
    assert (left.status, left.shifts, left.participants) == ("too_few", None, None)


def test_key_points_are_shifted_to_when_the_presentation_began() -> None:
    looks = meeting(160, lambda person, second: "happy" if second >= 80 else "neutral", 8)
    [change] = gathered(looks, AudienceOptions(offset=70), [KeyPoint(10, "joke")]).changes
    assert (change.time, "happy" in change.clear) == (80, True)


def test_the_same_looks_give_the_same_intervals() -> None:
    looks = meeting(120, lambda person, second: "happy" if second >= 80 and person < 3 else "neutral", 8)
    assert gathered(looks, key_points=POINTS[:2]).changes == gathered(looks, key_points=POINTS[:2]).changes
