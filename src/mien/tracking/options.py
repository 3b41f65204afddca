"""How people are followed, and how outputs are smoothed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Literal

from mien.core.arguments import check_fields
from mien.core.errors import InputError
from mien.core.names import quoted


@dataclass(frozen=True)
class Tracking:
    """Options of a `Tracker`; all times are seconds of the stream's own clock.

    Args:
        lost_after: A person who was not seen for longer than this is forgotten; who comes later is someone
            new. Where frames are far apart it takes three of them without the person (`mien.core.spacing`).
        full_every: Longest time between two looks at the whole image while something moves outside the
            known faces.
        calm_every: The same while nothing does.
        every_frame: Look at the whole image in every frame, as if faces had not been seen before.
        keep: Least score, 0 to 1, by which the last network keeps a known face.
        start: Least score by which a face becomes a new person; the detector has its own threshold below
            which it says nothing.
        cuts: Forget everyone at a cut to another scene, where a place in the image says nothing about who
            it is.

    Raises:
        InputError: A value is out of range.

    >>> Tracking(full_every=0)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected full_every above 0; got 0
    """

    lost_after: float = 2.5
    full_every: float = 0.3
    calm_every: float = 1.0
    every_frame: bool = False
    keep: float = 0.5
    start: float = 0.0
    cuts: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("keep", "start"):
                if not 0 <= value <= 1:
                    raise InputError(f"expected {field.name} from 0 to 1; got {value}")
            elif field.type == "float" and not value > 0:
                raise InputError(f"expected {field.name} above 0; got {value}")


@dataclass(frozen=True)
class Smoothing:
    """Options of `Smoother` and `smoothed`; all times are seconds of the stream's own clock.

    Args:
        tau: Time constant of the mean: a frame that long ago counts 1/e of the present one.
        evidence: How much must speak for another label before it is shown, in nats times seconds: a label
            that is e times as probable as the one shown takes over after so many seconds, one that is e³
            times as probable after a third of that, but in a live stream never after a single frame where there
            are many. In a video, where a stretch is seen whole, every change costs twice as much.
        baseline: How to calibrate for faces that always seem to show something: not at all (None); so many
            seconds of a neutral face when a person first appears; or ``"median"``, the person's usual
            result, taken for neutral.
        gap: A person who was not seen for longer starts anew. Where frames are far apart it takes two of them
            without the person (`mien.core.spacing`).

    Raises:
        InputError: A value is out of range.

    >>> Smoothing(tau=-1)
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected tau above 0 s; got -1
    """

    tau: float = 0.35
    evidence: float = 0.1
    baseline: float | Literal["median"] | None = None
    gap: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        for name, unit in {"tau": " s", "evidence": "", "gap": " s"}.items():
            value = getattr(self, name)
            if not value > 0:
                raise InputError(f"expected {name} above 0{unit}; got {value}")
            if name != "gap" and not isfinite(value):  # A gap without an end: nobody starts anew.
                raise InputError(f"expected a finite {name}; got {value}")
        if isinstance(self.baseline, int | float) and not 0 < self.baseline < inf:
            raise InputError(
                f"expected baseline as seconds above 0, 'median' or None; got {quoted(self.baseline)}"
            )
