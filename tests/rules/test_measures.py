"""Rules about what landmarks measure, and what becomes of people who cannot be measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import RuleError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.measures import MEASURES, REASONS
from mien.rules.engine import Rule, RuleEngine, RuleEvent
from mien.rules.parsing import parse_condition
from mien.rules.rule_file import read_rules
from mien.rules.runner import RuleRunner, RunOptions
from mien.rules.words import condition_in_words, rule_in_words
from mien.tracking.blinks import BlinkRates
from mien.tracking.talking import TalkingNow
from tests.tracking.test_talk_marks import film, speech

NAN = float("nan")


def people(time: float = 0.0, happy: float = 0.5, **measures: list[float]) -> Faces:
    """Faces with these measures; all others are NaN."""
    count = len(next(iter(measures.values())))
    values, probs = np.full((count, len(MEASURES)), NAN), np.zeros((count, 7))
    for name, column in measures.items():
        values[:, list(MEASURES).index(name)] = column
    probs[:, EXPRESSIONS.index("happy")], probs[:, EXPRESSIONS.index("sad")] = happy, 1 - happy
    return Faces(
        np.tile([0, 0, 40, 50], (count, 1)),
        np.ones(count),
        np.zeros(count),
        np.full(count, time),
        tracks=np.arange(count) + 1,
        probs=probs,
        measures=values,
        measure_reasons=np.full(count, REASONS.index("")),
        labels=EXPRESSIONS,
    )


def starts(text: str, faces: Faces) -> bool:
    """Whether a rule with this condition starts."""
    return bool(RuleEngine([Rule("a", text)]).update(faces, 0.0))


@pytest.mark.parametrize(
    ("text", "smile", "holds"),
    [
        ("any.smile > 0.05", [0.01, 0.06], True),
        ("everyone.smile > 0.05", [0.01, 0.06], False),
        ("everyone.smile > -0.02", [-0.01, 0.06], True),
        ("any.smile < -.02", [-0.03, 0.06], True),
        ("-0.02 > any.smile", [-0.03, 0.06], True),
        ("group.smile > 0.04", [0.04, 0.06], True),
        # Who cannot be measured does not count.
        ("everyone.smile > 0.05", [NAN, 0.06], True),
        ("everyone.smile < 0.05", [NAN, 0.06], False),
        ("any.smile < 0.05", [NAN, 0.06], False),
        ("group.smile > 0.05", [NAN, 0.06], True),
        ("count(smile > 0.05) == 1", [NAN, 0.06], True),
        ("count(not smile > 0.05) >= 1", [NAN, 0.06], False),
        ("share(smile > 0.05) == 1", [NAN, 0.06], True),
        ("share(smile > 0.05 or happy > 0.4) == 1", [NAN, 0.01], True),
        ("count(smile > 0.05 and happy > 0.9) == 0", [NAN, 0.06], True),
        # Where that is everybody, nothing is decided by it, not even the contrary.
        ("any.smile > 0.05", [NAN, NAN], False),
        ("not any.smile > 0.05", [NAN, NAN], False),
        ("not everyone.smile < 0.05", [NAN], False),
        ("count(smile > 0.05) == 0", [NAN], False),
        ("count(smile > 0.05) < 5", [NAN], False),
        ("not share(smile > 0.05) > 0.5", [NAN], False),
        ("any.smile > 0.05 or faces == 1", [NAN], True),
        ("not (any.smile > 0.05 and faces == 2)", [NAN], True),
        ("not (any.smile > 0.05 or faces == 2)", [NAN], False),
    ],
)
def test_conditions_about_measures(text: str, smile: list[float], holds: bool) -> None:
    assert starts(text, people(smile=smile)) is holds


def test_of_nobody_nothing_is_true_but_that_it_is_not() -> None:
    assert not starts("any.smile > -1", Faces.empty(EXPRESSIONS))
    assert starts("not any.smile > -1", Faces.empty(EXPRESSIONS))
    assert starts("count(smile > 0) == 0", Faces.empty(EXPRESSIONS))


def test_valence_and_expressiveness_of_everybody() -> None:
    faces = people(happy=0.75, smile=[NAN, NAN])
    assert starts("group.valence >= 0.49 and group.valence <= 0.51", faces), ".75 happy less .25 sad"
    assert starts("everyone.expressiveness > 0.99", faces)
    assert not starts("group.valence > 0.6", faces)
    assert starts("group.valence > -0.6", faces)


@pytest.mark.parametrize(
    ("text", "talking", "holds"),
    [
        ("any.talking > 0.5", [0, 1], True),
        ("any.talking > 0.5", [0, -1], False),
        ("any.talking == 1", [1, -1], True),
        ("not any.talking > 0.5", [0, -1], True),
        ("everyone.talking < 0.5", [0, -1], True),
        ("everyone.talking < 0.5", [0, 1], False),
        ("group.talking >= 0.5", [0, 1, -1], True),
        ("count(happy > 0.4 and talking < 0.5) == 1", [0, 1, -1], True),
        # Of whom nothing is known, nothing is decided.
        ("any.talking > 0.5", [-1], False),
        ("not any.talking > 0.5", [-1, -1], False),
        ("any.talking < 0.5 or faces == 1", [-1], True),
    ],
)
def test_conditions_about_talk(text: str, talking: list[int], holds: bool) -> None:
    faces = people(smile=[0.0] * len(talking))
    assert starts(text, faces.with_columns(talking=talking)) is holds
    assert not starts(text.split(" or ", maxsplit=1)[0], faces), "without that it is not known of anybody"


def test_a_rule_about_talk_hears_of_it_from_a_session() -> None:
    """The mouth moves from the third to the fifth second."""
    now, engine, events = TalkingNow(), RuleEngine([Rule("talks", "any.talking > 0.5")]), list[RuleEvent]()
    for result in film(speech, 8.0):
        events += engine.update(now.update(result.faces), result.time or 0.0)
    assert [event.kind for event in events] == ["start", "end"]
    assert 3.3 < events[0].time < 4.0
    assert 5.0 < events[1].time < 6.1
    assert events[0].measures == {"talking": [1.0]}


def test_measures_that_were_not_asked_for_decide_nothing_and_a_remark_says_so() -> None:
    told: list[str] = []
    faces = people(smile=[0.3]).with_columns(measures=None, measure_reasons=None)
    rule = Rule("a", "not any.smile > 0.5")
    with RuleRunner([rule], EXPRESSIONS, options=RunOptions(tell=told.append)) as runner:
        for index in range(3):
            assert runner.update(Frame(index, index / 10, np.zeros((9, 9, 3), np.uint8)), faces) == []
    [line] = told
    assert "a rule asks for smile" in line
    assert "landmarks=True" in line


def test_events_carry_the_measures_that_a_rule_names() -> None:
    rule = Rule("a", "faces > 1 and count(smile > 0.05) >= 1", until="any.mouth_opening > 0.5")
    engine = RuleEngine([rule])
    [start] = engine.update(people(smile=[0.06, NAN], mouth_opening=[0.123456, 0.2], yaw=[1, 2]), 0.0)
    assert start.measures == {"smile": [0.06, None], "mouth_opening": [0.1235, 0.2]}
    assert start.values == {"faces > 1": 2.0, "count(smile > 0.05) >= 1": 1.0}
    [end] = engine.update(people(smile=[0.0], mouth_opening=[0.6]), 1.0)
    assert end.measures == {"smile": [0.0], "mouth_opening": [0.6]}
    [plain] = RuleEngine([Rule("b", "faces > 0")]).update(people(smile=[0.1]), 0.0)
    assert plain.measures == {}


def test_a_rule_without_until_ends_when_its_measure_is_lost() -> None:
    engine = RuleEngine([Rule("a", "any.smile > 0.05")])
    kinds = [
        event.kind
        for time, smile in [(0.0, 0.06), (0.1, NAN)]
        for event in engine.update(people(smile=[smile]), time)
    ]
    assert kinds == ["start", "end"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("any.yaw > 200", "from -180 to 180"),
        ("any.valence < -2", "from -1 to 1"),
        ("any.expressiveness > 60", "write 0.6"),
        ("any.blinks_per_minute > -1", "at least 0"),
        ("any.talking > 50", "from 0 to 1"),
        ("any.smile == 0.2", "measured value is hardly ever exactly"),
        ("any.smiles > 0.2", "did you mean smile"),
        ("faces > -1", "never below 0"),
        ("count(smile > 0) > -1", "never below 0"),
    ],
)
def test_what_can_never_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_condition(text)


def test_a_model_without_neutral_has_no_expressiveness() -> None:
    with pytest.raises(RuleError, match="no expression or measure"):
        parse_condition("any.expressiveness > 0.5", Labels(("sad", "happy")))


def test_in_words() -> None:
    assert condition_in_words(parse_condition("group.valence > 0.3")) == (
        "the mean of all in view has a valence of more than 0.3 (-1 to 1)"
    )
    assert condition_in_words(parse_condition("count(left_eye_opening < 0.1) >= 1")) == (
        "for at least 1 of the faces in view this holds: the face has a left_eye_opening of less than 0.1 "
        "(part of the eye's width)"
    )
    assert list(rule_in_words(Rule("a", "any.yaw > 20")))[-1] == (
        "needs landmarks, which mien rules run finds by itself, for yaw"
    )
    assert not any("landmarks" in line for line in rule_in_words(Rule("a", "any.valence > 0.2")))


def test_which_rules_of_a_file_need_landmarks(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        '[rules.a]\nwhen = "any.happy > 0.5"\n[rules.b]\nwhen = "faces > 0"\nuntil = "any.yaw > 9"\n'
    )
    found = read_rules(file)
    assert found.measures == ("yaw",)
    assert [rule.measures for rule in found.rules] == [(), ("yaw",)]


def blinking(seconds: float, every: float, fps: float = 30.0) -> list[Faces]:
    """Somebody who closes both eyes for a fifth of a second now and then."""
    times = np.arange(int(seconds * fps)) / fps
    opened = np.where((times % every) < 0.2, 0.05, 0.28)
    return [
        people(float(time), left_eye_opening=[float(value)], right_eye_opening=[float(value)])
        for time, value in zip(times, opened, strict=True)
    ]


def test_blinks_a_minute_are_those_of_the_last_minute() -> None:
    rates, found = BlinkRates(), {}
    slow, fast = blinking(60, 6.0), blinking(65, 1.5)
    for faces in slow:
        found = rates.update(faces)
    assert found[1] == pytest.approx(10, abs=1.5)
    for faces in fast:
        found = rates.update(faces.with_columns(times=faces.times + 60))
    assert found[1] == pytest.approx(40, abs=2), "a minute later the slow ones are forgotten"


def test_blinks_a_minute_are_unknown_at_first_and_in_frames_too_far_apart() -> None:
    rates = BlinkRates()
    known = [bool(rates.update(faces)) for faces in blinking(20, 3.0)]
    assert not any(known[: 14 * 30])
    assert all(known[16 * 30 :])
    coarse = BlinkRates()
    assert not any(coarse.update(faces) for faces in blinking(40, 3.0, fps=10))


def test_a_rule_about_blinks() -> None:
    engine, events = RuleEngine([Rule("tired", "any.blinks_per_minute > 30")]), list[RuleEvent]()
    for faces in blinking(40, 1.5):
        events += engine.update(faces, float(faces.times[0]))
    assert [event.kind for event in events] == ["start"]
    assert 15 <= events[0].time < 17
    assert events[0].measures["blinks_per_minute"][0] > 30
