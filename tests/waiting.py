"""Waiting for what comes of something, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(wanted: Callable[[], Found], seconds: float = 200) -> Found:
    """What something says, soon after it says anything.

    Args:
        wanted: Is asked again and again, the less often the longer it takes: to ask a service a hundred times a second takes
            a third of a core from what is waited for.
        seconds: After which it is a fault that nothing has come; not how long it should take.

    >>> until(iter([0, "", "there"]).__next__)
    'there'
    """
    deadline, pause = time.monotonic() + seconds, 0.01
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(pause)
        pause = min(0.1, 1.2 * pause)
    return found
