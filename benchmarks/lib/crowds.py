"""Clips with known truth: real faces that move, cross, leave, return, shake and are covered, over a textured
background.

Everything comes from a seed. Faces are cut from images with the detector's own box, so that the truth has
its convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.lib.fixtures import CROWD, IMAGE
from mien.media import Frame, VideoWriter

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Place = tuple[float, float, float]
"""Centre and height of a face's box in px."""

RATE = 30.0
SEEN = 0.6
"""Share of a face that must be visible for it to count."""
MARGIN = 1.75  # Side of the cut-out, in heights of the face's box.


@dataclass(frozen=True, eq=False)
class Cutout:
    """A head with soft edges.

    Args:
        image: RGBA, a square of `MARGIN` heights of the face's box, whose centre is that of the box.
        slim: Width of the box over its height.
    """

    image: Image.Image
    slim: float


@dataclass(frozen=True, eq=False)
class Actor:
    """A face on its way; who comes later in a cast is in front.

    Args:
        head: What it looks like.
        way: Where it is at each moment, None while it is not there.
        sway: Degrees that the head tilts to either side.
    """

    head: Cutout
    way: Callable[[float], Place | None]
    sway: float = 4.0


@dataclass(frozen=True)
class Truth:
    """One face in one frame.

    Args:
        person: Number of the actor, from 1.
        box: Its box, clipped to the image.
        visible: Share of it that lies in the image and is not covered.
    """

    person: int
    box: Box
    visible: float


@dataclass(frozen=True, eq=False)
class Clip:
    """A scene that can be rendered.

    Args:
        cast: The actors, the last in front.
        boards: Things that cover faces: ``x1, y1, x2, y2`` at each moment, None while it is not there.
        seconds: Length.
        size: Width and height in px.
        seed: Of the background and the noise.
        tremor: Of the camera, in px.
    """

    cast: tuple[Actor, ...]
    boards: tuple[Callable[[float], Box | None], ...] = ()
    seconds: float = 8.0
    size: tuple[int, int] = (640, 360)
    seed: int = 0
    tremor: float = 0.0

    def frames(self) -> Iterator[tuple[Frame, list[Truth]]]:
        """Frame after frame, with what is in it."""
        chance = np.random.default_rng(self.seed)
        wall = background(self.size, self.seed)
        for index in range(int(self.seconds * RATE)):
            time = index / RATE
            shake = self.tremor * np.array(
                [np.sin(time * 7.3 + self.seed), np.sin(time * 9.1)]
            ) + chance.normal(0, self.tremor / 4, 2)
            rendered, truth = self._rendered(wall, time, float(shake[0]), float(shake[1]))
            noisy = np.asarray(rendered, np.int16) + chance.normal(
                0, 3, (self.size[1] // 2, self.size[0] // 2, 1)
            ).astype(np.int16).repeat(2, 0).repeat(2, 1)
            yield Frame(index, time, np.clip(noisy, 0, 255).astype(np.uint8)), truth

    def _rendered(
        self, wall: Image.Image, time: float, dx: float, dy: float
    ) -> tuple[Image.Image, list[Truth]]:
        width, height = self.size
        image = wall.crop((20 + round(dx), 20 + round(dy), 20 + round(dx) + width, 20 + round(dy) + height))
        owner = Image.new("L", self.size, 0)  # Who is in front at each pixel; 255 is a board.
        boxes = {}
        for number, actor in enumerate(self.cast, 1):
            place = actor.way(time)
            if place is None:
                continue
            x, y, tall = place[0] - dx, place[1] - dy, place[2]
            side = round(tall * MARGIN)
            head = actor.head.image.resize((side, side), Image.Resampling.BILINEAR)
            head = head.rotate(actor.sway * np.sin(2.1 * time + number), Image.Resampling.BILINEAR)
            corner = (round(x - side / 2), round(y - side / 2))
            image.paste(head, corner, head)
            owner.paste(number, corner, head.getchannel("A").point(lambda value: 255 if value > 127 else 0))
            boxes[number] = (
                x - tall * actor.head.slim / 2,
                y - tall / 2,
                x + tall * actor.head.slim / 2,
                y + tall / 2,
            )
        for colour, board in enumerate(self.boards):
            box = board(time)
            if box is not None:
                ImageDraw.Draw(image).rectangle(box, fill=("#6b5a48", "#3f4f5c", "#75806a")[colour % 3])
                ImageDraw.Draw(owner).rectangle(box, fill=255)
        return image, _truth(boxes, np.asarray(owner))

    def write(self, path: Path) -> list[list[Truth]]:
        """Render to an MP4; returns the truth of each frame."""
        truths = []
        with VideoWriter(path, *self.size, rate=RATE) as movie:
            for frame, truth in self.frames():
                movie.write(frame.image, frame.time)
                truths.append(truth)
        return truths


def _truth(boxes: dict[int, Box], owner: NDArray[np.uint8]) -> list[Truth]:
    height, width = owner.shape
    truth = []
    for number, (x1, y1, x2, y2) in boxes.items():
        inside = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
        if inside[2] <= inside[0] or inside[3] <= inside[1]:
            continue
        part = owner[int(inside[1]) : int(inside[3]) + 1, int(inside[0]) : int(inside[2]) + 1]
        share = (inside[2] - inside[0]) * (inside[3] - inside[1]) / ((x2 - x1) * (y2 - y1))
        # The corners of a box are not the face's own.
        truth.append(Truth(number, inside, float(min(1.0, (part == number).mean() / 0.85) * share)))
    return truth


def background(size: tuple[int, int], seed: int) -> Image.Image:
    """A wall with soft patches, stripes and boxes, 20 px larger than the image on every side."""
    chance = np.random.default_rng(seed + 1000)
    width, height = size[0] + 40, size[1] + 40
    wall = np.full((height, width, 3), chance.integers(90, 150, 3), np.float32)
    for cells, strength in ((4, 30), (16, 18), (60, 9)):
        small = (
            chance.normal(0, strength, (max(2, cells * height // width), cells, 3))
            .clip(-90, 90)
            .astype(np.float32)
        )
        layers = [
            Image.fromarray(small[..., channel]).resize((width, height), Image.Resampling.BICUBIC)
            for channel in range(3)
        ]
        wall += np.stack([np.asarray(layer) for layer in layers], axis=-1)
    image = Image.fromarray(wall.clip(0, 255).astype(np.uint8))
    canvas = ImageDraw.Draw(image)
    for _ in range(8):
        x, y, w, h = (
            chance.integers(0, width),
            chance.integers(0, height),
            chance.integers(8, 90),
            chance.integers(8, 160),
        )
        canvas.rectangle(
            (int(x), int(y), int(x + w), int(y + h)),
            fill=tuple(int(value) for value in chance.integers(40, 200, 3)),
        )
    return image.filter(ImageFilter.GaussianBlur(1))


@cache
def heads() -> tuple[Cutout, ...]:
    """Every face of the images at hand: those of ``../shared/media`` where they are, and those that wheels
    carry.
    """
    from mien.inference.detectors import create_detector

    detector = create_detector(threads=1)
    found = []
    for image in _images():
        for box in detector.detect([image])[0].boxes.tolist():
            head = _cutout(image, box)
            if head is not None:
                found.append(head)
    return tuple(found)


def _images() -> Iterator[Pixels]:
    from matplotlib import cbook
    from skimage import data

    from mien.core.drawn_face import draw_portrait

    yield np.asarray(data.astronaut())
    with Image.open(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))) as image:
        yield np.asarray(image.convert("RGB"))
    yield draw_portrait(360)
    for path in (IMAGE, CROWD):
        if path.is_file():
            with Image.open(path) as image:
                yield np.asarray(image.convert("RGB"))


def _cutout(image: Pixels, box: list[float]) -> Cutout | None:
    x1, y1, x2, y2 = box
    wide, tall = x2 - x1, y2 - y1
    if tall < 60:
        return None
    side = tall * MARGIN
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    pad = int(side)
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    corner = (x - side / 2 + pad, y - side / 2 + pad)
    whole = Image.fromarray(padded).resize(
        (240, 240), Image.Resampling.BILINEAR, box=(*corner, corner[0] + side, corner[1] + side)
    )
    mask = Image.new("L", (240, 240), 0)
    half_wide, half_tall = 240 / MARGIN * 0.72 * wide / tall, 240 / MARGIN * 0.72
    ImageDraw.Draw(mask).ellipse(
        (120 - half_wide, 120 - half_tall, 120 + half_wide, 120 + half_tall), fill=255
    )
    whole.putalpha(mask.filter(ImageFilter.GaussianBlur(5)))
    return Cutout(whole, wide / tall)


def easy(
    seed: int, faces: int | None = None, *, size: tuple[int, int] = (640, 360), seconds: float = 8.0
) -> Clip:
    """People side by side who sway, come nearer, nod; one leaves, one comes, one is covered for a moment."""
    chance = np.random.default_rng(seed)
    width, height = size
    count = int(chance.integers(2, 5)) if faces is None else faces
    chosen = chance.permutation(len(heads()))
    cast = []
    for number in range(count):
        lane = width * (number + 0.5) / count
        tall = float(min(height * 0.3, width / count * 0.62) * chance.uniform(0.75, 1.0))
        cast.append(
            Actor(
                heads()[chosen[number % len(chosen)]],
                _swaying(chance, lane, height * chance.uniform(0.4, 0.6), tall),
            )
        )
    shaking = cast[int(chance.integers(count))]
    cast[cast.index(shaking)] = Actor(shaking.head, _shaken(shaking.way, 0.12, 2.0))
    leaves, covered = int(chance.integers(count)), int(chance.integers(count))
    if leaves != covered and faces is None:
        cast[leaves] = Actor(cast[leaves].head, _leaving(cast[leaves].way, 5.0, -height))
    boards = (_board_over(cast[covered].way, float(chance.uniform(2, 4)), 0.3),)
    return Clip(tuple(cast), boards, seconds, size, seed)


def hard(seed: int) -> Clip:
    """People who cross in front of one another, shake, leave and return, are covered for up to a second,
    before a trembling camera.
    """
    chance = np.random.default_rng(seed + 500)
    width, height = 640, 360
    chosen = [heads()[index] for index in chance.permutation(len(heads()))]
    tall = float(chance.uniform(60, 95))
    row = height * float(chance.uniform(0.35, 0.45))
    crossing = float(chance.uniform(90, 220))  # px/s
    meet = float(chance.uniform(2.5, 4.5))
    middle = float(chance.uniform(0.35, 0.65)) * width
    lower = row + tall * float(chance.uniform(-0.35, 0.35))
    cast = [
        Actor(chosen[0], _walking(middle, row, tall, crossing, meet, width)),
        Actor(
            chosen[1], _walking(middle, lower, tall * float(chance.uniform(0.9, 1.3)), -crossing, meet, width)
        ),
        Actor(
            chosen[2], _shaking(chance, width * float(chance.uniform(0.1, 0.9)), height * 0.78, tall * 0.8)
        ),
        Actor(chosen[3 % len(chosen)], _returning(chance, width, height * 0.75, tall * 0.9)),
    ]
    if chance.random() < 0.5:
        cast.insert(
            0,
            Actor(
                chosen[-1],
                _swaying(chance, width * float(chance.uniform(0.2, 0.8)), height * 0.35, tall * 0.7),
            ),
        )
    longer, shorter = float(chance.uniform(0.5, 1.0)), 0.5
    boards = (
        _board_over(cast[-2].way, float(chance.uniform(1, 6)), longer),
        _board_over(cast[-4].way, float(chance.uniform(1, 6)), shorter),
    )
    return Clip(tuple(cast), boards, seed=seed, tremor=2.0)


def _swaying(chance: np.random.Generator, x: float, y: float, tall: float) -> Callable[[float], Place]:
    a, b, c = chance.uniform(0, 6, 3)
    wide, high, near = (
        tall * chance.uniform(0.1, 0.25),
        tall * chance.uniform(0.05, 0.2),
        chance.uniform(0.02, 0.12),
    )
    return lambda time: (
        x + wide * np.sin(1.7 * time + a),
        y + high * np.sin(2.9 * time + b),
        tall * (1 + near * np.sin(0.9 * time + c)),
    )


def _shaken(
    way: Callable[[float], Place | None], share: float, rate: float
) -> Callable[[float], Place | None]:
    def moved(time: float) -> Place | None:
        place = way(time)
        return place and (place[0] + share * place[2] * np.sin(2 * np.pi * rate * time), place[1], place[2])

    return moved


def _leaving(
    way: Callable[[float], Place | None], start: float, speed: float
) -> Callable[[float], Place | None]:
    def moved(time: float) -> Place | None:
        place = way(time)
        return (
            place
            if place is None or time < start
            else (place[0], place[1] + speed * (time - start), place[2])
        )

    return moved


def _walking(
    x: float, y: float, tall: float, speed: float, meet: float, width: int
) -> Callable[[float], Place | None]:
    """Straight through, at a place at a moment, with a walker's bobbing; turning round at the edges."""

    def place(time: float) -> Place:
        way = x + speed * (time - meet)
        low, high = tall * 0.6, width - tall * 0.6
        beyond = (way - low) % (2 * (high - low))
        return (
            low + (beyond if beyond <= high - low else 2 * (high - low) - beyond),
            y + 0.04 * tall * np.sin(11 * time),
            tall,
        )

    return place


def _shaking(chance: np.random.Generator, x: float, y: float, tall: float) -> Callable[[float], Place]:
    """Shaking the head, now and then, by up to 0.4 of its height, up to three times a second."""
    share, rate = float(chance.uniform(0.2, 0.4)), float(chance.uniform(1.5, 3))
    return lambda time: (
        x + share * tall * np.sin(2 * np.pi * rate * time) * (np.sin(1.1 * time) > -0.3),
        y + 0.1 * tall * np.sin(5 * time),
        tall,
    )


def _returning(
    chance: np.random.Generator, width: int, y: float, tall: float
) -> Callable[[float], Place | None]:
    """Out of the image at one side and back in there after a second or so."""
    away, out = float(chance.uniform(2, 4)), float(chance.uniform(0.6, 1.2))
    right = chance.random() < 0.5

    def place(time: float) -> Place | None:
        inner, speed = width * 0.2, width * 0.35
        walk = speed * max(0.0, time - away)
        back = speed * max(0.0, time - away - out - 2 * inner / speed)
        x = max(-tall, inner - walk) + (min(back, tall + inner) if back > 0 else 0)
        return (width - x if right else x, y, tall)

    return place


def _board_over(
    way: Callable[[float], Place | None], start: float, seconds: float
) -> Callable[[float], Box | None]:
    """A board that covers a face for a while and moves with it."""

    def box(time: float) -> Box | None:
        place = way(time)
        if place is None or not start <= time < start + seconds:
            return None
        x, y, tall = place
        return (x - tall * 0.8, y - tall * 0.8, x + tall * 0.8, y + tall * 0.8)

    return box
