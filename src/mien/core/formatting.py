"""Times, shares and counts as people read them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal


def clock(seconds: float, digits: int = 1) -> str:
    """Minutes and seconds, with hours where there are any.

    >>> clock(75.04), clock(3700.0, 0), clock(-0.5), clock(59.96)
    ('1:15.0', '1:01:40', '-0:00.5', '1:00.0')
    """
    scale = 10**digits
    whole, part = divmod(round(abs(seconds) * scale), scale)
    hours, rest = divmod(whole, 3600)
    text = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    sign = "-" if seconds < 0 and (whole or part) else ""
    return f"{sign}{text}.{part:0{digits}}" if digits else f"{sign}{text}"


def date_time(
    moment: float | None = None, timespec: Literal["seconds", "milliseconds", "microseconds"] = "seconds"
) -> str:
    """A moment as files tell it: ISO 8601 in UTC, the same wherever a computer stands and whatever its summer time.

    Args:
        moment: Seconds since 1970, as `time.time` has them; None: now.
        timespec: How finely.

    >>> date_time(1_700_000_000.25), date_time(1_700_000_000.25, "milliseconds")
    ('2023-11-14T22:13:20+00:00', '2023-11-14T22:13:20.250+00:00')
    """
    return datetime.fromtimestamp(time.time() if moment is None else moment, UTC).isoformat(timespec=timespec)


def lasting(seconds: float) -> str:
    """How long something lasts.

    >>> lasting(0.44), lasting(12.34), lasting(75), lasting(7260)
    ('0.4 s', '12.3 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def percent(share: float) -> str:
    """A share in whole percent; a small one is not called nothing.

    >>> percent(0.456), percent(0.002), percent(0.0), percent(0.9999), percent(1.0)
    ('46 %', '< 1 %', '0 %', '> 99 %', '100 %')
    """
    return _whole_percent(int(100 * share + 0.5), share)


def percents(shares: Mapping[str, float]) -> dict[str, str]:
    """Shares of one whole in whole percent that add up to it: the largest remainders are rounded up.

    >>> percents({"happy": 1 / 3, "sad": 1 / 3, "fear": 1 / 3})
    {'happy': '34 %', 'sad': '33 %', 'fear': '33 %'}
    >>> percents({"happy": 0.996, "sad": 0.004})
    {'happy': '> 99 %', 'sad': '< 1 %'}
    """
    parts = {name: 100 * share for name, share in shares.items()}
    whole = {name: int(part + 1e-9) for name, part in parts.items()}
    left = int(sum(parts.values()) + 0.5) - sum(whole.values())
    for name in sorted(parts, key=lambda name: whole[name] - parts[name])[:left]:
        whole[name] += 1
    return {name: _whole_percent(whole[name], share) for name, share in shares.items()}


def precise(share: float, digits: int = 1) -> str:
    """A share in percent with decimals, where tenths tell something.

    >>> precise(0.70152), precise(0.5, 2)
    ('70.2 %', '50.00 %')
    """
    return f"{100 * share:.{digits}f} %"


def _whole_percent(number: int, share: float) -> str:
    if number == 0 and share > 0:
        return "< 1 %"
    if number == 100 and share < 1 - 1e-9:
        return "> 99 %"
    return f"{number} %"


def counted(number: int, one: str, several: str = "") -> str:
    """A count with what is counted, and with what must agree with it.

    Args:
        number: How many there are.
        one: What one of them is called.
        several: What several are called, or none; by default the same with an s.

    >>> counted(1, "face"), counted(0, "face"), counted(1200, "person", "people")
    ('1 face', '0 faces', '1,200 people')
    >>> counted(1, "file is missing", "files are missing")
    '1 file is missing'
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def shortened(text: str, most: int) -> str:
    """Text of so many characters at most; what is longer loses its middle, as names of one kind differ at
    their beginning or end.

    >>> shortened("interview-2024-take-3.mp4", 16), shortened("clip.mp4", 16), shortened("clip.mp4", 1)
    ('intervi…ke-3.mp4', 'clip.mp4', '…')
    """
    if len(text) <= most:
        return text
    kept = max(0, most - 1)
    end = (kept + 1) // 2
    return f"{text[: kept - end]}…{text[len(text) - end :] if end else ''}"
