"""A rule: what it waits for, for how long, and what it does."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mien.core.errors import RuleError
from mien.core.labels import EXPRESSIONS, Labels
from mien.rules.conditions import Condition
from mien.rules.parsing import parse_condition

_NAME = re.compile(r"[^\W_](?:[\w .-]{0,62}[\w.-])?")
_LONGEST = 7 * 24 * 3600.0  # s


@dataclass(frozen=True)
class Rule:
    """Starts when a condition has held for a while, and ends when it has been over for a while.

    Args:
        name: Letters, digits, spaces, ``-``, ``_`` and ``.``; what events and messages call it.
        when: What it waits for, as text (`mien.rules.parse_condition`) or parsed.
        hold: Seconds for which the condition has to hold.
        until: What ends it; without, that ``when`` does not hold any more. A looser condition than ``when``
            keeps a value that wavers about its threshold from starting and ending all the time.
        release: Seconds for which it has to be over until it ends; while the rule waits, shorter
            interruptions do not count either.
        cooldown: Seconds from a start in which it does not start again.
        do: Names of its actions.
        labels: Expressions that the network knows.

    Raises:
        RuleError: A condition cannot be read, or a value is impossible.

    >>> rule = Rule("everybody smiles", "everyone.happy > 0.7", hold=1, until="any.happy < 0.5", cooldown=10)
    >>> print(rule.until)
    any.happy < 0.5
    """

    name: str
    when: Condition | str
    hold: float = 0.0
    until: Condition | str | None = None
    release: float = 0.0
    cooldown: float = 0.0
    do: tuple[str, ...] = ()
    labels: Labels = EXPRESSIONS

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RuleError(
                f"expected a name of letters, digits, spaces, - _ . and at most 64 of them; got {self.name!r}"
            )
        for key in ("hold", "release", "cooldown"):
            seconds = getattr(self, key)
            if not (math.isfinite(seconds) and 0 <= seconds <= _LONGEST):
                raise RuleError(
                    f"{self.name}: expected {key} as seconds from 0 to {_LONGEST:,.0f}; got {seconds}"
                )
        for key in ("when", "until"):
            text = getattr(self, key)
            if isinstance(text, str):
                object.__setattr__(self, key, parse_condition(text, self.labels))
        object.__setattr__(self, "do", tuple(self.do))
