"""Rules over time: when they start and end, once each, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from mien.core.errors import RuleError
from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.rules.best_frame import BestFrame, sharpness
from mien.rules.engine import Rule, RuleEngine, RuleEvent

LABELS = Labels(("sad", "happy"))


def faces_at(time: float, *happy: float) -> Faces:
    n = len(happy)
    probs = np.stack([1 - np.array(happy), happy], axis=1).reshape(n, 2)
    return Faces(
        np.tile([0, 0, 9, 9], (n, 1)), np.ones(n), np.zeros(n), np.full(n, time), probs=probs, labels=LABELS
    )


def play(rule: Rule, course: Iterable[tuple[float, float | None]]) -> list[tuple[str, float]]:
    """Starts and ends of a rule, for times and how happy the only face is then; None: nobody is there."""
    engine = RuleEngine([rule], LABELS)
    events: list[RuleEvent] = []
    for index, (time, happy) in enumerate(course):
        events += engine.update(faces_at(time) if happy is None else faces_at(time, happy), time, index)
    return [(event.kind, round(event.time, 6)) for event in events]


def smile(**settings: object) -> Rule:
    return Rule("smile", "any.happy > 0.7", labels=LABELS, **settings)  # type: ignore[arg-type]


def steps(*values: float | None, every: float = 0.1, start: float = 0.0) -> list[tuple[float, float | None]]:
    return [(start + index * every, value) for index, value in enumerate(values)]


def test_at_once_and_once_only() -> None:
    assert play(smile(), steps(0.2, 0.8, 0.9, 0.8, 0.6, 0.9)) == [
        ("start", 0.1),
        ("end", 0.4),
        ("start", 0.5),
    ]


def test_it_has_to_hold_for_so_long_without_a_break() -> None:
    assert play(smile(hold=0.3), steps(0.8, 0.8, 0.8, 0.1, 0.8, 0.8, 0.8, 0.8, 0.8)) == [("start", 0.7)]


def test_sums_of_rounded_times_do_not_cost_a_frame() -> None:
    times = [(index / 30, 0.9) for index in range(40)]
    assert play(smile(hold=1.0), times) == [("start", 1.0)]


def test_a_looser_end_keeps_a_wavering_value_from_flickering() -> None:
    wavering = steps(0.71, 0.69, 0.72, 0.68, 0.71, 0.4, 0.71)
    assert len(play(smile(), wavering)) > 4
    assert play(smile(until="any.happy < 0.5"), wavering) == [("start", 0.0), ("end", 0.5), ("start", 0.6)]


def test_a_break_shorter_than_release_is_none() -> None:
    course = steps(0.8, 0.8, 0.1, 0.8, 0.8, 0.8, 0.1, 0.8, 0.1, 0.1, 0.1)
    assert play(smile(hold=0.4, release=0.2), course) == [("start", 0.4), ("end", 1.0)]


def test_cooldown_counts_from_the_start() -> None:
    blinking = steps(*[0.9, 0.1] * 10)
    assert play(smile(cooldown=1.0), blinking) == [("start", 0.0), ("end", 0.1), ("start", 1.0), ("end", 1.1)]
    staying = steps(0.9, 0.1, *[0.9] * 12)
    assert play(smile(cooldown=1.0), staying) == [("start", 0.0), ("end", 0.1), ("start", 1.0)]


def test_nobody_there_ends_what_is_about_people() -> None:
    assert play(smile(), steps(0.9, None, 0.9)) == [("start", 0.0), ("end", 0.1), ("start", 0.2)]
    nobody = Rule("nobody", "faces == 0", hold=0.2, labels=LABELS)
    assert play(nobody, steps(0.5, None, None, None, 0.5)) == [("start", 0.3), ("end", 0.4)]


def test_a_clock_that_goes_back_fires_nothing_twice_and_holds_up_nothing() -> None:
    back = [*steps(*[0.9] * 5, start=3600.0), *steps(*[0.9] * 10, start=1.0)]
    assert play(smile(), back) == [("start", 3600.0)]
    # What has held before the jump counts, and what holds after it.
    assert play(smile(hold=1.0), back) == [("start", 1.6)]
    # A cooldown does not last until the clock has caught up.
    course = [(3600.0, 0.9), (3600.1, 0.1), *steps(*[0.9] * 12, start=1.0)]
    assert play(smile(cooldown=1.0), course) == [("start", 3600.0), ("end", 3600.1), ("start", 1.9)]


def test_a_clock_that_leaps_ahead_makes_nothing_hold_that_nobody_saw() -> None:
    ahead = [*steps(0.9, 0.9), *steps(*[0.9] * 5, start=3600.0)]
    assert play(smile(hold=1.0), ahead) == []
    assert play(smile(hold=0.3), ahead) == [("start", 3600.3)]
    # One wild time among good ones does not cut a cooldown short; a gap that is real does.
    wild = [(0.0, 0.9), (0.1, 0.1), (3600.0, 0.1), *steps(*[0.9] * 5, start=0.2)]
    assert play(smile(cooldown=60), wild) == [("start", 0.0), ("end", 0.1)]
    gap = [(0.0, 0.9), (0.1, 0.1), *steps(0.9, 0.9, 0.9, start=3600.0)]
    assert play(smile(cooldown=60), gap) == [("start", 0.0), ("end", 0.1), ("start", 3600.1)]


def test_a_jump_is_told() -> None:
    engine = RuleEngine([smile()], LABELS)
    jumps = []
    for time in (0.0, 0.5, 100.0, 100.5, 2.0, 2.5):
        engine.update(faces_at(time, 0.1), time)
        jumps.append(engine.jump)
    assert jumps == [None, None, 99.5, None, -98.5, None]


def test_events_say_what_decided() -> None:
    engine = RuleEngine(
        [Rule("mixed", "any.happy > 0.7 and faces >= 2", until="faces < 2", labels=LABELS)], LABELS
    )
    [start] = engine.update(faces_at(4.0, 0.8, 0.1), 4.0, 120)
    assert start == RuleEvent("mixed", "start", 4.0, 120, {"any.happy > 0.7": 0.8, "faces >= 2": 2.0}, 2)
    [end] = engine.update(faces_at(5.0), 5.0, 150)
    assert (end.kind, end.values, end.faces) == ("end", {"faces < 2": 0.0}, 0)
    assert engine.active == []


def test_reset_forgets_the_stream() -> None:
    engine = RuleEngine([smile(hold=0.5)], LABELS)
    assert not engine.update(faces_at(0.0, 0.9), 0.0)
    engine.reset()
    assert not engine.update(faces_at(0.5, 0.9), 0.5)
    assert engine.update(faces_at(1.0, 0.9), 1.0)


def test_rules_that_cannot_be() -> None:
    with pytest.raises(RuleError, match="more than once"):
        RuleEngine([smile(), smile()], LABELS)
    with pytest.raises(RuleError, match="expected hold as seconds"):
        smile(hold=float("nan"))
    with pytest.raises(RuleError, match="expected cooldown"):
        smile(cooldown=-1)
    for name in ("", "a/b", "x" * 65, "$(true)", "../up"):
        with pytest.raises(RuleError, match="expected a name"):
            Rule(name, "faces > 0")


def test_the_best_frame_is_sharp_and_faces_the_camera(astronaut: np.ndarray) -> None:
    straight = np.array([[[200, 110], [250, 110], [225, 131.2], [208, 150], [242, 150]]])
    aside = straight + np.array([[0, 0], [0, 0], [15, 0], [8, 0], [8, 0]])
    box = np.array([[170, 50, 280, 190]])

    def faces(points: np.ndarray, people: int = 1) -> Faces:
        n = np.zeros(people)
        return Faces(np.repeat(box, people, 0), n + 1, n, n, landmarks=np.repeat(points, people, 0))

    soft = astronaut.copy()
    soft[40:200, 160:290] = (
        soft[40:200, 160:290].astype(int)
        + np.roll(soft, 3, axis=1)[40:200, 160:290]
        + np.roll(soft, 3, axis=0)[40:200, 160:290]
    ) // 3
    assert sharpness(astronaut, box) > 1.2 * sharpness(soft, box)
    moment: BestFrame[str] = BestFrame()
    moment.add("soft", soft, faces(straight))
    moment.add("sharp", astronaut, faces(straight))
    moment.add("turned away", astronaut, faces(aside))
    assert moment.take() == "sharp"
    moment.add("alone", astronaut, faces(straight))
    moment.add("together", soft, faces(straight, people=2))
    assert moment.take() == "together"
    assert moment.take() is None
