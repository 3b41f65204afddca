"""A face in the terms that those packages share."""

from __future__ import annotations

from mien.compat.given import EMOTIONS
from mien.core.faces import Face


def emotions(face: Face) -> dict[str, float]:
    """Probability of each of the seven, in the order of those packages."""
    probs = face.probs or {}
    return {name: probs.get(name, 0.0) for name in EMOTIONS}


def rounded(face: Face) -> tuple[int, int, int, int]:
    """``x1, y1, x2, y2`` in whole pixels."""
    x1, y1, x2, y2 = (round(value) for value in face.box)
    return x1, y1, x2, y2
