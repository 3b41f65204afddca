"""Browsers that have given the token: each has a word of its own in a cookie, known to this run of the
service alone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 1024


class Sessions:
    """Which cookies stand for the token. They are kept in memory, so that all of them end with the service.

    Args:
        seconds: How long one is good for.
        now: A clock that only grows.

    >>> sessions = Sessions(60)
    >>> word = sessions.begin()
    >>> sessions.knows(word), sessions.knows("another")
    (True, False)
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._now = seconds, now
        self._ends: OrderedDict[str, float] = OrderedDict()

    def begin(self) -> str:
        """A new word for a cookie; where there are too many, the oldest is forgotten."""
        while self._ends and (len(self._ends) >= _MOST or next(iter(self._ends.values())) <= self._now()):
            self._ends.popitem(last=False)
        word = secrets.token_urlsafe(32)
        self._ends[word] = self._now() + self.seconds
        return word

    def knows(self, word: str) -> bool:
        """Whether a cookie stands for the token, and still does."""
        return self._ends.get(word, -float("inf")) > self._now()
