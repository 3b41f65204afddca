"""Everything about an evaluation as one HTML page that loads nothing from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

from mien.evaluation.error_gallery import confidently_wrong, most_uncertain
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.figures import Figures
from mien.reports.page import render as render_page
from mien.reports.page import write_page

_MOST_PAIRS = 10
_MOST_GROUPS = 40


@dataclass(frozen=True)
class _Scale:
    """The stretch of shares that bars are drawn over: whole steps of five percent around what they show."""

    low: float
    high: float

    @classmethod
    def around(cls, values: list[float]) -> _Scale:
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        return cls(max(0.0, floor(low * 20 - 0.5) / 20), min(1.0, ceil(high * 20 + 0.5) / 20))

    def place(self, value: float) -> float:
        """Percent of the way."""
        return round((value - self.low) / (self.high - self.low) * 100, 2)


def write_report(found: Evaluation, path: Path) -> None:
    """Write the page; it appears whole.

    Args:
        found: What was measured.
        path: Where the page goes.

    Raises:
        InputError: The file cannot be written.
        MissingExtraError: jinja2 is not installed.
    """
    write_page(path, "evaluation.html", _context(found))


def render(found: Evaluation) -> str:
    """The page as text."""
    return render_page("evaluation.html", _context(found))


def _context(found: Evaluation) -> dict[str, Any]:
    pairs, parts = found.second_guess.pairs, _parts(found)
    return {
        "found": found,
        "options": found.options,
        "views": "one view of each image"
        if found.options.tta == "one"
        else f"{found.options.tta} views of each image, averaged",
        "parts": parts,
        "figure_scale": _Scale.around([end for _, part in parts for end in (part.low, part.high)]),
        **_groups(found),
        "people_scale": _Scale.around(
            [
                end
                for score in found.humans
                for end in (score.low, score.high, score.network_low, score.network_high)
            ]
        ),
        "matrix": _matrix(found),
        "bins": [part for part in found.reliability if part.n],
        "classes": list(zip(found.classes, found.per_class, strict=True)),
        "colours": {name: found.classes.colour(name) for name in found.classes},
        "guesses": found.second_guess,
        "pairs": pairs[:_MOST_PAIRS],
        "more_pairs": pairs[_MOST_PAIRS:],
        "names": found.classes,
        "wrong": confidently_wrong(found),
        "uncertain": most_uncertain(found),
    }


def _matrix(found: Evaluation) -> list[list[tuple[int, float]]]:
    """Counts with their shares of the row."""
    return [[(count, count / max(sum(row), 1)) for count in row] for row in found.confusion.tolist()]


def _groups(found: Evaluation) -> dict[str, Any]:
    groups = () if found.groups is None else found.groups.groups
    ends = [end for group in groups for end in (group.figures.low, group.figures.high)]
    return {
        "first_groups": groups[:_MOST_GROUPS],
        "more_groups": groups[_MOST_GROUPS:],
        "group_scale": _Scale.around(ends),
    }


def _parts(found: Evaluation) -> list[tuple[str, Figures]]:
    parts = [
        (f"{found.split}, whole", found.whole),
        ("leak-free part", found.leak_free),
        (found.training_split, found.training),
    ]
    return [(name, figures) for name, figures in parts if figures is not None]
