"""What a block would leave behind that is cut off on its way out: a stop may come at any moment, a second one while the
first is being heeded. A command that was stopped tidies it up before it ends."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress

_OPEN: dict[Hashable, Callable[[], str | None]] = {}


def expect(what: Hashable, tidy: Callable[[], str | None]) -> None:
    """Say, before it is there, what is to be tidied up.

    Args:
        what: Its name here, for `settled`.
        tidy: Tidies up, also where nothing is there yet or any more; says in a line for people what stays all the same.
    """
    _OPEN[what] = tidy


def settled(what: Hashable) -> None:
    """Nothing is left of it to tidy up."""
    _OPEN.pop(what, None)


def tidy_up() -> list[str]:
    """Tidy up whatever is open, the oldest first, in which others may lie; no further stop may come meanwhile.

    Returns:
        What stays, a line each.

    >>> from unittest.mock import patch
    >>> with patch.dict(_OPEN, clear=True):
    ...     expect("a file", lambda: "half of it stays")
    ...     tidy_up(), tidy_up()
    (['half of it stays'], [])
    """
    remarks = []
    while _OPEN:
        tidy = _OPEN.pop(next(iter(_OPEN)))
        with suppress(Exception):  # Of what comes after it, something is saved all the same.
            if remark := tidy():
                remarks.append(remark)
    return remarks
