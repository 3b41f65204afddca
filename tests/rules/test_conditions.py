"""Conditions: what they mean, and what is said of those that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.errors import InputError, RuleError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
from mien.metrics.sentiment import PRESETS
from mien.rules.features import FrameFeatures, frontalness, sums_of
from mien.rules.parsing import parse_condition


def view_of(*happy: float, smoothed_probs: list[float] | None = None) -> FrameFeatures:
    """Faces that are so happy, and otherwise sad."""
    return FrameFeatures(
        faces_of(*happy, smoothed_probs=smoothed_probs), EXPRESSIONS, sums_of(PRESETS["valence"], EXPRESSIONS)
    )


def faces_of(*happy: float, smoothed_probs: list[float] | None = None) -> Faces:
    def table(values: list[float]) -> np.ndarray:
        probs = np.zeros((len(values), 7))
        probs[:, EXPRESSIONS.index("happy")], probs[:, EXPRESSIONS.index("sad")] = (
            values,
            1 - np.array(values),
        )
        return probs

    n = len(happy)
    faces = Faces(
        np.tile([0, 0, 9, 9], (n, 1)),
        np.ones(n),
        np.zeros(n),
        np.zeros(n),
        probs=table(list(happy)),
        labels=EXPRESSIONS,
    )
    return faces if smoothed_probs is None else faces.with_columns(smoothed_probs=table(smoothed_probs))


@pytest.mark.parametrize(
    ("text", "happy", "holds"),
    [
        ("everyone.happy > 0.7", [0.8, 0.9], True),
        ("everyone.happy > 0.7", [0.8, 0.6], False),
        ("everyone.happy < 0.7", [0.6, 0.5], True),
        ("everyone.happy < 0.7", [0.6, 0.8], False),
        ("any.happy > 0.7", [0.1, 0.8], True),
        ("any.happy < 0.3", [0.1, 0.8], True),
        ("any.happy < 0.3", [0.4, 0.8], False),
        ("group.happy >= 0.5", [0.25, 0.75], True),
        ("group.positive > 0.6", [0.25, 0.75], False),
        ("group.negative > 0.6", [0.1, 0.1], True),
        ("faces == 2", [0.5, 0.5], True),
        ("faces != 2", [0.5, 0.5], False),
        ("2 <= faces", [0.5, 0.5], True),
        ("0.7 < any.happy", [0.75], True),
        ("count(happy > 0.6) >= 2", [0.7, 0.1, 0.8], True),
        ("count(happy > 0.6 and sad > 0.3) >= 1", [0.65, 0.9], True),
        ("count(not happy > 0.6) == 1", [0.7, 0.1, 0.8], True),
        ("share(happy > 0.6) > 0.6", [0.7, 0.1, 0.8], True),
        ("share(happy > 0.6 or sad > 0.8) == 1", [0.7, 0.1, 0.8], True),
        ("not any.happy > 0.7 and faces > 0", [0.6], True),
        ("any.happy > 0.9 or any.sad > 0.3 and faces > 5", [0.95], True),  # and binds closer than or
        ("(any.happy > 0.9 or any.sad > 0.3) and faces > 5", [0.95], False),
        ("not not faces > 0", [0.1], True),
    ],
)
def test_what_conditions_mean(text: str, happy: list[float], holds: bool) -> None:
    assert parse_condition(text).holds(view_of(*happy)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "everyone.happy > 0",
        "everyone.happy < 1",
        "any.happy >= 0",
        "group.positive >= 0",
        "share(happy > 0) >= 0",
        "faces > 0",
    ],
)
def test_nothing_holds_of_people_who_are_not_there(text: str) -> None:
    assert not parse_condition(text).holds(view_of())


def test_what_can_be_said_of_nobody() -> None:
    nobody = view_of()
    assert parse_condition("faces == 0").holds(nobody)
    assert parse_condition("count(happy > 0) == 0").holds(nobody)
    assert parse_condition("not everyone.happy > 0.5").holds(nobody)
    assert dict(parse_condition("everyone.happy > 0.5").values(nobody)) == {"everyone.happy > 0.5": None}


def test_smoothed_values_count_where_there_are_any() -> None:
    assert parse_condition("any.happy > 0.5").holds(view_of(0.9))
    assert not parse_condition("any.happy > 0.5").holds(view_of(0.9, smoothed_probs=[0.2]))


def test_the_value_that_decides_is_told() -> None:
    values = dict(
        parse_condition("everyone.happy > 0.2 and everyone.happy < 0.9 and count(sad > 0.5) >= 1").values(
            view_of(0.3, 0.8)
        )
    )
    assert values == {"everyone.happy > 0.2": 0.3, "everyone.happy < 0.9": 0.8, "count(sad > 0.5) >= 1": 1.0}


def test_faces_that_nobody_has_read_are_refused() -> None:
    unread = Faces([[0, 0, 9, 9]], [1], [0], [0])
    with pytest.raises(InputError, match="have been read"):
        FrameFeatures(unread, EXPRESSIONS, sums_of(PRESETS["valence"], EXPRESSIONS))


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("everyone.hapy > 0.7", 9, "did you mean happy"),
        ("everyone.contempt > 0.7", 9, "there are angry"),
        ("anyone.happy > 0.7", 0, "did you mean any"),
        ("happy > 0.7", 0, "write everyone.happy"),
        ("faces = 0", 6, "write =="),
        ("faces == 0 && any.happy > 0.5", 11, "write and"),
        ("any.happy > 70", 12, "write 0.7"),
        ("any.happy > 1.5", 12, "from 0 to 1"),
        ("any.happy > -1", 12, "from 0 to 1"),
        ("any.happy == 0.5", 10, "hardly ever exactly"),
        ("any.happy > 0,7", 13, "no place"),
        ("any.happy > 0.7.1", 12, "no number"),
        ("any.happy > 70%", 14, "no place"),
        ("any.happy", 9, "the condition ends here"),
        ("any.happy >", 11, "number after it"),
        ("any > 0.5", 0, "after a dot"),
        ("(faces > 1", 0, "never closed"),
        ("faces > 1)", 9, "not expected here"),
        ("faces > 1 faces < 3", 10, "join comparisons"),
        ("1 < faces < 3", 10, "join two comparisons"),
        ("1 < 2", 0, "two numbers"),
        ("faces > any.happy", 8, "number after it"),
        ("count(any.happy > 0.5) > 1", 6, "cannot stand inside"),
        ("count(count(happy > 0.5) > 1) > 1", 6, "cannot stand inside"),
        ("count happy > 0.5", 0, "count(happy > 0.6)"),
        ("share(happy > 0.5) > 2", 21, "write 0.02"),
        ("", 0, "the condition ends here"),
        ("   ", 0, "the condition ends here"),
        ("__import__('os').system('true')", 10, "no place"),
        ("any.__class__ > 0.5", 4, "no expression"),
        ("not " * 60 + "faces > 1", 200, "more than 50"),
        ("faces > 1 or " * 200 + "faces > 1", 2000, "too long"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, place: int, word: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(text)
    assert word in str(caught.value)
    if word != "no place":  # What comes first in the text is told first.
        assert caught.value.offset == place


def test_the_network_says_which_expressions_there_are() -> None:
    assert str(parse_condition("any.contempt > 0.5", FERPLUS)) == "any.contempt > 0.5"
    with pytest.raises(RuleError, match="there are sad"):
        parse_condition("any.fear > 0.5", Labels(("sad", "happy")))
    own = Labels(("happy", "n/a", "two words", "2nd", "bored_now"))
    assert str(parse_condition("any.bored_now > 0.5", own)) == "any.bored_now > 0.5"
    for text, name, place in (
        ("any.N/A > 0.5", "'n/a'", 4),
        ("any.'n/a' > 0.5", "'n/a'", 5),
        ("count(two words > 0.5) > 1", "'two words'", 6),
        ("faces > 1 and any.2nd > 0.5", "'2nd'", 18),
    ):
        with pytest.raises(
            RuleError, match=f"{name} cannot be named in a condition: give the class a name of"
        ) as caught:
            parse_condition(text, own)
        assert caught.value.offset == place
    with pytest.raises(RuleError, match="no place"):
        parse_condition("any.happy / 2 > 0.5", own)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abefhny.()<>=! 0179orandtcu\n%é", max_size=40))
def test_any_text_is_a_condition_or_a_mistake_with_a_place(text: str) -> None:
    place = 0
    try:
        parse_condition(text)
    except RuleError as error:
        place = -1 if error.offset is None else error.offset
    assert 0 <= place <= len(text)


_LEAVES = st.sampled_from(
    [
        "faces >= 2",
        "any.happy > 0.5",
        "everyone.sad < 0.25",
        "count(happy > 0.5) == 1",
        "group.negative <= 0.5",
    ]
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(_TREES, st.lists(st.floats(0, 1), max_size=4))
def test_what_is_written_down_means_the_same(text: str, happy: list[float]) -> None:
    condition, view = parse_condition(text), view_of(*happy)
    again = parse_condition(str(condition))
    assert again.holds(view) == condition.holds(view)
    # Python's own and, or, not on the leaves.
    said = text
    for leaf in (
        "faces >= 2",
        "any.happy > 0.5",
        "everyone.sad < 0.25",
        "count(happy > 0.5) == 1",
        "group.negative <= 0.5",
    ):
        said = said.replace(leaf, str(parse_condition(leaf).holds(view)))
    assert condition.holds(view) == eval(said)


HEAD = np.array([[-32, 0, 0], [32, 0, 0], [0, 0.53 * 70, 30], [-25, 70, 0], [25, 70, 0]], float)  # mm


@pytest.mark.parametrize("lean", [0, 25, -40])
def test_facing_falls_with_the_angle_of_the_head(lean: float) -> None:
    def seen(aside: float, up: float) -> float:
        a, u, r = np.radians([aside, up, lean])
        turned = HEAD @ np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
        turned = turned @ np.array([[1, 0, 0], [0, np.cos(u), np.sin(u)], [0, -np.sin(u), np.cos(u)]])
        rolled = turned[:, :2] @ np.array([[np.cos(r), np.sin(r)], [-np.sin(r), np.cos(r)]])
        return float(frontalness(rolled[None])[0])

    assert seen(0, 0) == pytest.approx(1)
    assert [seen(angle, 0) for angle in (10, 20, 30)] == pytest.approx(
        [1 - np.tan(np.radians(angle)) for angle in (10, 20, 30)]
    )
    assert seen(-20, 0) == pytest.approx(seen(20, 0))
    assert seen(50, 0) == 0
    assert 0.4 < seen(0, 20) < 0.8 > seen(0, -20) > 0.4
