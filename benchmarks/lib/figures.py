"""What a benchmark found, one figure at a time: its value, what it stands beside in the same run, and the
limit it was to keep.

Every benchmark of the suite writes the list as ``figures`` into its JSON; the runner collects them, and the
page shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Bound = Literal["at most", "at least"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Args:
        name: What was measured, in words.
        value: A median where there were several rounds.
        unit: Of the value; ``times`` for ratios, empty for counts.
        limit: What the value was to keep, None where nothing was promised.
        bound: Which side of the limit is the right one.
        beside: What ran in the same run to compare with: a peer, a naive loop, or ONNX Runtime's own time for
            the same tensors.
        ratio: The value over that of ``beside``, None where the value is a ratio itself.
        chart: Figures of one name and one unit are drawn side by side.
    """

    name: str
    value: float
    unit: str = "times"
    limit: float | None = None
    bound: Bound = "at most"
    beside: str = ""
    ratio: float | None = None
    chart: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the limit was kept; None where there is none."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit

    @property
    def strain(self) -> float | None:
        """The value as a share of an upper limit, a lower limit as a share of the value: up to 1 is kept.

        >>> Figure("start", 40, "ms", 50).strain, Figure("speed", 20, "times", 10, "at least").strain
        (0.8, 0.5)
        """
        if self.limit is None:
            return None
        high, low = (self.value, self.limit) if self.bound == "at most" else (self.limit, self.value)
        if low <= 0:
            return 0.0 if self.kept else float("inf")
        return max(0.0, high / low)

    def line(self) -> str:
        """The figure as a line for the terminal."""
        limit = (
            ""
            if self.limit is None
            else f"; limit {self.bound} {number(self.limit)}: {'kept' if self.kept else 'MISSED'}"
        )
        ratio = "" if self.ratio is None else f"; {number(self.ratio)} times {self.beside}"
        beside = f", beside {self.beside}" if self.beside and self.ratio is None else ""
        return f"{self.name}: {f'{number(self.value)} {self.unit}'.strip()}{beside}{ratio}{limit}"


def number(value: float) -> str:
    """Three digits that count, thousands apart.

    >>> [number(value) for value in (0.09134, 12.5, 176.04, 35887, 0.0)]
    ['0.0913', '12.5', '176', '35,887', '0']
    """
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def stored(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """For a JSON file."""
    return [asdict(figure) for figure in figures]


def write_results(results: dict[str, Any], figures: Iterable[Figure], path: Path | None) -> None:
    """Print figures, and write them as ``figures`` of the results into a JSON file, where one is wanted."""
    found = list(figures)
    print()
    for figure in found:
        print(f"  {figure.line()}")
    if path:
        path.write_text(json.dumps({**results, "figures": stored(found)}, indent=1) + "\n", encoding="utf-8")


def restored(stored: Iterable[dict[str, Any]]) -> list[Figure]:
    """Out of a JSON file."""
    return [Figure(**one) for one in stored]
