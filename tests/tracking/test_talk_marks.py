"""Talking, told by how often a mouth opens and closes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.core.measures import MEASURES
from mien.tracking.talking import NOT_KNOWN, SILENT, TALKING, TalkingNow, mark_talking
from mien.video.runner import VideoOptions
from mien.video.summary import Overview

NAN = float("nan")
OPENING = list(MEASURES).index("mouth_opening")
Mouth = Callable[[float], float]


def faces_at(time: float, *openings: float, side: float = 100.0, label: str = "neutral") -> Faces:
    """One face for each opening, all with one expression."""
    count = len(openings)
    measures, probs = np.full((count, len(MEASURES)), NAN), np.full((count, 7), 0.02)
    measures[:, OPENING] = openings
    probs[:, EXPRESSIONS.index(label)] = 0.88
    return Faces(
        np.tile([0, 0, side, side], (count, 1)),
        np.ones(count),
        np.full(count, round(time * 1000)),
        np.full(count, time),
        tracks=np.arange(count) + 1,
        probs=probs,
        measures=measures,
        measure_reasons=np.zeros(count),
        labels=EXPRESSIONS,
    )


def film(mouth: Mouth, seconds: float, fps: float = 30.0, side: float = 100.0) -> Iterator[FrameResult]:
    for index in range(int(seconds * fps)):
        time = index / fps
        yield FrameResult("a.mp4", index, time, faces_at(time, mouth(time), side=side))


def marks(results: Sequence[FrameResult] | Iterator[FrameResult]) -> list[int]:
    """The marks of the first face of each frame."""
    found = []
    for result in mark_talking(results):
        assert result.faces.talking is not None
        found.append(int(result.faces.talking[0]))
    return found


def opening_at(hertz: float, height: float = 0.2) -> Mouth:
    return lambda time: height / 2 * (1 - np.cos(2 * np.pi * hertz * time))


def speech(time: float) -> float:
    """Syllables for two seconds from the third on."""
    return opening_at(4.5)(time) if 3 <= time < 5 else 0.02


def test_two_frames_of_each_time_change_nothing() -> None:
    for fps in (30.0, 8.0):  # At the lower rate syllables fall between frames, however often each one comes.
        plain = list(film(opening_at(3.0), 3.0, fps))
        twice = [result for result in plain for _ in range(2)]
        assert marks(twice)[::2] == marks(twice)[1::2] == marks(plain)
        assert (TALKING in marks(plain)) == (fps == 30.0)
        now = []
        for results in (plain, twice):
            live = TalkingNow()
            now.append([int(live.update(result.faces).talking[0]) for result in results])
        assert now[1][1::2] == now[0]


@pytest.mark.parametrize("fps", [12, 15, 25, 30])
@pytest.mark.parametrize("hertz", [3.0, 4.5, 5.5])
def test_speech_is_told_at_its_rates(hertz: float, fps: float) -> None:
    found = marks(film(opening_at(hertz), 4.0, fps))
    assert np.mean(np.array(found) == TALKING) > 0.85


@pytest.mark.parametrize(
    "mouth",
    [
        lambda time: 0.02,
        lambda time: 0.02 + 0.015 * np.sin(2 * np.pi * 4 * time),  # noise
        lambda time: 0.3 if 1 < time < 2 else 0.02,  # a laugh
        opening_at(0.2, 0.6),  # yawns
        opening_at(1.0),  # chewing
        opening_at(1.5),
    ],
)
def test_other_mouths_do_not_talk(mouth: Mouth) -> None:
    assert set(marks(film(mouth, 6.0))) == {SILENT}


def test_a_stretch_is_marked_where_it_is() -> None:
    found = np.array(marks(film(speech, 8.0)))
    times = np.arange(len(found)) / 30
    assert (found[(times < 2.9) | (times > 5.1)] == SILENT).all()
    assert (found[(times > 3.2) & (times < 4.8)] == TALKING).all()


def test_a_short_pause_between_words_is_talk() -> None:
    found = np.array(marks(film(lambda time: 0.0 if 2 <= time < 2.4 else opening_at(5.0)(time), 5.0)))
    times = np.arange(len(found)) / 30
    assert (found[(times > 1.9) & (times < 2.5)] == TALKING).all()


def test_what_cannot_be_told_is_not_known() -> None:
    assert set(marks(film(opening_at(4.5), 4.0, fps=8))) == {NOT_KNOWN}, "syllables fall between frames"
    assert set(marks(film(opening_at(4.5), 4.0, side=40))) == {NOT_KNOWN}, "noise is as large as syllables"
    assert set(marks(film(opening_at(4.5), 0.8))) == {NOT_KNOWN}, "a part of a second"
    gone = film(lambda time: NAN if 2 <= time < 4 else opening_at(4.5)(time), 6.0)
    found = np.array(marks(gone))
    assert set(found[61:119]) == {NOT_KNOWN}
    assert (found[10:50] == TALKING).all()
    assert (found[130:170] == TALKING).all()


def test_people_are_told_apart() -> None:
    results = [
        FrameResult("a.mp4", index, index / 30, faces_at(index / 30, opening_at(4.5)(index / 30), 0.03))
        for index in range(120)
    ]
    found = np.array([result.faces.talking for result in mark_talking(results)])
    assert (found[20:100] == (TALKING, SILENT)).all()


def test_results_come_out_as_they_came_in() -> None:
    results = list(film(speech, 6.0))
    results.insert(50, FrameResult("a.mp4", 1000, results[50].time, Faces.empty(EXPRESSIONS)))
    results.insert(90, FrameResult("a.mp4", None, None, Faces.empty(EXPRESSIONS)))
    out = list(mark_talking(results))
    assert [(result.frame, result.time) for result in out] == [
        (result.frame, result.time) for result in results
    ]
    bare = [FrameResult("a.mp4", 0, 0.0, results[0].faces.with_columns(measures=None, measure_reasons=None))]
    assert next(mark_talking(bare)) is bare[0]


def test_few_are_held_back() -> None:
    taken = 0

    def counted() -> Iterator[FrameResult]:
        nonlocal taken
        for result in film(speech, 20.0):
            taken += 1
            yield result

    for number, _ in enumerate(mark_talking(counted()), 1):
        assert taken - number <= 50


def test_live_by_the_last_second_and_the_same_after_a_break() -> None:
    whole, first, second = TalkingNow(), TalkingNow(), TalkingNow()
    found, resumed = [], []
    for index, result in enumerate(film(speech, 8.0)):
        found += whole.update(result.faces).talking.tolist()
        if index == 130:
            second.restore(json.loads(json.dumps(first.state())))
        resumed += (first if index < 130 else second).update(result.faces).talking.tolist()
    assert resumed == found
    times = np.arange(len(found)) / 30
    marked = np.array(found)
    assert (marked[times < 0.95] == NOT_KNOWN).all()
    assert (marked[(times > 1.05) & (times < 3)] == SILENT).all()
    assert (marked[(times > 4.0) & (times < 4.9)] == TALKING).all()
    assert (marked[times > 6.1] == SILENT).all()


def overview(skip: bool) -> Overview:
    """Two seconds of surprised talk amid six of a happy face."""
    found = Overview("a.mp4", EXPRESSIONS, skip_talking=skip)
    results = (
        FrameResult(
            "a.mp4",
            index,
            index / 30,
            faces_at(index / 30, speech(index / 30), label="surprise" if 3 <= index / 30 < 5 else "happy"),
        )
        for index in range(240)
    )
    for result in mark_talking(results):
        found.add(result)
    found.end()
    return found


def test_talk_is_left_out_of_shares_means_segments_and_the_timeline() -> None:
    marked, skipped = overview(False), overview(True)
    [person], [rest] = marked.people, skipped.people
    assert person.shares["surprise"] == pytest.approx(0.25)
    assert rest.shares["surprise"] < 0.05
    assert rest.probs["surprise"] < person.probs["surprise"] / 2
    assert person.talking == pytest.approx(rest.talking)
    assert 0.2 < (rest.talking or 0) < 0.26
    assert (person.left_out, rest.seconds) == (0.0, person.seconds)
    assert rest.left_out == pytest.approx(8 * (rest.talking or 0), abs=0.05)
    assert [segment.label for segment in marked.segments] == ["happy", "surprise", "happy"]
    assert [segment.label for segment in skipped.segments if segment.seconds > 0.3] == ["happy", "happy"]
    seen = [video.timeline.course(1).seconds.sum() for video in (marked, skipped)]
    assert seen[0] - seen[1] == pytest.approx(rest.left_out, abs=1e-6)
    assert marked.remarks() == []
    assert skipped.remarks() == [f"a.mp4: {rest.left_out:.1f} s of talk are left out of 8.0 s of faces"]


def test_of_somebody_who_talks_all_the_time_nothing_is_left_and_that_is_said() -> None:
    found = Overview("a.mp4", EXPRESSIONS, skip_talking=True)
    for result in mark_talking(film(opening_at(4.5), 5.0)):
        faces = result.faces
        found.add(FrameResult("a.mp4", result.frame, result.time, faces[faces.talking == TALKING]))
    found.end()
    assert found.people == []
    assert found.shares() == {}
    assert "nothing is left of person 1" in found.remarks()[0]


def test_only_mark_and_skip() -> None:
    with pytest.raises(InputError, match="mark or skip; got 'leave'"):
        VideoOptions(talking="leave")  # type: ignore[arg-type]


def test_whoever_comes_back_is_looked_at_anew() -> None:
    now, found = TalkingNow(), []
    for result in film(lambda time: 0.02, 4.0):
        if not 1.5 <= (result.time or 0) < 2:
            found.append((result.time or 0, int(now.update(result.faces).talking[0])))
    assert {mark for time, mark in found if 1.1 < time < 1.5} == {SILENT}
    assert {mark for time, mark in found if 2 <= time < 2.9} == {NOT_KNOWN}
    assert {mark for time, mark in found if time > 3.1} == {SILENT}


def test_times_that_go_back_begin_anew() -> None:
    once = list(film(speech, 6.0))
    assert marks([*once, *once]) == 2 * marks(once)
