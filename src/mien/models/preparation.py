"""What becomes of pixels before a network that was made elsewhere sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mien.core.errors import InputError

Colour = Literal["rgb", "bgr", "gray"]
COLOURS: tuple[str, ...] = get_args(Colour)
"""Order of the channels that the other program gave the network; ``gray`` with three channels is three equal ones."""
_MOST = 1_000_000
"""Beyond whatever a mean or deviation of pixels can be, and such that nothing is lost in 32 bits."""


@dataclass(frozen=True)
class Preparation:
    """What becomes of pixels before the network sees them.

    Args:
        colour: Order of the channels.
        mean: What is taken off, one number or one for each channel, in the order of ``colour``.
        std: What the rest is divided by, likewise.
        pixels: Value of a white pixel before that: 1 or 255.

    Raises:
        InputError: A number is impossible.

    >>> Preparation("bgr", (0.5,), (0.5,), 1).at_255(3)
    ([127.5, 127.5, 127.5], [127.5, 127.5, 127.5])
    """

    colour: Colour
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    pixels: int = 255

    def __post_init__(self) -> None:
        if self.pixels not in (1, 255):
            raise InputError(f"expected --pixels 1 or 255, the value of a white pixel; got {self.pixels}")
        if not all(abs(value) <= _MOST for value in self.mean) or not all(
            1 / _MOST <= value <= _MOST for value in self.std
        ):
            raise InputError(
                f"expected numbers up to {_MOST:,} for --mean, and numbers above 0, {1 / _MOST:f} to {_MOST:,}, for --std; "
                f"got {_listed(self.mean)} and {_listed(self.std)}"
            )

    def at_255(self, channels: int) -> tuple[list[float], list[float]]:
        """Mean and deviation of each channel for pixels of 0 to 255.

        Raises:
            InputError: There are neither one number nor as many as channels.
        """
        for option, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                raise InputError(
                    f"expected one number for --{option}, or {channels}, one for each channel; got {len(values)}"
                )
        factor = 255 / self.pixels
        mean, std = ([factor * value for value in values] for values in (self.mean, self.std))
        return (mean * channels)[:channels], (std * channels)[:channels]

    def __str__(self) -> str:
        whole = self.mean == (0.0,) and self.std == (1.0,)
        scaled = "" if whole else f", mean {_listed(self.mean)}, std {_listed(self.std)}"
        return f"{self.colour}, 0 to {self.pixels}{scaled}"


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)
