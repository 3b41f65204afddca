"""Times and shares as people read them."""

from __future__ import annotations


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
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


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
