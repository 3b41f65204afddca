"""One door for every kind of outlet that is named by an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.outlets.base import Outlet, StreamFacts


def _lsl(address: str, facts: StreamFacts) -> Outlet:
    from mien.outlets.lsl import LslOutlet

    return LslOutlet(address, facts)


def _osc(address: str, facts: StreamFacts) -> Outlet:
    from mien.outlets.osc import OscOutlet

    return OscOutlet(address, facts)


KINDS: dict[str, Callable[[str, StreamFacts], Outlet]] = {"lsl": _lsl, "osc": _osc}
"""What opens an outlet, by what stands before the colon of its address."""


def open_outlet(address: str, facts: StreamFacts) -> Outlet:
    """Open an outlet.

    Args:
        address: ``lsl:NAME`` or ``osc://HOST:PORT``.
        facts: Of what is watched.

    Raises:
        InputError: It is no such address.
        MissingExtraError: What it needs is not installed.

    >>> from mien.core.labels import EXPRESSIONS
    >>> open_outlet("tcp://host", StreamFacts("camera:0", EXPRESSIONS))
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a kind of outlet, lsl or osc, such as lsl:faces; got 'tcp://host'
    """
    kind, _, rest = address.partition(":")
    if kind not in KINDS:
        raise InputError(f"expected a kind of outlet, lsl or osc, such as lsl:faces; got {quoted(address)}")
    return KINDS[kind](rest, facts)


def open_outlets(addresses: Iterable[str], facts: StreamFacts) -> list[Outlet]:
    """Open several; where one cannot be, none stays open."""
    opened: list[Outlet] = []
    try:
        for address in addresses:
            opened.append(open_outlet(address, facts))
    except BaseException:
        for outlet in opened:
            outlet.close()
        raise
    return opened
