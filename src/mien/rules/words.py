"""A rule in plain words, to check that it means what it was meant to."""

from __future__ import annotations

from collections.abc import Iterator

from mien.rules.conditions import (
    COMPARE,
    Both,
    Comparison,
    Condition,
    Either,
    FaceCount,
    Not,
    Quantity,
    Tally,
)
from mien.rules.engine import Rule, tree
from mien.rules.features import FACING, TALKING, feature

_SIGNS = {
    "<": "less than",
    "<=": "at most",
    ">": "more than",
    ">=": "at least",
    "==": "exactly",
    "!=": "anything but",
}
_WHO = {
    "everyone": "everybody in view",
    "any": "somebody in view",
    "group": "the mean of all in view",
    "face": "the face",
}


def condition_in_words(condition: Condition) -> str:
    """What has to be seen for a condition to hold.

    >>> from mien.rules.parsing import parse_condition
    >>> condition_in_words(parse_condition("faces >= 1 and everyone.happy > 0.7"))
    'at least 1 face is in view, and everybody in view shows happy with more than 70 %'
    >>> condition_in_words(parse_condition("faces == 0"))
    'nobody is in view'
    >>> condition_in_words(parse_condition("any.mouth_opening > 0.4"))
    "somebody in view has a mouth_opening of more than 0.4 (part of the eyes' distance)"
    >>> condition_in_words(parse_condition("any.talking > 0.5 and count(not talking == 1) == 0"))
    'somebody in view talks, and for exactly 0 of the faces in view this holds: it is not so that the face talks'
    >>> condition_in_words(parse_condition("not (any.happy > 0.7 or group.negative < 0.2)"))
    'it is not so that (somebody in view shows happy with more than 70 %, or the mean of all in view is negative with less than 20 %)'
    """
    if isinstance(condition, Both):
        parts = [
            f"({condition_in_words(term)})" if isinstance(term, Either) else condition_in_words(term)
            for term in condition.terms
        ]
        return ", and ".join(parts)
    if isinstance(condition, Either):
        return ", or ".join(map(condition_in_words, condition.terms))
    if isinstance(condition, Not):
        inner = condition_in_words(condition.term)
        return f"it is not so that {inner if isinstance(condition.term, Comparison) else f'({inner})'}"
    return _comparison_in_words(condition)


def _comparison_in_words(comparison: Comparison) -> str:
    left, sign, number = comparison.left, comparison.sign, comparison.right
    if isinstance(left, FaceCount):
        return _faces(sign, number)
    if isinstance(left, Tally):
        how_many = (
            f"{_SIGNS[sign]} {number:g} of the faces in view"
            if left.kind == "count"
            else f"{_SIGNS[sign]} {100 * number:g} % of the faces in view"
        )
        return f"for {how_many} this holds: {condition_in_words(left.about)}"
    whose = left.whose if isinstance(left, Quantity) else "face"
    return f"{_WHO[whose]} {_value(left.name, whose, sign, number)}"


def _value(name: str, whose: str, sign: str, number: float) -> str:
    if name == FACING:
        return f"faces the camera with {_SIGNS[sign]} {number:g} (1 is straight on, 0 is turned away)"
    if name == TALKING and whose != "group":
        talks, silent = (COMPARE[sign](value, number) for value in (1.0, 0.0))
        if talks != silent:
            return "talks" if talks else "does not talk"
    unit = feature(name).unit
    if unit:
        return f"has {_article(name)} {name} of {_SIGNS[sign]} {number:g} ({unit})"
    return f"{'is' if whose == 'group' else 'shows'} {name} with {_SIGNS[sign]} {100 * number:g} %"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _faces(sign: str, number: float) -> str:
    if (sign, number) in (("==", 0), ("<", 1), ("<=", 0)):
        return "nobody is in view"
    if (sign, number) in (("!=", 0), (">", 0)):
        sign, number = ">=", 1
    return f"{_SIGNS[sign]} {number:g} {'face is' if number == 1 else 'faces are'} in view"


def rule_in_words(rule: Rule) -> Iterator[str]:
    """When a rule starts, when it ends, and when it may start again; a line each, without its actions.

    >>> for line in rule_in_words(Rule("smile", "any.happy > 0.7", hold=1, until="any.happy < 0.4", cooldown=10)):
    ...     print(line)
    starts when somebody in view shows happy with more than 70 %, for 1 s without a break
    ends when somebody in view shows happy with less than 40 %
    starts again 10 s after it has started, at the earliest
    """
    hold = "" if not rule.hold else f", for {_seconds(rule.hold)}"
    if rule.hold:
        hold += (
            f" (breaks below {_seconds(rule.release)} do not count)" if rule.release else " without a break"
        )
    yield f"starts when {condition_in_words(tree(rule.when))}{hold}"
    lasting = f", for {_seconds(rule.release)} without a break" if rule.release else ""
    if rule.until is None:
        yield f"ends when that is over{lasting}"
    else:
        yield f"ends when {condition_in_words(tree(rule.until))}{lasting}"
    if rule.cooldown:
        yield f"starts again {_seconds(rule.cooldown)} after it has started, at the earliest"
    if rule.measures:
        yield f"needs landmarks, which mien rules run finds by itself, for {', '.join(rule.measures)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"
