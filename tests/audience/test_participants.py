"""Everybody counts once, however often read, wherever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.audience.figures import published, similarity, summarise
from mien.audience.participants import AudienceSample, participants
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS
from tests.audience.crowds_seen import look, shown

NAMES = st.sampled_from(list(EXPRESSIONS))
PEOPLE = st.lists(st.tuples(st.integers(0, 30), NAMES), max_size=8, unique_by=lambda row: row[0])


def seen(rows: list[list[tuple[int, str]]]) -> list[AudienceSample]:
    return [
        look(float(second), [(float(place), shown(name)) for place, name in people])
        for second, people in enumerate(rows)
    ]


def told(samples: list[AudienceSample]) -> tuple[int, list[float]]:
    people = participants(samples)
    return len(people), sorted(np.round(people.probs, 9).ravel().tolist()) if len(people) else []


@settings(max_examples=60, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=6), st.randoms())
def test_neither_order_nor_repetition_of_faces_matters(rows: list[list[tuple[int, str]]], random) -> None:  # type: ignore[no-untyped-def]
    once = seen(rows)
    mixed = []
    for sample in once:
        order = [place for place in range(len(sample.faces)) for _ in range(random.randint(1, 3))]
        random.shuffle(order)
        mixed.append(AudienceSample(sample.time, sample.faces[order] if order else sample.faces))
    assert told(mixed) == told(once)


@settings(max_examples=60, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=6))
def test_a_second_look_at_the_same_moment_changes_nothing(rows: list[list[tuple[int, str]]]) -> None:
    once = seen(rows)
    twice = [sample for sample in once for _ in range(2)]
    assert told(twice) == told(once)


@settings(max_examples=60, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=6))
def test_never_more_people_than_faces_at_one_moment(rows: list[list[tuple[int, str]]]) -> None:
    people = participants(seen(rows))
    assert len(people) <= max(len(row) for row in rows)
    assert people.seen.sum() <= sum(len(row) for row in rows)


def test_somebody_read_ten_times_weighs_as_much_as_somebody_read_three_times() -> None:
    looks = [
        look(t, [(0, shown("happy", 1.0)), *([(1, shown("sad", 1.0))] if t < 3 else [])]) for t in range(10)
    ]
    figures = summarise(participants(looks))
    assert figures.participants == 2
    assert figures.mean[EXPRESSIONS.index("happy")] == pytest.approx(0.5)
    assert figures.coverage == pytest.approx(13 / 20)


def test_a_tile_that_moves_is_still_one_participant() -> None:
    looks = [
        look(t, [(0 if t < 5 else 9, shown("happy")), (1, shown("sad")), (2, shown("neutral"))])
        for t in range(10)
    ]
    people = participants(looks)
    assert len(people) == 3
    assert sorted(people.probs.argmax(axis=1).tolist()) == sorted(
        EXPRESSIONS.index(name) for name in ("happy", "sad", "neutral")
    )


def test_tiles_that_change_places_stay_as_many() -> None:
    chance = np.random.default_rng(1)
    looks = [look(t, [(float(place), shown("happy")) for place in chance.permutation(9)]) for t in range(10)]
    assert len(participants(looks)) == 9


def test_what_is_met_once_in_ten_looks_is_nobody() -> None:
    looks = [
        look(t, [(0, shown("happy")), (1, shown("happy")), *([(7, shown("sad"))] if t == 4 else [])])
        for t in range(10)
    ]
    assert len(participants(looks)) == 2


def test_images_of_one_colour_count_for_nothing() -> None:
    looks = [
        look(t, [(0, shown("happy"))]) if t < 2 else AudienceSample(t, Faces.empty(EXPRESSIONS), blank=True)
        for t in range(10)
    ]
    assert len(participants(looks)) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(0.001, 1), min_size=7, max_size=7), min_size=1, max_size=12))
def test_similarity_lies_between_0_and_1_and_ignores_order(rows: list[list[float]]) -> None:
    probs = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    assert 0 <= similarity(probs) <= 1
    assert similarity(probs) == pytest.approx(similarity(probs[::-1]))
    assert similarity(np.repeat(probs[:1], 5, axis=0)) == pytest.approx(1.0)


def test_similarity_falls_with_difference_and_not_with_doubt() -> None:
    sure, doubtful = (np.array([shown("happy", p)] * 6) for p in (0.95, 0.4))
    divided = np.array([shown("happy", 0.95)] * 3 + [shown("sad", 0.95)] * 3)
    assert similarity(sure) == pytest.approx(similarity(doubtful)) == pytest.approx(1.0)
    assert similarity(divided) < 0.7


@settings(max_examples=100, deadline=None)
@given(st.integers(4, 60), st.data())
def test_rounding_leaves_each_part_open(people: int, data: st.DataObject) -> None:
    """What leaves a group with one person less is told so coarsely that the person's part could be off by a
    fifth and more.
    """
    step = min(
        abs(published(value / 1000, people) - published(0, people))
        for value in range(1001)
        if published(value / 1000, people) > 0
    )
    assert step * people >= 0.2
    value = data.draw(st.floats(0, 1))
    assert abs(published(value, people) - value) <= 0.025 + 1e-9
