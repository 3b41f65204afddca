"""What a rule waits for: a tree of comparisons about the people in view."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mien.rules.features import FrameFeatures

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Whose = Literal["everyone", "any", "group"]

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Verdict = bool | None
"""Whether something holds; None where that is undecided, as of people who cannot be measured."""


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    """Kleene's three-valued *and*."""
    undecided = False
    for verdict in verdicts:
        if verdict is False:
            return False
        undecided = undecided or verdict is None
    return None if undecided else True


def _opposite(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


@dataclass(frozen=True)
class FaceCount:
    """``faces``: how many faces are in view."""

    def value(self, view: FrameFeatures, sign: str, row: int | None = None) -> float | None:
        return float(view.count)

    def __str__(self) -> str:
        return "faces"


@dataclass(frozen=True)
class Quantity:
    """``everyone.happy``, ``any.happy``, ``group.happy``: about each face, about one of them, the mean of
    all.

    A face for which there is no value does not count. There is none where there is no such face.
    """

    whose: Whose
    name: str

    def value(self, view: FrameFeatures, sign: str, row: int | None = None) -> float | None:
        """The value that decides: what everybody is below is the highest value, what everybody is above the
        lowest."""
        if self.whose == "group":
            return view.mean.get(self.name)
        below = sign in ("<", "<=")
        return (view.most if below == (self.whose == "everyone") else view.least).get(self.name)

    def __str__(self) -> str:
        return f"{self.whose}.{self.name}"


@dataclass(frozen=True)
class Tally:
    """``count(happy > 0.6)``: for how many faces something holds; ``share(...)``: for which share of them,
    without a value where there is none. Faces for which that is undecided do not count."""

    kind: Literal["count", "share"]
    about: Condition

    def value(self, view: FrameFeatures, sign: str, row: int | None = None) -> float | None:
        verdicts = [self.about.judged(view, face) for face in range(view.count)]
        decided = [verdict for verdict in verdicts if verdict is not None]
        if not decided:
            return None if verdicts or self.kind == "share" else 0.0
        return float(sum(decided) / (1 if self.kind == "count" else len(decided)))

    def __str__(self) -> str:
        return f"{self.kind}({self.about})"


@dataclass(frozen=True)
class FaceValue:
    """``happy`` inside ``count(...)``: what one face shows."""

    name: str

    def value(self, view: FrameFeatures, sign: str, row: int | None = None) -> float | None:
        assert row is not None, "a value of one face stands inside count(...) only"
        return view.of(self.name, row)

    def __str__(self) -> str:
        return self.name


class _Judged:
    """What all conditions share."""

    def judged(self, view: FrameFeatures, row: int | None = None) -> Verdict:
        """Whether it holds, of all in view or of one of them.

        Args:
            view: What is in view.
            row: Which face, inside ``count`` and ``share``.
        """
        raise NotImplementedError

    def holds(self, view: FrameFeatures) -> bool:
        """Whether it holds for sure."""
        return self.judged(view) is True


@dataclass(frozen=True)
class Comparison(_Judged):
    """A quantity against a number. Where nobody is in view and there is no value, it is false; where people are in
    view and none of them has a value, it is undecided."""

    left: FaceCount | Quantity | Tally | FaceValue
    sign: Operator
    right: float

    def judged(self, view: FrameFeatures, row: int | None = None) -> Verdict:
        value = self.left.value(view, self.sign, row)
        if value is None:
            return None if view.count else False
        return COMPARE[self.sign](value, self.right)

    def parts(self) -> Iterator[Comparison]:
        yield self
        if isinstance(self.left, Tally):
            yield from self.left.about.parts()

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        value = self.left.value(view, self.sign)
        yield str(self), None if value is None else round(value, 4)

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right:g}"


@dataclass(frozen=True)
class Both(_Judged):
    """``... and ...``."""

    terms: tuple[Condition, ...]

    def judged(self, view: FrameFeatures, row: int | None = None) -> Verdict:
        return _all(term.judged(view, row) for term in self.terms)

    def parts(self) -> Iterator[Comparison]:
        return (part for term in self.terms for part in term.parts())

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return (value for term in self.terms for value in term.values(view))

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Either) else str(term) for term in self.terms)


@dataclass(frozen=True)
class Either(_Judged):
    """``... or ...``."""

    terms: tuple[Condition, ...]

    def judged(self, view: FrameFeatures, row: int | None = None) -> Verdict:
        return _opposite(_all(_opposite(term.judged(view, row)) for term in self.terms))

    def parts(self) -> Iterator[Comparison]:
        return (part for term in self.terms for part in term.parts())

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return (value for term in self.terms for value in term.values(view))

    def __str__(self) -> str:
        return " or ".join(map(str, self.terms))


@dataclass(frozen=True)
class Not(_Judged):
    """``not ...``."""

    term: Condition

    def judged(self, view: FrameFeatures, row: int | None = None) -> Verdict:
        return _opposite(self.term.judged(view, row))

    def parts(self) -> Iterator[Comparison]:
        return self.term.parts()

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return self.term.values(view)

    def __str__(self) -> str:
        return f"not {self.term}" if isinstance(self.term, Comparison | Not) else f"not ({self.term})"


Condition = Comparison | Both | Either | Not


def names_in(condition: Condition) -> tuple[str, ...]:
    """What a condition asks about faces, each once, in its order.

    >>> from mien.rules.parsing import parse_condition
    >>> names_in(parse_condition("any.happy > 0.5 and count(smile > 0.1 and happy > 0.2) > 1"))
    ('happy', 'smile')
    """
    asked = (part.left.name for part in condition.parts() if isinstance(part.left, Quantity | FaceValue))
    return tuple(dict.fromkeys(asked))
