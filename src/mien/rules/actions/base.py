"""What delivers events: mien's own hooks, those of plug-ins, and any function."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from mien.rules.actions.delivery import Delivery


class RuleAction:
    """Delivers events, one after the other, on a thread of its own.

    A plug-in may give an instance of a subclass, or any function that takes a `Delivery`. It is registered as
    an entry point of the group ``mien.rules.actions``: a function that takes the keys of the action's table
    as arguments and returns the hook.

    Attributes:
        pictured: Whether it wants the image of the moment.
        keep: How many events wait for it at most; beyond that the oldest are dropped.
    """

    pictured = False
    keep = 256

    def start(self, rules: Sequence[str]) -> None:
        """Called once before the first event.

        Args:
            rules: Names of the rules that it serves.

        Raises:
            RuleError: It cannot serve them.
        """

    def deliver(self, delivery: Delivery) -> None:
        """Deliver one event.

        Raises:
            DeliveryError: That did not work; it says whether to try again. Anything else that is raised
                counts as a reason to try again.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Called once, from another thread, when there is no more time: a `deliver` under way has to end
        soon."""


class FunctionAction(RuleAction):
    """Any function as a hook.

    >>> seen = []
    >>> FunctionAction(seen.append).deliver(Delivery("1", "smile", "start", 0.0, None, "-", 0, {}, 1))
    >>> seen[0].rule
    'smile'
    """

    def __init__(self, function: Callable[[Delivery], object]) -> None:
        self._function = function

    def deliver(self, delivery: Delivery) -> None:
        self._function(delivery)


def carefully(tell: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but what is told never ends the thread that tells it, as a terminal that has gone would.

    >>> carefully(lambda line: 1 / 0)("hello")
    """

    def say(line: str) -> None:
        with suppress(Exception):
            tell(line)

    return say


def slug(name: str) -> str:
    """A name for files and topics.

    >>> slug("Everybody smiles!")
    'everybody-smiles'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "rule"
