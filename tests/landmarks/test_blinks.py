"""Blinks and movement of people whose eyes and faces move in known ways."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.core.errors import NetworkError
from mien.core.faces import Faces
from mien.core.measures import MEASURES
from mien.inference.landmarks.pose import canonical
from mien.inference.weights import part_path
from mien.tracking.blinks import Blink, Blinks
from mien.tracking.movement import Movement

NAMES = list(MEASURES)


def seen(time: float, opening: float, track: int = 1) -> Faces:
    measures = np.zeros((1, len(NAMES)))
    measures[0, [NAMES.index("left_eye_opening"), NAMES.index("right_eye_opening")]] = opening
    return Faces(
        [[0, 0, 80, 100]],
        [0.99],
        [round(time * 100)],
        [time],
        tracks=[track],
        measures=measures,
        measure_reasons=[0],
    )


def blinks(openings: list[float], fps: float = 30.0) -> tuple[list[Blink], Blinks]:
    found = Blinks()
    return [
        blink for index, opening in enumerate(openings) for blink in found.update(seen(index / fps, opening))
    ], found


def test_short_closings_count_and_long_ones_do_not() -> None:
    """Two blinks of 0.1 and 0.2 s, a squint to three quarters, eyes shut for a second."""
    openings = [0.3] * 300
    openings[60:63], openings[120:126], openings[150:170], openings[200:230] = (
        [0.1] * 3,
        [0.15] * 6,
        [0.23] * 20,
        [0.1] * 30,
    )
    found, counted = blinks(openings)
    assert [(round(blink.start, 3), round(blink.end, 3)) for blink in found] == [(2.0, 2.1), (4.0, 4.2)]
    assert counted.per_minute(1) == pytest.approx(60 * 2 / (299 / 30), rel=1e-6)


def test_narrow_eyes_blink_too() -> None:
    """Usual is what it was lately: eyes that a smile narrows to half blink from there."""
    openings = [0.32] * 60 + [0.16] * 200
    openings[220:224] = [0.05] * 4
    found, _ = blinks(openings)
    assert [round(blink.start, 3) for blink in found] == [round(220 / 30, 3)]


@pytest.mark.parametrize(("fps", "known"), [(30.0, True), (16.0, True), (12.0, False), (5.0, False)])
def test_frames_that_are_far_apart_tell_no_rate(fps: float, known: bool) -> None:
    openings = [0.3] * 100
    openings[50:52] = [0.05] * 2
    found, counted = blinks(openings, fps)
    assert (counted.per_minute(1) is not None) == known
    assert len(found) == known


def test_eyes_that_cannot_be_seen_tell_nothing() -> None:
    openings = [0.3] * 120
    openings[60:66] = [0.1, 0.1, math.nan, math.nan, 0.1, 0.3]
    assert blinks(openings)[0] == []


def face(time: float, mesh: np.ndarray) -> Faces:
    return Faces(
        [[0, 0, 80, 100]],
        [0.99],
        [round(time * 100)],
        [time],
        tracks=[1],
        mesh=mesh[None],
        measures=np.zeros((1, len(NAMES))),
        measure_reasons=[0],
    )


def speed(faces: Faces) -> float:
    assert faces.measures is not None
    return float(faces.measures[0, NAMES.index("movement")])


def test_a_head_that_moves_does_not_move_its_face() -> None:
    """Shaken, nearer and tilted, the face stands still; a mouth that opens by a tenth in a fifth of a second does not."""
    still = canonical()
    near = 1.3 * still @ np.array([[np.cos(0.3), np.sin(0.3), 0], [-np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    moved = still.copy()
    moved[:, 1] += np.where(still[:, 1] > 0.7, 0.1, 0.0)
    movement = Movement()
    values = [
        speed(movement.update(face(index / 5, 90 * shape + (300, 200, 0))))
        for index, shape in enumerate((still, near, still, moved))
    ]
    assert math.isnan(values[0])
    assert values[1:3] == pytest.approx([0, 0], abs=1e-3)
    # Of the 41 points 14 are below, and go 0.5 a second.
    assert values[3] == pytest.approx(0.5 * 14 / 41, rel=0.15)


def test_movement_goes_on_where_it_was() -> None:
    first, second = Movement(), Movement()
    shapes = [canonical() * (1 + 0.002 * index * np.array([0, 1, 0])) for index in range(40)]
    frames = [face(index / 30, 90 * shape) for index, shape in enumerate(shapes)]
    whole = [speed(first.update(frame)) for frame in frames]
    for frame in frames[:17]:
        second.update(frame)
    third = Movement()
    third.restore(json.loads(json.dumps(second.state())))
    np.testing.assert_array_equal([speed(third.update(frame)) for frame in frames[17:]], whole[17:])


@pytest.mark.integration
def test_the_blink_of_a_real_clip(shared_media: Path) -> None:
    """He shuts his eyes once, in frames 26 to 28 of 72; his smile narrows them and is no blink."""
    for part in ("facemesh", "facemesh-eyes"):
        try:
            part_path(part)
        except NetworkError:
            pytest.skip("mien was built without npm, which brings the networks of the landmarks")
    [video] = mien.analyze(shared_media / "one_face.mp4", landmarks=True, threads=1)
    [blink] = video.overview().blinks
    assert blink.start == pytest.approx(26 / 30, abs=0.04)
    assert blink.end == pytest.approx(29 / 30, abs=0.04)
    [person] = video.people()
    assert person.blinks == 1
    assert person.blinks_per_minute == pytest.approx(60 / 2.37, rel=0.02)
    usual = person.measures["mouth_opening"]
    assert usual.low < 0.03
    assert 0.12 < usual.median < usual.high < 0.2
    assert abs(person.measures["yaw"].median - 3) < 2
    assert person.valence is not None
    assert 0.4 < person.valence < 1
