"""Where one person's face is, where it goes, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

COARSE = 0.5  # s; over longer steps a velocity says nothing.
NOISE = 0.0016  # Variance of a detector's centre, in sizes²: 4 % of the size of the face.
AGILITY = 30.0  # How fast the variance of the velocity grows, in (sizes/s)²/s.
FADING = 0.4  # s; what is left of the velocity of a face that is not seen falls by e in this time.
WIDEST = 0.25  # Largest variance of the place, in sizes².


@dataclass(eq=False)
class Person:
    """A face in motion: a Kalman filter with constant velocity in seconds, one variance for both directions, in units of the face's size.

    Args:
        id: Number of the person.
        x: Centre in px.
        y: Centre in px.
        width: Of the box when it was last seen, in px.
        height: The same.
        seen: When it was last seen, s on the tracker's clock.
        found: When the whole detector last found it.
        vx: Velocity in px/s.
        vy: The same.
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
    vx: float = 0.0
    vy: float = 0.0
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
        return (self.x - self.width / 2, self.y - self.height / 2, self.x + self.width / 2, self.y + self.height / 2)

    @property
    def spread(self) -> float:
        """Standard deviation of where a detector would see the centre, in sizes."""
        return math.sqrt(self.place + NOISE)

    def predict(self, step: float, hidden: bool) -> None:
        """Move on by so many seconds.

        Args:
            step: Seconds, 0 or more.
            hidden: The face was not seen in the last frame.
        """
        if step > COARSE:
            self.vx = self.vy = self.bond = 0.0
            self.place, self.speed = WIDEST, 4.0
            return
        left = math.exp(-step / FADING) if hidden else 1.0
        way = FADING * (1 - left) if hidden else step
        self.x, self.y = self.x + self.vx * way, self.y + self.vy * way
        self.vx, self.vy = self.vx * left, self.vy * left
        self.place = min(WIDEST, self.place + 2 * self.bond * step + self.speed * step**2 + AGILITY * step**3 / 3)
        self.bond += self.speed * step + AGILITY * step**2 / 2
        self.speed = min(100.0, self.speed + AGILITY * step)

    def see(self, box: tuple[float, float, float, float], now: float) -> None:
        """Take in where a detector sees the face."""
        x1, y1, x2, y2 = box
        total = self.place + NOISE
        here, there = self.place / total, self.bond / total
        dx, dy = (x1 + x2) / 2 - self.x, (y1 + y2) / 2 - self.y
        self.x, self.y = self.x + here * dx, self.y + here * dy
        self.vx, self.vy = self.vx + there * dx, self.vy + there * dy
        self.speed = max(0.01, self.speed - there * self.bond)
        self.place, self.bond = self.place * (1 - here), self.bond * (1 - here)
        self.width, self.height = max(1.0, x2 - x1), max(1.0, y2 - y1)
        self.seen = now

    def scale(self, across: float, down: float) -> None:
        """Follow a picture that changes its size."""
        self.x, self.vx, self.width = self.x * across, self.vx * across, self.width * across
        self.y, self.vy, self.height = self.y * down, self.vy * down, self.height * down

    def state(self) -> dict[str, Any]:
        """All of it, as numbers."""
        return asdict(self)
