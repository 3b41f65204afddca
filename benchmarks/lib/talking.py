"""Faces that talk, rendered: photographs whose mouth is opened and closed as in speech.

Everyday photographs of calm faces (``../shared/everyday``) are warped: between the corners of the mouth, where
MTCNN finds them, the lower lip and the chin move down, the upper lip a little up, and the gap is filled with a
dark mouth. Syllables come four to five times a second, of random height and width, with a pause every few
seconds. Nothing else of the face moves with it, there is no tongue and no sound: it is a rendering, not speech.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.expressions import RATE
from benchmarks.lib.fixtures import DATA
from mien.inference.pipeline import Pipeline

EVERYDAY = DATA.parent.parent / "everyday" / "everyday.parquet"
SIDE, VIEW = 128, 96
"""Of a photograph, and of its middle, which the network sees; px."""

WIDEST = 0.55
"""Height of the widest open mouth over the width of the closed one."""

_CHIN, _NOSE = 1.3, -0.55  # Widths of the mouth below and above it, where nothing moves any more.
_LIFT = 0.35  # How much the upper lip moves, over what the lower one does.
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mouth:
    """Where the mouth of a photograph is.

    Args:
        left: ``x, y`` of its left corner in the image, px.
        right: Of its right one.
    """

    left: Floats
    right: Floats


@dataclass(frozen=True, eq=False)
class Photograph:
    """A face of the data.

    Args:
        image: ``(128, 128)`` gray.
        mouth: Where its mouth is.
        person: Number of the person.
    """

    image: NDArray[np.float32]
    mouth: Mouth
    person: int


def photographs(label: str, most: int) -> Iterator[Photograph]:
    """So many faces with a label, of one person each, of which MTCNN finds one that looks at the camera."""
    import polars

    from mien.rules.features import frontalness

    table = (
        polars.read_parquet(EVERYDAY)
        .filter(polars.col("label") == label)
        .unique("person", keep="first", maintain_order=True)
    )
    pipeline, found = Pipeline("mtcnn", threads=1), 0
    for image, person in zip(table["image"], table["person"], strict=True):
        with Image.open(io.BytesIO(image["bytes"])) as opened:
            gray = opened.convert("L")
        double = np.asarray(gray.resize((2 * SIDE, 2 * SIDE)).convert("RGB"))
        [faces] = pipeline.detector.detect([double])
        if len(faces) != 1 or faces.landmarks is None or frontalness(faces.landmarks)[0] < 0.7:
            continue
        corners = faces.landmarks[0, 3:].astype(np.float64) / 2
        if not 18 < np.linalg.norm(corners[1] - corners[0]) < 60:
            continue
        yield Photograph(np.asarray(gray, np.float32), Mouth(*corners), int(person))
        found += 1
        if found == most:
            return


def opened(face: Photograph, height: float, width: float = 1.0) -> NDArray[np.float32]:
    """``(128, 128)`` the photograph with its mouth open.

    Args:
        face: Whose mouth is closed, or nearly.
        height: Of the opening, in widths of the mouth; 0 leaves it as it is.
        width: Of the mouth, over what it was: below 1 as for *o*, above as for *ee*.
    """
    left, right = face.mouth.left, face.mouth.right
    half = float(np.linalg.norm(right - left)) / 2
    across = (right - left) / (2 * half)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    middle = (left + right) / 2
    u = ((x - middle[0]) * across[0] + (y - middle[1]) * across[1]) / half
    v = (-(x - middle[0]) * across[1] + (y - middle[1]) * across[0]) / (2 * half)
    near = np.clip(1.6 - np.abs(u), 0, 1) * np.clip(1 - np.abs(v) / 1.2, 0, 1)
    u_from = u * (1 + (1 / width - 1) * near)
    gap = height * np.sqrt(np.clip(1 - u_from**2, 0, 1))
    jaw = height * np.clip(1.5 - np.abs(u), 0, 1) ** 0.5  # The chin comes along, beside the mouth as well.
    low, high = gap, -_LIFT * gap
    down = np.where(v > 0, np.maximum(gap, 0.6 * jaw) * np.clip((_CHIN - v) / _CHIN, 0, 1) ** 0.7, 0)
    up = np.where(v <= 0, -_LIFT * gap * np.clip((v - _NOSE) / -_NOSE, 0, 1), 0)
    v_from = v - down - up
    v_from = np.where(v > 0, np.maximum(v_from, 0), np.minimum(v_from, 0))
    warped = sampled(
        face.image,
        middle[0] + half * u_from * across[0] - 2 * half * v_from * across[1],
        middle[1] + half * u_from * across[1] + 2 * half * v_from * across[0],
    )
    inside = np.clip(np.minimum(low - v, v - high) * 2 * half / 1.2, 0, 1)
    skin = float(np.median(face.image[SIDE // 3 : 2 * SIDE // 3, SIDE // 3 : 2 * SIDE // 3]))
    teeth = np.clip(1 - np.abs(v - high - 0.06) / 0.05, 0, 1) * (np.abs(u_from) < 0.7)
    dark = skin * (0.28 + 0.4 * teeth * min(1.0, height / 0.25))
    return np.asarray(warped * (1 - inside) + dark * inside, np.float32)


def speech(chance: np.random.Generator, seconds: float) -> tuple[Floats, Floats]:
    """Height of the opening and width of the mouth, frame by frame."""
    times = np.arange(int(seconds * RATE)) / RATE
    height, width = np.zeros(len(times)), np.ones(len(times))
    start = 0.0
    until_pause = chance.uniform(1.5, 4.0)
    while start < seconds:
        lasting = 1 / chance.uniform(3.5, 5.5)
        part = (times >= start) & (times < start + lasting)
        arc = np.sin(np.pi * (times[part] - start) / lasting)
        height[part] = WIDEST * chance.beta(2, 3) * arc
        width[part] = 1 - 0.3 * height[part] + chance.uniform(-0.15, 0.12) * arc
        start += lasting
        until_pause -= lasting
        if until_pause < 0:
            start += chance.uniform(0.2, 0.8)
            until_pause = chance.uniform(1.5, 4.0)
    return height, width


def crops(frames: Iterable[NDArray[np.float32]], chance: np.random.Generator) -> NDArray[np.float32]:
    """``(n, 1, 48, 48)`` what a network sees of images ``(128, 128)`` that a camera and a detector have seen."""
    drift, seen = np.zeros(3), []
    for image in frames:
        drift = 0.9 * drift + chance.normal(0, 0.008, 3)
        x, y, scale = drift + chance.normal(0, 0.01, 3)
        side = VIEW * (1 + scale)
        left, top = SIDE / 2 + VIEW * x - side / 2, SIDE / 2 + VIEW * y - side / 2
        box = (left, top, left + side, top + side)
        crop = Image.fromarray(image).resize((48, 48), Image.Resampling.BOX, box=box)
        seen.append(np.clip(np.asarray(crop) + chance.normal(0, 3, (48, 48)), 0, 255)[None])
    return np.asarray(seen, np.float32)


def sampled(image: NDArray[np.floating], x: Floats, y: Floats) -> Floats:
    """An image at places between its pixels."""
    x, y = np.clip(x, 0, SIDE - 1.001), np.clip(y, 0, SIDE - 1.001)
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    upper = image[row, column] * (1 - right) + image[row, column + 1] * right
    lower = image[row + 1, column] * (1 - right) + image[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)
