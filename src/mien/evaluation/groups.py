"""Whether a subject reads some people better than others: figures for each value of a column of the data, and
the largest difference between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.data.dataset import FaceDataset
from mien.evaluation.figures import Answered, Figures
from mien.metrics import (
    Estimates,
    calibration_interval,
    expected_calibration_error,
    mean_difference,
    quantile,
    reliability,
    wilson,
)

SMALL = 30
"""Images below which a group says next to nothing; `EvaluateOptions.min_group` may say otherwise."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Group:
    """The images with one value in the column.

    Args:
        value: The value.
        classes: How many classes have images.
        small: It has fewer images than a group needs to be compared.
        figures: Its key figures.

    >>> from mien.evaluation import EvaluateOptions, Predictor, evaluate
    >>> faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> ages = {"age": np.array(["30", "9", "30", "9"])}
    >>> data = FaceDataset(faces, np.array([4, 4, 4, 3]), None, np.full(4, "PublicTest"), np.arange(4), columns=ages)
    >>> calm = Predictor("calm", "", data.labels, lambda images: np.eye(7, dtype=np.float32)[[4] * len(images)])
    >>> found = evaluate(calm, data, EvaluateOptions(by="age", min_group=30)).groups
    >>> [(group.value, group.small) for group in found.groups]
    [('9', True), ('30', True)]
    """

    value: str
    classes: int
    small: bool
    figures: Figures

    def facts(self) -> dict[str, Any]:
        """As a dict for JSON."""
        return {"value": self.value, "small": self.small, "classes": self.classes, **self.figures.facts()}


@dataclass(frozen=True)
class LargestDifference:
    """The two groups that differ most in one figure.

    Args:
        figure: Which one, as `Figures` calls it.
        highest: Value of the group where it is higher.
        lowest: Value of the group where it is lower.
        difference: By how much, 0 to 1.
        low: Lower end of an interval that holds, for all pairs of groups at once, with 95 %.
        high: Upper end.
        apart: Pairs whose interval leaves out 0.
        pairs: Pairs that could be compared.

    >>> LargestDifference("accuracy", "30", "9", difference=0.2, low=0.05, high=0.35, apart=1, pairs=1).apart
    1
    """

    figure: str
    highest: str
    lowest: str
    difference: float
    low: float
    high: float
    apart: int
    pairs: int


@dataclass(frozen=True)
class Groups:
    """Figures for each value of a column.

    Args:
        by: The column.
        min_group: Images that a group needs to be compared.
        without: Images without a value; they are in no group.
        groups: In the order of the values, numbers by their size.
        differences: In accuracy, balanced accuracy and calibration error, over the groups that are not small;
            empty where there are fewer than two.

    >>> from mien.evaluation import EvaluateOptions, Predictor, evaluate
    >>> faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    >>> ages = {"age": np.array(["30", "9", "30", "9"])}
    >>> data = FaceDataset(faces, np.array([4, 4, 4, 3]), None, np.full(4, "PublicTest"), np.arange(4), columns=ages)
    >>> calm = Predictor("calm", "", data.labels, lambda images: np.eye(7, dtype=np.float32)[[4] * len(images)])
    >>> found = evaluate(calm, data, EvaluateOptions(by="age", min_group=1)).groups
    >>> [(group.value, group.figures.accuracy) for group in found.groups]
    [('9', 0.5), ('30', 1.0)]
    """

    by: str
    min_group: int
    without: int
    groups: tuple[Group, ...]
    differences: tuple[LargestDifference, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know."""
        if self.differences:
            return ()
        large, values = sum(not group.small for group in self.groups), counted(len(self.groups), "value")
        least = f"{'has' if large == 1 else 'have'} {counted(self.min_group, 'image')} or more"
        return (
            f"{large} of {values} of {self.by} {least}: nothing to compare; --min-group sets how many are needed",
        )

    def facts(self) -> dict[str, Any]:
        """As a dict for JSON."""
        return {
            "by": self.by,
            "min_group": self.min_group,
            "without": self.without,
            "values": [group.facts() for group in self.groups],
            "differences": [asdict(found) for found in self.differences],
        }


def require_values(part: FaceDataset, by: str, split: str) -> None:
    """Make sure, before anything is asked, that there is something to compare.

    Raises:
        InputError: There is no such column, or fewer than two values in it.
    """
    values = set(part.column(by).tolist()) - {""}
    if len(values) < 2:
        got = f"only {values.pop()!r}" if values else "none: no row has a value"
        raise InputError(
            f"expected at least two values in the column {by} of {split}, to compare them; got {got}: take another column with --by"
        )


def group_figures(answered: Answered, by: str, min_group: int = SMALL) -> Groups:
    """Measure each group, and compare those that are large enough.

    Args:
        answered: Images that all count.
        by: A further column of the data.
        min_group: Images that a group needs to be compared, at least 1.

    Raises:
        InputError: There is no such column, or ``min_group`` is below 1.
    """
    if min_group < 1:
        raise InputError(f"expected at least 1 image for a group to be compared (min_group); got {min_group}")
    values = answered.faces.column(by)
    parts = {
        value: answered.take(values == value) for value in sorted(set(values.tolist()) - {""}, key=_order)
    }
    groups = tuple(
        Group(value, int((part.confusion.sum(axis=1) > 0).sum()), len(part.truth) < min_group, part.figures())
        for value, part in parts.items()
    )
    large = {group.value: parts[group.value] for group in groups if not group.small}
    return Groups(by, min_group, int((values == "").sum()), groups, _differences(large))


def _order(value: str) -> tuple[bool, float, str]:
    """Numbers by their size, before words by the alphabet."""
    number = _NUMBER.fullmatch(value)
    return (False, float(value), value) if number else (True, 0.0, value)


def _differences(parts: dict[str, Answered]) -> tuple[LargestDifference, ...]:
    names, answers = list(parts), list(parts.values())
    if len(names) < 2:
        return ()
    measures: dict[str, Callable[[Answered, float], Estimates]] = {
        "accuracy": _accuracy,
        "balanced_accuracy": _recalls,
        "expected_calibration_error": _calibration,
    }
    found = (_largest(figure, names, answers, measure) for figure, measure in measures.items())
    return tuple(difference for difference in found if difference is not None)


def _largest(
    figure: str,
    names: Sequence[str],
    answers: Sequence[Answered],
    measure: Callable[[Answered, float], Estimates],
) -> LargestDifference | None:
    """None where no two groups have a class in common."""
    pairs = int((~np.isnan(_all_pairs(answers, measure, 1).value)).sum()) // 2
    if not pairs:
        return None
    between = _all_pairs(answers, measure, pairs)
    place = int(np.nanargmax(between.value))
    high, low = divmod(place, len(names))
    value, lower, upper = (float(end.flat[place]) for end in between)
    apart = int((between.low > 0).sum())
    return LargestDifference(figure, names[high], names[low], value, lower, upper, apart, pairs)


def _all_pairs(
    answers: Sequence[Answered], measure: Callable[[Answered, float], Estimates], pairs: int
) -> Estimates:
    """``(g, g)`` by how much the figure of one group is larger than that of another, with intervals that hold
    for so many pairs at once; NaN for a group and itself."""
    z = quantile(pairs)
    ends = zip(*(measure(part, z) for part in answers), strict=True)
    every = Estimates(*(np.array(end) for end in ends))
    rows = [mean_difference(Estimates(*(end[row] for end in every)), every) for row in range(len(answers))]
    between = Estimates(*(np.array(end) for end in zip(*rows, strict=True)))
    for end in between:
        np.fill_diagonal(end, np.nan)
    return between


def _accuracy(part: Answered, z: float) -> Estimates:
    right, n = int(np.trace(part.confusion)), len(part.truth)
    return _estimates([(right / n, *wilson(right, n, z))])


def _recalls(part: Answered, z: float) -> Estimates:
    """Of every class, NaN where the group has no image of it: balanced accuracies are compared over the
    classes that both groups have."""
    confusion = part.confusion
    unknown = (np.nan, np.nan, np.nan)
    return _estimates(
        [
            (right / n, *wilson(right, n, z)) if n else unknown
            for right, n in zip(np.diag(confusion).tolist(), confusion.sum(axis=1).tolist(), strict=True)
        ]
    )


def _calibration(part: Answered, z: float) -> Estimates:
    error = expected_calibration_error(reliability(part.probs, part.truth))
    return _estimates([(error, *calibration_interval(part.probs, part.truth, z))])


def _estimates(rows: list[tuple[float, float, float]]) -> Estimates:
    return Estimates(*np.array(rows, np.float64).T)
