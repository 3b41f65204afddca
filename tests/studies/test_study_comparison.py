"""Conditions and groups compared over participants, out of long tables."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.metrics import resampling
from mien.studies.comparison import CompareRules, NothingComparedError, compare_study
from mien.studies.report import levels_panels, write_report
from mien.studies.study import Study
from mien.studies.tables import StudyRow, read_long, write_long, write_wide
from mien.studies.texts import StudyFacts, methods_paragraph, p_value, results_paragraph, too_few_to_tell
from tests.studies.making_studies import study_row

FIELDS = ("participant", "condition")


def quick(**values: Any) -> CompareRules:
    return CompareRules(**values, draws=999)


def two_conditions(effect: float = 0.3, people: int = 12) -> list[StudyRow]:
    random = np.random.default_rng(4)
    rows = []
    for person in range(people):
        own = random.normal(0.4, 0.1)
        for condition, shift in (("calm", 0.0), ("funny", effect)):
            fields = {"participant": f"p{person}", "condition": condition}
            rows += [
                study_row(fields, own + shift + random.normal(0, 0.05)),
                study_row(fields, random.normal(0.1, 0.05), "sad"),
            ]
    return rows


def values(rows: list[StudyRow], condition: str, measure: str = "happy") -> dict[str, float]:
    return {
        row.participant: row.measure.mean
        for row in rows
        if row.level("condition") == condition and row.measure.measure == measure
    }


def test_participants_are_compared_with_themselves() -> None:
    rows = two_conditions()
    found = compare_study(rows, FIELDS, quick())
    assert (found.by, found.statistic, found.participants, found.left_out) == ("condition", "mean", 12, ())
    happy, sad = found.comparisons
    gaps = np.array([values(rows, "funny")[name] - own for name, own in values(rows, "calm").items()])
    assert (happy.measure, happy.one, happy.other, happy.paired) == ("happy", "calm", "funny", True)
    assert happy.difference == pytest.approx(gaps.mean())
    assert (happy.low, happy.high) == resampling.mean_interval(gaps, 999)
    assert happy.p == resampling.sign_flip_test(gaps, 999)
    assert happy.effect == resampling.paired_effect(gaps)
    assert happy.dominance == 1
    assert [happy.adjusted, sad.adjusted] == pytest.approx(resampling.holm([happy.p, sad.p]).tolist())
    assert happy.significant
    assert not sad.significant


def test_groups_are_compared_with_each_other() -> None:
    rows = [
        study_row(
            {"participant": f"p{n}", "group": "old" if n < 8 else "young"},
            0.2 + 0.05 * (n % 4) + 0.3 * (n >= 8),
        )
        for n in range(14)
    ]
    found = compare_study(rows, ("participant", "group"), quick())
    [one] = found.comparisons
    old, young = (
        np.array([row.measure.mean for row in rows if row.level("group") == name])
        for name in ("old", "young")
    )
    assert (found.by, one.paired, len(one.values), len(one.other_values)) == ("group", False, 8, 6)
    assert one.difference == pytest.approx(young.mean() - old.mean())
    assert one.p == resampling.shuffle_test(young, old, 999)
    assert (one.low, one.high) == resampling.difference_interval(young, old, 999)
    assert one.effect == resampling.group_effect(young, old)
    assert one.dominance == resampling.cliffs_delta(young, old)


def test_frames_and_events_never_count_as_participants() -> None:
    """Ten times the events of each participant change neither n nor the p-value, beyond their means."""
    rows = two_conditions()
    once = compare_study(rows, FIELDS, quick()).comparisons[0]
    many = compare_study(rows * 10, FIELDS, quick()).comparisons[0]
    assert len(many.values) == len(once.values) == 12
    assert (many.p, many.low, many.high) == pytest.approx((once.p, once.low, once.high))


def test_each_participant_counts_the_same() -> None:
    """Two events of 0.2 and 0.4 are 0.3, however many others have."""
    rows = [
        study_row({"participant": "p1", "condition": c}, v) for c, v in (("a", 0.2), ("a", 0.4), ("b", 0.9))
    ]
    rows += [study_row({"participant": "p2", "condition": c}, v) for c, v in (("a", 0.5), ("b", 0.6))]
    [one] = compare_study(rows, FIELDS, quick()).comparisons
    assert one.values == {"p1": pytest.approx(0.3), "p2": 0.5}
    assert one.difference == pytest.approx(0.35)
    assert np.isnan(one.low)  # Two participants make no interval.


def test_three_conditions_are_compared_in_pairs_and_apart() -> None:
    rows = [
        study_row({"participant": f"p{n}", "condition": c, "stimulus": s}, 0.1 * n + shift, event=s)
        for n in range(6)
        for s in ("x", "y")
        for c, shift in (("a", 0.0), ("b", 0.1), ("c", 0.2 if s == "x" else 0.5))
    ]
    fields = ("participant", "condition", "stimulus")
    found = compare_study(rows, fields, quick(by="condition", each="stimulus", p_adjust="none"))
    assert [(one.each, one.one, one.other) for one in found.comparisons] == [
        *(("x", one, other) for one, other in (("a", "b"), ("a", "c"), ("b", "c"))),
        *(("y", one, other) for one, other in (("a", "b"), ("a", "c"), ("b", "c"))),
    ]
    assert found.comparisons[4].difference == pytest.approx(0.5)
    assert found.comparisons[4].adjusted == found.comparisons[4].p
    by_event = compare_study(rows, fields, quick(by="event"))
    assert [(one.one, one.other) for one in by_event.comparisons] == [("x", "y")]


def test_changes_are_compared_where_there_are_baselines() -> None:
    rows = [
        study_row({"participant": f"p{n}", "condition": c}, 0.5, change=change + 0.01 * n)
        for n in range(5)
        for c, change in (("a", 0.1), ("b", 0.3))
    ]
    found = compare_study(rows, FIELDS, quick())
    assert found.statistic == "change"
    assert found.comparisons[0].difference == pytest.approx(0.2)


def test_participants_without_a_baseline_are_told_by_name() -> None:
    rows = [
        study_row(
            {"participant": f"p{n}", "condition": c},
            0.5,
            change=float("nan") if n == 3 and c == "b" else 0.1 * n,
        )
        for n in range(5)
        for c in ("a", "b")
    ]
    found = compare_study(rows, FIELDS, quick())
    assert found.left_out == (
        "1 of 5 participants has no baseline for condition b and is left out of its comparisons: p3",
    )
    assert "p3" not in found.comparisons[0].values


def test_what_is_in_no_comparison_is_told_by_name() -> None:
    rows = two_conditions()
    rows = [
        row
        for row in rows
        if (row.participant, row.level("condition")) not in (("p3", "funny"), ("p7", "calm"))
    ]
    rows.append(study_row({"participant": "p1", "condition": "calm"}, 9.0, coverage=0.2))
    rows.append(study_row({"participant": "p1", "condition": ""}, 9.0))
    rows.append(study_row({"participant": "p1", "condition": "odd"}, 9.0))
    found = compare_study(rows, FIELDS, quick())
    told = "\n".join(found.left_out)
    assert "1 of 12 participants has no condition funny and is left out of its comparisons: p3" in told
    assert "has no condition calm and is left out of its comparisons: p7" in told
    assert "1 window of which less than 50 % was read is left out: p1_calm.mp4, whole 1" in told
    assert "1 recording has no condition and is left out: p1_.mp4" in told
    assert "condition odd is in no comparison" in told
    happy = found.comparisons[0]
    assert set(happy.values) == {f"p{n}" for n in range(12)} - {"p3", "p7"}
    assert max(happy.values.values()) < 1


def test_the_order_of_levels_does_not_depend_on_what_is_left_out() -> None:
    """Nor on which row comes first; numbers go by their size."""
    rows = two_conditions()
    thin = rows[0].measure._replace(coverage=0.2)
    without = [replace(rows[0], measure=thin), *rows[1:]]
    for those in (without, rows[::-1]):
        one = compare_study(those, FIELDS, quick()).comparisons[0]
        assert (one.one, one.other) == ("calm", "funny")
    days = [
        study_row({"participant": f"p{n}", "condition": f"day {day}"}, 0.1 * n + 0.01 * day)
        for n in range(3)
        for day in (10, 2)
    ]
    [one] = compare_study(days, FIELDS, quick()).comparisons
    assert (one.one, one.other) == ("day 2", "day 10")


def test_a_level_that_was_hardly_read_is_told() -> None:
    """It is what is compared all the same, though the events could be."""
    rows = [
        study_row(
            {"participant": f"p{n}", "condition": c}, 0.1 * n, event=e, coverage=0.375 if c == "calm" else 1.0
        )
        for n in range(3)
        for c in ("calm", "funny")
        for e in ("x", "y")
    ]
    with pytest.raises(
        NothingComparedError, match="two levels of condition to compare; there is funny"
    ) as told:
        compare_study(rows, FIELDS, quick())
    assert "6 windows of which less than 50 % was read are left out: p0_calm.mp4, x 1" in str(told.value)
    assert str(told.value).endswith("give a lower --min-coverage to use these windows")
    assert len(told.value.left_out) == 1
    assert compare_study(rows, FIELDS, quick(min_coverage=0.3)).by == "condition"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"by": "conditon"}, "did you mean condition"),
        ({"each": "room"}, "--each: expected one of condition, event"),
        ({"measures": ("hapy",)}, "did you mean happy"),
        ({"by": "event"}, "two levels of event"),
    ],
)
def test_names_that_are_none_are_told(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_study(two_conditions(), FIELDS, quick(**rules))


@pytest.mark.parametrize(
    "rules", [{"statistic": "median"}, {"p_adjust": "bonferroni"}, {"min_coverage": 2}, {"draws": 3}]
)
def test_impossible_rules_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        CompareRules(**rules)


def test_one_participant_is_no_study() -> None:
    with pytest.raises(InputError, match="two levels of 2 participants"):
        compare_study(two_conditions(people=1), FIELDS, quick())


def test_paragraphs_say_what_was_done_and_found() -> None:
    settings = {
        "model": "small",
        "head": None,
        "detector": "mtcnn",
        "networks": {"small": "sha256 abc"},
        "fps": None,
        "interval": 0.2,
        "tracking": {"gap": 1.0},
        "smoothing": {"tau": 0.35, "baseline": None},
        "version of mien": "9.9",
    }
    rules = {"events": "e.csv", "event-window": [0, 5], "baseline-window": [-2, 0], "person": "longest"}
    found = compare_study(two_conditions(), FIELDS, quick())
    methods = methods_paragraph(StudyFacts(settings, rules, 24, 12), found)
    for part in (
        "24 recordings of 12 participants",
        "mien 9.9 (model small (sha256 abc); detector mtcnn)",
        "every 0.2 s",
        "0 to 5 s around each event's beginning",
        "The baseline was -2 to 0 s",
        "was taken for each event, and averaged where there were several",
        "permutation tests, flipping the signs",
        "999 samples",
        "Holm",
        "not an emotion that a person feels",
    ):
        assert part in methods, part
    assert "effect sizes (d_z with Hedges' correction) by the BCa" in methods
    few = methods_paragraph(
        StudyFacts(settings, rules, 12, 6), compare_study(two_conditions(people=6), FIELDS, quick())
    )
    assert "(999 samples); effect sizes are d_z with Hedges' correction." in few, (
        "six are too few for an interval"
    )
    part = methods_paragraph(StudyFacts({**settings, "from": 60.0, "to": None}, rules, 24, 12), found)
    assert "Each recording was read from 60 s to the end." in part
    whole = methods_paragraph(StudyFacts(settings, {**rules, "events": None}, 24, 12), found)
    assert "was taken for each recording, and averaged where there were several" in whole
    assert "was read from" not in methods
    results = results_paragraph(found)
    assert results.startswith("Happy was higher for funny than for calm: mean difference 0.3")
    assert "n = 12" in results
    assert "The other 1 of 2 comparisons were not significant at 0.05." in results
    nothing = results_paragraph(compare_study(two_conditions(0.0), FIELDS, quick()))
    assert nothing.startswith("None of the 2 comparisons was significant at 0.05")


def test_what_so_few_participants_cannot_show_is_told() -> None:
    """All six the same way: 2 of 64 arrangements, twice as much for two signals by Holm's procedure."""
    few = compare_study(two_conditions(0.3, people=6), FIELDS, quick())
    told = "the smallest p-value that the test can have is 0.031, adjusted for 2 comparisons 0.062."
    assert told in results_paragraph(few)
    for rules in (quick(measures=("happy",)), quick(p_adjust="fdr"), quick(p_adjust="none")):
        assert too_few_to_tell(compare_study(two_conditions(0.3, people=6), FIELDS, rules)) is None
    assert too_few_to_tell(compare_study(two_conditions(0.0), FIELDS, quick())) is None
    groups = [
        study_row({"participant": f"p{n}", "group": "old" if n < 3 else "young"}, 0.1 * n) for n in range(6)
    ]
    told = "the smallest p-value that the test can have is 0.100."
    assert told in results_paragraph(compare_study(groups, ("participant", "group"), quick()))


def test_the_page_has_the_means_of_what_was_compared(tmp_path: Path) -> None:
    """Windows of which too little was read are in neither; on a chart of corrected p-values it is said that they are."""
    pytest.importorskip("matplotlib")
    rows = two_conditions()
    thin = rows[0].measure._replace(mean=0.9, coverage=0.2)
    rows.append(replace(rows[0], measure=thin))
    found = compare_study(rows, FIELDS, quick())
    happy = found.comparisons[0]
    path = tmp_path / "report.html"
    write_report(path, Study(FIELDS, rows), StudyFacts({}, {}, 24, 12), found, found.left_out)
    page = path.read_text(encoding="utf-8")
    assert f">{np.mean(list(happy.values.values())):.3g} (" in page
    assert levels_panels(found)[0].note == f"adjusted p {p_value(happy.adjusted)}"
    plain = compare_study(rows, FIELDS, quick(p_adjust="none"))
    assert levels_panels(plain)[0].note == f"p {p_value(plain.comparisons[0].p)}"


def test_long_tables_come_back_and_tell_what_hands_have_broken(tmp_path: Path) -> None:
    rows, table = two_conditions(), tmp_path / "long.csv"
    write_long(table, rows, FIELDS)
    again, fields, problems = read_long(table)
    assert (fields, problems, len(again)) == (FIELDS, [], len(rows))
    assert [row.measure.mean for row in again] == pytest.approx([row.measure.mean for row in rows], abs=1e-6)
    assert [row.fields for row in again] == [row.fields for row in rows]
    lines = table.read_text().splitlines()
    lines[3] = lines[3].replace("p0", "", 1)
    cells = lines[5].split(",")
    lines[5] = ",".join(
        "much" if number == lines[0].split(",").index("mean") else cell for number, cell in enumerate(cells)
    )
    lines[7] = lines[7].rsplit(",", 2)[0]
    lines.append(lines[1])
    table.write_text("\n".join(lines) + "\n")
    again, _, problems = read_long(table)
    assert len(again) == len(rows) - 3
    assert [problem.split(":")[0] for problem in problems] == [
        "long.csv, line 4",
        "long.csv, line 6",
        "long.csv, line 8",
        f"long.csv, line {len(lines)}",
    ]
    for problem, what in zip(
        problems,
        ("no participant", "expected a number as mean; got 'much'", "expected", "repeats"),
        strict=True,
    ):
        assert what in problem
    table.write_text(lines[0].replace("coverage", "cover") + "\n")
    with pytest.raises(InputError, match="there is no coverage"):
        read_long(table)


def test_semicolons_and_commas_of_other_countries_are_read(tmp_path: Path) -> None:
    rows, table = two_conditions(), tmp_path / "long.csv"
    write_long(table, rows, FIELDS)
    table.write_text(
        table.read_text().replace(",", ";").replace(".", ",").replace(",mp4", ".mp4"), encoding="utf-8-sig"
    )
    again, _, problems = read_long(table)
    assert problems == []
    assert [row.measure.mean for row in again] == pytest.approx([row.measure.mean for row in rows], abs=1e-6)


def test_wide_tables_have_a_row_for_each_participant(tmp_path: Path) -> None:
    rows = [
        study_row({"participant": f"p{n}", "group": "old", "condition": c}, 0.1 * n + shift, change=shift)
        for n in range(3)
        for c, shift in (("calm", 0.0), ("very funny", 0.2))
    ]
    write_wide(tmp_path / "wide.csv", rows, ("participant", "group", "condition"))
    with open(tmp_path / "wide.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [
        *(
            "participant",
            "group",
            "calm_happy",
            "very_funny_happy",
            "calm_happy_change",
            "very_funny_happy_change",
        ),
    ]
    assert [line["very_funny_happy"] for line in lines] == ["0.2", "0.3", "0.4"]
    assert {line["group"] for line in lines} == {"old"}


def test_two_participants_have_no_effect_size_rather_than_none_at_all() -> None:
    found = compare_study(two_conditions(people=2), FIELDS, quick(measures=("happy",)))
    [happy] = found.comparisons
    assert np.isnan(happy.effect)
    assert happy.p == 0.5
    assert happy.cells()["effect"] is None


@pytest.mark.parametrize("values", [{"seed": -1}, {"draws": 1_000_000_000}, {"draws": 98}])
def test_draws_and_seeds_that_cannot_be_are_refused(values: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        CompareRules(**values)


def test_an_edited_table_without_a_row_that_can_be_used_says_why(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    write_long(path, two_conditions(people=2), FIELDS)
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    for text, why in (
        (header, "it ends after the header"),
        ("\n\n".join([header, *(line + "," for line in lines)]), "long.csv, line 3: left out: expected"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=f"got none that can be used: {why}"):
            read_long(path)


def test_why_nothing_can_be_compared_is_told() -> None:
    rows = two_conditions(people=3)
    first = rows[0].participant
    alone = [
        row
        for row in rows
        if row.participant == first or row.fields["condition"] == rows[0].fields["condition"]
    ]
    with pytest.raises(InputError, match=r"there are fewer: 2 of 3 participants have no condition"):
        compare_study(alone, FIELDS, quick(by="condition"))
