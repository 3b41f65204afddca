"""How often a client may ask."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mien.core.errors import InputError
from mien.server.errors import APIError

_MOST = 4096
"""Clients that are remembered."""
_LARGEST = 1_000_000
"""Beyond what a service can do; and one request in as many seconds is one in eleven days."""


@dataclass(frozen=True)
class RateLimit:
    """Requests of one client.

    Args:
        rate: A second, on average.
        burst: At once, after a rest.

    Raises:
        InputError: One of both is none.
    """

    rate: float
    burst: int = 10

    def __post_init__(self) -> None:
        if not (1 / _LARGEST <= self.rate <= _LARGEST and 1 <= self.burst <= _LARGEST):
            raise InputError(
                f"expected more than 0 requests a second, {1 / _LARGEST:f} to {_LARGEST:,}, and 1 or more at once, up to {_LARGEST:,}; "
                f"got {self.rate} and {self.burst}"
            )


class RequestRates:
    """Counts the requests of each client: each one has a store of requests that fills up with time.

    Args:
        limit: For each client.
        now: A clock that only grows.

    >>> rates = RequestRates(RateLimit(2, burst=1), now=lambda: 0.0)
    >>> rates.take("anna")
    >>> rates.take("anna")
    Traceback (most recent call last):
    ...
    mien.server.errors.APIError: expected at most 2 requests a second, and 1 at once; got more: ask again in 0.5 s
    >>> rates.take("ben")
    """

    def __init__(self, limit: RateLimit, now: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._now = limit, now
        self._stores: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """One more request.

        Raises:
            APIError: It comes too soon.
        """
        limit, now = self._limit, self._now()
        left, before = self._stores.pop(client, (float(limit.burst), now))
        left = min(limit.burst, left + (now - before) * limit.rate)
        allowed = left >= 1
        self._stores[client] = (left - allowed, now)
        if len(self._stores) > _MOST:
            self._stores.popitem(last=False)
        if not allowed:
            wait = (1 - left) / limit.rate
            raise APIError(
                429,
                f"expected at most {limit.rate:g} {'request' if limit.rate == 1 else 'requests'} a second, "
                f"and {limit.burst} at once; got more: ask again in {wait:.2g} s",
                "rate_limited",
                {"Retry-After": str(math.ceil(wait))},
            )


def home(address: str) -> str:
    """What counts as one client without a token: an address of IPv4, or a network of IPv6, of which one client has all
    addresses.

    >>> home("192.0.2.7"), home("2001:db8:1:2:3::9"), home("somewhere")
    ('192.0.2.7', '2001:db8:1:2::/64', 'somewhere')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
