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


def tidy_up(stop: BaseException | None = None) -> list[str]:
    """Tidy up whatever is open, the newest first, as blocks end; no further stop may come meanwhile.

    Args:
        stop: What ended the command. What was noted of it, and of what it or a second one cut off, is told first.

    Returns:
        What stays, a line each.

    >>> from unittest.mock import patch
    >>> with patch.dict(_OPEN, clear=True):
    ...     expect("a file", lambda: "half of it stays")
    ...     tidy_up(), tidy_up()
    (['half of it stays'], [])
    """
    remarks: list[str] = []
    while stop is not None:
        remarks[:0] = getattr(stop, "__notes__", [])
        stop = stop.__context__
    while _OPEN:
        _, tidy = _OPEN.popitem()
        with suppress(Exception):  # Of what comes after it, something is saved all the same.
            if remark := tidy():
                remarks.append(remark)
    return list(dict.fromkeys(remarks))
