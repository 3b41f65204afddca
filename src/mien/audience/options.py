"""How an audience is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mien.core.errors import InputError
from mien.metrics.sentiment import PRESETS, SentimentMapping

if TYPE_CHECKING:
    from mien.media.live import LiveOptions

SMALLEST = 4
"""No figure is told about fewer people. With three, each one who knows the own face works out the mean of two
others."""


@dataclass(frozen=True)
class AudienceOptions:
    """How an audience is measured.

    Args:
        every: Seconds between two looks.
        window: Seconds for which there is one set of figures.
        span: Seconds before and after a key point that are compared.
        smallest: Nothing is told about fewer people; 4 at least.
        quorum: So many people must be read for a window to count: a whole number, or as a float up to 1.0 a
            share of the most that any window so far had.
        mapping: What counts as positive, neutral, negative.
        offset: Seconds that are added to the times of key points: when the presentation began.
        duration: Seconds after which measuring ends; None: with the source.
        seed: Of the bootstrap.
        live: How a live source is opened; how often it is looked at, ``every`` says.

    Raises:
        InputError: A value is impossible.

    >>> AudienceOptions(smallest=2)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a smallest group of 4 or more; got 2: figures about fewer people would tell what one of them shows
    >>> AudienceOptions(quorum=0.5).needed(most=21), AudienceOptions(quorum=8).needed(most=5), AudienceOptions().needed(most=30)
    (11, 8, 4)
    """

    every: float = 1.0
    window: float = 10.0
    span: float = 30.0
    smallest: int = SMALLEST
    quorum: float | int | None = None
    mapping: SentimentMapping = field(default=PRESETS["valence"])
    offset: float = 0.0
    duration: float | None = None
    seed: int = 0
    live: LiveOptions | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("every", self.every),
            ("window", self.window),
            ("span", self.span),
            ("duration", self.duration),
        ):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name}: expected seconds above 0; got {value}")
        if self.window < self.every or self.span < self.every:
            raise InputError(
                f"expected windows and spans no shorter than the time between two looks, {self.every:g} s: make every smaller"
            )
        if not math.isfinite(self.offset):
            raise InputError(f"offset: expected seconds; got {self.offset}")
        if self.smallest < SMALLEST:
            told = "figures about fewer people would tell what one of them shows"
            raise InputError(f"expected a smallest group of {SMALLEST} or more; got {self.smallest}: {told}")
        if self.quorum is not None and not (
            self.quorum > 0 and (self.quorum <= 1 or float(self.quorum).is_integer())
        ):
            raise InputError(f"expected a quorum as a number of people or a share up to 1; got {self.quorum}")

    def needed(self, most: int) -> int:
        """How many people must be read where ``most`` have been in any window so far."""
        if self.quorum is None:
            return self.smallest
        count = (
            math.ceil(round(self.quorum * most, 9))
            if isinstance(self.quorum, float) and self.quorum <= 1
            else int(self.quorum)
        )
        return max(self.smallest, count)
