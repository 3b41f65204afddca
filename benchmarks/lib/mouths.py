"""Rendered faces whose mouth or head moves in a known way, to tell talk from everything else.

Each is a calm everyday photograph (`benchmarks.lib.talking`), moved frame by frame, seen by a camera with grain through a
box that trembles, and measured by the face mesh. They are renderings: nobody really talks, laughs or chews.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib import talking
from benchmarks.lib.expressions import RATE
from benchmarks.lib.talking import SIDE, VIEW, Floats, Photograph
from mien.core.faces import Faces
from mien.inference.landmarks import FaceMesh, measured

DETECTED = 1.1
"""What the network's square is wider than the detector's box."""


@dataclass(frozen=True, eq=False)
class Motion:
    """What a face does, frame by frame.

    Args:
        times: ``(n,)`` s.
        height: ``(n,)`` of the mouth's opening, in widths of the mouth.
        width: ``(n,)`` of the mouth, over what it was.
        smile: ``(n,)`` how far the corners rise, in widths of the mouth.
        yaw: ``(n,)`` degrees.
        talks: ``(n,)`` whether it talks.
    """

    times: Floats
    height: Floats
    width: Floats
    smile: Floats
    yaw: Floats
    talks: NDArray[np.bool_]

    def every(self, step: int) -> Motion:
        """Every so manieth frame."""
        return Motion(*(column[::step] for column in vars(self).values()))


def _motion(times: Floats, **columns: Floats | NDArray[np.bool_]) -> Motion:
    zero = np.zeros(len(times))
    rest = {"height": zero, "width": zero + 1, "smile": zero, "yaw": zero, "talks": zero > 0}
    return Motion(times, **{**rest, **columns})  # type: ignore[arg-type]


def _ramp(times: Floats, start: float, rise: float, hold: float, fall: float) -> Floats:
    places = np.cumsum([start, rise, hold, fall])
    return np.interp(times, places, [0, 1, 1, 0], left=0, right=0)


def _still(_: np.random.Generator, times: Floats) -> Motion:
    return _motion(times)


def _smile(chance: np.random.Generator, times: Floats) -> Motion:
    parts = ((0.5, 2), (0.3, 0.8), (1, 3), (0.4, 1))
    return _motion(times, smile=0.18 * _ramp(times, *(chance.uniform(*part) for part in parts)))


def _laugh(chance: np.random.Generator, times: Floats) -> Motion:
    parts = ((0.5, 2), (0.2, 0.5), (1, 2), (0.4, 1))
    shown = _ramp(times, *(chance.uniform(*part) for part in parts))
    height = chance.uniform(0.2, 0.4) * shown
    shaken = 1 + 0.1 * np.sin(2 * np.pi * chance.uniform(4, 5.5) * times)
    return _motion(times, smile=0.18 * shown, height=height * shaken)


def _yawn(chance: np.random.Generator, times: Floats) -> Motion:
    parts = ((0.5, 1.5), (1, 2), (1, 2), (0.7, 1.5))
    shown = _ramp(times, *(chance.uniform(*part) for part in parts))
    height = chance.uniform(0.45, 0.7) * np.sin(shown * np.pi / 2) ** 2
    return _motion(times, height=height, width=1 - 0.1 * shown)


def _chew(chance: np.random.Generator, times: Floats) -> Motion:
    rate = chance.uniform(1.0, 2.0) * (1 + 0.15 * np.sin(2 * np.pi * 0.3 * times))
    phase = 2 * np.pi * np.cumsum(rate) / RATE
    height = chance.uniform(0.05, 0.2) * np.maximum(0, np.sin(phase))
    return _motion(times, height=height, width=1 + 0.06 * np.sin(phase + 1))


def _turn(chance: np.random.Generator, times: Floats) -> Motion:
    most, rate, phase = chance.uniform(20, 35), chance.uniform(0.2, 0.6), chance.uniform(0, 6)
    return _motion(times, yaw=most * np.sin(2 * np.pi * times * rate + phase))


def _shake(chance: np.random.Generator, times: Floats) -> Motion:
    most, rate = chance.uniform(10, 20), chance.uniform(1, 2)
    return _motion(times, yaw=most * np.sin(2 * np.pi * times * rate))


def _talk(chance: np.random.Generator, times: Floats) -> Motion:
    height, width = talking.speech(chance, len(times) / RATE)
    return _motion(times, height=height, width=width, talks=np.ones(len(times), bool))


def _talk_low(chance: np.random.Generator, times: Floats) -> Motion:
    whole = _talk(chance, times)
    return _motion(times, height=whole.height / 2, width=whole.width, talks=whole.talks)


def _talk_turning(chance: np.random.Generator, times: Floats) -> Motion:
    whole = _talk(chance, times)
    rate, phase = chance.uniform(0.2, 0.5), chance.uniform(0, 6)
    yaw = 25 * np.sin(2 * np.pi * times * rate + phase)
    return _motion(times, height=whole.height, width=whole.width, talks=whole.talks, yaw=yaw)


def _talk_pausing(chance: np.random.Generator, times: Floats) -> Motion:
    whole = _talk(chance, times)
    start, end = chance.uniform(1.5, 2.5), chance.uniform(5, 6)
    talks = (times <= start) | (times >= end)
    return _motion(
        times, height=np.where(talks, whole.height, 0), width=np.where(talks, whole.width, 1), talks=talks
    )


MOTIONS: dict[str, Callable[[np.random.Generator, Floats], Motion]] = {
    "still": _still,
    "smile": _smile,
    "laugh once": _laugh,
    "yawn": _yawn,
    "chew": _chew,
    "turn the head": _turn,
    "shake the head": _shake,
    "talk": _talk,
    "talk quietly": _talk_low,
    "talk and turn": _talk_turning,
    "talk with a pause": _talk_pausing,
}


def frames(face: Photograph, motion: Motion) -> Iterator[NDArray[np.float32]]:
    """``(128, 128)`` the photograph, moved."""
    for height, width, smile, yaw in zip(motion.height, motion.width, motion.smile, motion.yaw, strict=True):
        image: NDArray[np.floating] = face.image
        if height > 1e-4 or abs(width - 1) > 1e-4:
            image = talking.opened(face, height, width)
        if smile > 1e-4:
            image = _smiling(image, face.mouth, smile)
        yield np.asarray(_turned(image, yaw) if abs(yaw) > 1e-3 else image, np.float32)


def _smiling(image: NDArray[np.floating], mouth: talking.Mouth, lift: float) -> Floats:
    """The mouth as much wider as its corners rise."""
    half = float(np.linalg.norm(mouth.right - mouth.left)) / 2
    across, middle = (mouth.right - mouth.left) / (2 * half), (mouth.left + mouth.right) / 2
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    u = ((x - middle[0]) * across[0] + (y - middle[1]) * across[1]) / half
    v = (-(x - middle[0]) * across[1] + (y - middle[1]) * across[0]) / (2 * half)
    near = np.clip(1.8 - np.abs(u), 0, 1) * np.clip(1 - np.abs(v) / 0.8, 0, 1)
    u_from = u * (1 + (1 / (1 + lift) - 1) * near)
    v_from = v + lift * np.minimum(u**2, 1.5) * near
    return talking.sampled(
        image,
        middle[0] + half * u_from * across[0] - 2 * half * v_from * across[1],
        middle[1] + half * u_from * across[1] + 2 * half * v_from * across[0],
    )


def _turned(image: NDArray[np.floating], degrees: float) -> Floats:
    """As if the face lay on an upright cylinder."""
    radius = 0.5 * SIDE
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    angle = np.arcsin(np.clip((x - SIDE / 2) / radius, -1, 1)) - np.radians(degrees)
    return talking.sampled(image, SIDE / 2 + radius * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2)), y)


def seen(
    images: Iterator[NDArray[np.float32]], times: Floats, chance: np.random.Generator, scale: float
) -> Iterator[Faces]:
    """The face of each frame, measured, as a camera and a detector would give it.

    Args:
        images: ``(128, 128)``.
        times: s.
        chance: Grain, and how the box trembles.
        scale: Size of the image over 128 px.
    """
    mesh, drift, side = FaceMesh(threads=1), np.zeros(3), int(SIDE * scale)
    for index, (image, time) in enumerate(zip(images, times.tolist(), strict=True)):
        drift = 0.9 * drift + chance.normal(0, 0.008, 3)
        x, y, larger = drift + chance.normal(0, 0.01, 3)
        small = Image.fromarray(image)
        if scale != 1:
            small = small.resize((side, side), Image.Resampling.BOX)
        gray = np.clip(np.asarray(small) + chance.normal(0, 3, (side, side)), 0, 255).astype(np.uint8)
        box = VIEW * (1 + larger) / DETECTED
        left, top = SIDE / 2 + VIEW * x - box / 2, SIDE / 2 + VIEW * y - box / 2
        corners = np.array([[left, top, left + box, top + box]]) * scale
        faces = Faces(corners, [1.0], [index], [time], tracks=[1])
        pixels = np.repeat(gray[:, :, None], 3, axis=2)
        yield measured(pixels, faces, *mesh.find(pixels, faces)).with_columns(mesh=None)
