"""What hooks are handed: that a rule has started or ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.labels import NOTICE

"""What every message says about itself."""


@dataclass(frozen=True, eq=False)
class Delivery:
    """One event for hooks to deliver.

    Args:
        id: Distinct for each event, by which a receiver knows one that comes twice.
        rule: Name of the rule.
        kind: ``start`` or ``end``.
        time: Seconds, of the stream.
        at: When that was, ISO 8601 with the offset from UTC; None where a video is looked through.
        source: Name of the source.
        frame: Index of the frame.
        values: The comparisons that decided, each with the value that was compared, or None.
        faces: How many faces were in view.
        image: Makes the ``(h, w, 3)`` uint8 RGB image of the moment, with covered faces on request; None
            where no hook has asked for one.

    >>> Delivery("1", "smile", "start", 2.5, None, "camera:0", 75, {"any.happy > 0.7": 0.9}, 2).payload()["values"]
    {'any.happy > 0.7': 0.9}
    """

    id: str
    rule: str
    kind: Literal["start", "end"]
    time: float
    at: str | None
    source: str
    frame: int
    values: Mapping[str, float | None]
    faces: int
    image: Callable[[bool], NDArray[np.uint8]] | None = None

    def payload(self) -> dict[str, Any]:
        """Plain values, ready for JSON; no image and nobody's identity."""
        return {
            "id": self.id,
            "rule": self.rule,
            "kind": self.kind,
            "time": round(self.time, 6),
            "at": self.at,
            "source": self.source,
            "frame": self.frame,
            "values": dict(self.values),
            "faces": self.faces,
            "notice": NOTICE,
        }
