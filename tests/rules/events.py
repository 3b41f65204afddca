"""Events for hooks to deliver."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from mien.rules.actions.base import Delivery

_numbers = itertools.count(1)


def event(
    rule: str = "smile", kind: Any = "start", time: float = 2.5, image: Callable[[bool], Any] | None = None
) -> Delivery:
    values = {"any.happy > 0.7": 0.9}
    at = f"2026-11-20T19:33:{time % 60:06.3f}+00:00"
    return Delivery(
        f"{next(_numbers):06d}", rule, kind, time, at, "camera:0", round(time * 30), values, 2, image
    )
