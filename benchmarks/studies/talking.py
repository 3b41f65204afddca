"""What faces that talk are read as, and what helps: ``python -m benchmarks.studies.talking``.

Calm faces of everyday photographs, still and talking (`benchmarks.lib.talking`: a rendering, not real speech),
each read by the models and heads that ship and smoothed as a video. Beside each way to smooth stands what it
costs: how much of 2 s of a surprised or happy photograph amid the talk is still called so. The models have
learned from some of these photographs; the same faces held still are the comparison.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib import talking
from benchmarks.lib.expressions import RATE, Scene
from mien.core.labels import Labels
from mien.inference.classifier import Classifier
from mien.inference.pipeline import Pipeline
from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.video.summary import Overview

HEADS = (
    ("small-int8", "expression"),
    ("small-int8", "ferplus"),
    ("small-int8", "fer2013"),
    ("medium", "expression"),
)
SECONDS, SHOWN = 8.0, 2.0
"""How long each one talks, and how long another face is shown in the middle."""

Crops = NDArray[np.float32]
Probs = NDArray[np.float32]


@dataclass(frozen=True)
class Way:
    """How a video is made into labels."""

    name: str
    smoothing: Smoothing = field(default_factory=Smoothing)
    min_confidence: float | None = None
    model: str = "small-int8"
    head: str = "expression"


WAYS = (
    Way("as it comes"),
    Way("--min-confidence 0.5", min_confidence=0.5),
    Way("--min-confidence 0.6", min_confidence=0.6),
    Way("--tau 2", Smoothing(tau=2.0)),
    Way("--tau 2 --min-confidence 0.5", Smoothing(tau=2.0), 0.5),
    Way("evidence 0.5", Smoothing(evidence=0.5)),
    Way("--baseline median", Smoothing(baseline="median")),
    Way("--head ferplus", head="ferplus"),
    Way("--head ferplus --min-confidence 0.5", min_confidence=0.5, head="ferplus"),
    Way("--model medium", model="medium"),
)


def shares(
    probs: NDArray[np.float32], labels: Labels, way: Way, part: slice = slice(None)
) -> dict[str, float]:
    """Shares of the time with each label, of a part of the frames."""
    named = Labels(labels.names, way.min_confidence)
    scene = Scene(np.arange(len(probs)) / RATE, probs, named, ())
    neutral = None
    if way.smoothing.baseline is not None:
        neutral = NeutralBaseline.learn(scene.results(), named)
    results = list(smooth_offline(scene.results(), way.smoothing, named, neutral))[part]
    overview = Overview("talk", named)
    for result in results:
        overview.add(result)
    overview.end()
    return overview.shares()


def mean(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of several faces, each counting the same, in percent; greatest first."""
    names = {name for one in found for name in one}
    means = {name: 100 * float(np.mean([one.get(name, 0.0) for one in found])) for name in names}
    return dict(sorted(means.items(), key=lambda pair: -pair[1]))


def words(percents: dict[str, float]) -> str:
    """Those of half a percent and more."""
    return ", ".join(f"{name} {value:.1f}" for name, value in percents.items() if value >= 0.5)


def rendered(faces: Sequence[talking.Photograph]) -> Iterator[tuple[Crops, Crops]]:
    """What a network sees of each face still, and talking."""
    for seed, face in enumerate(faces):
        mouth = zip(*talking.speech(np.random.default_rng(seed), SECONDS), strict=True)
        frames = [talking.opened(face, height, width) if height else face.image for height, width in mouth]
        still, talk = (
            talking.crops(images, np.random.default_rng(1000 + seed))
            for images in ([face.image] * len(frames), frames)
        )
        yield still, talk


def kept(talk: Sequence[Probs], shown: Sequence[Probs], label: str, labels: Labels, way: Way) -> float:
    """How much of the time in which another face is shown amid the talk has its label, in percent."""
    middle, length = int(SECONDS / 2 * RATE), int(SHOWN * RATE)
    part = slice(middle, middle + length)
    found = [
        shares(np.concatenate([own[:middle], other[:length], own[middle:]]), labels, way, part)
        for own, other in zip(talk, shown, strict=False)
    ]
    return mean(found).get(label, 0.0)


def read(crops: Sequence[Crops], classifier: Classifier) -> list[Probs]:
    """What a network says of each face, frame by frame."""
    return [classifier.probabilities(one) for one in crops]


def alone(probs: Probs, labels: Labels) -> dict[str, float]:
    """Shares of frames by their most probable expression."""
    counts = np.bincount(probs.argmax(axis=1), minlength=len(labels))
    return dict(labels.as_mapping((counts / len(probs)).tolist()))


def show_heads(still: Sequence[Crops], talk: Sequence[Crops]) -> None:
    """Print what each head reads."""
    for name, head in HEADS:
        classifier = Pipeline("whole", model=name, head=head, threads=1).classifier
        labels = classifier.labels
        for what, crops in (("still", still), ("talking", talk)):
            probs = read(crops, classifier)
            frames = words(mean([alone(one, labels) for one in probs]))
            smoothed = words(mean([shares(one, labels, WAYS[0]) for one in probs]))
            print(f"{name} {head}, {what}: single frames {frames}; smoothed {smoothed}", flush=True)


def show_ways(talk: Sequence[Crops], ways: Sequence[Way] = WAYS) -> None:
    """Print what each way to make labels gives, and what it costs."""
    others = {
        label: [
            talking.crops([face.image] * int(SHOWN * RATE), np.random.default_rng(face.person))
            for face in talking.photographs(label, len(talk))
        ]
        for label in ("surprise", "happy")
    }
    for way in ways:
        classifier = Pipeline("whole", model=way.model, head=way.head, threads=1).classifier
        labels, own = classifier.labels, read(talk, classifier)
        told = words(mean([shares(one, labels, way) for one in own]))
        costs = ", ".join(
            f"{label} {kept(own, read(crops, classifier), label, labels, way):.0f}"
            for label, crops in others.items()
        )
        print(f"{way.name}: talking {told}; of {SHOWN:g} s amid the talk kept {costs}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tables of shares."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.talking", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--faces", type=int, default=30)
    count = parser.parse_args(arguments).faces
    pairs = list(rendered(list(talking.photographs("neutral", count))))
    still, talk = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    print(f"{len(pairs)} calm faces, {SECONDS:g} s each; shares of time in percent")
    show_heads(still, talk)
    show_ways(talk)


if __name__ == "__main__":
    main()
