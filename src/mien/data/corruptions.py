"""Face images made worse in the ways that cameras, networks, masks and detectors make them worse.

After Hendrycks & Dietterich 2019 (https://arxiv.org/abs/1903.12261): each corruption comes in five strengths,
and a network is judged by its mean error over all of them, held against its error on the images as they
are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.core.errors import InputError
from mien.core.names import quoted

Images = NDArray[np.uint8]

STRENGTHS = (1, 2, 3, 4, 5)
_SIDE = 48


@dataclass(frozen=True)
class Corruption:
    """One way to make an image worse.

    Args:
        name: Short name.
        unit: What the values mean.
        values: One per strength, from the mildest.
        apply: Takes an image ``(h, w)`` uint8, a value and a source of chance; returns an image of the same
            size.
        in_pixels: Whether the values are px of an image of 48; they grow with larger ones.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    apply: Callable[[Images, float, np.random.Generator], Images]
    in_pixels: bool = False


def corrupted(images: Images, name: str, strength: int, seed: int = 0) -> Images:
    """Images made worse; equal arguments give equal images.

    Args:
        images: ``(n, h, w)`` uint8, gray, or ``(n, h, w, 3)`` RGB, whose channels all change alike.
        name: One of `CORRUPTIONS`.
        strength: 1 (mild) to 5.
        seed: Of the chance in noise, directions and signs; each image has its own, by its place.

    Returns:
        Images of the same shape.

    Raises:
        InputError: There is no such corruption or strength.

    >>> faces = np.full((2, 48, 48), 120, np.uint8)
    >>> worse = corrupted(faces, "eye bar", 3)
    >>> worse.shape, int(worse.min())
    ((2, 48, 48), 0)
    """
    if name not in CORRUPTIONS:
        raise InputError(f"expected a corruption out of {', '.join(CORRUPTIONS)}; got {quoted(name)}")
    if strength not in STRENGTHS:
        raise InputError(f"expected a strength from 1 to 5; got {strength}")
    corruption = CORRUPTIONS[name]
    value = corruption.values[strength - 1]
    if corruption.in_pixels:
        value *= images.shape[1] / _SIDE

    def worse_of(image: Images, place: int) -> Images:
        if image.ndim == 2:
            return corruption.apply(image, value, np.random.default_rng((seed, place)))
        return np.stack([worse_of(image[..., channel], place) for channel in range(3)], axis=-1)

    worse = [worse_of(image, place) for place, image in enumerate(images)]
    return np.stack(worse) if worse else images


def _bytes(values: NDArray[np.floating]) -> Images:
    clipped: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


def _sign(chance: np.random.Generator) -> int:
    return int(chance.choice((-1, 1)))


def _illumination(image: Images, value: float, chance: np.random.Generator) -> Images:
    """Light from one side: one edge keeps its brightness, the other keeps a share of it."""
    angle = chance.uniform(0, 2 * np.pi)
    rows, columns = (np.linspace(-1, 1, size) for size in image.shape)
    slope = np.cos(angle) * columns[None] + np.sin(angle) * rows[:, None]
    return _bytes(image * (1 - value * (slope - slope.min()) / (slope.max() - slope.min())))


def _contrast(image: Images, value: float, chance: np.random.Generator) -> Images:
    return _bytes(image.mean() + (image - image.mean()) * value)


def _noise(image: Images, value: float, chance: np.random.Generator) -> Images:
    return _bytes(image + chance.normal(0, value, image.shape))


def _defocus(image: Images, value: float, chance: np.random.Generator) -> Images:
    """A disc with a soft edge, as a lens out of focus draws a point."""
    reach = int(np.ceil(value))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _filtered(image, np.clip(value + 0.5 - np.hypot(rows, columns), 0, 1))


def _motion(image: Images, value: float, chance: np.random.Generator) -> Images:
    """A straight stroke of so many px in any direction."""
    angle = chance.uniform(0, np.pi)
    reach = int(np.ceil(value / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for step in np.linspace(-value / 2, value / 2, 8 * reach + 1):
        kernel[round(reach + step * np.sin(angle)), round(reach + step * np.cos(angle))] += 1
    return _filtered(image, kernel)


def _filtered(image: Images, kernel: NDArray[np.floating]) -> Images:
    """Convolved, edges repeated."""
    reach = len(kernel) // 2
    padded = np.pad(image.astype(np.float64), reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return _bytes(np.tensordot(windows, kernel / kernel.sum(), axes=2))


def _jpeg(image: Images, value: float, chance: np.random.Generator) -> Images:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(value))
    with Image.open(file) as read:
        return np.asarray(read)


def _resolution(image: Images, value: float, chance: np.random.Generator) -> Images:
    """The face as it would be so many px high, enlarged again."""
    small = Image.fromarray(image).resize((int(value), int(value)), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape[::-1], Image.Resampling.BILINEAR))


def _mask(image: Images, value: float, chance: np.random.Generator) -> Images:
    """A mask over the lower part of the face, that share of the image high, of one tone."""
    worse = image.copy()
    worse[round(len(image) * (1 - value)) :, len(image) // 12 : -(len(image) // 12)] = chance.integers(0, 256)
    return worse


def _eye_bar(image: Images, value: float, chance: np.random.Generator) -> Images:
    """A black bar at the height of the eyes, that share of the image high; the eyes of FER-2013 lie at two
    fifths."""
    worse = image.copy()
    top, bottom = (round(len(image) * (0.4 + side * value / 2)) for side in (-1, 1))
    worse[top:bottom] = 0
    return worse


def _rotation(image: Images, value: float, chance: np.random.Generator) -> Images:
    return reframed(image, angle=value * _sign(chance))


def _margin(image: Images, value: float, chance: np.random.Generator) -> Images:
    return reframed(image, scale=1 + value)


def _shift(image: Images, value: float, chance: np.random.Generator) -> Images:
    angle = chance.uniform(0, 2 * np.pi)
    return reframed(image, shift=(value * np.cos(angle), value * np.sin(angle)))


def reframed(
    image: Images, scale: float = 1, angle: float = 0, shift: tuple[float, float] = (0, 0)
) -> Images:
    """Another square of the same face, as another detector would have cut it.

    Args:
        image: ``(h, w)`` uint8, gray, or ``(h, w, 3)`` RGB.
        scale: Side of the new square over that of the old one.
        angle: Degrees that it is turned by.
        shift: Shares of its side that it is moved by, right and down.

    Returns:
        An image of the same shape. Beyond the image its edge is repeated: what a larger crop would have shown there
        is not known.
    """
    if image.ndim == 3:
        return np.stack([reframed(image[..., channel], scale, angle, shift) for channel in range(3)], axis=-1)
    height, width = image.shape
    pad = max(height, width) // 2
    around = Image.fromarray(np.pad(image, pad, mode="edge"))
    around.paste(Image.fromarray(image), (pad, pad))
    turn = np.deg2rad(angle)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    centre = (pad + width / 2 + shift[0] * width, pad + height / 2 + shift[1] * height)
    left = centre[0] - cos * width / 2 + sin * height / 2
    top = centre[1] - sin * width / 2 - cos * height / 2
    source = around.filter(ImageFilter.BoxBlur((scale - 1) / 2)) if scale > 1 else around
    framed = source.transform(
        (width, height), Image.Transform.AFFINE, (cos, -sin, left, sin, cos, top), Image.Resampling.BICUBIC
    )
    return np.asarray(framed)


_EVERY = (
    Corruption(
        "illumination", "share of the light lost on the dark side", (0.3, 0.5, 0.7, 0.8, 0.9), _illumination
    ),
    Corruption("contrast", "share of the contrast left", (0.6, 0.4, 0.25, 0.15, 0.08), _contrast),
    Corruption("noise", "standard deviation, gray levels", (5, 10, 15, 25, 35), _noise),
    Corruption("defocus blur", "radius, px of 48", (0.8, 1.2, 1.6, 2.2, 3.0), _defocus, True),
    Corruption("motion blur", "length, px of 48", (2, 4, 6, 8, 10), _motion, True),
    Corruption("JPEG", "quality", (60, 35, 20, 12, 7), _jpeg),
    Corruption("resolution", "px of 48", (36, 28, 22, 16, 12), _resolution, True),
    Corruption("lower-face mask", "share of the height", (0.1, 0.2, 0.3, 0.4, 0.45), _mask),
    Corruption("eye bar", "share of the height", (0.06, 0.1, 0.14, 0.18, 0.24), _eye_bar),
    Corruption("rotation", "degrees", (6, 12, 18, 24, 30), _rotation),
    Corruption("crop margin", "share of the side", (-0.1, -0.2, 0.1, 0.25, 0.4), _margin),
    Corruption("shift", "share of the side", (0.03, 0.06, 0.1, 0.13, 0.16), _shift),
)
CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _EVERY}
"""Every corruption by name. Crop margins are not ordered by strength: two are tighter, three wider."""
