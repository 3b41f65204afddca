"""Faces put before backgrounds that hold none: where each one is, is known, whatever a detector finds.

The faces are everyday photographs (``../shared/everyday``, gray), cut out along an oval and turned, darkened,
covered or bent around a cylinder. The backgrounds are pictures that come with scikit-image (things, animals,
textures, text) and frames of ``no_face.mp4``, at 640x360.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.fixtures import NOBODY, decode_frames
from benchmarks.lib.talking import EVERYDAY, SIDE

WIDTH, HEIGHT = 640, 360
PICTURES = (
    "brick", "chelsea", "chessboard_RGB", "coffee", "grass", "gravel", "horse", "hubble_deep_field",
    "immunohistochemistry", "moon", "motorcycle", "page", "retina", "rocket", "text",
)  # fmt: skip
"""Of ``skimage.data``, without people; the motorcycle is the left one of a pair."""

TALL, WIDE = 97.0, 78.0
"""Height and width px of a face's box in a photograph: the square of 96 px in its middle is 1.1 times the root of
their product (``../shared/everyday/README.md``)."""

_RADIUS = 46.0  # px of the cylinder, a little more than half the width of a face.
Gray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """One face before a background.

    Attributes:
        image: ``(360, 640, 3)`` uint8.
        box: ``x1, y1, x2, y2`` of the face when upright, px.
    """

    image: NDArray[np.uint8]
    box: tuple[float, float, float, float]


def photographs(count: int, skip: int = 0) -> list[Gray]:
    """``(128, 128)`` photographs of as many people, after those of the first ``skip`` people."""
    import polars

    table = polars.read_parquet(EVERYDAY).unique("person", keep="first", maintain_order=True)
    found = []
    for image in table["image"][skip : skip + count]:
        with Image.open(io.BytesIO(image["bytes"])) as opened:
            found.append(np.asarray(opened.convert("L"), np.float32))
    return found


def backgrounds() -> list[NDArray[np.uint8]]:
    """``(360, 640, 3)`` pictures without a human face: whole, and their middles at twice the size."""
    import skimage.data

    pictures = []
    for name in PICTURES:
        asked = "stereo_motorcycle" if name == "motorcycle" else name.split("_RGB")[0]
        try:
            picture = getattr(skimage.data, asked)()
        except Exception:  # Not among those that are installed with it.
            continue
        pictures.append(_coloured(picture[0] if name == "motorcycle" else picture))
    if NOBODY.is_file():
        pictures += list(decode_frames(NOBODY, 95)[10::20])
    return [_framed(picture, zoom) for picture in pictures for zoom in (1.0, 2.0)]


def _coloured(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    values = np.asarray(picture)
    values = values.astype(np.uint8) * (255 if values.dtype == bool else 1)
    return values[..., None].repeat(3, axis=2) if values.ndim == 2 else values[..., :3]


def _framed(picture: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """The middle of a picture, filling the frame."""
    scale = zoom * max(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    resized = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + WIDTH, top + HEIGHT)))


Change = Callable[[Gray, np.random.Generator], Gray]


def _as_it_is(face: Gray, _: np.random.Generator) -> Gray:
    return face


def darkened(share: float) -> Change:
    """A change that leaves so much of the light, with the grain that a camera adds then."""

    def change(face: Gray, chance: np.random.Generator) -> Gray:
        return np.asarray(face * share + chance.normal(0, 2, face.shape), np.float32)

    return change


def turned(degrees: float) -> Change:
    """A change that bends the photograph around a cylinder and turns that, to either side; what the photograph does
    not show is as bright as the hair at its edge."""

    def change(face: Gray, chance: np.random.Generator) -> Gray:
        turn = np.radians(degrees) * chance.choice([-1, 1])
        x = (np.arange(SIDE) + 0.5 - SIDE / 2) / _RADIUS
        seen = np.arcsin(np.clip(x, -1, 1)) + turn
        places = np.where(np.abs(seen) < np.pi / 2, np.sin(seen), np.sign(seen)) * _RADIUS + SIDE / 2 - 0.5
        left = np.clip(places.astype(int), 0, SIDE - 2)
        share = (places - left).astype(np.float32)
        return np.asarray(face[:, left] * (1 - share) + face[:, left + 1] * share, np.float32)

    return change


def covered(part: str) -> Change:
    """A change that lays a cloth over the lower half, a side or the eyes."""

    def change(face: Gray, chance: np.random.Generator) -> Gray:
        face, cloth = face.copy(), chance.uniform(30, 225)
        area = {"mouth": np.s_[68:, :], "side": np.s_[:, 64:], "eyes": np.s_[40:66, :]}[part]
        face[area] = cloth + chance.normal(0, 3, face[area].shape)
        return face

    return change


@dataclass(frozen=True)
class Kind:
    """A kind of scene.

    Args:
        name: For tables.
        change: What is done to the photograph.
        tilt: By how many degrees it is turned in the image, to either side.
        heights: Least and greatest height of the face, px.
        light: Share of the light of the whole scene that is left.
    """

    name: str
    change: Change = _as_it_is
    tilt: float = 0.0
    heights: tuple[float, float] = (80.0, 240.0)
    light: float = 1.0


KINDS = (
    Kind("upright"),
    Kind("small, 40 to 70 px", heights=(42, 70)),
    Kind("tilted 30°", tilt=30),
    Kind("tilted 45°", tilt=45),
    Kind("tilted 60°", tilt=60),
    Kind("dark, 12 %", light=0.12),
    Kind("dark, 6 %", light=0.06),
    Kind("turned 45°", turned(45)),
    Kind("turned 60°", turned(60)),
    Kind("mouth covered", covered("mouth")),
    Kind("a side covered", covered("side")),
    Kind("eyes covered", covered("eyes")),
)


def placed(face: Gray, background: NDArray[np.uint8], kind: Kind, chance: np.random.Generator) -> Scene:
    """A photograph somewhere before a background."""
    high = chance.uniform(*kind.heights)
    scale = high / TALL
    side = round(SIDE * scale)
    tilt = kind.tilt * chance.choice([-1, 1])
    changed = np.clip(kind.change(face, chance), 0, 255).astype(np.uint8)
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5 - SIDE / 2) / np.array([0.5 * SIDE, _RADIUS]).reshape(2, 1, 1)
    oval = np.clip((1 - np.hypot(x, y)) * 12, 0, 1)
    pasted, mask = (
        Image.fromarray(values)
        .resize((side, side), Image.Resampling.BICUBIC)
        .rotate(tilt, Image.Resampling.BICUBIC)
        for values in (changed, (255 * oval).astype(np.uint8))
    )
    reach = max(high, kind.tilt and high) / 2
    centre = np.array([chance.uniform(reach, WIDTH - reach), chance.uniform(reach, HEIGHT - reach)])
    image = Image.fromarray(background)
    image.paste(pasted.convert("RGB"), tuple(np.round(centre - side / 2).astype(int).tolist()), mask)
    dim = np.asarray(image, np.float32) * kind.light
    if kind.light < 1:
        dim = dim + chance.normal(0, 1.5, dim.shape)
    wide = high * WIDE / TALL
    x1, y1 = centre - (wide / 2, high / 2)
    return Scene(np.clip(np.round(dim), 0, 255).astype(np.uint8), (x1, y1, x1 + wide, y1 + high))
