"""Where one person's face is, where it goes, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

COARSE = 0.5  # s; over longer steps a velocity says nothing.
NOISE = 0.0016  # Variance of a detector's centre, in sizes²: 4 % of the size of the face.
FASTEST = 25.0  # Variance of a velocity of which nothing is known, in (sizes/s)².
STEADY = 5 / 3  # s; what is left of a velocity falls by e in this time, and what comes instead is not known.
# s over which a velocity is averaged by which a hidden face is thought to go on: a head that shakes goes
# nowhere.
TREND = 0.4
FADING = 1.0  # s; what is left of that velocity falls by e in this time.
# Largest variance of the place by which a face is paired, in sizes²: one that may be anywhere would fit every
# face.
WIDEST = 0.36


@dataclass(eq=False)
class Track:
    """A face in motion: a Kalman filter in seconds, one variance for both directions, in units of the face's
    size.

    Its velocity is one of an Ornstein-Uhlenbeck process: it lasts for `STEADY` seconds or so, and its
    variance tends to `FASTEST`. All is exact for steps of any length, so that two short ones are one of their
    length, and nothing need be cut off while a face is seen.

    Args:
        id: Number of the person.
        x: Centre in px.
        y: Centre in px.
        width: Of the box when it was last seen, in px.
        height: The same.
        seen: When it was last seen, s on the tracker's clock.
        found: When the whole detector last found it.
        sx: Centre in px where it was last seen.
        sy: The same.
        vx: Velocity in px/s.
        vy: The same.
        tx: Velocity in px/s, averaged over `TREND` seconds.
        ty: The same.
        age: Seconds for which it has been followed.
        hidden: It was not seen in the last frame.
        place: Variance of the centre in sizes².
        bond: Covariance of centre and velocity.
        speed: Variance of the velocity in (sizes/s)².
    """

    id: int
    x: float
    y: float
    width: float
    height: float
    seen: float
    found: float
    sx: float
    sy: float
    vx: float = 0.0
    vy: float = 0.0
    tx: float = 0.0
    ty: float = 0.0
    age: float = 0.0
    hidden: bool = False
    place: float = NOISE
    bond: float = 0.0
    speed: float = 4.0

    @property
    def size(self) -> float:
        """Side of the square of the same area, px."""
        return math.sqrt(self.width * self.height)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where the face is thought to be: ``x1, y1, x2, y2`` in px."""
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )

    @property
    def spread(self) -> float:
        """Standard deviation of where a detector would see the centre, in sizes."""
        return math.sqrt(min(self.place, WIDEST) + NOISE)

    def predict(self, step: float) -> None:
        """Move on by so many seconds, 0 or more."""
        if step > COARSE:
            self.vx = self.vy = self.tx = self.ty = self.bond = 0.0
            self.place, self.speed = WIDEST, 4.0
            return
        left = math.exp(-step / STEADY)
        way = STEADY * (1 - left)  # s for which the velocity of now carries on.
        self.place += (
            2 * self.bond * way + self.speed * way**2 + FASTEST * (2 * STEADY * (step - way) - way**2)
        )
        self.bond = (self.bond + self.speed * way) * left + FASTEST * way * (1 - left)
        self.speed = self.speed * left**2 + FASTEST * (1 - left**2)
        if self.hidden:
            self._drift(step)
            return
        self.x, self.y = self.x + self.vx * way, self.y + self.vy * way
        self.vx, self.vy = self.vx * left, self.vy * left

    def _drift(self, step: float) -> None:
        """Carry a face that is not seen on by the mean of its velocities; it stays within reach of there,
        however long that takes."""
        left = math.exp(-step / FADING)
        self.x, self.y = self.x + self.tx * FADING * (1 - left), self.y + self.ty * FADING * (1 - left)
        self.tx, self.ty = self.tx * left, self.ty * left
        self.place, self.bond = min(self.place, WIDEST), 0.0

    def see(self, box: Sequence[float], score: float, step: float, now: float) -> None:
        """Take in where a detector sees the face.

        Args:
            box: ``x1, y1, x2, y2`` in px.
            score: How sure the detector is: of a face that is half covered its box is off.
            step: Seconds since the last frame.
            now: Seconds on the tracker's clock.
        """
        trust = min(1.0, max(0.05, 2 * score - 1)) ** 2
        if self.hidden:
            # How it got here is not known, so the jump says nothing about how it moves on.
            self.vx, self.vy, self.bond = self.tx, self.ty, 0.0
        x1, y1, x2, y2 = box
        total = self.place + NOISE / trust
        here, there = self.place / total, self.bond / total
        self.sx, self.sy = (x1 + x2) / 2, (y1 + y2) / 2
        dx, dy = self.sx - self.x, self.sy - self.y
        self.x, self.y = self.x + here * dx, self.y + here * dy
        self.vx, self.vy = self.vx + there * dx, self.vy + there * dy
        self.speed = max(0.01, self.speed - there * self.bond)
        self.place, self.bond = self.place * (1 - here), self.bond * (1 - here)
        self.age += step
        # A mean over all there is as long as that is less than the time constant.
        share = 0.0 if self.age <= 0 else (1 - math.exp(-step / TREND)) / (1 - math.exp(-self.age / TREND))
        self.tx, self.ty = self.tx + share * (self.vx - self.tx), self.ty + share * (self.vy - self.ty)
        self.width += trust * (max(1.0, x2 - x1) - self.width)
        self.height += trust * (max(1.0, y2 - y1) - self.height)
        self.seen, self.hidden = now, False

    def miss(self, width: int, height: int) -> None:
        """It is not seen in an image of this size; who has left it may come back where they left."""
        if not self.hidden:
            self.hidden, self.bond = True, 0.0
        self.x, self.y = min(max(self.x, 0.0), float(width)), min(max(self.y, 0.0), float(height))

    def scale(self, across: float, down: float) -> None:
        """Follow an image that changes its size."""
        self.x, self.vx, self.tx, self.width, self.sx = (
            value * across for value in (self.x, self.vx, self.tx, self.width, self.sx)
        )
        self.y, self.vy, self.ty, self.height, self.sy = (
            value * down for value in (self.y, self.vy, self.ty, self.height, self.sy)
        )

    def state(self) -> dict[str, Any]:
        """All of it, as numbers."""
        return asdict(self)
