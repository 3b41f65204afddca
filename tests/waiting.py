"""Waiting for what comes of something, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(wanted: Callable[[], Found], seconds: float = 200) -> Found:
    """What something says, as soon as it says anything.

    Args:
        wanted: Is asked again and again.
        seconds: After which it is a fault that nothing has come; not how long it should take.

    >>> until(iter([0, "", "there"]).__next__)
    'there'
    """
    deadline = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found
