"""How far landmarks, head pose and blinks can be trusted: ``python -m benchmarks.studies.landmarks``.

Photographs of calm faces are turned and scaled on the mesh of their own faces (`benchmarks.lib.turning`: renderings, whose turn
is known). For blinks the one in ``../shared/media/one_face.mp4``, seven real frames, is played again at random moments among
frames of open eyes of the same clip, small and large, with the noise of a camera; false alarms are counted
on rendered heads that look around with open eyes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.fixtures import SHARED
from benchmarks.lib.turning import EYES, Head, heads
from mien.core.frame import Frame
from mien.core.measures import MEASURES, SHAPE
from mien.inference.landmarks import FaceMesh, head_pose, measure
from mien.inference.pipeline import Pipeline
from mien.media import open_media
from mien.tracking.blinks import Blinks
from mien.tracking.session import Session

TURNS: dict[str, tuple[dict[str, float], ...]] = {
    "straight": ({},),
    "yaw 10 to 20": ({"yaw": -20.0}, {"yaw": -10.0}, {"yaw": 10.0}, {"yaw": 20.0}),
    "yaw 30 to 40": ({"yaw": -40.0}, {"yaw": -30.0}, {"yaw": 30.0}, {"yaw": 40.0}),
    "pitch 10 to 20": ({"pitch": -20.0}, {"pitch": -10.0}, {"pitch": 10.0}, {"pitch": 20.0}),
    "roll 20 to 40": ({"roll": -40.0}, {"roll": -20.0}, {"roll": 20.0}, {"roll": 40.0}),
    "yaw 25, pitch 15": ({"yaw": 25.0, "pitch": 15.0}, {"yaw": -25.0, "pitch": -15.0}),
}
SIZES = (30.0, 50.0, 120.0)
"""px of the distance of the eyes' corners; others are rendered at `EYES`."""
HEIGHTS = (240, 120, 80, 50)
"""px of the face in the replayed clip."""
_OPEN, _BLINK = range(31, 66), range(23, 31)
"""Frames of the clip: open eyes, and the blink with what leads to and from it."""
_SHUT = (26, 28)
FPS = 30.0
Image3 = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """One rendering, measured.

    Args:
        angles: Error of yaw, pitch and roll, degrees.
        points: Mean distance of the points from where they were drawn, as a part of the eyes' distance.
        values: What was measured, by name.
    """

    angles: tuple[float, float, float]
    points: float
    values: dict[str, float]


def look(head: Head, pipeline: Pipeline, turn: dict[str, float], eyes: float = EYES) -> Look | None:
    """Find the head again; None where nobody is found."""
    faces = pipeline(head.render(**turn, eyes=eyes))
    if len(faces) != 1 or faces.mesh is None or faces[0].measures is None or faces[0].measures_missing:
        return None
    drawn = head.corners(**turn, eyes=eyes)[:468, :2]
    off = np.linalg.norm(faces.mesh[0, :, :2] - drawn, axis=1).mean() / eyes
    values = {name: float(value or 0) for name, value in faces[0].measures.items() if name != "movement"}
    errors = (values[name] - turn.get(name, 0.0) for name in ("yaw", "pitch", "roll"))
    yaw, pitch, roll = errors
    return Look((yaw, pitch, roll), float(off), values)


def poses(people: Sequence[Head], pipeline: Pipeline) -> None:
    """Print errors of pose and points for each kind of turn."""
    print(
        "| turn, degrees | found | yaw | pitch | roll | points, % of the eyes' distance |\n|---|--:|--:|--:|--:|--:|"
    )
    looks: list[Look] = []
    for name, turns in TURNS.items():
        found = [look(head, pipeline, turn) for head in people for turn in turns]
        there = [one for one in found if one is not None]
        looks += there
        _print_row(name, there, len(found))
    for eyes in SIZES:
        found = [look(head, pipeline, {}, eyes) for head in people]
        _print_row(f"straight, eyes {eyes:g} px apart", [one for one in found if one is not None], len(found))
    errors = np.abs([one.angles for one in looks])
    print(f"\nmean error of all angles of all turns: {errors.mean():.1f} degrees")


def _print_row(name: str, there: Sequence[Look], tried: int) -> None:
    yaw, pitch, roll = np.abs([one.angles for one in there]).mean(axis=0)
    points = 100 * float(np.mean([one.points for one in there]))
    print(f"| {name} | {len(there)} of {tried} | {yaw:.1f} | {pitch:.1f} | {roll:.1f} | {points:.1f} |")


def changes(people: Sequence[Head], pipeline: Pipeline) -> None:
    """Print how much a turn changes each measure of the same face, beside how much people differ."""
    straight = [look(head, pipeline, {}) for head in people]
    turns = ({"yaw": 20.0}, {"yaw": 40.0}, {"pitch": 20.0}, {"pitch": -20.0})
    names = ("yaw 20", "yaw 40", "pitch 20", "pitch -20")
    print(f"\n| measure | people differ by | {' | '.join(names)} |\n|---|--:|{'--:|' * len(names)}")
    turned = [[look(head, pipeline, turn) for head in people] for turn in turns]
    for entry in SHAPE:
        cells = [
            _change(
                [(one, other) for one, other in zip(straight, row, strict=True) if one and other], entry.name
            )
            for row in turned
        ]
        spread = float(np.std([one.values[entry.name] for one in straight if one]))
        print(f"| {entry.title} | {spread:.3f} | {' | '.join(f'{cell:+.3f}' for cell in cells)} |")


def _change(pairs: Sequence[tuple[Look, Look]], name: str) -> float:
    return float(np.mean([other.values[name] - one.values[name] for one, other in pairs]))


def replay(height: int, seconds: float, chance: np.random.Generator) -> tuple[list[Image3], list[float]]:
    """Frames in which somebody blinks now and then, and when each blink begins."""
    clip = [
        frame.image for frame in open_media(SHARED / "media" / "one_face.mp4") if isinstance(frame, Frame)
    ]
    scale = height / 240  # Of the face in the clip.
    size = round(clip[0].shape[1] * scale), round(clip[0].shape[0] * scale)
    small = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)) for image in clip]
    back_and_forth = [*_OPEN, *reversed(_OPEN)]
    order: list[int] = []
    starts: list[float] = []
    while len(order) < seconds * FPS:
        wait = int(chance.uniform(1.5, 5) * FPS)
        order += (back_and_forth * 4)[:wait]
        starts.append((len(order) + _SHUT[0] - _BLINK.start) / FPS)
        order += _BLINK
    noise = [chance.normal(0, 3, small[0].shape) for _ in range(8)]
    frames = [
        np.asarray(np.clip(small[place] + noise[index % 8], 0, 255), np.uint8)
        for index, place in enumerate(order)
    ]
    return frames, starts


def blinks_of(frames: Sequence[Image3], pipeline: Pipeline) -> tuple[list[float], int]:
    """When blinks were found, and in how many frames somebody was seen."""
    session, counter, found, seen = Session(pipeline), Blinks(), [], 0
    for index, image in enumerate(frames):
        [faces] = session.update([Frame(index, index / FPS, image)])
        seen += len(faces)
        found += [blink.start for blink in counter.update(faces)]
    return found, seen


def score(found: Sequence[float], starts: Sequence[float]) -> tuple[int, int, int]:
    """Hits, false alarms, misses; a hit begins within a tenth of a second."""
    left, hits = list(found), 0
    for start in starts:
        near = [time for time in left if abs(time - start) <= 0.1]
        if near:
            left.remove(near[0])
            hits += 1
    return hits, len(left), len(starts) - hits


def blinks(people: Sequence[Head], pipeline: Pipeline, seconds: float) -> None:
    """Print blinks found and missed."""
    print("\n| face, px | blinks | found | false | F1 |\n|---|--:|--:|--:|--:|")
    for height in HEIGHTS:
        frames, starts = replay(height, seconds, np.random.default_rng(height))
        found, seen = blinks_of(frames, pipeline)
        hits, false, missed = score(found, starts)
        f1 = 2 * hits / max(2 * hits + false + missed, 1)
        print(
            f"| {height}, seen in {100 * seen / len(frames):.0f} % | {len(starts)} | {hits} | {false} | {f1:.2f} |"
        )
    alarms, frames_seen = 0, 0
    for number, head in enumerate(people):
        found, seen = blinks_of(list(around(head, number)), pipeline)
        alarms, frames_seen = alarms + len(found), frames_seen + seen
    print(f"\nheads that look around with open eyes: {alarms} false blinks in {frames_seen / FPS:.0f} s")


def around(head: Head, seed: int, seconds: float = 6.0) -> Iterator[Image3]:
    """Somebody looks to both sides, up and down, with open eyes."""
    chance = np.random.default_rng(seed)
    phase, speed = chance.uniform(0, 6, 2), chance.uniform(1.5, 3, 2)
    for index in range(round(seconds * FPS)):
        now = index / FPS
        clean = head.render(
            25 * float(np.sin(speed[0] * now + phase[0])), 12 * float(np.sin(speed[1] * now + phase[1]))
        )
        yield np.asarray(np.clip(clean + chance.normal(0, 3, clean.shape), 0, 255), np.uint8)


def speed(people: Sequence[Head]) -> None:
    """Print what a face costs on one thread."""
    mesh, image = FaceMesh(threads=1), people[0].render()
    faces = Pipeline(threads=1)(image)
    costs = []
    for _ in range(60):
        start = time.perf_counter()
        points, _ = mesh.find(image, faces)
        costs.append(time.perf_counter() - start)
    pose = _fastest(lambda: head_pose(points[0]))
    all_of_it = _fastest(lambda: measure(points[0]))
    print(
        f"\none face, one thread: points {1e3 * min(costs):.1f} ms at best, {1e3 * float(np.median(costs)):.1f} usually; "
        f"pose {1e3 * pose:.2f}, all {len(MEASURES)} measures {1e3 * all_of_it:.2f} ms"
    )


def _fastest(work: object) -> float:
    assert callable(work)
    costs = []
    for _ in range(100):
        start = time.perf_counter()
        work()
        costs.append(time.perf_counter() - start)
    return min(costs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.studies.landmarks", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--people", type=int, default=30, help="photographs that are turned")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the replayed clip, for each size")
    asked = parser.parse_args(arguments)
    pipeline, people = Pipeline(threads=1, landmarks=True), list(heads(asked.people))
    poses(people, pipeline)
    changes(people, pipeline)
    blinks(people[: max(asked.people // 5, 1)], pipeline, asked.seconds)
    speed(people)


if __name__ == "__main__":
    main()
