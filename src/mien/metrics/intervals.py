"""How far a measured share may be from the true one."""

from __future__ import annotations

from math import sqrt

_Z = 1.959964


def wilson(right: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927).

    Args:
        right: How many were right; a mean over several draws may be broken.
        n: Out of how many, at least 1.

    >>> [round(end, 4) for end in wilson(50, 100)]
    [0.4038, 0.5962]
    """
    centre = (right + _Z * _Z / 2) / (n + _Z * _Z)
    half = _Z * sqrt(right * (n - right) / n + _Z * _Z / 4) / (n + _Z * _Z)
    return max(0.0, centre - half), min(1.0, centre + half)
