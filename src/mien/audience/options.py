"""How an audience is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral

from mien.core.arguments import check_fields, is_number
from mien.core.errors import InputError
from mien.core.names import quoted
from mien.media.live import LiveOptions
from mien.media.sampling import Sampling
from mien.metrics.sentiment import PRESETS, SentimentMapping

SMALLEST = 4
"""No figure is told about fewer people. With three, each one who knows the own face works out the mean of two
others."""


@dataclass(frozen=True)
class AudienceOptions:
    """How an audience is measured.

    Args:
        interval: Seconds between two looks.
        window: Seconds for which there is one set of figures.
        context: Seconds before and after a key point that are compared.
        min_group: Nothing is told about fewer people; 4 at least.
        quorum: So many people must be read for a window to count: a whole number, or as a float up to 1.0 a
            share of the most that any window so far had.
        mapping: What counts as positive, neutral, negative.
        offset: Seconds that are added to the times of key points: when the presentation began.
        duration: Seconds after which measuring ends; None: with the source.
        seed: Of the bootstrap.
        live: How a live source is opened; how often it is looked at, ``interval`` says.
        start: Seconds of a video from which on it is measured.
        end: Seconds of a video up to which it is measured.

    Raises:
        InputError: A value is impossible.

    >>> AudienceOptions(min_group=2)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a min_group of 4 or more; got 2: figures about fewer people would tell what one of them shows
    >>> AudienceOptions(quorum=0.5).needed(most=21), AudienceOptions(quorum=8).needed(most=5), AudienceOptions().needed(most=30)
    (11, 8, 4)
    """

    interval: float = 1.0
    window: float = 10.0
    context: float = 30.0
    min_group: int = SMALLEST
    quorum: float | int | None = None
    mapping: SentimentMapping = field(default=PRESETS["valence"])
    offset: float = 0.0
    duration: float | None = None
    seed: int = 0
    live: LiveOptions | None = None
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        Sampling(start=self.start, end=self.end)  # Which says what is wrong with them.
        for name, value in (
            ("interval", self.interval),
            ("window", self.window),
            ("context", self.context),
            ("duration", self.duration),
        ):
            if value is not None and not (is_number(value) and value > 0):
                raise InputError(f"{name}: expected seconds above 0; got {quoted(value)}")
        if self.window < self.interval or self.context < self.interval:
            raise InputError(
                f"expected windows and spans no shorter than the time between two looks, {self.interval:g} s: make interval smaller"
            )
        if not is_number(self.offset):
            raise InputError(f"offset: expected seconds; got {quoted(self.offset)}")
        if self.seed < 0:
            raise InputError(f"seed: expected 0 or more; got {self.seed}")
        if self.min_group < SMALLEST:
            reason = "figures about fewer people would tell what one of them shows"
            raise InputError(f"expected a min_group of {SMALLEST} or more; got {self.min_group}: {reason}")
        if self.quorum is not None and not (
            is_number(self.quorum)
            and self.quorum > 0
            and (self.quorum <= 1 or float(self.quorum).is_integer())
        ):
            raise InputError(
                f"expected quorum as a number of people or a share up to 1; got {quoted(self.quorum)}"
            )

    def needed(self, most: int) -> int:
        """How many people must be read where ``most`` have been in any window so far."""
        if self.quorum is None:
            return self.min_group
        count = (
            math.ceil(round(self.quorum * most, 9))
            if not isinstance(self.quorum, Integral) and self.quorum <= 1
            else int(self.quorum)
        )
        return max(self.min_group, count)
