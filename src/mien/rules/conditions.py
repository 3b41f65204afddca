"""What a rule waits for: a tree of comparisons about the people in view."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from mien.rules.features import FACING, FrameFeatures

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


@dataclass(frozen=True)
class FaceCount:
    """``faces``: how many faces are in view."""

    def value(self, view: FrameFeatures, sign: str) -> float | None:
        return float(view.count)

    def __str__(self) -> str:
        return "faces"


@dataclass(frozen=True)
class Quantity:
    """``everyone.happy``, ``any.happy``, ``group.happy``: about each face, about one of them, the mean of
    all.

    There is no value where there is no face, and every comparison with it is false.
    """

    whose: Whose
    name: str

    def value(self, view: FrameFeatures, sign: str) -> float | None:
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
    without a value where there is none."""

    kind: Literal["count", "share"]
    about: Condition

    def value(self, view: FrameFeatures, sign: str) -> float | None:
        found = sum(self.about.holds_for(view, row) for row in range(view.count))
        if self.kind == "count":
            return float(found)
        return found / view.count if view.count else None

    def __str__(self) -> str:
        return f"{self.kind}({self.about})"


@dataclass(frozen=True)
class FaceValue:
    """``happy`` inside ``count(...)``: what one face shows."""

    name: str

    def value(self, view: FrameFeatures, sign: str) -> float | None:
        raise TypeError("expected a face; a value of one face stands inside count(...) only")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Comparison:
    """A quantity against a number."""

    left: FaceCount | Quantity | Tally | FaceValue
    sign: Operator
    right: float

    def holds(self, view: FrameFeatures) -> bool:
        value = self.left.value(view, self.sign)
        return value is not None and COMPARE[self.sign](value, self.right)

    def holds_for(self, view: FrameFeatures, row: int) -> bool:
        column = view.columns.get(str(self.left))
        return column is not None and COMPARE[self.sign](column[row], self.right)

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
class Both:
    """``... and ...``."""

    terms: tuple[Condition, ...]

    def holds(self, view: FrameFeatures) -> bool:
        return all(term.holds(view) for term in self.terms)

    def holds_for(self, view: FrameFeatures, row: int) -> bool:
        return all(term.holds_for(view, row) for term in self.terms)

    def parts(self) -> Iterator[Comparison]:
        return (part for term in self.terms for part in term.parts())

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return (value for term in self.terms for value in term.values(view))

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Either) else str(term) for term in self.terms)


@dataclass(frozen=True)
class Either:
    """``... or ...``."""

    terms: tuple[Condition, ...]

    def holds(self, view: FrameFeatures) -> bool:
        return any(term.holds(view) for term in self.terms)

    def holds_for(self, view: FrameFeatures, row: int) -> bool:
        return any(term.holds_for(view, row) for term in self.terms)

    def parts(self) -> Iterator[Comparison]:
        return (part for term in self.terms for part in term.parts())

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return (value for term in self.terms for value in term.values(view))

    def __str__(self) -> str:
        return " or ".join(map(str, self.terms))


@dataclass(frozen=True)
class Not:
    """``not ...``."""

    term: Condition

    def holds(self, view: FrameFeatures) -> bool:
        return not self.term.holds(view)

    def holds_for(self, view: FrameFeatures, row: int) -> bool:
        return not self.term.holds_for(view, row)

    def parts(self) -> Iterator[Comparison]:
        return self.term.parts()

    def values(self, view: FrameFeatures) -> Iterator[tuple[str, float | None]]:
        return self.term.values(view)

    def __str__(self) -> str:
        return f"not {self.term}" if isinstance(self.term, Comparison | Not) else f"not ({self.term})"


Condition = Comparison | Both | Either | Not


def asks_facing(condition: Condition) -> bool:
    """Whether a condition needs to know where heads are turned."""
    return any(
        isinstance(part.left, Quantity | FaceValue) and part.left.name == FACING for part in condition.parts()
    )
