"""Figures for each value of a column, on answers whose differences are known by construction."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien import InputError
from mien.core.labels import EXPRESSIONS
from mien.data import FaceDataset, write_dataset
from mien.evaluation import EvaluateOptions, Groups, evaluate
from mien.evaluation.figures import Answered
from mien.evaluation.groups import group_figures
from mien.evaluation.report import render
from tests.commands import run_mien
from tests.evaluation.small_faces import half_right, marked_faces, told

Column = NDArray[np.str_]


def answered(
    column: Column, truth: NDArray[np.int64], right: NDArray[np.bool_], sure: float | NDArray[np.float64]
) -> Answered:
    """Answers of a confidence each, right where they should be."""
    n = len(truth)
    called = np.where(right, truth, (truth + 1) % 7)
    probs = np.repeat(((1 - np.broadcast_to(sure, n)) / 6)[:, None], 7, axis=1)
    probs[np.arange(n), called] = sure
    faces = FaceDataset(
        np.zeros((n, 2, 2), np.uint8),
        truth,
        None,
        np.full(n, "PublicTest"),
        np.arange(n),
        columns={"group": column},
    )
    return Answered(faces, probs.astype(np.float32), truth, EXPRESSIONS)


def deal(shares: dict[str, float], n: int = 700, sure: float = 0.8) -> Answered:
    """Groups of n images, all classes alike, of which exactly such a share is right in every class."""
    truth = np.tile(np.arange(7), n // 7)
    parts = [np.arange(n) // 7 < round(share * (n // 7)) for share in shares.values()]
    return answered(np.repeat(list(shares), n), np.tile(truth, len(shares)), np.concatenate(parts), sure)


def largest(found: Groups, figure: str) -> tuple[str, str, object]:
    [one] = [one for one in found.differences if one.figure == figure]
    return one.highest, one.lowest, pytest.approx(one.difference)


def test_the_figures_of_each_value_are_those_of_its_images_alone() -> None:
    found = group_figures(deal({"a": 0.9, "b": 0.6, "c": 0.7}), "group")
    assert [(group.value, group.figures.n, group.classes) for group in found.groups] == [
        ("a", 700, 7), ("b", 700, 7), ("c", 700, 7)
    ]  # fmt: skip
    for group, share in zip(found.groups, (0.9, 0.6, 0.7), strict=True):
        assert group.figures.accuracy == pytest.approx(share)
        assert group.figures.balanced_accuracy == pytest.approx(share)
        assert group.figures.expected_calibration_error == pytest.approx(abs(0.8 - share), abs=1e-6)
    assert largest(found, "accuracy") == ("a", "b", 0.3)
    assert largest(found, "balanced_accuracy") == ("a", "b", 0.3)
    [one] = [one for one in found.differences if one.figure == "expected_calibration_error"]
    assert (one.highest, one.difference) == ("b", pytest.approx(0.1, abs=1e-6))


def test_a_difference_that_the_mixture_of_classes_makes_is_none_of_balanced_accuracy() -> None:
    """Both are right for 9 of 10 happy and 5 of 10 sad faces; one has mostly happy ones."""
    counts = {"sunny": (3, 900, 5, 100), "gloomy": (3, 100, 5, 900)}
    column, truth, right = [], [], []
    for value, (first, n, second, m) in counts.items():
        column += [value] * (n + m)
        truth += [first] * n + [second] * m
        right += [place < 0.9 * n for place in range(n)] + [place < 0.5 * m for place in range(m)]
    found = group_figures(answered(np.array(column), np.array(truth), np.array(right), 0.8), "group")
    assert largest(found, "accuracy") == ("sunny", "gloomy", 0.86 - 0.54)
    [one] = [one for one in found.differences if one.figure == "balanced_accuracy"]
    assert one.difference == pytest.approx(0, abs=1e-9)
    assert one.low < 0 < one.high
    assert (one.apart, one.pairs) == (0, 1)
    assert [group.classes for group in found.groups] == [2, 2]


def test_balanced_accuracy_is_compared_over_the_classes_that_both_have() -> None:
    """``b`` lacks the class that ``a`` never gets right."""
    truth = np.concatenate([np.repeat([0, 1], 100), np.repeat([0], 100), np.repeat([2], 100)])
    column = np.repeat(["a", "b", "c"], [200, 100, 100])
    found = group_figures(answered(column, truth, truth == 0, 0.8), "group")
    a, b, c = (group.figures.balanced_accuracy for group in found.groups)
    assert (a, b, c) == (0.5, 1.0, 0.0)
    [one] = [one for one in found.differences if one.figure == "balanced_accuracy"]
    assert (one.difference, one.pairs) == (0, 1), "c has no class in common with the others"


def test_groups_that_are_alike_are_not_told_apart() -> None:
    """Twelve groups by chance alone: the largest of 66 differences is no news in most draws."""
    news = {"accuracy": 0, "balanced_accuracy": 0, "expected_calibration_error": 0}
    for seed in range(40):
        random = np.random.default_rng(seed)
        n = 2400
        sure = random.uniform(0.4, 0.95, n)
        part = answered(
            random.integers(0, 12, n).astype(str), random.integers(0, 7, n), random.random(n) < sure, sure
        )
        found = group_figures(part, "group")
        assert [group.value for group in found.groups] == [str(value) for value in range(12)], (
            "in order of size"
        )
        for one in found.differences:
            assert one.pairs == 66
            news[one.figure] += one.apart > 0
    assert max(news.values()) <= 5, news


def test_a_real_difference_is_found_among_many() -> None:
    shares = {f"g{number}": 0.8 for number in range(9)} | {"other": 0.6}
    found = group_figures(deal(shares), "group")
    one = found.differences[0]
    assert (one.lowest, one.apart, one.pairs) == ("other", 9, 45)
    assert one.low > 0.1
    assert one.low < one.difference < one.high


def test_small_groups_and_rows_without_a_value() -> None:
    column = np.array(["a"] * 70 + ["b"] * 70 + ["few"] * 14 + [""] * 6)
    truth = np.arange(160) % 7
    part = answered(column, truth, column != "few", 0.8)
    found = group_figures(part, "group")
    assert found.without == 6
    assert [(group.value, group.small) for group in found.groups] == [
        ("a", False),
        ("b", False),
        ("few", True),
    ]
    assert {one.lowest for one in found.differences} <= {"a", "b"}
    assert largest(group_figures(part, "group", min_group=14), "accuracy")[1:] == ("few", 1.0)
    none = group_figures(part, "group", min_group=71)
    assert none.differences == ()
    assert none.remarks[0].startswith("0 of 3 values of group have 71 images or more: nothing to compare")
    with pytest.raises(InputError, match="at least 1 image"):
        group_figures(part, "group", min_group=0)


def with_columns(**columns: list[str]) -> FaceDataset:
    data = marked_faces(280)
    return FaceDataset(
        data.images, data.expressions, data.votes, data.splits, data.rows, data.labels,
        columns={name: np.array(values) for name, values in columns.items()},
    )  # fmt: skip


AGES = [["young", "old", "", "young"][row // 4 % 4] for row in range(280)]


def test_an_evaluation_by_a_column() -> None:
    data = with_columns(age=AGES)
    found = evaluate(half_right, data, EvaluateOptions(by="age", min_group=5))
    assert found.groups is not None
    test = data.split("PublicTest")
    for group in found.groups.groups:
        alone = evaluate(half_right, test.take(test.column("age") == group.value))
        assert group.figures == alone.whole
    facts = found.facts()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["groups"]["without"] == int((test.column("age") == "").sum())
    assert [value["value"] for value in facts["groups"]["values"]] == ["old", "young"]
    assert {one["figure"] for one in facts["groups"]["differences"]} == {
        "accuracy", "balanced_accuracy", "expected_calibration_error"
    }  # fmt: skip
    page = render(found)
    assert "By age" in page
    assert "The largest differences" in page
    assert evaluate(half_right, data).facts()["groups"] is None
    assert "The largest differences" not in render(evaluate(half_right, data))


def test_what_cannot_be_compared_is_said_before_anything_is_asked() -> None:
    def never(images: np.ndarray) -> np.ndarray:
        if len(images) > 2:  # The two that tell how many columns there are.
            raise AssertionError
        return told(images)

    data = with_columns(age=AGES, one=["x"] * 280, none=[""] * 280)
    for by, message in (
        ("Age", r"out of age, one, none; got 'Age': did you mean age\?"),
        (
            "one",
            "expected at least two values in the column one of PublicTest, to compare them; got only 'x'",
        ),
        ("none", "got none: no row has a value"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate(never, data, EvaluateOptions(by=by))
    with pytest.raises(InputError, match="it has no further columns"):
        evaluate(never, marked_faces(), EvaluateOptions(by="age"))


@pytest.fixture
def mien(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        done = run_mien("evaluate", *words, cwd=tmp_path, env={"COLUMNS": "80"})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.mark.integration
def test_the_command(mien: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    data = with_columns(age=AGES)
    without = int((data.split("PublicTest").column("age") == "").sum())
    write_dataset(data, tmp_path / "faces.parquet")
    reader = f"{Path(__file__).parent / 'small_faces.py'}:half_right"
    done = mien(reader, "faces.parquet", "--by", "age", "--min-group", 20, "-o", "out.html", "-o", "out.json")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert (
        f"by age: 2 values, with 95 % intervals; {without} images without a value are in none; *: fewer than 20"
        in said
    )
    assert "old*" in done.stdout
    assert "…" not in done.stdout, "the tables fit a terminal of 80 columns"
    assert "1 of 2 values of age has 20 images or more: nothing to compare" in done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["groups"]["min_group"] == 20
    assert "few images" in (tmp_path / "out.html").read_text()
    done = mien(reader, "faces.parquet", "--by", "aeg")
    assert done.returncode == 2
    assert "got 'aeg': did you mean age?" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.integration
def test_images_with_room_around_the_face(
    mien: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    data = marked_faces(140)
    wide = np.pad(data.images, ((0, 0), (8, 8), (8, 8)))
    write_dataset(
        FaceDataset(wide, data.expressions, data.votes, data.splits, data.rows, data.labels),
        tmp_path / "wide.parquet",
    )
    reader = f"{Path(__file__).parent / 'small_faces.py'}:told"
    done = mien(reader, "wide.parquet", "--center-crop", 0.75, "--format", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["accuracy"], facts["center_crop"]) == (1, 0.75)
    assert json.loads(mien(reader, "wide.parquet", "--format", "json").stdout)["accuracy"] < 0.5
    assert evaluate(told, tmp_path / "wide.parquet", EvaluateOptions(center_crop=0.75)).whole.accuracy == 1
    done = mien(reader, "wide.parquet", "--center-crop", 0)
    assert done.returncode == 2
    assert "above 0 and up to 1; got 0" in done.stderr
