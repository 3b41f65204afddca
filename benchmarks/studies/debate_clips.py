"""Detectors on clips of clear, small and turned faces, as Yin, Jiang and Li guess at:
``python -m benchmarks.studies.debate_clips [--count 100] [--work FOLDER]``.

They read clips of debates with ``fer``, with its MTCNN and without, one frame in twenty, ``box0``, the most frequent label of a
clip, and found the one better in one year and the other in another; their guess is that MTCNN wins on clear near faces
and the cascade on small faces and profiles. Here each clip is one held-out person's everyday photograph
(``../shared/everyday``) somewhere before a background, five frames with a little noise, clear (150 to 240 px high), small
(28 to 48 px) or turned by 45 degrees around a cylinder (80 to 150 px); the same photographs in all three, with a known
expression. All get the same frames and the paper's rule: the first face, the most frequent label, seven to three. For mien
the first face is its largest. Positive, neutral and negative are equally frequent as long as there are photographs: of the
negative, there are 30 among the people held out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.adapters.environments import environment, fer_python
from benchmarks.lib.fixtures import DATA, ROOT
from benchmarks.lib.placed_faces import Kind, backgrounds, placed, turned
from benchmarks.lib.talking import EVERYDAY
from benchmarks.studies.heads import everyday_parts
from mien.data import FaceDataset, open_dataset
from mien.inference.config import DetectorName
from mien.inference.pipeline import Pipeline
from mien.metrics import wilson
from mien.metrics.sentiment import PRESETS, SENTIMENTS

KINDS = (
    Kind("clear", heights=(150, 240)),
    Kind("small", heights=(28, 48)),
    Kind("turned", turned(45), heights=(80, 150)),
)
FRAMES = 5
SMALLEST_OF_FER = 20
"""Px from which fer's MTCNN looks for faces; mien's detectors begin at 40 unless told otherwise."""
MAPPING = PRESETS["yin"]
Answers = list[str | None]
Reader = Callable[[Path], Answers]


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, read, score, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.debate_clips", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=100, help="clips of each kind and sentiment")
    parser.add_argument("--work", type=Path, required=True, help="folder for frames and answers")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    photographs, sentiments = cast(options.count)
    print(f"| clips | n | {' | '.join(READERS)} |", f"|---|--:|{'---|' * len(READERS)}", sep="\n")
    for kind in KINDS:
        frames = options.work / f"{kind.name}.npy"
        np.save(frames, rendered(photographs, kind))
        cells = [scored(answers(read, frames, name), sentiments) for name, read in READERS.items()]
        print(f"| {kind.name} | {len(sentiments)} | {' | '.join(cells)} |", flush=True)


def cast(count: int) -> tuple[list[NDArray[np.float32]], list[str]]:
    """``(128, 128)`` photographs of persons whom no network of mien knows, and their sentiments: as many of each."""
    held_out = everyday_parts(open_dataset(DATA), EVERYDAY).validation
    whole = open_dataset(EVERYDAY)
    known = set(held_out.rows.tolist())
    chance = np.random.default_rng(11)
    rows = [row for row in chance.permutation(len(whole)).tolist() if int(whole.rows[row]) in known]
    photographs, sentiments = [], []
    for sentiment in SENTIMENTS.names:
        fitting = [row for row in rows if _sentiment(whole, row) == sentiment][:count]
        photographs += [whole.images[row].astype(np.float32) for row in fitting]
        sentiments += [sentiment] * len(fitting)
    return photographs, sentiments


def _sentiment(data: FaceDataset, row: int) -> str:
    return MAPPING.sentiment(data.labels.names[data.expressions[row]])


def rendered(photographs: Sequence[NDArray[np.float32]], kind: Kind) -> NDArray[np.uint8]:
    """``(n x 5, 360, 640, 3)`` frames of all clips, one after the other."""
    chance, empty = np.random.default_rng(12), backgrounds()
    frames = []
    for at, face in enumerate(photographs):
        still = placed(face, empty[7 * at % len(empty)], kind, chance).image.astype(np.float32)
        noisy = [still * chance.uniform(0.95, 1.05) + chance.normal(0, 3, still.shape) for _ in range(FRAMES)]
        frames += [np.clip(frame, 0, 255).astype(np.uint8) for frame in noisy]
    return np.stack(frames)


def answers(read: Reader, frames: Path, name: str) -> Answers:
    """Label of each frame, kept beside the frames."""
    place = frames.with_name(f"{frames.stem}-{''.join(filter(str.isalnum, name))}.json")
    if not place.is_file():
        place.write_text(json.dumps(read(frames)), encoding="utf-8")
    found: Answers = json.loads(place.read_text(encoding="utf-8"))
    return found


def scored(labels: Answers, sentiments: Sequence[str]) -> str:
    """Share of right clips with its interval, and in how many clips a face was found."""
    clips = [labels[start : start + FRAMES] for start in range(0, len(labels), FRAMES)]
    right, found = 0, 0
    for clip, sentiment in zip(clips, sentiments, strict=True):
        seen = Counter(label for label in clip if label)
        found += bool(seen)
        right += bool(seen) and MAPPING.sentiment(seen.most_common(1)[0][0]) == sentiment
    low, high = wilson(right, len(clips))
    return f"{right / len(clips):.0%} ({low:.0%} to {high:.0%}), a face in {found}"


def _mien(detector: DetectorName, min_face: int | None = None) -> Reader:
    def read(frames: Path) -> Answers:
        pipeline = Pipeline(detector=detector, min_face=min_face, threads=1)
        found: Answers = []
        for frame in np.load(frames, mmap_mode="r"):
            faces = list(pipeline(np.ascontiguousarray(frame)))
            largest = max(faces, key=lambda face: _area(face.box), default=None)
            found.append(None if largest is None else largest.emotion)
        return found

    return read


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _fer(detector: str) -> Reader:
    def read(frames: Path) -> Answers:
        target = frames.with_suffix(".answers.json")
        command = [fer_python(detector), "-m", "benchmarks.adapters.fer", "clips", frames, target, detector]
        subprocess.run(
            list(map(str, command)),
            env={**environment(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
        found: Answers = json.loads(target.read_text(encoding="utf-8"))
        return found

    return read


READERS = {
    "fer, cascade": _fer("haar"),
    "fer, MTCNN": _fer("mtcnn"),
    "mien, haar": _mien("haar"),
    "mien, mtcnn": _mien("mtcnn"),
    "mien, auto": _mien("auto"),
    "mien, mtcnn from 20 px": _mien("mtcnn", SMALLEST_OF_FER),
    "mien, auto from 20 px": _mien("auto", SMALLEST_OF_FER),
}


if __name__ == "__main__":
    main()
