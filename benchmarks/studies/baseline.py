"""Does a person's neutral face as baseline give more right answers?

    python -m benchmarks.studies.baseline DATA EVERYDAY [--model small-int8] [--learned] [--most NATS ...]

Sequences at 5 frames a second, made from the everyday photographs of people whom no network has learned from
(``--learned``: of those that it has, to choose by): a neutral photograph, then weak expressions (that photograph
mixed with another one of the person), then the other one, then a second neutral photograph if there is one; each
frame is moved, turned, scaled, relit and disturbed anew. What counts is the smoothed emotion. Photographs that are
mixed are a crude picture of a weak expression: they say how answers change with its share, not how people look.

The other question is what becomes of somebody who smiles all the time: 20 s of a happy photograph alone.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.studies.heads import asked, everyday_parts
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.data import FaceDataset, open_dataset
from mien.metrics import wilson
from mien.tracking import baseline as method
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.training.augment import augment
from mien.training.recipe import Augmentation

RATE, CALM, SECONDS, SMILE = 5, 8, 2, 20
"""Frames a second; seconds of the first neutral photograph, of each part that is judged, of a smile."""
ENOUGH = 120
"""Sequences of each kind."""
WEAK = (0.4, 0.6)
"""Shares of the expression in the two weak ones."""
NEUTRAL, AGAIN, FULL = "neutral", "neutral, another photograph", "the expression"
PARTS = (NEUTRAL, *(f"{share:.0%} of the expression" for share in WEAK), FULL, AGAIN)
MOVED = Augmentation(flip=0, scale=0.04, shift=0.02, rotation=3.0, gamma=0.15, noise=0.3, coarse=0, erase=0)
Source = float | Literal["median"] | None
WAYS: dict[str, Source] = {"none": None, "first 3 s": 3.0, "median": "median"}


@dataclass(frozen=True)
class Take:
    """Photographs one after the other: rows of two that are mixed, the second one's share, its truth and its part."""

    first: int
    second: int
    share: float
    seconds: float
    truth: str
    part: str


def sequences(data: FaceDataset) -> list[list[Take]]:
    """One for every person with a neutral photograph and each of their other expressions."""
    found: list[list[Take]] = []
    for photos in _by_person(data).values():
        for name, rows in photos.items():
            if name == NEUTRAL or NEUTRAL not in photos:
                continue
            calm, other = photos[NEUTRAL], rows[0]
            takes = [Take(calm[0], calm[0], 0.0, CALM, NEUTRAL, NEUTRAL)]
            takes += [
                Take(calm[0], other, share, SECONDS, name, part)
                for share, part in zip((*WEAK, 1.0), PARTS[1:], strict=False)
            ]
            if len(calm) > 1:
                takes.append(Take(calm[1], calm[1], 0.0, SECONDS, NEUTRAL, AGAIN))
            found.append(takes)
    return found


def smiles(data: FaceDataset) -> list[list[Take]]:
    """A long one for every person with a happy photograph."""
    happy = [photos["happy"][0] for photos in _by_person(data).values() if "happy" in photos]
    return [[Take(row, row, 0.0, SMILE, "happy", "smile")] for row in happy]


def _by_person(data: FaceDataset) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (person, column) in enumerate(zip(data.columns["person"], data.expressions, strict=True)):
        found[str(person)][data.labels.names[column]].append(row)
    return found


def rendered(takes: Sequence[Take], images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """``(n, 48, 48)`` frames of one sequence."""
    chance = torch.Generator().manual_seed(seed)
    frames = []
    for take in takes:
        mixed = (1 - take.share) * images[take.first] + take.share * images[take.second]
        still = torch.from_numpy(mixed).float().expand(round(take.seconds * RATE), 1, 48, 48)
        frames.append(augment(still, MOVED, chance)[:, 0].round().clamp(0, 255).numpy().astype(np.uint8))
    return np.concatenate(frames)


def answers(all_takes: Sequence[Sequence[Take]], data: FaceDataset, model: str) -> list[list[FrameResult]]:
    """What the network says of each sequence, as the results of a video with one person."""
    frames = [rendered(takes, data.images, seed) for seed, takes in enumerate(all_takes)]
    probs = asked(model, np.concatenate(frames))["expression"]
    ends = np.cumsum([len(part) for part in frames])[:-1]
    return [_video(part) for part in np.split(probs, ends)]


def _video(probs: NDArray[np.float64]) -> list[FrameResult]:
    found = []
    for index, row in enumerate(probs):
        time = index / RATE
        faces = Faces(
            [[0, 0, 90, 110]], [0.99], [index], [time], tracks=[1], probs=row[None], labels=EXPRESSIONS
        )
        found.append(FrameResult("sequence", index, time, faces))
    return found


def smoothed(results: Sequence[FrameResult], source: Source) -> list[str]:
    """The smoothed emotion of every frame."""
    options = Smoothing(baseline=source)
    learned = method.NeutralBaseline.learn(results, EXPRESSIONS) if source == "median" else None
    return [
        one.faces[0].smoothed_emotion or "" for one in smooth_offline(results, options, EXPRESSIONS, learned)
    ]


def rights(
    all_takes: Sequence[Sequence[Take]], videos: Sequence[Sequence[FrameResult]], source: Source
) -> dict[tuple[str, str], list[float]]:
    """Share of right frames of every take, by its part and by what is right."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for takes, results in zip(all_takes, videos, strict=True):
        said = np.array(smoothed(results, source))
        ends = np.cumsum([round(take.seconds * RATE) for take in takes])[:-1]
        for take, part in zip(takes, np.split(said, ends), strict=True):
            found[take.part, take.truth].append(float((part == take.truth).mean()))
    return found


def table(found: dict[str, dict[tuple[str, str], list[float]]]) -> list[str]:
    """Right frames in % by way, part and expression."""
    lines = [f"| part | shown | sequences | {' | '.join(found)} |", f"|---|---|--:|{'--:|' * len(found)}"]
    for part, truth in sorted(next(iter(found.values())), key=lambda key: (PARTS.index(key[0]), key[1])):
        values = [shares[part, truth] for shares in found.values()]
        cells = " | ".join(f"{100 * np.mean(each):.0f}" for each in values)
        lines.append(f"| {part} | {truth} | {len(values[0])} | {cells} |")
    return lines


def _some(found: list[list[Take]]) -> list[list[Take]]:
    """Every n-th, where there are more than enough."""
    return found[:: max(1, len(found) // ENOUGH)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.baseline", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="FER-2013 with the FER+ votes")
    parser.add_argument("everyday", type=Path, help="everyday faces")
    parser.add_argument("--model", default="small-int8", help="network by name or file")
    parser.add_argument("--learned", action="store_true", help="people that networks learned from")
    parser.add_argument("--most", type=float, nargs="*", help="limits to try instead of mien's")
    options = parser.parse_args(arguments)
    parts = everyday_parts(open_dataset(options.data), options.everyday)
    data = parts.training if options.learned else parts.validation
    takes, long = _some(sequences(data)), _some(smiles(data))
    videos, laughing = answers(takes, data, options.model), answers(long, data, options.model)
    for most in options.most or [method.MOST]:
        method.MOST = most
        print(f"\nat most {most:g} nats")
        print(*table({name: rights(takes, videos, source) for name, source in WAYS.items()}), sep="\n")
        for name, source in WAYS.items():
            still = np.concatenate(list(rights(long, laughing, source).values()))
            lost = int((still < 0.5).sum())
            low, high = wilson(lost, len(still))
            print(
                f"{SMILE} s of a smile, baseline {name}: {lost} of {len(still)} people not happy ({low:.0%} to {high:.0%})"
            )


if __name__ == "__main__":
    main()
