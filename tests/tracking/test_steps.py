"""Steps between frames of every length: who sits, sways or walks stays one person, and the filter's
covariance stays one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mien.media import Frame
from mien.tracking.kalman import Track
from mien.tracking.tracker import Tracker
from tests.tracking.stage import Play, RefiningPlay

STEPS = [0.03, 0.1, 0.3, 0.34, 0.4, 0.45, 0.5, 0.501, 0.75, 1.001, 2.0, 3.0, 5.0, 30.0]
FRAMES = 120


def jittered(places: np.ndarray, seed: int, size: float = 20.0) -> list[list[tuple[float, ...]]]:
    """``(frames, people, 2)`` places as a script, every box off by 2 % of its size."""
    chance = np.random.default_rng(seed)
    places = places + chance.normal(0, 0.02 * size, places.shape)
    sizes = size * np.exp(chance.normal(0, 0.02, places.shape[:2]))
    return [
        [(x, y, side) for (x, y), side in zip(frame, row, strict=True)]
        for frame, row in zip(places, sizes, strict=True)
    ]


def seated(people: int) -> np.ndarray:
    """Side by side, 1.8 sizes apart."""
    return np.tile([[20 + 36.0 * number, 60.0] for number in range(people)], (FRAMES, 1, 1))


def followed(play: Play, times: np.ndarray) -> list[list[int]]:
    tracker = Tracker(play)
    return [
        tracker.update(play.frame(index, float(time))).tracks.tolist() for index, time in enumerate(times)
    ]


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
@pytest.mark.parametrize("people", [1, 5])
@pytest.mark.parametrize("step", STEPS)
def test_who_sits_still_is_one_person_at_every_step(step: float, people: int, kind: type[Play]) -> None:
    everybody = list(range(1, people + 1))
    assert followed(kind(jittered(seated(people), people)), np.arange(FRAMES) * step) == [everybody] * FRAMES


@pytest.mark.parametrize("kind", [Play, RefiningPlay])
@pytest.mark.parametrize("step", STEPS)
def test_a_missed_face_is_the_same_person_afterwards(step: float, kind: type[Play]) -> None:
    script = jittered(seated(5), 3)
    missed = {(index, (index // 7) % 5) for index in range(10, FRAMES, 7)}
    script = [
        [face for number, face in enumerate(faces) if (index, number) not in missed]
        for index, faces in enumerate(script)
    ]
    found = followed(kind(script), np.arange(FRAMES) * step)
    assert found == [
        [number + 1 for number in range(5) if (index, number) not in missed] for index in range(FRAMES)
    ]


@pytest.mark.parametrize(("shortest", "longest"), [(0.03, 1.2), (0.3, 2.4), (2.0, 5.0)])
def test_steps_that_differ(shortest: float, longest: float) -> None:
    for seed in range(2):
        steps = np.random.default_rng(seed).uniform(shortest, longest, FRAMES)
        assert followed(Play(jittered(seated(5), seed)), steps.cumsum()) == [[1, 2, 3, 4, 5]] * FRAMES


@pytest.mark.parametrize("way", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("step", STEPS)
def test_who_walks_at_a_steady_speed_is_one_person(step: float, way: float) -> None:
    """By so many sizes between two frames, to and fro across the image."""
    turn = np.abs((np.arange(FRAMES) * way * 20 + 160) % 320 - 160) + 20
    places = np.stack([turn, np.full(FRAMES, 60.0)], axis=-1)[:, None]
    assert followed(Play(jittered(places, 5)), np.arange(FRAMES) * step) == [[1]] * FRAMES


def _variances() -> Iterator[tuple[float, float, float]]:
    chance = np.random.default_rng(2)
    for seed in range(40):
        person, now = Track(1, 0, 0, 20, 20, 0, 0, 0, 0), 0.0
        longest = (0.05, 0.5, 0.6, 5.0)[seed % 4]
        for _ in range(300):
            step = float(chance.uniform(0, longest))
            now += step
            person.predict(step)
            yield person.place, person.bond, person.speed
            if chance.random() < 0.8:
                x, y = person.x + chance.normal(0, 2), person.y + chance.normal(0, 2)
                person.see((x - 10, y - 10, x + 10, y + 10), float(chance.uniform(0.3, 1)), step, now)
            else:
                person.miss(200, 120)
            yield person.place, person.bond, person.speed


def test_the_covariance_is_one_at_every_step() -> None:
    for place, bond, speed in _variances():
        assert place > 0
        assert speed > 0
        assert bond**2 <= place * speed * (1 + 1e-9)


def test_two_short_steps_are_one_of_their_length() -> None:
    once, twice = (
        Track(1, 5, 6, 20, 20, 0, 0, 5, 6, vx=30, vy=-4, bond=0.05),
        Track(1, 5, 6, 20, 20, 0, 0, 5, 6, vx=30, vy=-4, bond=0.05),
    )
    once.predict(0.4)
    twice.predict(0.1)
    twice.predict(0.3)
    assert once.state() == pytest.approx(twice.state())


def test_a_cut_ends_everyone_at_two_frames_a_second() -> None:
    class Cutting(RefiningPlay):
        def frame(self, index: int, time: float | None = None) -> Frame:
            image = (
                np.random.default_rng(index // 10)
                .integers(0, 256, (6, 10, 3), dtype=np.uint8)
                .repeat(20, 0)
                .repeat(20, 1)
            )
            image[0, 0] = (0, index, 0)
            return Frame(index, index / 2, image)

    play = Cutting([[(60, 60, 30)]] * 20)
    assert followed(play, np.arange(20) / 2) == [[1]] * 10 + [[2]] * 10
