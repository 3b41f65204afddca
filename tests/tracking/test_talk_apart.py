"""Talk that is left out: it bears on nothing that is shown before and after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.inference.pipeline import Pipeline
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing
from mien.tracking.session import Session
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.video.checkpoint import CheckpointStore, Chunk
from mien.video.runner import VideoOptions
from mien.video.sources import kept_videos
from tests.tracking.test_talk_marks import faces_at, opening_at

FPS = 25.0
START, END = 3.0, 5.0
"""Seconds of talk, amid 8 s."""


def film(talk: str, told: bool = True) -> Iterator[FrameResult]:
    """A neutral face that talks for a while, which makes it look like something else.

    Args:
        talk: What it looks like then.
        told: Whether talk is marked.
    """
    for index in range(int(8 * FPS)):
        time = index / FPS
        talks = START <= time < END
        faces = faces_at(time, 0.1, label=talk if talks else "neutral")
        faces = faces.with_columns(talking=[int(talks)]) if told else faces
        yield FrameResult("a.mp4", index, time, faces)


def speaking(talk: str) -> Iterator[FrameResult]:
    """The same with a mouth that moves while it looks like talk, and for half a second before and after it."""
    for result in film(talk, told=False):
        time = result.time or 0.0
        label = talk if START + 1 <= time < END else "neutral"
        faces = faces_at(time, opening_at(4.5)(time) if START <= time < END + 1 else 0.02, label=label)
        yield replace(result, faces=faces)


def shown(results: Iterator[FrameResult]) -> list[tuple[float, bool, str, np.ndarray]]:
    """Time, whether somebody talks, label and probabilities of each frame."""
    found = []
    for result in results:
        [face] = result.faces
        assert result.faces.smoothed_probs is not None
        talks = START <= face.time < END
        found.append((face.time, talks, str(face.smoothed_emotion), result.faces.smoothed_probs[0]))
    return found


def offline(results: Iterator[FrameResult], smoothing: Smoothing | None = None) -> Iterator[FrameResult]:
    return smooth_offline(results, smoothing or Smoothing(), EXPRESSIONS)


def online(results: Iterator[FrameResult], smoothing: Smoothing | None = None) -> Iterator[FrameResult]:
    smoother = OnlineSmoother(EXPRESSIONS, smoothing)
    return (replace(result, faces=smoother.update(result.faces)) for result in results)


@pytest.mark.parametrize("smooth", [offline, online])
@pytest.mark.parametrize("baseline", [None, 4.0, "median"])
def test_talk_bears_on_nothing_around_it_and_the_rest_not_on_talk(smooth, baseline) -> None:  # type: ignore[no-untyped-def]
    smoothing = Smoothing(baseline=baseline)
    happy, surprised = (shown(smooth(film(talk), smoothing)) for talk in ("happy", "surprise"))
    for (_, talks, label, probs), (_, _, other, others) in zip(happy, surprised, strict=True):
        assert (label, other) == (("happy", "surprise") if talks else ("neutral", "neutral"))
        if not talks:
            assert probs.tolist() == others.tolist()


@pytest.mark.parametrize("smooth", [offline, online])
@pytest.mark.parametrize("first", [0, 1])
def test_two_frames_of_one_time_where_talk_begins_or_ends(smooth, first: int) -> None:  # type: ignore[no-untyped-def]
    labels = ("neutral", "happy")
    results = []
    for index, (time, kind) in enumerate([(0.0, first), (0.04, first), (0.04, 1 - first), (0.08, 1 - first)]):
        faces = faces_at(time, 0.1, label=labels[kind]).with_columns(talking=[kind])
        results.append(FrameResult("a.mp4", index, time, faces))
    found = shown(smooth(iter(results)))
    assert [label for _, _, label, _ in found] == [
        labels[kind] for kind in (first, first, 1 - first, 1 - first)
    ]
    assert np.allclose([probs.sum() for *_, probs in found], 1)


@pytest.mark.parametrize("smooth", [offline, online])
def test_where_talk_is_not_told_it_bears_on_its_neighbours(smooth) -> None:  # type: ignore[no-untyped-def]
    marked, plain = shown(smooth(film("happy"))), shown(smooth(film("happy", told=False)))
    after = [at for at, (time, *_) in enumerate(plain) if END <= time < END + 0.1]
    happy = EXPRESSIONS.index("happy")
    assert all(plain[at][3][happy] > 2 * marked[at][3][happy] for at in after)


def test_a_smoother_goes_on_amid_talk_to_the_same_bits() -> None:
    whole, first, second = (OnlineSmoother(EXPRESSIONS, Smoothing(baseline="median")) for _ in range(3))
    for index, result in enumerate(film("happy")):
        if index == int(4 * FPS):
            second.restore(json.loads(json.dumps(first.state())))
        found = whole.update(result.faces)
        resumed = (first if index < 4 * FPS else second).update(result.faces)
        assert found.smoothed_probs is not None
        assert resumed.smoothed_probs is not None
        assert resumed.smoothed_probs.tolist() == found.smoothed_probs.tolist()
        assert resumed.smoothed_emotion_ids == found.smoothed_emotion_ids


def test_a_persons_usual_face_is_not_learned_from_talk() -> None:
    state = [NeutralBaseline.learn(film(talk), EXPRESSIONS).state() for talk in ("happy", "surprise")]
    assert state[0] == state[1]


@pytest.mark.parametrize("talking", ["mark", "skip"])
def test_a_session_that_leaves_talk_out_tells_it_before_it_smooths(talking, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    image, found = np.zeros((100, 100, 3), np.uint8), []
    for talk in ("happy", "surprise"):
        session, spoken = Session(Pipeline(detector="whole"), talking=talking), list(speaking(talk))
        monkeypatch.setattr(session, "locate", lambda frames, spoken=spoken: [one.faces for one in spoken])
        monkeypatch.setattr(session, "read", lambda images, faces: faces)
        found.append(session.update([Frame(one.frame or 0, one.time or 0.0, image) for one in spoken]))
    told = [bool(faces.talking[0] == 1) for faces in found[0]]
    after = told.index(False, told.index(True))
    same = [
        one.smoothed_probs.tolist() == other.smoothed_probs.tolist()
        for one, other in zip(*found, strict=True)
    ]
    assert same[after : after + 5] == [talking == "skip"] * 5


@pytest.mark.parametrize("talking", ["mark", "skip"])
@pytest.mark.parametrize("baseline", [None, "median"])
def test_a_run_that_leaves_talk_out_tells_it_before_it_smooths(talking, baseline, movie, tmp_path) -> None:  # type: ignore[no-untyped-def]
    clip, found = movie(3, nobody=range(3)), []
    options = VideoOptions(smoothing=Smoothing(baseline=baseline), talking=talking)
    for talk in ("happy", "surprise"):
        with CheckpointStore(tmp_path / f"{talk}.csv.checkpoint", {}) as checkpoints:
            checkpoints.record(0, str(clip), EXPRESSIONS).add(Chunk(list(speaking(talk)), last=True))
            [video] = kept_videos([str(clip)], EXPRESSIONS, options, checkpoints)
            found.append([frame.result.faces for frame in video.frames])
    told = [bool(faces.talking[0] == 1) for faces in found[0]]
    after = told.index(False, told.index(True))
    same = [
        one.smoothed_probs.tolist() == other.smoothed_probs.tolist()
        for one, other in zip(*found, strict=True)
    ]
    assert same[after : after + 5] == [talking == "skip"] * 5
