"""Expressions summed up as positive, neutral, negative."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, FERPLUS, Labels
from mien.metrics.sentiment import PRESETS, SENTIMENTS, SentimentMapping, open_mapping

SEVEN = dict.fromkeys(EXPRESSIONS, "neutral")
TABLES = arrays(np.float64, (3, 8), elements=st.floats(0, 1)).map(
    lambda table: (table + 1e-3) / (table + 1e-3).sum(axis=1, keepdims=True)
)


@given(TABLES, st.sampled_from(sorted(PRESETS)))
def test_sums_stay_probabilities(probs: np.ndarray, name: str) -> None:
    mapped = PRESETS[name](probs, FERPLUS)
    assert mapped.shape == (3, 3)
    assert (mapped >= 0).all()
    assert np.allclose(mapped.sum(axis=1), 1)


@given(TABLES, st.permutations(range(8)), st.sampled_from(sorted(PRESETS)))
def test_the_order_of_the_classes_does_not_matter(probs: np.ndarray, order: list[int], name: str) -> None:
    shuffled = Labels(tuple(FERPLUS[column] for column in order))
    assert np.allclose(PRESETS[name](probs[:, order], shuffled), PRESETS[name](probs, FERPLUS))


@given(
    st.dictionaries(
        st.sampled_from(EXPRESSIONS.names), st.sampled_from(SENTIMENTS.names), min_size=7, max_size=7
    ),
    TABLES,
)
def test_a_sentiment_is_the_sum_of_its_expressions(weights: dict[str, str], table: np.ndarray) -> None:
    probs = table[:, :7]
    mapped = SentimentMapping("mine", weights)(probs, EXPRESSIONS)
    for column, sentiment in enumerate(SENTIMENTS):
        own = [place for place, name in enumerate(EXPRESSIONS) if weights[name] == sentiment]
        assert np.allclose(mapped[:, column], probs[:, own].sum(axis=1))


def test_the_papers_mapping() -> None:
    yin = PRESETS["yin"]
    said = {name: yin.sentiment(name) for name in EXPRESSIONS}
    assert [name for name, sentiment in said.items() if sentiment == "positive"] == ["happy", "surprise"]
    assert [name for name, sentiment in said.items() if sentiment == "neutral"] == ["fear", "neutral", "sad"]
    assert [name for name, sentiment in said.items() if sentiment == "negative"] == ["angry", "disgust"]


def test_the_default_divides_surprise() -> None:
    one_surprised = np.eye(7)[[EXPRESSIONS.index("surprise")]]
    assert PRESETS["valence"](one_surprised, EXPRESSIONS).tolist() == [[0.2, 0.3, 0.5]]
    assert PRESETS["valence"].sentiment("anger") == "negative"


def test_files_and_dicts_say_the_same(tmp_path: Path) -> None:
    weights = {**SEVEN, "happy": "positive", "surprise": {"positive": 0.25, "negative": 0.75}}
    lines = [f'{name} = "{given}"' for name, given in weights.items() if isinstance(given, str)]
    (tmp_path / "ours.toml").write_text(
        "\n".join([*lines, "surprise = { positive = 0.25, negative = 0.75 }"]), encoding="utf-8"
    )
    (tmp_path / "ours.json").write_text(json.dumps(weights), encoding="utf-8")
    toml, from_json, direct = (
        open_mapping(tmp_path / "ours.toml"),
        open_mapping(tmp_path / "ours.json"),
        open_mapping(weights),
    )
    assert toml.name == "ours"
    assert toml.table() == from_json.table() == direct.table()
    assert toml.table()["surprise"] == {"positive": 0.25, "neutral": 0.0, "negative": 0.75}
    assert open_mapping(toml) is toml


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (
            {**SEVEN, "hapy": "neutral"},
            "expected expressions out of angry, .*; got 'hapy': did you mean happy",
        ),
        (
            {name: "neutral" for name in EXPRESSIONS if name not in ("sad", "fear")},
            "there is none for fear, sad",
        ),
        ({**SEVEN, "anger": "negative"}, "expected each expression once; got angry twice"),
        (
            {**SEVEN, "sad": "bad"},
            "mapping mine, sad: expected sentiments out of positive, neutral, negative; got bad",
        ),
        ({**SEVEN, "sad": {"positive": 0.5, "negative": 0.4}}, "add up to 1; got positive 0.5, negative 0.4"),
        ({**SEVEN, "sad": {"positive": 1.5, "negative": -0.5}}, "weights from 0 to 1"),
        ({**SEVEN, "sad": {"positive": float("nan")}}, "add up to 1; got positive nan"),
        ({**SEVEN, "sad": {"positive": "1"}}, "add up to 1; got positive '1'"),
        (
            {**SEVEN, "sad": {"positive": 10**5000}},
            "add up to 1; got positive a number of thousands of digits",
        ),
        ({**SEVEN, "sad": {}}, "add up to 1; got none"),
        ({**SEVEN, "sad": 3}, "expected positive, neutral, negative or a weight for each; got 3"),
    ],
)
def test_mistakes_are_told_in_one_line(weights: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        open_mapping(weights)
    assert "\n" not in str(caught.value)


def test_a_class_that_the_mapping_does_not_know() -> None:
    with pytest.raises(
        InputError, match="mapping mine: expected a sentiment for contempt too: the network knows it"
    ):
        open_mapping(SEVEN)(np.ones((1, 8)) / 8, FERPLUS)


def test_half_and_half_has_no_word() -> None:
    mapping = open_mapping({**SEVEN, "surprise": {"positive": 0.5, "negative": 0.5}})
    with pytest.raises(
        InputError, match="surprise is as much positive as negative: give reference labels as positive"
    ):
        mapping.sentiment("surprise")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.toml", "happy = ", "expected a mapping of expressions as TOML"),
        ("a.json", "[1]", "expected a line for each expression"),
        ("a.json", "{", "as JSON"),
        (
            "a.json",
            '{"happy": ' + "9" * 5000 + "}",
            "as JSON; a number of thousands of digits: correct the file",
        ),
        ("a.toml", "happy = " + "9" * 5000, "as TOML; a number of thousands of digits: correct the file"),
        ("a.json", "[" * 10**5, "as JSON; too many brackets inside each other: correct the file"),
        ("a.toml", None, "No such file"),
        ("vallence", None, "expected a mapping out of valence, yin, or a file ending in .toml or .json; got"),
    ],
)
def test_files_that_are_no_mapping(tmp_path: Path, name: str, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        open_mapping(tmp_path / name if "." in name else name)
