"""How each detector finds faces that are hard to find: ``python -m benchmarks.studies.search [--count 120] [--fit]``.

Everyday photographs before backgrounds without faces (`benchmarks.lib.placed_faces`): upright, small, tilted, dark, turned and
half covered, the same scenes for every detector; how many are found where they are, how many boxes backgrounds alone get, and
milliseconds of the processor for an image on one thread, in turns. ``--fit`` measures instead how BlazeFace's squares lie to
MTCNN's boxes, on photographs of other people, where each finds one face.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.placed_faces import KINDS, Kind, Scene, backgrounds, photographs, placed
from mien.core.boxes import overlap
from mien.core.faces import Faces
from mien.inference.detectors import Detector, blaze, create_detector

NAMES = ("haar", "mtcnn", "blaze", "auto")
NEAR = 0.35
"""How far, in sides of the face, the middle of a box may be from the middle of the face that it found."""
SIZES = 1.7
"""By what a box may be larger or smaller."""
FITTED = 150
"""Photographs of ``--fit``, which the other measurement does not use."""

Images = list[NDArray[np.uint8]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.search", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=120, help="scenes of each kind")
    parser.add_argument("--fit", action="store_true", help="BlazeFace's squares beside MTCNN's boxes")
    options = parser.parse_args(arguments)
    print(*(fit() if options.fit else table(options.count)), sep="\n")


def table(count: int) -> list[str]:
    """Found faces by kind and detector, false finds, milliseconds."""
    detectors = [create_detector(name, threads=1) for name in NAMES]
    empty = backgrounds()
    lines = [f"| {count} of each | " + " | ".join(NAMES) + " |", "|---|" + "--:|" * len(NAMES)]
    for kind in KINDS:
        shown = scenes(kind, count, empty)
        images = [scene.image for scene in shown]
        found = [share_found(detector.detect(images), shown) for detector in detectors]
        lines.append(f"| {kind.name} | " + " | ".join(f"{100 * share:.0f} %" for share in found) + " |")
    false = [sum(len(faces) for faces in detector.detect(empty)) for detector in detectors]
    lines.append(f"| boxes on {len(empty)} backgrounds alone | " + " | ".join(map(str, false)) + " |")
    upright = [scene.image for scene in scenes(KINDS[0], 40, empty)]
    for what, images in (("an image with a face", upright), ("an image without one", empty)):
        times = " | ".join(f"{value:.1f}" for value in milliseconds(detectors, images))
        lines.append(f"| {what}, ms | {times} |")
    return lines


def scenes(kind: Kind, count: int, empty: Images) -> list[Scene]:
    """The same photographs for every kind, each before another background."""
    chance = np.random.default_rng(5)
    faces = photographs(count, skip=FITTED)
    return [placed(face, empty[7 * at % len(empty)], kind, chance) for at, face in enumerate(faces)]


def share_found(answers: Sequence[Faces], shown: Sequence[Scene]) -> float:
    """Share of the scenes in which a box lies where the face is, about as large."""
    return float(np.mean([is_found(faces, scene.box) for faces, scene in zip(answers, shown, strict=True)]))


def is_found(faces: Faces, box: tuple[float, float, float, float]) -> bool:
    """Whether a box lies where a face is.

    >>> faces = Faces([[10, 10, 50, 60]], [1], [0], [0])
    >>> is_found(faces, (12, 8, 50, 60)), is_found(faces, (40, 8, 80, 60)), is_found(faces, (25, 30, 35, 40))
    (True, False, False)
    """
    boxes, true = faces.boxes.astype(float), np.array(box)
    side = np.sqrt(np.prod(true[2:] - true[:2]))
    apart = np.linalg.norm((boxes[:, :2] + boxes[:, 2:] - true[:2] - true[2:]) / 2, axis=1) / side
    larger = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)) / side
    return bool(((apart < NEAR) & (larger < SIZES) & (larger > 1 / SIZES)).any())


def milliseconds(detectors: Sequence[Detector], images: Images, rounds: int = 3) -> list[float]:
    """Of the processor for an image: the mean over the images of the least of some rounds."""
    spent = np.empty((len(detectors), len(images), rounds))
    for turn in range(rounds):
        for column, image in enumerate(images):
            for row, detector in enumerate(detectors):
                at = time.thread_time()
                detector.detect([image])
                spent[row, column, turn] = 1000 * (time.thread_time() - at)
    return [float(value) for value in spent.min(axis=2).mean(axis=1)]


def fit() -> list[str]:
    """Medians and quartiles of MTCNN's box in units of BlazeFace's square."""
    chance, empty = np.random.default_rng(3), backgrounds()
    kinds = [Kind("", tilt=tilt, heights=(90, 300)) for tilt in (0, 0, 10, 20)]
    images = [
        placed(face, empty[7 * at % len(empty)], kinds[at % 4], chance).image
        for at, face in enumerate(photographs(FITTED))
    ]
    rows = []
    for one, other, image in zip(
        create_detector("mtcnn").detect(images), create_detector("blaze").detect(images), images, strict=True
    ):
        inside = len(one) == len(other) == 1 and all(_inside(faces, image) for faces in (one, other))
        if inside and overlap(one.boxes, other.boxes)[0, 0] > 0.2:
            rows.append(_relation(one.boxes[0].astype(float), other.boxes[0].astype(float)))
    lines = [f"{len(rows)} of {FITTED} images"]
    for name, values in zip(("width", "height", "right", "down"), np.transpose(rows), strict=True):
        low, middle, high = np.percentile(values, [25, 50, 75])
        lines.append(f"{name}: {middle:.3f} ({low:.3f} to {high:.3f})")
    return lines


def _inside(faces: Faces, image: NDArray[np.uint8]) -> bool:
    """Whether the box was not clipped."""
    height, width = image.shape[:2]
    return bool((faces.boxes[0, :2] > 0).all() and (faces.boxes[0, 2:] < (width, height)).all())


def _relation(box: NDArray[np.float64], converted: NDArray[np.float64]) -> list[float]:
    """Width and height of MTCNN's box, and how far right and below its middle is, in sides of the square that
    BlazeFace's box was made from."""
    side = (converted[2] - converted[0]) / blaze.WIDTH
    middle = (converted[:2] + converted[2:]) / 2 - side * np.array([blaze.RIGHT, blaze.DOWN])
    return [*((box[2:] - box[:2]) / side), *(((box[:2] + box[2:]) / 2 - middle) / side)]


if __name__ == "__main__":
    main()
