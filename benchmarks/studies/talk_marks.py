"""How well talk is told from other movements, and what leaving it out does: ``python -m benchmarks.studies.talk_marks``.

Calm everyday faces that talk, smile, laugh once, yawn, chew, turn (`benchmarks.lib.mouths`: renderings), at 15 frames a
second, in faces of 87 and 61 px by turns. The limits of `mien.tracking.talking` were chosen on the faces from the
31st on (``--first 30``), the figures of the documentation are those of the first five. Then what the expression
model says of the same talk, with and without ``--talking skip``, and of 2 s of a surprised or happy face amid it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib import mouths, talking
from benchmarks.lib.expressions import RATE
from benchmarks.studies.talking import mean, words
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import Labels
from mien.inference.classifier import Classifier
from mien.inference.pipeline import Pipeline
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.talking import NOT_KNOWN, TALKING, mark_talking
from mien.video.summary import Overview

SECONDS, STEP, SHOWN = 6.0, 2, 2.0
"""Length of a sequence; every so manieth frame is looked at; how long another face is shown amid talk."""
LONGER = {"talk with a pause": 7.5}
"""Seconds of those that need more."""
SCALES = (1.0, 0.7)
RATES = (1, 2, 3, 4, 6)
"""Steps at which the same talk is looked at, for 30 to 5 frames a second."""


@dataclass(frozen=True, eq=False)
class Rendering:
    """One face that moves in one way.

    Args:
        name: Of the motion.
        images: ``(128, 128)`` each.
        faces: Measured, a record a frame.
        talks: ``(n,)`` whether it talks.
    """

    name: str
    images: list[NDArray[np.float32]]
    faces: list[Faces]
    talks: NDArray[np.bool_]


def rendered(number: int, face: talking.Photograph, name: str, step: int = STEP) -> Rendering:
    """The face with this number, moved and measured."""
    place = list(mouths.MOTIONS).index(name)
    times = np.arange(int(LONGER.get(name, SECONDS) * RATE)) / RATE
    motion = mouths.MOTIONS[name](np.random.default_rng([number, place]), times).every(step)
    images = list(mouths.frames(face, motion))
    camera = np.random.default_rng([1000 + number, place])
    scale = SCALES[(number + place) % len(SCALES)]
    found = list(mouths.seen(iter(images), motion.times, camera, scale))
    return Rendering(name, images, found, motion.talks)


def marks(faces: Sequence[Faces]) -> NDArray[np.int64]:
    """``(n,)`` what is told of each frame."""
    results = (FrameResult("talk", at, float(one.times[0]), one) for at, one in enumerate(faces))
    told = [result.faces.talking for result in mark_talking(results)]
    return np.array([int(one[0]) if one is not None else NOT_KNOWN for one in told])


def show_marks(sequences: Sequence[Rendering]) -> None:
    """Print how often each motion is told to be talk, and precision and recall over all frames."""
    right = wrong = missed = 0
    for name in mouths.MOTIONS:
        told = [(marks(one.faces), one.talks) for one in sequences if one.name == name]
        found, talks = (np.concatenate(column) for column in zip(*told, strict=True))
        known = found != NOT_KNOWN
        right += int(((found == TALKING) & talks).sum())
        wrong += int(((found == TALKING) & ~talks).sum())
        missed += int(((found != TALKING) & talks & known).sum())
        share = 100 * (found == TALKING)[known].mean()
        print(f"{name}: told to be talk {share:.0f} %, not known {100 * (~known).mean():.0f} %", flush=True)
    print(f"precision {right / max(1, right + wrong):.2f}, recall {right / max(1, right + missed):.2f}")


def show_rates(numbered: Sequence[tuple[int, talking.Photograph]]) -> None:
    """Print what is told of talk, and of a chewing face, at each rate."""
    for name in ("talk", "chew", "still"):
        whole = [rendered(number, face, name, 1).faces for number, face in numbered]
        for step in RATES:
            found = np.concatenate([marks(faces[::step]) for faces in whole])
            known = found != NOT_KNOWN
            share = 100 * (found == TALKING)[known].mean() if known.any() else np.nan
            print(
                f"{name} at {RATE / step:g} a second: talk {share:.0f} %, not known {100 * (~known).mean():.0f} %"
            )


def classified(sequence: Rendering, classifier: Classifier, seed: int) -> list[Faces]:
    """The faces with their expressions."""
    crops = talking.crops(sequence.images, np.random.default_rng(seed))
    probs = classifier.probabilities(crops)
    return [
        one.with_columns(probs=row[None], labels=classifier.labels)
        for one, row in zip(sequence.faces, probs, strict=True)
    ]


def shares(
    faces: Sequence[Faces], labels: Labels, skip: bool, middle: bool = False
) -> tuple[dict[str, float], float]:
    """Shares of the time with each label, and seconds that were left out; of all, or of what is shown amid it."""
    times = [at * STEP / RATE for at in range(len(faces))]
    results = (
        FrameResult("talk", at, time, one.with_columns(times=[time], frames=[at]))
        for at, (time, one) in enumerate(zip(times, faces, strict=True))
    )
    overview = Overview("talk", labels, skip_talking=skip)
    start = SECONDS / 2
    smoothed = smooth_offline(mark_talking(results) if skip else results, Smoothing(), labels)
    for result in smoothed if skip else mark_talking(smoothed):
        if not middle or start <= (result.time or 0) < start + SHOWN:
            overview.add(result)
    overview.end()
    left_out = overview.people[0].left_out if overview.people else times[-1]
    return overview.shares(), left_out


def show_skip(talk: Sequence[Rendering], classifier: Classifier) -> None:
    """Print what the talk is called, and how much of other faces amid it keeps its label."""
    labels = classifier.labels
    own = [classified(one, classifier, seed) for seed, one in enumerate(talk)]
    half, length = int(SECONDS / 2 * RATE / STEP), int(SHOWN * RATE / STEP)
    others = {
        label: [
            classified(_shown(seed, face, length), classifier, seed)
            for seed, face in enumerate(talking.photographs(label, len(own)))
        ]
        for label in ("surprise", "happy")
    }
    for skip in (False, True):
        found = [shares(faces, labels, skip) for faces in own]
        told = words(mean([one for one, _ in found if one]))
        gone = 100 * float(np.mean([seconds for _, seconds in found])) / SECONDS
        print(f"{'skip' if skip else 'mark'}: talk is {told}; {gone:.0f} % of the time left out")
        for label, shown in others.items():
            amid = [one[:half] + other + one[half:] for one, other in zip(own, shown, strict=False)]
            parts = [shares(faces, labels, skip, middle=True) for faces in amid]
            kept = [one.get(label, 0.0) * (SHOWN - gone_) / SHOWN for one, gone_ in parts]
            print(
                f"  of {SHOWN:g} s of {label} amid it {100 * float(np.mean(kept)):.0f} % counts as that",
                flush=True,
            )


def _shown(seed: int, face: talking.Photograph, length: int) -> Rendering:
    """Another face, still."""
    images = [face.image] * length
    found = list(
        mouths.seen(iter(images), np.arange(length) * STEP / RATE, np.random.default_rng([2000 + seed]), 1.0)
    )
    return Rendering("still", images, found, np.zeros(length, bool))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.talk_marks", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--faces", type=int, default=5, help="how many make every movement")
    parser.add_argument("--talkers", type=int, default=15, help="how many talk, for what skipping does")
    parser.add_argument("--first", type=int, default=0, help="number of the first face, 0-based")
    options = parser.parse_args(arguments)
    every = talking.photographs("neutral", options.first + max(options.faces, options.talkers))
    numbered = list(islice(enumerate(every), options.first, None))
    show_marks(list(_all(numbered[: options.faces])))
    talkers = [rendered(number, face, "talk") for number, face in numbered[: options.talkers]]
    show_skip(talkers, Pipeline("whole", threads=1).classifier)
    show_rates(numbered[:2])


def _all(numbered: Sequence[tuple[int, talking.Photograph]]) -> Iterator[Rendering]:
    for number, face in numbered:
        for name in mouths.MOTIONS:
            yield rendered(number, face, name)


if __name__ == "__main__":
    main()
