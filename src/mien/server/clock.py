"""The service's own time, which no change of the computer's clock moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ServiceTime:
    """A moment, as it can be kept over a restart.

    Args:
        age: Seconds of the service's time.
        boot: Which start of the computer it was; empty where that cannot be known.
        uptime: Seconds since then.
    """

    age: float
    boot: str
    uptime: float


class ServiceClock:
    """Seconds that a service has been there for. They go on while the computer sleeps and between two
    services, but not while it is off: what its clock says after that may be anything.

    Args:
        before: What an earlier service has kept; None: there was none.

    >>> clock = ServiceClock(ServiceTime(100.0, boot(), uptime() - 5.0))
    >>> 105.0 <= clock.now() < 106.0
    True
    >>> ServiceClock(ServiceTime(100.0, "another start", 0.0)).now() < 101.0
    True
    """

    def __init__(self, before: ServiceTime | None = None) -> None:
        self._boot = boot()
        now = uptime()
        before = before or ServiceTime(0.0, "", 0.0)
        same = bool(self._boot) and before.boot == self._boot
        self._began = (before.uptime if same else now) - before.age

    def now(self) -> float:
        """Seconds of the service's time."""
        return uptime() - self._began

    def moment(self) -> ServiceTime:
        """Now, to be kept."""
        now = uptime()
        return ServiceTime(now - self._began, self._boot, now)


def uptime() -> float:
    """Seconds since the computer was started, with those in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def boot() -> str:
    """Which start of the computer this is; empty where it does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
