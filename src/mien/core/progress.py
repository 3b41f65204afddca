"""How far long work is: one protocol, whoever shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class ProgressCallback(Protocol):
    """Passes items on and shows how far one is; `no_progress` shows nothing.

    The arguments are the items, what is done with them in a word or two, and how many there are, if that is
    known and ``items`` does not say.
    """

    def __call__(self, items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]: ...


def no_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items as they are."""
    return items
