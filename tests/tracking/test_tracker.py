"""Ids: one per person, through misses, crossings and jumps in time; the whole detector only where it is
needed.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.inference.detectors.mtcnn import MTCNN
from mien.media import Frame
from mien.tracking.options import Tracking
from mien.tracking.tracker import Tracker
from tests.tracking.stage import Play, RefiningPlay


def walk(
    frames: int, start: float = 30, speed: float = 2, y: float = 60, size: float = 30
) -> list[tuple[float, ...]]:
    return [(start + speed * index, y, size) for index in range(frames)]


def ids(play: Play, tracker: Tracker | None = None) -> list[list[int]]:
    tracker = tracker or Tracker(play)
    return [tracker.update(frame).tracks.tolist() for frame in play.frames()]


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
def test_a_miss_does_not_change_the_id(kind: type[Play]) -> None:
    play = kind([[] if 10 <= index < 25 else [face] for index, face in enumerate(walk(60))])
    found = ids(play)
    assert found == [[] if 10 <= index < 25 else [1] for index in range(60)]


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
def test_who_comes_back_late_is_someone_new_and_no_id_comes_again(kind: type[Play]) -> None:
    play = kind([[(60, 60, 30)] if index % 120 < 20 else [] for index in range(340)])
    tracker = Tracker(play)
    seen = [row for rows in ids(play, tracker) for row in rows]
    assert sorted(set(seen)) == [1, 2, 3]
    assert seen == sorted(seen)
    assert len(tracker.state()["people"]) == 0


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
def test_people_who_cross_keep_their_ids(kind: type[Play]) -> None:
    left, right = walk(50, 30, 2.5, 55), walk(50, 152, -2.5, 62)
    # The one behind is covered while the other is in front.
    play = kind([[a, *([] if abs(a[0] - b[0]) < 25 else [b])] for a, b in zip(left, right, strict=True)])
    tracker = Tracker(play)
    for frame in play.frames():
        faces = tracker.update(frame)
        for box, track in zip(faces.boxes, faces.tracks, strict=True):
            truth = left if track == 1 else right
            assert abs(box[0] + 15 - truth[frame.index][0]) < 1


def test_two_trackers_know_nothing_of_each_other() -> None:
    play = Play([[(60, 60, 30), (150, 60, 30)]] * 3)
    assert ids(play) == ids(play) == [[1, 2]] * 3


def test_most_frames_are_only_confirmed() -> None:
    play = RefiningPlay([[face] for face in walk(90, speed=1)])
    assert ids(play) == [[1]] * 90
    assert len(play.detected) < 20
    assert len(play.refined) > 70
    every = RefiningPlay(play.script)
    assert ids(every, Tracker(every, Tracking(every_frame=True))) == [[1]] * 90
    assert every.detected == list(range(90))
    assert every.refined == []


def test_a_detector_that_cannot_confirm_looks_at_every_frame() -> None:
    play = Play([[face] for face in walk(20)])
    ids(play)
    assert play.detected == list(range(20))


def test_calm_images_are_searched_rarely() -> None:
    play = RefiningPlay([[(60, 60, 30)]] * 240)
    ids(play)
    late = [index for index in play.detected if index > 30]
    assert max(np.diff(late)) == 30  # calm_every, at 30 frames a second.
    assert len(late) <= 7


def test_a_newcomer_is_seen_within_a_third_of_a_second() -> None:
    for first in range(100, 110):
        play = RefiningPlay(
            [[(40, 60, 30), *([(150, 60, 30)] if index >= first else [])] for index in range(140)]
        )
        seen = [index for index, found in enumerate(ids(play)) if 2 in found]
        assert first <= seen[0] <= first + 10


def test_a_lost_face_is_looked_for_at_once() -> None:
    play = RefiningPlay([[(60 if index < 40 else 90, 60, 30)] for index in range(80)])
    found = ids(play)  # A jump by a whole face in one frame.
    assert found[40] != []
    assert 40 in play.detected


def test_an_unsure_face_goes_on_but_does_not_begin() -> None:
    play = Play([[(60, 60, 30, 0.4 if 5 <= index < 8 else 0.9), (150, 60, 30, 0.4)] for index in range(10)])
    assert ids(play, Tracker(play, Tracking(start=0.6))) == [[1]] * 10


def test_times_that_jump_stand_still_or_go_back() -> None:
    play = Play([[(60, 60, 30)]] * 6)
    tracker = Tracker(play)
    times = [0.0, 0.0, 0.04, 0.02, 60.0, 1.0]
    found = [tracker.update(play.frame(index, time)).tracks.tolist() for index, time in enumerate(times)]
    assert found == [[1], [1], [1], [1], [2], [3]]


def test_videos_that_are_looked_at_rarely() -> None:
    play = Play([[(60 + 8 * (index % 2), 60, 30), (150, 60, 30)] for index in range(6)])
    for step in (1.0, 2.0, 10.0, 300.0):
        tracker = Tracker(play)
        assert [tracker.update(play.frame(index, index * step)).tracks.tolist() for index in range(6)] == [
            [1, 2]
        ] * 6


def test_a_pause_of_a_video_ends_nobody_but_a_hole_does() -> None:
    play = Play([[(60, 60, 30)]] * 4)
    times = [0.0, 0.04, 60.0, 60.04]
    frames = [
        Frame(index, time, play.frame(index).image, lasting=60.0 - 0.04 if index == 1 else 0.04)
        for index, time in enumerate(times)
    ]
    tracker = Tracker(play)
    assert [tracker.update(frame).tracks.tolist() for frame in frames] == [[1]] * 4
    tracker.reset()
    assert [tracker.update(play.frame(index, time)).tracks.tolist() for index, time in enumerate(times)] == [
        [1],
        [1],
        [2],
        [2],
    ]


def test_a_stream_that_slows_down_ends_nobody_twice() -> None:
    play = Play([[(60, 60, 30)]] * 10)
    times = [0.0, 0.04, 0.08, 5.0, 10.0, 15.0, 22.0, 27.0, 27.04, 27.08]
    tracker = Tracker(play)
    assert [tracker.update(play.frame(index, time)).tracks.tolist() for index, time in enumerate(times)] == [
        [1]
    ] * 3 + [[2]] * 7


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
@pytest.mark.parametrize("stop", [1, 17, 30])
def test_a_restored_tracker_goes_on_to_the_same_bits(kind: type[Play], stop: int) -> None:
    chance = np.random.default_rng(3)
    script = [
        [(40 + index + chance.normal(), 60 + chance.normal(), 30), *([(150, 60, 28)] if index % 13 else [])]
        for index in range(50)
    ]
    play = kind(script)
    whole = [Tracker(play)]
    expected = [whole[0].update(frame) for frame in play.frames()]
    first, second = Tracker(kind(script)), Tracker(kind(script))
    for frame in play.frames()[:stop]:
        first.update(frame)
    second.restore(json.loads(json.dumps(first.state())))
    for frame, wanted in zip(play.frames()[stop:], expected[stop:], strict=True):
        faces = second.update(frame)
        assert faces.tracks.tolist() == wanted.tracks.tolist()
        assert faces.boxes.tobytes() == wanted.boxes.tobytes()
    assert second.state() == whole[0].state()


def test_reset_begins_anew() -> None:
    play = RefiningPlay([[(60, 60, 30)]] * 4)
    tracker = Tracker(play)
    fresh = tracker.state()
    assert ids(play, tracker) == [[1]] * 4
    tracker.reset()
    assert tracker.state() == fresh
    assert ids(play, tracker) == [[1]] * 4


class Resized(Play):
    """A play whose images change their size."""

    def frame(self, index: int, time: float | None = None) -> Frame:
        frame = super().frame(index, time)
        if index < 5:
            return frame
        small = frame.image[::2, ::2] if index < 10 else frame.image[:, :100]
        return Frame(index, frame.time, np.ascontiguousarray(small))


def test_an_image_that_changes_its_size() -> None:
    play = Resized([[(60, 60, 30)]] * 5 + [[(30, 30, 15)]] * 5 + [[(30, 30, 15)]] * 2)
    # Half the size is the same image; another shape is another one.
    assert ids(play) == [[1]] * 10 + [[2]] * 2


class Cutting(RefiningPlay):
    """Two scenes, one after the other."""

    def frame(self, index: int, time: float | None = None) -> Frame:
        chance = np.random.default_rng(index // 10)
        image = chance.integers(0, 256, (6, 10, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
        image[0, 0] = (0, index, 0)
        return Frame(index, index / 30, image)


def test_a_cut_ends_everyone() -> None:
    play = Cutting([[(60, 60, 30)]] * 20)
    assert ids(play) == [[1]] * 10 + [[2]] * 10
    assert ids(play, Tracker(play, Tracking(cuts=False))) == [[1]] * 20


def test_an_hour_without_a_face_leaves_nothing_behind() -> None:
    play = RefiningPlay([[(60, 60, 30)]] * 5 + [[]] * 5)
    tracker = Tracker(play)
    ids(play, tracker)
    sizes = set()
    for number in range(1000):
        faces = tracker.update(play.frame(9, 1 + number * 3.6))
        assert len(faces) == 0
        assert faces.tracks.shape == (0,)
        sizes.add(len(tracker.state()["people"]))
    assert max(list(sizes)) <= 1
    assert len(tracker.state()["people"]) == 0


def test_many_people_passing_leave_nothing_behind() -> None:
    play = Play([[(20 + 3 * (index % 50), 60, 30)] if index % 50 < 5 else [] for index in range(200)], rate=5)
    tracker = Tracker(play)
    assert {track for rows in ids(play, tracker) for track in rows} == {1, 2, 3, 4}
    assert len(tracker.state()["people"]) == 0


def test_options_out_of_range() -> None:
    for wrong in ({"lost_after": 0}, {"calm_every": -1}, {"keep": 1.5}, {"start": -0.1}):
        with pytest.raises(InputError, match=f"expected {next(iter(wrong))}"):
            Tracking(**wrong)


def test_rows_are_those_of_the_frame() -> None:
    play = RefiningPlay([[(60, 60, 30), (150, 60, 30)]] * 3)
    tracker = Tracker(play)
    for frame in play.frames():
        faces = tracker.update(frame)
        assert isinstance(faces, Faces)
        assert faces.frames.tolist() == [frame.index] * 2
        assert faces.times.tolist() == [frame.time] * 2


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
def test_a_head_that_turns_back_at_once_keeps_its_id(kind: type[Play]) -> None:
    """At 9 sizes a second to and fro, the place where it was going is farther off than the reach of a
    prediction.
    """
    ways = [abs((index % 12) - 6) * 9.0 for index in range(72)]
    play = kind([[(60 + way, 60, 30)] for way in ways])
    assert ids(play) == [[1]] * 72


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
@pytest.mark.parametrize("rate", [1.5, 2.0, 3.0, 5.0])
def test_one_who_moves_alone_before_a_slow_camera_stays_one(kind: type[Play], rate: float) -> None:
    """By a size of the face or more between two frames. In a video, which may be cut, that is somebody else where
    frames are far apart; and so it is of two people.
    """
    ways = [90 + 40 * np.sin(2 * np.pi * index / rate / 3 + 0.4) for index in range(40)]
    alone = kind([[(way, 60, 30)] for way in ways], rate)
    assert ids(alone, Tracker(alone, Tracking(cuts=False))) == [[1]] * 40
    if rate < 2:
        assert len({number for found in ids(alone) for number in found}) > 4
        both = kind([[(way, 60, 30), (180, 60, 30)] for way in ways], rate)
        found = ids(both, Tracker(both, Tracking(cuts=False)))
        assert len({number for numbers in found for number in numbers}) > 4


def test_who_comes_back_to_the_only_place_there_is_is_soon_seen(portrait: np.ndarray) -> None:
    """The face fills the image, so that all that changes lies where it was; a search that waits for a change elsewhere takes
    a second."""
    blank = np.full_like(portrait, 90)
    tracker = Tracker(MTCNN(threads=1))
    for index in range(8):
        assert len(tracker.update(Frame(index, index / 10, np.roll(portrait, index, axis=1)))) == 1
    for index in range(8, 12):
        assert len(tracker.update(Frame(index, index / 10, blank))) == 0
    seen = [
        index
        for index in range(12, 20)
        if len(tracker.update(Frame(index, index / 10, np.roll(portrait, index, axis=1))))
    ]
    assert min(seen) <= 12 + 3
