"""How many cores this process may use, and how workers share them."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores() -> int:
    """Cores that this process may run on; fewer than the machine has in a container that is given a share."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split()
        share = int(quota) // int(period)
    except (OSError, ValueError):
        return own  # Nothing is said, or "max".
    return max(1, min(own, share))


def threads_each(workers: int | None) -> int:
    """Threads for the networks of each worker, so that all together take no more than the cores.

    >>> threads_each(10_000)
    1
    """
    return max(1, cores() // (workers or cores()))
