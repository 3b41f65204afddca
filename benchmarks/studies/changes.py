"""Whether changes of audiences are found and none invented: ``python -m benchmarks.studies.changes [--rounds 12]``.

Nothing is rendered. Scripted meetings (`benchmarks.lib.meetings`) become looks: what the network says of the
images of PublicTest, one image in ten missed by the detector and one look in fifty besides, boxes and
probabilities shaken. Beside them crowds without any script, in which everybody goes from one expression to
another at random: what is told there is told of nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.fixtures import DATA
from benchmarks.lib.meetings import HOLD, PLAYED, STAGE, Cast, Meeting, cast_of, scripted
from benchmarks.studies.audience import found
from mien.audience.keypoints import KeyPoint
from mien.audience.options import AudienceOptions
from mien.audience.participants import AudienceSample
from mien.audience.result import Audience
from mien.audience.windows import SampleCollector
from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.data import open_dataset
from mien.evaluation import open_subject

Floats = NDArray[np.float64]

TILES, DWELLS, POINTS = (4, 6, 9, 16, 25), (20, 60), 10
USUAL = (0.5, 0.3, 0.05, 0.1, 0.05)
"""How often each of the expressions played is shown by those who go from one to another."""


def scripted_looks(
    meeting: Meeting, probs: Floats, labels: Labels, chance: np.random.Generator
) -> Iterator[AudienceSample]:
    """A look a second."""
    missed = chance.random(len(probs)) < 0.1
    for second in range(int(meeting.seconds)):
        states = meeting.shown(second)
        seen: list[tuple[float, float, float, Floats]] = []
        for number, (x, y, w, h) in meeting.places(second).items():
            state = states[number]
            if isinstance(state, int) and not missed[state] and chance.random() > 0.02:
                seen.append(
                    (
                        x + w / 2 + chance.normal(0, 0.03 * h),
                        y + h / 2 + chance.normal(0, 0.03 * h),
                        h,
                        probs[state],
                    )
                )
        yield _look(second, seen, labels, chance)


def wavering_looks(
    people: int, dwell: float, cast: Cast, looks: tuple[Floats, Labels], chance: np.random.Generator
) -> Iterator[AudienceSample]:
    """A look a second at people who stay with an expression for ``dwell`` seconds on average."""
    probs, labels = looks
    pools = {name: np.flatnonzero(cast.names == name) for name in PLAYED}
    shows = [chance.choice(pools[chance.choice(PLAYED, p=USUAL)], 4) for _ in range(people)]
    for second in range(int((POINTS + 1) * STAGE)):
        for person in np.flatnonzero(chance.random(people) < 1 / dwell):
            shows[person] = chance.choice(pools[chance.choice(PLAYED, p=USUAL)], 4)
        image = int(second / HOLD) % 4
        seen = [
            (person % 5 * 200.0, person // 5 * 150.0, 100.0, probs[shows[person][image]])
            for person in range(people)
            if chance.random() > 0.05
        ]
        yield _look(second, seen, labels, chance)


def _look(
    second: int, seen: list[tuple[float, float, float, Floats]], labels: Labels, chance: np.random.Generator
) -> AudienceSample:
    if not seen:
        return AudienceSample(float(second), Faces.empty(labels))
    boxes = [[x - 0.25 * h, y - 0.33 * h, x + 0.25 * h, y + 0.33 * h] for x, y, h, _ in seen]
    rows = np.array([row for *_, row in seen]) * np.exp(chance.normal(0, 0.15, (len(seen), len(labels))))
    n = len(seen)
    return AudienceSample(
        float(second),
        Faces(
            np.array(boxes, np.float32),
            np.ones(n, np.float32),
            np.full(n, second),
            np.full(n, float(second)),
            probs=(rows / rows.sum(axis=1, keepdims=True)).astype(np.float32),
            labels=labels,
        ),
    )


def measured(looks: Iterator[AudienceSample], labels: Labels, points: list[KeyPoint]) -> Audience:
    gathering = SampleCollector("crowd", labels, AudienceOptions(), points)
    for look in looks:
        gathering.add(look)
    return gathering.close(finished=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.changes", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args(arguments).rounds
    cast = cast_of(open_dataset(DATA), "PublicTest")
    subject = open_subject("small", threads=1)
    labels, probs = subject.labels, np.asarray(subject.probabilities(cast.images), np.float64)
    for tiles in TILES:
        hits, invented = [], []
        for seed in range(50, 50 + rounds):
            meeting = scripted(cast, tiles, seed)
            chance = np.random.default_rng(seed)
            points = [KeyPoint(point.time, point.name) for point in meeting.points]
            changes = measured(scripted_looks(meeting, probs, labels, chance), labels, points).changes
            hits += [
                found(point, change)
                for point, change in zip(meeting.points, changes, strict=True)
                if point.change is not None
            ]
            invented += [
                bool(change.clear)
                for point, change in zip(meeting.points, changes, strict=True)
                if point.change is None
            ]
        print(
            f"{tiles:2} people  found {sum(hits)} of {len(hits)} scripted changes, invented {sum(invented)} at {len(invented)} calm key points",
            flush=True,
        )
    points = [KeyPoint(STAGE * (number + 1), str(number)) for number in range(POINTS)]
    for dwell in DWELLS:
        for tiles in (4, 9, 25):
            clear = []
            for seed in range(rounds):
                looks = wavering_looks(tiles, dwell, cast, (probs, labels), np.random.default_rng(seed))
                clear += [bool(change.clear) for change in measured(looks, labels, points).changes]
            print(
                f"{tiles:2} people wavering every {dwell} s  {sum(clear)} clear changes at {len(clear)} key points",
                flush=True,
            )


if __name__ == "__main__":
    main()
