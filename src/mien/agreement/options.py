"""How raters are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.agreement.label_map import LabelMap
from mien.core.arguments import check_fields
from mien.core.errors import InputError

_MOST_OFFSET = 1e6
"""Seconds by which clocks may differ: eleven days."""
MIEN = "mien"
"""The rater whose codes are the rows."""


@dataclass(frozen=True)
class AgreementOptions:
    """How raters are compared.

    Args:
        step: Seconds between two moments that are compared.
        person: Whose face of the rows: the ``largest`` of each frame, or the number or name of a person.
        tiers: Tiers of coders' files that count; none: the one that has labels.
        subject: Whom coders' events must be about; None takes all.
        observation: Of several in a file of BORIS.
        labels: What coders' words stand for.
        offsets: Seconds that are added to the times of a coder, by name; of all others by an empty name.
        uncoded: The label of time that a coder has not coded; None: nothing is known of it.
        scale: The lowest and the highest number by which coders tell valence; None: -1 and 1.
        window: Seconds of a window over time.

    Raises:
        InputError: A value is impossible.
    """

    step: float = 0.1
    person: str | int = "largest"
    tiers: tuple[str, ...] = ()
    subject: str | None = None
    observation: str | None = None
    labels: LabelMap = field(default_factory=LabelMap)
    offsets: Mapping[str, float] = field(default_factory=dict)
    uncoded: str | None = None
    scale: tuple[float, float] | None = None
    window: float = 10.0

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0.001 <= self.step <= 60:
            raise InputError(f"expected a step from 0.001 to 60 s; got {self.step:g}")
        if not self.step <= self.window <= 3600:
            raise InputError(
                f"expected a window from {self.step:g} (one step) to 3600 s; got {self.window:g}"
            )
        far = [seconds for seconds in self.offsets.values() if not abs(seconds) <= _MOST_OFFSET]
        if far:
            raise InputError(f"expected offsets of {_MOST_OFFSET:g} s at most; got {far[0]:g}")
        if self.scale is not None and not -math.inf < self.scale[0] < self.scale[1] < math.inf:
            raise InputError(f"expected a scale from low to high; got {self.scale[0]:g} to {self.scale[1]:g}")

    def offset_of(self, coder: str) -> float:
        """Seconds that are added to a coder's times."""
        return self.offsets.get(coder, self.offsets.get("", 0.0))
