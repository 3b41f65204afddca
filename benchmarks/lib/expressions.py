"""Results of faces whose expression changes at known times, to judge labels by: how often they flicker and
how late they follow.

Faces of FER-2013's PublicTest are shown for two seconds each, shaken, lit and grained anew in every frame as
a camera and a detector would, and read by the network. Where the data set is not at hand, results are drawn
instead of faces.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.fixtures import DATA
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS, Labels

RATE = 30.0
SHOWN = 2.0  # s for which one face is shown.
CLEAR = 0.6  # Share of the frames of a face that must be read alike for its expression to be known.


@dataclass(frozen=True, eq=False)
class Scene:
    """What the network says of one person, frame by frame.

    Args:
        times: ``(n,)`` s.
        probs: ``(n, k)``.
        labels: Names of the columns.
        changes: Seconds at which another face was put in.
    """

    times: NDArray[np.float64]
    probs: NDArray[np.float32]
    labels: Labels
    changes: tuple[float, ...]

    def results(self) -> Iterator[FrameResult]:
        """Frame by frame, as a session without smoothing gives them."""
        for index, (time, probs) in enumerate(zip(self.times.tolist(), self.probs, strict=True)):
            faces = Faces(
                np.array([[0, 0, 80, 100]], np.float32),
                np.array([0.99], np.float32),
                np.array([index]),
                np.array([time]),
                tracks=np.array([1]),
                probs=probs[None],
                labels=self.labels,
            )
            yield FrameResult("scene", index, time, faces)


def scenes(seeds: range, faces: int = 5) -> list[Scene]:
    """One scene for each seed, of so many faces of different expressions one after the other."""
    stretches = [(number, SHOWN) for number in range(faces)]
    return [_scene(np.random.default_rng(seed), stretches) for seed in seeds]


def lively(seeds: range, seconds: float = 20.0) -> list[Scene]:
    """One scene for each seed: one expression, and others now and then for some tenths of a second, as in
    talk.
    """
    return [_scene(chance, now_and_then(chance, seconds)) for chance in map(np.random.default_rng, seeds)]


def now_and_then(chance: np.random.Generator, seconds: float) -> list[tuple[int, float]]:
    """Which face is shown for how many seconds, one after the other."""
    stretches: list[tuple[int, float]] = []
    while (left := seconds - sum(lasting for _, lasting in stretches)) > 0:
        usual = not stretches or stretches[-1][0] > 0
        lasting = 0.6 + chance.exponential(1.5) if usual else chance.uniform(0.15, 0.9)
        stretches.append((0 if usual else int(chance.integers(1, 4)), min(left, lasting)))
    return stretches


def _scene(chance: np.random.Generator, stretches: list[tuple[int, float]]) -> Scene:
    make = filmed if DATA.is_file() else drawn
    return make(chance, stretches)


def _frames(
    stretches: list[tuple[int, float]],
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[float, ...]]:
    """Times, the number of the face in each frame, and when another one comes."""
    ends = np.cumsum([lasting for _, lasting in stretches])
    times = np.arange(int(ends[-1] * RATE + 1e-9)) / RATE
    place = np.searchsorted(ends, times + 1e-9, "right").clip(max=len(ends) - 1)
    return times, np.array([number for number, _ in stretches])[place], tuple(ends[:-1].tolist())


def filmed(chance: np.random.Generator, stretches: list[tuple[int, float]]) -> Scene:
    """Faces of the data, read by the network."""
    from mien.inference.pipeline import Pipeline

    classifier = Pipeline(detector="whole", threads=1).classifier
    by_label = _public_faces()
    names = list(chance.permutation(sorted(by_label)))[: _count(stretches)]
    chosen = [by_label[name][int(chance.integers(len(by_label[name])))] for name in names]
    times, which, changes = _frames(stretches)
    drift = np.zeros(3)
    crops = np.empty((len(times), 1, 48, 48), np.float32)
    for index, number in enumerate(which):
        drift = 0.9 * drift + chance.normal(0, 0.02, 3)  # A head moves slowly, a detector's box trembles.
        crops[index, 0] = _filmed(chosen[number], drift + chance.normal(0, 0.03, 3), chance)
    return Scene(times, classifier.probabilities(crops), classifier.labels, changes)


def _count(stretches: list[tuple[int, float]]) -> int:
    return 1 + max(number for number, _ in stretches)


def _filmed(
    face: NDArray[np.uint8], jitter: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.float32]:
    """``(48, 48)`` a face in a frame: moved and scaled by shares of its side, lit, grained."""
    side = 48 * (1 + jitter[2])
    x, y = 24 + 48 * jitter[0] - side / 2, 24 + 48 * jitter[1] - side / 2
    pad = 12
    whole = Image.fromarray(np.pad(face, pad, mode="edge"))
    box = (max(0.0, x + pad), max(0.0, y + pad), min(72.0, x + side + pad), min(72.0, y + side + pad))
    moved = np.asarray(whole.resize((48, 48), Image.Resampling.BILINEAR, box=box), np.float32)
    lit = moved * (1 + chance.normal(0, 0.03)) + chance.normal(0, 6, moved.shape)
    return np.asarray(np.clip(lit, 0, 255), np.float32)


@cache
def _public_faces() -> dict[str, list[NDArray[np.uint8]]]:
    import polars

    table = (
        polars.scan_parquet(DATA).filter(polars.col("usage").cast(polars.String) == "PublicTest").collect()
    )
    faces: dict[str, list[NDArray[np.uint8]]] = {}
    for image, label in zip(table["image"], table["label"].cast(polars.String), strict=True):
        with Image.open(io.BytesIO(image["bytes"])) as opened:
            faces.setdefault(label, []).append(np.asarray(opened.convert("L")))
    return faces


def drawn(chance: np.random.Generator, stretches: list[tuple[int, float]]) -> Scene:
    """Without the data: logits that wander around those of one expression after the other, with noise from
    frame to frame.
    """
    times, which, changes = _frames(stretches)
    faces = _count(stretches)
    names = chance.permutation(len(EXPRESSIONS))[:faces]
    logits = chance.normal(0, 0.5, (faces, len(EXPRESSIONS)))
    logits[np.arange(faces), names] += chance.uniform(0.8, 3.0, faces)
    drift, probs = np.zeros(len(EXPRESSIONS)), np.empty((len(times), len(EXPRESSIONS)), np.float32)
    for index, number in enumerate(which):
        drift = 0.9 * drift + chance.normal(0, 0.25, len(EXPRESSIONS))
        values = np.exp(logits[number] + drift + chance.normal(0, 0.5, len(EXPRESSIONS)))
        probs[index] = values / values.sum()
    return Scene(times, probs, EXPRESSIONS, changes)


@dataclass(frozen=True)
class Steadiness:
    """Over several scenes.

    Args:
        raw: Changes of the most probable expression per second, less those of the face.
        steady: The same of the smoothed emotion.
        delays: Seconds from each known change until the label shows it.
        unseen: Known changes that it did not show before the next.
        agreement: Share of the frames in which it shows the expression of the face, of those whose expression
            is known.
        seconds: Length of all scenes together.
    """

    raw: float
    steady: float
    delays: tuple[float, ...]
    unseen: int
    agreement: float
    seconds: float

    @property
    def times_fewer(self) -> float:
        """False changes of single frames over those of the label; where there is none at all, over one: at
        least so many times.
        """
        return self.raw / max(self.steady, 1 / self.seconds)


def steadiness(judged: list[Scene], label: Callable[[Scene], NDArray[np.int64]]) -> Steadiness:
    """Compare a way to label with the most probable expression of every frame.

    Args:
        judged: Scenes.
        label: Gives ``(n,)`` columns of the labels shown.
    """
    raw_changes = steady_changes = unseen = right = known_frames = 0
    seconds, delays = 0.0, []
    for scene in judged:
        raw, shown = scene.probs.argmax(axis=1), label(scene)
        parts = _parts(scene)
        modes = [_mode(raw[part]) for part in parts]
        true = sum(before[0] != after[0] for before, after in pairwise(modes))
        raw_changes += max(0, int((np.diff(raw) != 0).sum()) - true)
        steady_changes += max(0, int((np.diff(shown) != 0).sum()) - true)
        for part, (mode, share) in zip(parts, modes, strict=True):
            if share >= CLEAR:
                right += int((shown[part] == mode).sum())
                known_frames += len(part)
        for number in range(1, len(parts)):
            if (
                modes[number][0] != modes[number - 1][0]
                and min(modes[number][1], modes[number - 1][1]) >= CLEAR
            ):
                arrived = np.flatnonzero(shown[parts[number]] == modes[number][0])
                unseen += not len(arrived)
                delays += (
                    [float(scene.times[parts[number][arrived[0]]] - scene.changes[number - 1])]
                    if len(arrived)
                    else []
                )
        seconds += float(scene.times[-1])
    return Steadiness(
        raw_changes / seconds,
        steady_changes / seconds,
        tuple(delays),
        unseen,
        right / max(1, known_frames),
        seconds,
    )


def _parts(scene: Scene) -> list[NDArray[np.int64]]:
    edges = [0, *np.searchsorted(scene.times, np.array(scene.changes) - 1e-9).tolist(), len(scene.times)]
    return [np.arange(start, end) for start, end in pairwise(edges)]


def _mode(labels: NDArray[np.int64]) -> tuple[int, float]:
    counts = np.bincount(labels)
    return int(counts.argmax()), float(counts.max() / counts.sum())
