"""How people are followed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mien.core.errors import InputError


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
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("keep", "start"):
                if not 0 <= value <= 1:
                    raise InputError(f"expected {field.name} from 0 to 1; got {value}")
            elif field.type == "float" and not value > 0:
                raise InputError(f"expected {field.name} above 0; got {value}")
