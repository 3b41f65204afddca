"""Rendered video conferences with a known script: tiles of faces whose expressions change at key points,
cameras that go off, tiles that move.

Every participant is a sequence of images of FER-2013, a few of each expression by the majority of FER+'s
annotators, shown in turn, enlarged (bicubic), with a plain or a textured room around, shaken, lit and grained
anew in every frame. Images are chosen by their label alone: no detector is asked. No image that also
stands in the training split is shown. Everything comes from the seed. Beside the video lie the key points
(``points.csv``), and what every camera showed in each second (``truth.csv``).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.lib.crowds import background
from mien.core.labels import EXPRESSIONS
from mien.data import FaceDataset, leak_free
from mien.media import VideoWriter

Pixels = NDArray[np.uint8]

PLAYED = ("neutral", "happy", "surprise", "sad", "angry")
"""The expressions of the script: of fear and disgust the test splits have too few faces on whose expression
FER+'s annotators agree."""
LEAST = 0.3
"""Share of the participants that change their expression at a key point, at least."""
STAGE, HOLD, IMAGES = 40.0, 4.0, 4
"""Seconds between two key points, seconds for which one image is shown, images of an expression that a
participant has."""
# Grey levels: standard deviation of the noise that is drawn anew in each frame, in grains of 2 x 2 px.
GRAIN = 2.0

State = int | Literal["off", "gone"]
"""What a camera shows: the position of an image in the cast, nothing, or there is no tile."""


@dataclass(frozen=True, eq=False)
class Cast:
    """Faces that participants are made of.

    Args:
        images: ``(n, 48, 48)`` gray.
        names: ``(n,)`` the expression of each.
    """

    images: Pixels
    names: NDArray[np.str_]


def cast_of(data: FaceDataset, usage: str) -> Cast:
    """The faces of a test split on whose expression most of FER+'s annotators agree."""
    data = leak_free(data, usage)
    seen = data.seven_class_majority()
    keep = (seen >= 0) & ~data.blank
    return Cast(data.images[keep], np.array(EXPRESSIONS.names)[seen[keep]])


@dataclass(frozen=True)
class Participant:
    """One of those who take part.

    Args:
        acts: From when on which images are shown in turn.
        off: Stretches in which the camera is off.
        gone: Stretches without a tile.
        named: Whether the tile bears a name.
        room: Seed of what is behind the head; None: one colour.
    """

    acts: tuple[tuple[float, tuple[int, ...]], ...]
    off: tuple[tuple[float, float], ...] = ()
    gone: tuple[tuple[float, float], ...] = ()
    named: bool = True
    room: int | None = None

    def shows(self, time: float) -> State:
        """What is seen of this participant at a moment."""
        if any(start <= time < end for start, end in self.gone):
            return "gone"
        if any(start <= time < end for start, end in self.off):
            return "off"
        start, images = next(act for act in reversed(self.acts) if act[0] <= time + 1e-9)
        return images[int((time - start) / HOLD + 1e-9) % len(images)]


@dataclass(frozen=True)
class Point:
    """A key point of the presentation.

    Args:
        time: Seconds.
        name: What it is called.
        change: Who changes: from this expression, to that one, which share of all participants; None: nothing
            changes.
    """

    time: float
    name: str
    change: tuple[str, str, float] | None = None


@dataclass(frozen=True, eq=False)
class Meeting:
    """A meeting that can be rendered.

    Args:
        cast: Faces that the participants are made of.
        participants: Who takes part.
        points: Where the expressions may change, in order.
        seconds: Length.
        size: Width and height in px.
        shuffles: Moments at which the tiles are put into another order.
        seed: Of rooms, movement and noise.
    """

    cast: Cast
    participants: tuple[Participant, ...]
    points: tuple[Point, ...]
    seconds: float
    size: tuple[int, int] = (1280, 720)
    shuffles: tuple[float, ...] = ()
    seed: int = 0
    _rooms: dict[int, Pixels] = field(default_factory=dict)

    def shown(self, time: float) -> list[State]:
        """What is seen of each participant at a moment."""
        return [participant.shows(time) for participant in self.participants]

    def places(self, time: float) -> dict[int, tuple[int, int, int, int]]:
        """Left, upper edge, width and height in px of the tile of everybody who has one."""
        order = list(range(len(self.participants)))
        for number, shuffle in enumerate(self.shuffles):
            if time >= shuffle:
                order = [
                    order[index]
                    for index in np.random.default_rng((self.seed, number)).permutation(len(order))
                ]
        there = [number for number in order if self.participants[number].shows(time) != "gone"]
        return dict(zip(there, _grid(len(there), self.size), strict=True))

    def frames(self, rate: float) -> Iterator[tuple[float, Pixels]]:
        """Frame after frame with its time."""
        chance = np.random.default_rng((self.seed, 1))
        width, height = self.size
        grain = (
            chance.normal(0, GRAIN, (height // 2 + 33, width // 2 + 33, 1))
            .astype(np.int16)
            .repeat(2, 0)
            .repeat(2, 1)
        )
        heads = [
            _Head(np.random.default_rng((self.seed, 2, number)), rate)
            for number in range(len(self.participants))
        ]
        for index in range(round(self.seconds * rate)):
            time = index / rate
            canvas = np.full((height, width, 3), 32, np.int16)
            shown = self.shown(time)
            for number, (x, y, w, h) in self.places(time).items():
                canvas[y : y + h, x : x + w] = self._tile(number, shown[number], (w, h), heads[number])
            down, right = chance.integers(0, 65, 2)
            yield (
                time,
                np.clip(canvas + grain[down : down + height, right : right + width], 0, 255).astype(np.uint8),
            )

    def _tile(self, number: int, state: State, size: tuple[int, int], head: _Head) -> NDArray[np.int16]:
        """One tile: a head before its room, or a dark one."""
        if not isinstance(state, int):
            return _dark(number, size).astype(np.int16)
        tile = self._room(number, size).astype(np.int16)
        x, y, side, light = head.moved(size)
        face = (
            np.asarray(
                Image.fromarray(self.cast.images[state]).resize((side, side), Image.Resampling.BICUBIC),
                np.float32,
            )
            * light
        )
        # The room begins behind the image's edge, softly, as where a camera's software puts another room
        # behind a head.
        soft = _edge(side)[..., None]
        part = tile[y : y + side, x : x + side]
        part[:] = (face[..., None] * soft + part * (1 - soft)).astype(np.int16)
        if self.participants[number].named:
            _named(tile, number)
        return tile

    def _room(self, number: int, size: tuple[int, int]) -> Pixels:
        key = hash((number, size))
        if key not in self._rooms:
            room = self.participants[number].room
            grey = int(np.random.default_rng((self.seed, 3, number)).integers(60, 190))
            wall = (
                Image.new("L", size, grey)
                if room is None
                else background(size, room).crop((20, 20, size[0] + 20, size[1] + 20)).convert("L")
            )
            tint = np.random.default_rng((self.seed, 4, number)).uniform(0.85, 1.05, 3)
            self._rooms[key] = np.clip(np.asarray(wall)[..., None] * tint, 0, 255).astype(np.uint8)
        return self._rooms[key]

    def write(self, folder: Path, rate: float = 1.0) -> Path:
        """Render ``meeting.mp4``, with ``points.csv`` and ``truth.csv`` beside it; what is there already
        stays.

        Args:
            folder: Where to; made if need be.
            rate: Frames per second.

        Returns:
            The video.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "meeting.mp4"
        with open(folder / "points.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(
                [("time", "label"), *((f"{point.time:g}", point.name) for point in self.points)]
            )
        with open(folder / "truth.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("time", "participant", "shows", "image"), *self._truth()])
        if not path.is_file():
            with VideoWriter(path, *self.size, rate=rate) as movie:
                for time, image in self.frames(rate):
                    movie.write(image, time)
        return path

    def _truth(self) -> Iterator[tuple[int, int, str, int | str]]:
        for second in range(math.ceil(self.seconds)):
            for number, state in enumerate(self.shown(second), 1):
                yield (
                    (second, number, self.cast.names[state], state)
                    if isinstance(state, int)
                    else (second, number, state, "")
                )


class _Head:
    """Sways, comes nearer and is lit, a little more or less from frame to frame.

    Args:
        chance: Where its movement comes from.
        rate: Frames per second: a head moves as far in a second at any rate.
    """

    def __init__(self, chance: np.random.Generator, rate: float) -> None:
        self._chance, self._keep = chance, 0.6 ** (1 / rate)
        self._drift = chance.normal(0, 1, 4)

    def moved(self, size: tuple[int, int]) -> tuple[int, int, int, float]:
        """Left, upper edge and side of the image in the tile in px, and how brightly it is lit."""
        self._drift = self._keep * self._drift + math.sqrt(1 - self._keep**2) * self._chance.normal(0, 1, 4)
        x, y, near, light = np.clip(self._drift, -2, 2)
        wide, high = size
        side = round(high * 0.78 * (1 + 0.02 * near))
        return (
            round((wide - side) / 2 + 0.02 * high * x),
            round((high - side) / 2 + 0.02 * high * y),
            side,
            float(1 + 0.03 * light),
        )


def _grid(count: int, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Tiles of 16 to 9, as large as so many can be, the last row in the middle."""
    width, height = size
    gap = max(4, height // 120)
    best = max(
        range(1, count + 1),
        key=lambda columns: min(width / columns, height / math.ceil(count / columns) * 16 / 9),
        default=1,
    )
    rows = math.ceil(count / best)
    high = int(min(width / best * 9 / 16, height / rows)) - gap
    wide = int(high * 16 / 9)
    places = []
    for index in range(count):
        row, column = divmod(index, best)
        inside = min(best, count - row * best)
        left = (width - inside * (wide + gap)) // 2 + column * (wide + gap)
        places.append(
            (left + gap // 2, (height - rows * (high + gap)) // 2 + row * (high + gap) + gap // 2, wide, high)
        )
    return places


@lru_cache(maxsize=256)
def _edge(side: int) -> NDArray[np.float32]:
    """``(side, side)`` how much is seen of the image: all of it but for a twentieth at each edge."""
    way = np.minimum(np.arange(side) + 1, np.arange(side, 0, -1)) / (0.05 * side)
    line = np.clip(way, 0, 1).astype(np.float32)
    return np.minimum.outer(line, line)


@lru_cache(maxsize=256)
def _dark(number: int, size: tuple[int, int]) -> Pixels:
    """The tile of a camera that is off: a disc with a number."""
    image = Image.new("RGB", size, "#202124")
    canvas = ImageDraw.Draw(image)
    x, y, r = size[0] / 2, size[1] / 2, size[1] * 0.22
    canvas.ellipse(
        (x - r, y - r, x + r, y + r), fill=("#7b5ea7", "#3c7d68", "#a15c42", "#45689b")[number % 4]
    )
    canvas.text((x, y), f"P{number + 1}", fill="white", anchor="mm", font_size=size[1] * 0.16)
    return np.asarray(image)


def _named(tile: NDArray[np.int16], number: int) -> None:
    """A dark bar with a name at the lower edge."""
    high = max(10, tile.shape[0] // 11)
    bar = _bar(number, high)
    tile[-high:, : bar.shape[1]] = bar[:, : tile.shape[1]]


@lru_cache(maxsize=256)
def _bar(number: int, high: int) -> Pixels:
    image = Image.new("RGB", (high * 7, high), "#101214")
    ImageDraw.Draw(image).text(
        (high * 0.4, high / 2), f"Participant {number + 1}", fill="white", anchor="lm", font_size=high * 0.75
    )
    return np.asarray(image)


# --- scripts


def scripted(
    cast: Cast, tiles: int, seed: int, *, stages: int = 11, size: tuple[int, int] = (1280, 720)
) -> Meeting:
    """A meeting with a key point every `STAGE` seconds: at half of them expressions change, at the others
    nothing does.

    At a change, `LEAST` to 0.5 of the participants go over from one expression to another. Where there are 6
    tiles or more, the cameras of some go off for a while, and others leave for a while; now and then the
    tiles change their order.

    Args:
        cast: Faces.
        tiles: Participants.
        seed: Of everything.
        stages: Stretches between key points.
        size: Width and height in px.
    """
    chance = np.random.default_rng((seed, tiles))
    shows = [str(name) for name in chance.choice(PLAYED[:2], tiles)]
    acts = [[(0.0, _images(cast, name, chance))] for name in shows]
    changing = chance.permutation([number % 2 == 0 for number in range(stages - 1)])
    points = []
    for number, changes in enumerate(changing, 1):
        time = number * STAGE
        if not changes:
            points.append(Point(time, f"{number}: nothing changes"))
            continue
        count = math.ceil(tiles * chance.uniform(LEAST, 0.5) - 1e-9)
        points.append(
            Point(time, f"{number}: expressions change", _change(cast, shows, acts, (time, count), chance))
        )
    off, gone = _absences(tiles, stages, chance)
    people = [
        Participant(
            tuple(acts[number]),
            off[number],
            gone[number],
            bool(chance.random() < 0.7),
            seed * 100 + number if number % 2 else None,
        )
        for number in range(tiles)
    ]
    shuffles = tuple(float(stage * STAGE + chance.uniform(3, STAGE - 3)) for stage in range(2, stages, 4))
    return Meeting(cast, tuple(people), tuple(points), stages * STAGE, size, shuffles, seed)


def _images(cast: Cast, name: str, chance: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(row) for row in chance.choice(np.flatnonzero(cast.names == name), IMAGES, replace=False))


def _change(
    cast: Cast,
    shows: list[str],
    acts: list[list[tuple[float, tuple[int, ...]]]],
    when: tuple[float, int],
    chance: np.random.Generator,
) -> tuple[str, str, float]:
    """Let some of those who show the same go over to something else: ``when`` says at which time and how
    many.
    """
    time, count = when
    enough = [name for name in PLAYED if shows.count(name) >= count]
    if not enough:  # Nobody is left to change alike: those of two expressions go over together.
        enough = [max(PLAYED, key=shows.count)]
    before = str(chance.choice(enough))
    after = str(chance.choice([name for name in PLAYED if name != before]))
    able = [number for number, name in enumerate(shows) if name == before]
    others = [number for number, name in enumerate(shows) if name not in (before, after)]
    chosen = [*chance.permutation(able), *chance.permutation(others)][:count]
    for number in map(int, chosen):
        shows[number] = after
        acts[number].append((time, _images(cast, after, chance)))
    return before, after, len(chosen) / len(shows)


def _absences(
    tiles: int, stages: int, chance: np.random.Generator
) -> tuple[list[tuple[tuple[float, float], ...]], ...]:
    """Stretches with the camera off, and stretches without a tile; each of other people."""
    off: list[tuple[tuple[float, float], ...]] = [()] * tiles
    gone: list[tuple[tuple[float, float], ...]] = [()] * tiles
    if tiles < 6:
        return off, gone
    order = [int(number) for number in chance.permutation(tiles)]
    for number in order[: tiles // 4]:
        off[number] = (_stretch(stages, chance),)
    for number in order[tiles // 4 : tiles // 4 + max(1, tiles // 8)]:
        gone[number] = (_stretch(stages, chance),)
    return off, gone


def _stretch(stages: int, chance: np.random.Generator) -> tuple[float, float]:
    start = float(chance.uniform(10, (stages - 2) * STAGE))
    return start, start + float(chance.uniform(20, 2 * STAGE))
