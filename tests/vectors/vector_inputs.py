"""The inputs of the golden vectors: chosen once, by chance from fixed seeds, so that every branch is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.core.measures import MEASURES, REASONS
from mien.inference.detectors import mtcnn
from tests.vectors import landmark_vectors
from tests.vectors.vector_answers import Json, detected, packed, sign

WIDTH, HEIGHT, RATE = 160, 120, 25.0


@dataclass(frozen=True)
class Vectors:
    """How one file of vectors comes to be.

    Args:
        inputs: Makes the inputs.
        tolerance: How far a number may lie off the expected one; 0: the same in 32 bits.
    """

    inputs: Callable[[], list[Json]]
    tolerance: float = 0.0


def _boxes() -> list[Json]:
    cases = []
    for seed, limit in ((1, 0.5), (2, 0.7), (3, 0.3)):
        random = np.random.default_rng(seed)
        corners, sides = random.uniform(-20, 60, (24, 2)), random.uniform(0.2, 40, (24, 2))
        corners[6:12], sides[6:12] = corners[:6] + random.normal(0, 2, (6, 2)), sides[:6]
        rows = np.concatenate([corners, corners + sides], axis=1)
        rows[-1] = rows[-2]
        scores = random.choice([0.5, 0.7, 0.9, 0.95], len(rows))
        cases.append(
            {
                "boxes": _rounded(rows, 2),
                "shifts": _rounded(random.normal(0, 0.2, (len(rows), 4)), 3),
                "scores": scores.tolist(),
                "limit": limit,
                "width": 70,
                "height": 50,
            }
        )
    return cases


def _image(seed: int, width: int, height: int, step: int = 3) -> Json:
    """Noise over slopes: every value occurs, also at the edges."""
    random = np.random.default_rng(seed)
    slopes = np.add.outer(np.linspace(0, 200, height), np.linspace(0, 55, width))[..., None]
    return _told(np.clip(slopes + random.normal(0, 60, (height, width, step)), 0, 255).astype(np.uint8))


def _told(image: np.ndarray) -> Json:
    height, width, step = image.shape
    return {"width": width, "height": height, "step": step, "data": packed(image)}


def _resized() -> list[Json]:
    random, cases = np.random.default_rng(1), []
    for seed in range(20):
        width, height = (int(value) for value in random.integers(3, 45, 2))
        size = [int(value) for value in random.integers(1, 45, 2)]
        (x1, x2), (y1, y2) = sorted(random.uniform(0, width, 2)), sorted(random.uniform(0, height, 2))
        box = [float(x1), float(y1), float(x2), float(y2)] if seed % 2 else None
        cases.append({"image": _image(seed, width, height), "size": size, "box": box})
    return cases


def _halved() -> list[Json]:
    shapes = [(20, 12, 3), (21, 12, 3), (20, 13, 3), (21, 13, 4), (3, 3, 3), (1, 4, 3)]
    return [{"image": _image(seed, width, height, step)} for seed, (width, height, step) in enumerate(shapes)]


def _cropped() -> list[Json]:
    random = np.random.default_rng(5)
    corners = random.uniform((-25, -25, 5), (55, 40, 45), (10, 3))
    boxes = [[float(x), float(y), float(x + side), float(y + side)] for x, y, side in corners.round(3)]
    boxes += [
        [0.0, 0.0, 64.0, 48.0],
        [40.5, 10.25, 40.75, 10.5],
        [-900.0, -900.0, 1000.0, 1000.0],
        [10.0, 10.0, 26.0, 26.0],
    ]
    return [
        {"image": _image(9, 64, 48, step), "boxes": boxes, "size": 16, "gray": gray}
        for step in (3, 4)
        for gray in (False, True)
    ]


def _network_input() -> list[Json]:
    random = np.random.default_rng(6)
    corners, sides = random.uniform(-20, 200, (12, 2)), random.uniform(1, 150, (12, 2))
    boxes = _rounded(np.concatenate([corners, corners + sides], axis=1), 2)
    gray = np.random.default_rng(7).integers(0, 256, (48, 48, 1), np.uint8).repeat(3, axis=2)
    return [{"boxes": [*boxes, [5.0, 5.0, 5.0, 9.0]], "image": _told(gray)}]


def _colour_input() -> list[Json]:
    random = np.random.default_rng(14)
    corners, sides = random.uniform(-15, 40, (14, 2)), random.uniform(4, 60, (14, 2))
    boxes = _rounded(np.concatenate([corners, corners + sides], axis=1), 2)
    seen = {"height": 224, "width": 224, "channels": 3, "low": 0, "high": 255}
    rows = _rounded(random.dirichlet(np.ones(3), len(boxes)).astype(np.float32), 6)
    return [
        {"image": _image(13, 64, 48, step), "boxes": boxes, "input": seen, "rows": rows, "head": "labels"}
        for step in (3, 4)
    ]


class _Recorder:
    """Networks that answer by chance, and what they were asked."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.runs: list[Json] = []

    def network(self, name: str) -> Any:
        recorder = self

        class Recorded:
            outputs = ("shift", "points", "face") if name == "onet" else ("shift", "face")

            def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
                return recorder.answer(name, inputs["image"])

        return Recorded()

    def answer(self, name: str, image: np.ndarray) -> dict[str, np.ndarray]:
        """One run, kept."""
        count, _, height, width = image.shape
        cells = ((height - 10) // 2, (width - 10) // 2) if name == "pnet" else ()
        sure = self.random.uniform(0, 1, (count, *cells)) ** (4 if name == "pnet" else 0.4)
        outputs = {
            "face": np.stack([1 - sure, sure], axis=1),
            "shift": self.random.normal(0, 0.08, (count, 4, *cells)),
        }
        if name == "onet":
            outputs["points"] = self.random.uniform(0, 1, (count, 10))
        outputs = {key: value.round(3).astype(np.float32) for key, value in outputs.items()}
        told = {
            key: {"dims": list(value.shape), "data": _rounded(value.ravel(), 3)}
            for key, value in outputs.items()
        }
        self.runs.append({"network": name, "shape": list(image.shape), "sign": sign(image), "outputs": told})
        return outputs


def _detector() -> list[Json]:
    cases: list[Json] = []
    shapes = [
        (70, 54, 1, 20, None),
        (61, 90, 1, 30, 0.5),
        (48, 40, 1, 12, 0.9),
        (50, 40, 5, 60, None),
        (40, 52, 7, 40, 0.9),
    ]
    for seed, (width, height, side, min_face, least) in enumerate(shapes):
        recorder, own = _Recorder(seed), mtcnn.MTCNN(min_face, min_detection_score=least)
        own._pnet, own._rnet, own._onet = (recorder.network(name) for name in ("pnet", "rnet", "onet"))
        heights = min_face * np.linspace(0.6, 1.1, 12)
        known = (
            np.array(
                [
                    [5.0, 4.0, 30.5, 36.25],
                    [-30.0, 10.0, 8.0, 40.0],
                    [40.0, 20.0, 44.0, 25.0],
                    [20.0, 10.0, 50.0, 49.0],
                ]
            )
            * side
        )
        known = np.concatenate([known, [[10.0, 5.0, 10 + height, 5 + height] for height in heights.round(2)]])
        known = np.concatenate(
            [
                known,
                [[-beyond, 5.0, 1.2 * min_face - beyond, 5 + 1.2 * min_face] for beyond in heights.round(2)],
            ]
        )
        case = {
            "image": _image(20 + seed, width, height),
            "side": side,
            "min_face": min_face,
            "min_detection_score": least,
            "known": known.tolist(),
        }
        detected(own, case)
        cases.append({**case, "runs": recorder.runs})
    return cases


def _assignment() -> list[Json]:
    random, cases = np.random.default_rng(4), []
    for rows, columns in random.integers(1, 7, (60, 2)):
        cost = random.uniform(0, 50, (rows, columns)).round(3)
        impossible = random.random((rows, columns)) < 0.25
        cost_or_none = [
            [None if hidden else float(value) for value, hidden in zip(*row, strict=True)]
            for row in zip(cost, impossible, strict=True)
        ]
        cases.append({"cost": cost_or_none, "limit": 40})
    return cases


def _spacing() -> list[Json]:
    random = np.random.default_rng(11)
    steps = np.concatenate(
        [
            [0.0],
            random.choice(
                [0.04, 0.5, 2.0, 9.0, -0.1, -5.0, 0.0], 150, p=[0.6, 0.15, 0.08, 0.04, 0.05, 0.03, 0.05]
            ),
        ]
    )
    return [{"times": steps.cumsum().round(6).tolist(), "least": least} for least in (1.0, 2.5)]


def _tracker() -> list[Json]:
    lively, hasty, calm = (
        _People(),
        _People(haste=160, turning=0.12, jumping=0.05),
        _People(haste=4, hiding=False),
    )
    return [
        _stories((0, 1), 0.04, lively),
        _stories((2, 3), 0.1, hasty),
        _stories((4,), 0.04, calm),
        _stories((0,), 0.7, lively),
        {**_stories((5,), 0.7, _People(haste=300, turning=0.5, count=1)), "cuts": False},
        {**_stories((6,), 0.3, _People(haste=40, count=2)), "cuts": False},
    ]


@dataclass(frozen=True)
class _People:
    """How people in a story are.

    Args:
        haste: px/s, more or less.
        turning: How probable it is that somebody turns back in a frame.
        jumping: How probable it is that somebody is elsewhere and of another size at once.
        hiding: Whether they are hidden now and then, and the detector is unsure of them.
        count: How many there are.
    """

    haste: float = 12
    turning: float = 0.04
    jumping: float = 0.0
    hiding: bool = True
    count: int = 5


def _stories(seeds: tuple[int, ...], step: float, people: _People) -> Json:
    """One after the other, five seconds apart, with frames that come about every `step` seconds."""
    images: list[np.ndarray] = []
    frames = [frame for seed in seeds for frame in _story(seed, people, images)]
    times = np.cumsum([step if index % 160 else 5.0 for index in range(len(frames))])
    timed = [
        {**frame, "time": round(float(time) + frame["time"] % 0.02, 6)}
        for frame, time in zip(frames, times, strict=True)
    ]
    return {
        "images": [_told(image[..., None].repeat(3, axis=2)) for image in images],
        "frames": timed,
    }


def _story(seed: int, people: _People, images: list[np.ndarray]) -> list[Json]:
    """People who walk, turn back, cross, hide, come back and grow unsure; then a cut, a jump in time, an image of another size and one
    of another shape."""
    random, count = np.random.default_rng(seed), people.count
    places, speeds = (
        random.uniform((10, 10), (110, 70), (count, 2)),
        random.normal(0, people.haste, (count, 2)),
    )
    sides = random.uniform(18, 40, count)
    first = len(images)
    scenes = [
        random.integers(0, 256, (HEIGHT // 8, columns)).astype(np.uint8)
        for columns in (WIDTH // 8, WIDTH // 8, WIDTH // 6)
    ]
    for scene in scenes:
        faint, changed = scene.copy(), scene.copy()
        faint[10:15, 15:20] += np.uint8(12)
        changed[10:15, 15:20] += np.uint8(60)
        images += [scene, faint, changed]
    frames, time = [], 0.0
    for index in range(160):
        step = random.choice([1 / RATE, 2 / RATE])
        time += step
        speeds = np.where(random.random((count, 1)) < people.turning, -speeds, speeds)
        jumps = random.random(count) < people.jumping
        places = places + jumps[:, None] * random.normal(0, 14, (count, 2))
        places = np.clip(places + speeds * step, -12, (WIDTH - 20, HEIGHT - 20))
        sides = np.clip(
            sides
            * np.where(jumps, random.choice([0.7, 1.4], count), random.choice([1, 1, 1, 1.03, 0.97], count)),
            12,
            60,
        )
        hidden = ((np.arange(count) * 23 + index) % 61 < 9) & people.hiding
        boxes = np.concatenate([places, places + sides[:, None] * (0.8, 1.0)], axis=1) + random.normal(
            0, 0.4, (count, 4)
        )
        here = ~hidden & (places > -10).all(axis=1)
        scores = (
            random.choice([0.99, 0.9, 0.75, 0.6, 0.45], count, p=[0.4, 0.3, 0.15, 0.1, 0.05])
            if people.hiding
            else np.full(count, 0.99)
        )
        which = 0 if index < 80 else 1 if index < 150 else 2
        frames.append(
            {
                "time": float(time) + (3.0 if index >= 120 else 0.0),
                "image": first + 3 * which + (0 if index % 40 <= 24 else 1 if index % 40 <= 32 else 2),
                "side": 16 if index >= 140 else 8,
                "boxes": _rounded(boxes[here] * (2 if index >= 140 else 1), 2),
                "scores": scores[here].tolist(),
            }
        )
    return frames


def _stream(seed: int, clear: float = 1.5, slow: float = 1.0, absent: float = 0.1) -> Json:
    """Three people with moods and misreadings, seen at uneven times, now and then not at all.

    Args:
        seed: Of all chance.
        clear: By how much the logarithm of the right expression's probability leads.
        slow: How many times as far apart the frames come.
        absent: How probable it is that somebody is not seen in a frame.
    """
    random = np.random.default_rng(seed)
    frames, time = [], 0.0
    moods = random.integers(0, 7, 3)
    for index in range(80):
        time += slow * float(random.choice([0.033, 0.04, 0.2], p=[0.6, 0.35, 0.05])) + (
            2.0 if index == 50 else 0.0
        )
        moods = np.where(random.random(3) < 0.02, random.integers(0, 7, 3), moods)
        logits = random.normal(0, 1, (3, 7))
        logits[np.arange(3), moods] += clear
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        here = np.flatnonzero(random.random(3) > absent)
        faces = [
            {
                "track": int(row) + 1,
                "box": [0.0, 0.0, float(20 + 10 * row), float(30 + 12 * row)],
                "detection_score": round(float(random.uniform(0.5, 1)), 3),
                "probs": _rounded(probs[row], 4),
            }
            for row in here
        ]
        frames.append({"time": round(time, 3), "faces": faces})
    return {"frames": frames}


def _streams() -> list[Json]:
    return [
        _stream(1),
        _stream(2, clear=0.7),
        _stream(3, slow=9.0, absent=0.5),
        _stream(4, clear=0.9, slow=3.0),
    ]


def _label() -> list[Json]:
    random = np.random.default_rng(8)
    faces = []
    for at in range(30):
        probs, smooth = (_rounded(random.dirichlet(np.full(7, 0.4)), 4) for _ in range(2))
        face = {"box": [0.0, 0.0, 40.0, 50.0], "detection_score": 0.9, "track": 1, "probs": probs}
        held = int(np.argmax(smooth)) if at % 4 else int(random.integers(7))
        faces.append(face if at % 2 else {**face, "smoothed_probs": smooth, "smoothed_emotion_id": held})
    return [{"below": below, "faces": faces} for below in (None, 0.5, 0.8)]


def _percents() -> list[Json]:
    random = np.random.default_rng(9)
    drawn = [_rounded(random.dirichlet(np.full(7, 0.3)), 4) for _ in range(30)]
    return [[*drawn, [1 / 3] * 3, [0.996, 0.004], [1.0, 0.0], [0.125] * 5, [0.005] * 7]]


def _rows() -> list[Json]:
    [labels, *_] = _label()
    random = np.random.default_rng(10)
    boxes = random.uniform(0, 90, (len(labels["faces"]), 4)).cumsum(axis=1).round(4)
    faces = [{**face, "box": box.tolist()} for face, box in zip(labels["faces"], boxes, strict=True)]
    groups = [
        [face for face in faces if "smoothed_emotion_id" in face],
        [face for face in faces if "smoothed_emotion_id" not in face],
        [],
        [{**face, **_measured(at, random)} for at, face in enumerate(faces[:10:2])],
    ]
    sources = ['a b, "c".png', "=1+1\x1b[2J.png", "C:\\x41.png", "d.png"]
    times = [0.0, 1.23456789, 2.5, 3.0]
    return [
        {"source": source, "frame": frame, "time": time, "faces": group}
        for frame, (source, time, group) in enumerate(zip(sources, times, groups, strict=True))
    ]


def _measured(at: int, random: np.random.Generator) -> Json:
    values = dict(zip(MEASURES, random.normal(0, 1, len(MEASURES)).round(6).tolist(), strict=True))
    missing = REASONS[at] or None
    return {"measures": dict.fromkeys(MEASURES) if missing else values, "measures_missing": missing}


def _cells() -> list[Json]:
    strange = [
        "",
        "a.png",
        "=1+1.png",
        "+1",
        "-",
        "-0.5",
        "+1e5",
        "-x",
        "@SUM(A1)",
        "'=x",
        "'tis",
        "\t=x",
        "\r",
        "a\tb\nc",
        "\x1b[2J",
        "\x07=1",
    ]
    return [
        [
            *strange,
            "Ren\u00e9 \u65e5\U0001f600",
            "\u202egnp.exe",
            "\x85\u2028",
            "C:\\new\\x41.png",
            "\\u00e9\\U0001f600",
            "\ufffe",
            "=\u2066",
        ]
    ]


def _sentiment() -> list[Json]:
    return [{"probs": _rounded(row, 4)} for row in np.random.default_rng(9).dirichlet(np.full(7, 0.7), 12)]


def _rounded(values: np.ndarray, digits: int) -> Any:
    return np.asarray(values, np.float64).round(digits).tolist()


VECTORS: dict[str, Vectors] = {
    "settings": Vectors(lambda: [None]),
    "boxes": Vectors(_boxes),
    "resized": Vectors(_resized),
    "halved": Vectors(_halved),
    "cropped": Vectors(_cropped),
    "network_input": Vectors(_network_input, 1e-9),
    "colour_input": Vectors(_colour_input, 1e-6),
    "detector": Vectors(_detector),
    "assignment": Vectors(_assignment),
    "spacing": Vectors(_spacing),
    "tracker": Vectors(_tracker, 1e-5),
    "stream": Vectors(_streams, 2e-6),
    "label": Vectors(_label),
    "percents": Vectors(_percents),
    "rows": Vectors(_rows, 1.1e-6),
    "cells": Vectors(_cells),
    "sentiment": Vectors(_sentiment, 1e-6),
    "face_map": Vectors(landmark_vectors.face_map_inputs, 1e-9),
    "face_crop": Vectors(lambda: landmark_vectors.face_crop_inputs(_image(11, 64, 48))),
    "face_mesh": Vectors(lambda: landmark_vectors.face_mesh_inputs(_image(12, 64, 48)), 1e-3),
    "measures": Vectors(landmark_vectors.measures_inputs, 1e-4),
    "movement": Vectors(landmark_vectors.movement_inputs, 1e-4),
    "blinks": Vectors(landmark_vectors.blinks_inputs, 1e-6),
    "talking": Vectors(landmark_vectors.talking_inputs),
}
"""By the name of the file."""
