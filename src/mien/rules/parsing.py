"""Conditions out of text, by a small parser: nothing of it is ever evaluated as code."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

from mien.core.errors import RuleError
from mien.core.formatting import counted
from mien.core.labels import EXPRESSIONS, Labels, canonical_label
from mien.core.names import quoted
from mien.rules.conditions import (
    COMPARE,
    Both,
    Comparison,
    Condition,
    Either,
    FaceCount,
    FaceValue,
    Not,
    Operator,
    Quantity,
    Tally,
    Whose,
)
from mien.rules.features import EXPRESSIVENESS, TALKING, VALENCE, Feature, feature, names_of

_WHOSE = ("everyone", "any", "group")
_TALLIES = ("count", "share")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_DEEPEST = 50  # Parentheses and negations inside each other.
_LONGEST = 2000  # Characters.
_NAME = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|==|!=|<|>)|(?P<mark>[().]))"
)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def parse_condition(text: str, labels: Labels = EXPRESSIONS) -> Condition:
    """Read a condition.

    Args:
        text: Such as ``faces >= 2 and everyone.happy > 0.7``: comparisons of ``faces``, ``everyone.X``,
            ``any.X``, ``group.X``, ``count(...)`` or ``share(...)`` with a number, joined by ``and``, ``or``,
            ``not`` and parentheses. X is anything out of `mien.rules.features.names_of`. Inside ``count`` and
            ``share`` stand comparisons of what one face shows, such as ``happy > 0.6``.
        labels: Expressions that the network knows.

    Raises:
        RuleError: It is none; `mien.core.errors.RuleError.offset` says where.

    >>> print(parse_condition("0.7 < everyone.happiness and not (any.fear > .3 or count(sad > 0.5) >= 2)"))
    everyone.happy > 0.7 and not (any.fear > 0.3 or count(sad > 0.5) >= 2)
    >>> parse_condition("everyone.hapy > 0.7")
    Traceback (most recent call last):
    ...
    mien.core.errors.RuleError: 'hapy' is no expression or measure: did you mean happy?
    """
    if len(text) > _LONGEST:
        raise RuleError(
            f"a condition of {counted(len(text), 'character')} is too long: {_LONGEST:,} are allowed, so make several rules of it",
            _LONGEST,
        )
    try:
        parser = _Parser(text, labels)
        condition = parser.either()
        parser.end()
    except RuleError:
        unnameable = (name for name in labels if name in text.lower() and not _NAME.fullmatch(name))
        if (name := next(unnameable, None)) is None:
            raise
        raise RuleError(
            f"{name!r} cannot be named in a condition: give the class a name of letters, digits and _, no digit first",
            text.lower().index(name),
        ) from None
    return condition


class _Parser:
    """One condition on its way from text to tree."""

    def __init__(self, text: str, labels: Labels) -> None:
        self._text, self._labels = text, labels
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0
        self._face = False  # Inside count(...) or share(...).

    def either(self) -> Condition:
        terms = [self._both()]
        while self._take("or"):
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def end(self) -> None:
        token = self._next
        if token.kind == "end":
            return
        if token.kind == "sign":
            raise RuleError(
                f"{token.text!r} comes after a whole comparison: join two comparisons with and", token.start
            )
        raise RuleError(f"{token.text!r} is not expected here: join comparisons with and or or", token.start)

    def _both(self) -> Condition:
        terms = [self._negation()]
        while self._take("and"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else Both(tuple(terms))

    def _negation(self) -> Condition:
        token = self._next
        if token.text not in ("not", "("):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RuleError(
                f"more than {_DEEPEST} parentheses or negations inside each other: make several rules of it",
                token.start,
            )
        self._at += 1
        inner: Condition = Not(self._negation()) if token.text == "not" else self.either()
        if token.text == "(":
            self._close(token)
        self._depth -= 1
        return inner

    def _comparison(self) -> Comparison:
        first = self._next
        left, number = self._quantity(), None
        sign, at = self._sign(left if left is not None else first.text)
        if left is None:
            number = first
            left = self._quantity()
            if left is None:
                raise RuleError(
                    "two numbers are compared: name what is compared, such as faces or any.happy", first.start
                )
            sign = cast(Operator, _MIRRORED[sign])
        else:
            number = self._next
            if number.kind != "number":
                found = f"got {quoted(number.text)}" if number.text else "the condition ends here"
                raise RuleError(f"{left} {sign}: expected a number after it; {found}", number.start)
            self._at += 1
        value = float(number.text)
        _check(left, sign, value, number.start, at)
        return Comparison(left, sign, value)

    def _quantity(self) -> FaceCount | Quantity | Tally | FaceValue | None:
        """What is compared; None where it is a number."""
        token = self._next
        if token.kind == "number":
            self._at += 1
            return None
        if token.kind != "word":
            raise RuleError(f"expected a comparison such as {self._example}; {_got(token)}", token.start)
        self._at += 1
        if self._face:
            return self._face_value(token)
        if token.text == "faces":
            return FaceCount()
        if token.text in _TALLIES:
            return self._tally(token)
        if token.text in _WHOSE:
            return self._of(token)
        raise self._unknown(token)

    def _of(self, token: _Token) -> Quantity:
        name = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if self._next.text != "." or name.kind != "word":
            raise RuleError(
                f"{token.text}: expected what {token.text} shows after a dot, such as {token.text}.happy",
                token.start,
            )
        self._at += 2
        return Quantity(cast(Whose, token.text), self._expression(name))

    def _face_value(self, token: _Token) -> FaceValue:
        if token.text in (*_WHOSE, *_TALLIES, "faces"):
            raise RuleError(
                f"{token.text!r} cannot stand inside count(...) or share(...): write what one face shows, such as happy > 0.6",
                token.start,
            )
        return FaceValue(self._expression(token))

    def _tally(self, token: _Token) -> Tally:
        opening = self._next
        if opening.text != "(":
            raise RuleError(f"{token.text}: expected {token.text}(happy > 0.6) or the like", token.start)
        self._at += 1
        self._face = True
        about = self.either()
        self._close(opening)
        self._face = False
        return Tally(cast(Literal["count", "share"], token.text), about)

    def _expression(self, token: _Token) -> str:
        known, name = names_of(self._labels), canonical_label(token.text)
        if name == VALENCE and self._labels.without_valence:
            unknown = ", ".join(self._labels.without_valence)
            raise RuleError(
                f"{token.text!r} is no expression or measure here: nobody has said how pleasant {unknown} is: say it with --valence",
                token.start,
            )
        if name == EXPRESSIVENESS and name not in known:
            raise RuleError(
                f"{token.text!r} is no expression or measure here: it needs a class neutral; there are {', '.join(self._labels)}",
                token.start,
            )
        if name not in known:
            raise RuleError(
                f"{token.text!r} is no expression or measure: {_instead(name, known)}", token.start
            )
        return name

    def _unknown(self, token: _Token) -> RuleError:
        if canonical_label(token.text) in names_of(self._labels):
            return RuleError(
                f"{token.text!r} says not whose it is: write everyone.{token.text}, any.{token.text} or group.{token.text}",
                token.start,
            )
        return RuleError(
            f"{token.text!r} is unknown: {_instead(token.text, ('faces', *_WHOSE, *_TALLIES, 'not'))}",
            token.start,
        )

    def _sign(self, left: object) -> tuple[Operator, int]:
        token = self._next
        if token.kind != "sign":
            raise RuleError(
                f"{left}: expected one of {' '.join(COMPARE)} after it; {_got(token)}", token.start
            )
        self._at += 1
        return cast(Operator, token.text), token.start

    def _close(self, opening: _Token) -> None:
        token = self._next
        if token.text == ")":
            self._at += 1
        elif token.kind == "end":
            raise RuleError("this parenthesis is never closed: add )", opening.start)
        else:
            self.end()

    def _take(self, word: str) -> bool:
        taken = self._next.text == word
        self._at += taken
        return taken

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    @property
    def _example(self) -> str:
        return "happy > 0.6" if self._face else "faces >= 2 or any.happy > 0.6"


def _tokens(text: str) -> Iterable[_Token]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise RuleError(*_stray(text, at))
        kind = cast(str, found.lastgroup)
        yield _Token(kind, found.group(kind), found.start(kind))
        at = found.end()
    yield _Token("end", "", len(text.rstrip()))


_OTHER_SIGNS = {
    "=": "==",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "≥": ">=",
    "≤": "<=",
    "=>": ">=",
    "=<": "<=",
}


def _stray(text: str, at: int) -> tuple[str, int]:
    """What to say of a character that no condition holds."""
    two, one = text[at : at + 2], text[at]
    for sign in (two, one):
        if sign in _OTHER_SIGNS:
            return f"{sign!r} is not a sign of conditions: write {_OTHER_SIGNS[sign]}", at
    if one.isdigit() or one == ".":
        found = re.match(r"[\w.,%]+", text[at:])
        word = found.group() if found else one
        return f"{word!r} is no number: write one such as 0.7 or 2", at
    return f"{one!r} has no place in a condition", at


def _check(
    left: FaceCount | Quantity | Tally | FaceValue, sign: str, value: float, at: int, sign_at: int
) -> None:
    """Refuse numbers that can never be reached."""
    if isinstance(left, FaceCount) or (isinstance(left, Tally) and left.kind == "count"):
        if value < 0:
            raise RuleError(f"{left}: a number of faces is never below 0; got {value:g}", at)
        return
    known = Feature("a share") if isinstance(left, Tally) else feature(left.name)
    if not known.least <= value <= known.most:
        what = "a share" if isinstance(left, Tally) else "a value"
        instead = f": write {value / 100:g}" if known.most == 1 and 1 < value <= 100 else ""
        raise RuleError(f"{left}: expected {what} {_range(known)}; got {value:g}{instead}", at)
    if sign in ("==", "!=") and not isinstance(left, Tally) and left.name != TALKING:
        what = "a measured value" if known.unit else "a probability"
        raise RuleError(f"{left}: {what} is hardly ever exactly {value:g}: compare with >= or <=", sign_at)


def _range(known: Feature) -> str:
    if known.most == math.inf:
        return f"of at least {known.least:g}"
    return f"from {known.least:g} to {known.most:g}"


def _got(token: _Token) -> str:
    return f"got {quoted(token.text)}" if token.text else "the condition ends here"


def _instead(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word.lower(), known, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
