"""Coders' files against rows: coefficients, lags, differences, and what is said of files that are amiss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.agreement import AgreementOptions, LabelMap, compare_raters
from mien.agreement.coding import CodedStretch, Coding, apart
from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS
from mien.metrics import confusion_matrix
from mien.metrics.agreement import cohen_kappa, krippendorff_alpha
from mien.video.results import VideoResult
from tests.clips.making_rows import clip

SHOWN = ["neutral"] * 30 + ["happy"] * 40 + ["neutral"] * 20 + ["sad"] * 10


def coded(path: Path, stretches: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(map(str, stretch)) for stretch in stretches]
    path.write_text("\n".join(["start,end,label", *lines]) + "\n", encoding="utf-8")
    return path


def film() -> list[VideoResult]:
    return [clip("film.mp4", SHOWN)]


EXACT = [(0, 3, "neutral"), (3, 7, "happy"), (7, 9, "neutral"), (9, 10, "sad")]


def test_who_codes_the_same_agrees(tmp_path: Path) -> None:
    agreement = compare_raters(film(), [coded(tmp_path / "anna.csv", EXACT)])
    (pair,) = agreement.pairs
    assert (pair.one, pair.other, pair.seconds) == ("mien", "anna", 10.0)
    assert (pair.agreement.value, pair.kappa.value) == (1, 1)
    assert {name: figure.value for name, figure in pair.f1.items()} == {"happy": 1, "neutral": 1, "sad": 1}
    assert agreement.groups[0].alpha.value == 1
    assert agreement.differences == ()
    assert [lag.median for lag in pair.lags.values()] == [0, 0, 0]


def test_coefficients_are_those_of_the_moments(tmp_path: Path) -> None:
    one = coded(tmp_path / "anna.csv", [(0, 4, "neutral"), (4, 7, "happy"), (7, 10, "sad")])
    other = coded(tmp_path / "ben.csv", [(0, 5, "neutral"), (6, 10, "happy")])
    agreement = compare_raters(film(), [one, other])
    codes = {
        "mien": SHOWN,
        "anna": ["neutral"] * 40 + ["happy"] * 30 + ["sad"] * 30,
        "ben": ["neutral"] * 50 + [None] * 10 + ["happy"] * 40,
    }
    table = np.array(
        [[np.nan if label is None else EXPRESSIONS.index(label) for label in row] for row in codes.values()]
    )
    coders, everybody = agreement.groups
    assert coders.raters == ("anna", "ben")
    assert coders.alpha.value == pytest.approx(krippendorff_alpha(table[1:]))
    assert everybody.alpha.value == pytest.approx(krippendorff_alpha(table))
    for pair in agreement.pairs:
        rows = table[[list(codes).index(name) for name in (pair.one, pair.other)]]
        both = rows[:, np.isfinite(rows).all(axis=0)].astype(int)
        assert pair.kappa.value == pytest.approx(cohen_kappa(confusion_matrix(both[0], both[1], 7)))
        assert pair.seconds == pytest.approx(both.shape[1] / 10)
        assert pair.confusion.sum() == pytest.approx(pair.seconds)


def test_what_is_not_coded_is_missing_unless_it_is_said_to_be_neutral(tmp_path: Path) -> None:
    path = coded(tmp_path / "anna.csv", [(3, 7, "happy")])
    (pair,) = compare_raters(film(), [path]).pairs
    assert (pair.seconds, pair.agreement.value, pair.kappa.value) == (4, 1, None)
    (pair,) = compare_raters(film(), [path], AgreementOptions(uncoded="neutral")).pairs
    assert (pair.seconds, pair.agreement.value) == (10, pytest.approx(0.9))


def test_valence_out_of_labels_numbers_and_another_scale(tmp_path: Path) -> None:
    labels = coded(tmp_path / "labels.csv", EXACT)
    numbers = coded(tmp_path / "numbers.csv", [(0, 3, 5), (3, 7, 9), (7, 9, 5), (9, 10, 1)])
    agreement = compare_raters(film(), [labels, numbers], AgreementOptions(scale=(1, 9)))
    of_coders = next(pair for pair in agreement.pairs if (pair.one, pair.other) == ("labels", "numbers"))
    assert of_coders.icc.value == pytest.approx(1)
    assert (of_coders.seconds, of_coders.valence_seconds) == (0, 10), "numbers are no labels"
    assert agreement.groups[0].valence_alpha.value == pytest.approx(1)
    with pytest.raises(InputError, match=r"numbers\.csv, line 2: expected valence from -1 to 1; got 5"):
        compare_raters(film(), [numbers])


def many(count: int, coder: Path, late: float = 0.0, seed: int = 0) -> list[VideoResult]:
    """Recordings, and a coder who begins everything so much later."""
    random = np.random.default_rng(seed)
    videos = []
    for number in range(count):
        shown: list[str] = []
        while len(shown) < 400:
            options = [name for name in ("happy", "sad", "neutral") if not shown or name != shown[-1]]
            shown += [str(random.choice(options))] * int(random.integers(10, 40))
        videos.append(clip(f"r{number}.mp4", shown[:400]))
        edges = [0, *(np.flatnonzero(np.array(shown[1:400]) != np.array(shown[:399])) + 1), 400]
        coded(
            coder / f"r{number}.csv",
            [(a / 10 + late, b / 10 + late, shown[a]) for a, b in pairwise(edges)],
        )
    return videos


def test_a_late_coder_is_told_of_with_the_lag_and_the_shift(tmp_path: Path) -> None:
    videos = many(5, tmp_path / "anna", late=0.7)
    agreement = compare_raters(videos, [tmp_path / "anna"])
    (pair,) = agreement.pairs
    assert {label: round(lag.median, 2) for label, lag in pair.lags.items()} == {
        "happy": 0.7,
        "neutral": 0.7,
        "sad": 0.7,
    }
    assert pair.shift is not None
    assert (pair.shift.seconds, round(pair.shift.after, 3)) == (pytest.approx(-0.7), 1)
    assert any("--offset 'anna=-0.7'" in remark for remark in agreement.remarks)
    moved = compare_raters(videos, [tmp_path / "anna"], AgreementOptions(offsets={"anna": -0.7}))
    assert moved.pairs[0].shift is None
    assert moved.pairs[0].agreement.value == pytest.approx(1)
    with pytest.raises(InputError, match="expected offsets of coders anna; got one of bob"):
        compare_raters(videos, [tmp_path / "anna"], AgreementOptions(offsets={"bob": 1}))


def test_of_shifts_that_explain_as_much_the_nearest_is_told(tmp_path: Path) -> None:
    """What repeats itself every 2 s agrees after a shift by 2 s more as well."""
    edges = [place / 10 for place in range(0, 301, 10)]
    shown = ["neutral" if place // 10 % 2 else "happy" for place in range(300)]
    late = [(a + 0.4, b + 0.4, shown[round(a * 10)]) for a, b in pairwise(edges)]
    agreement = compare_raters([clip("film.mp4", shown)], [coded(tmp_path / "anna.csv", late)])
    assert agreement.pairs[0].shift is not None
    assert agreement.pairs[0].shift.seconds == pytest.approx(-0.4)


def test_a_shift_is_not_told_of_what_little_is_left_of_a_short_recording(tmp_path: Path) -> None:
    """Moved by 4 of 9 s, happy would stand beside happy; hardly more than half of it would be compared."""
    shown = ["neutral"] * 59 + ["happy"] * 10 + ["neutral"] * 21
    other = [(0, 1.9, "neutral"), (1.9, 2.9, "happy"), (2.9, 9, "neutral")]
    agreement = compare_raters([clip("film.mp4", shown)], [coded(tmp_path / "anna.csv", other)])
    assert agreement.pairs[0].shift is None


def test_intervals_are_over_recordings_and_one_has_none(tmp_path: Path) -> None:
    several = compare_raters(many(6, tmp_path / "anna", late=0.5), [tmp_path / "anna"])
    figure = several.pairs[0].kappa
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.value < figure.high
    assert not any("no interval" in remark for remark in several.remarks)
    one = compare_raters(many(1, tmp_path / "ben", late=0.5), [tmp_path / "ben"])
    assert (one.pairs[0].kappa.low, one.pairs[0].kappa.high) == (None, None)
    assert any("Of 1 recording there is no interval" in remark for remark in one.remarks)


def test_where_they_differ_comes_the_longest_first(tmp_path: Path) -> None:
    path = coded(tmp_path / "anna.csv", [(0, 3, "neutral"), (3, 5, "sad"), (5, 9.5, "neutral")])
    agreement = compare_raters(film(), [path], AgreementOptions(window=5))
    assert [(each.start, each.end, each.labels) for each in agreement.differences] == [
        (3, 5, ("happy", "sad")),
        (5, 7, ("happy", "neutral")),
        (9, 9.5, ("sad", "neutral")),
    ]
    first, second = agreement.windows
    assert (first.agreement, first.confused, first.confused_seconds) == (0.6, ("happy", "sad"), 2)
    assert second.coded == 4.5


def test_overlaps_are_not_counted_and_told_with_their_lines(tmp_path: Path) -> None:
    path = coded(tmp_path / "anna.csv", [(0, 4, "neutral"), (3, 7, "happy"), (6, 7, "happy")])
    agreement = compare_raters(film(), [path])
    assert agreement.pairs[0].seconds == 6
    assert any(
        "anna.csv, lines 2 and 3: neutral and happy overlap from 0:03.00 to 0:04.00" in remark
        for remark in agreement.remarks
    )


def test_stretches_of_one_label_may_overlap() -> None:
    kept, overlaps = apart(
        [CodedStretch(0, 2, "sad"), CodedStretch(1, 3, "sad"), CodedStretch(2.5, 4, "sad")]
    )
    assert (kept, overlaps) == ([CodedStretch(0, 4, "sad")], [])
    assert Coding(tuple(kept)).codes(np.array([3.9, 4.0]), ["sad"]).tolist() == [0, -1]


def test_other_labels_are_mapped_or_told(tmp_path: Path) -> None:
    path = coded(tmp_path / "anna.csv", [(0, 3, "calm"), (3, 7, "Joy"), (7, 9, "calm"), (9, 10, "bored")])
    plain = compare_raters(film(), [path])
    assert plain.pairs[0].agreement.value == pytest.approx(0.4)
    assert any("anna.csv, line 2: calm (2 times) is no label of the rows" in each for each in plain.remarks)
    assert plain.raters.classes.names[-2:] == ("bored", "calm")
    file = tmp_path / "map.txt"
    file.write_text("# words\nneutral = calm\n = bored\n", encoding="utf-8")
    mapped = compare_raters(film(), [path], AgreementOptions(labels=LabelMap.parse([str(file)])))
    assert (mapped.pairs[0].agreement.value, mapped.pairs[0].seconds) == (1, 9)
    assert not any("no label" in each for each in mapped.remarks)
    with pytest.raises(InputError, match="calm stands for neutral and for sad"):
        LabelMap.parse(["neutral=calm", "sad=calm"])


def test_stretches_outside_moments_and_files_of_nobody_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "anna"
    coded(folder / "film.csv", [*EXACT, (50, 60, "happy"), (2, "", "sad")])
    coded(folder / "other.csv", EXACT)
    remarks = compare_raters(film(), [folder]).remarks
    assert any("film.csv, line 6: happy at 0:50.0 lies outside the recording" in each for each in remarks)
    assert any("film.csv, line 7: sad has no end; left out" in each for each in remarks)
    assert any("other.csv: the rows have no such recording; left out" in each for each in remarks)


def test_a_coder_without_anything_is_left_out_and_the_others_are_compared(tmp_path: Path) -> None:
    good, empty = coded(tmp_path / "anna.csv", EXACT), tmp_path / "ben.csv"
    empty.write_text("start,end,label\n", encoding="utf-8")
    agreement = compare_raters(film(), [good, empty, tmp_path / "nobody.csv"])
    assert agreement.raters.names == ("mien", "anna")
    assert not agreement.raters.complete
    assert any("ben.csv" in each and "ben is left out" in each for each in agreement.remarks)
    assert any("nobody.csv is not there" in each for each in agreement.remarks)
    with pytest.raises(InputError, match=r"ben\.csv"):
        compare_raters(film(), [empty])


def test_several_recordings_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a folder with a file for each"):
        compare_raters(many(2, tmp_path / "a"), [coded(tmp_path / "all.csv", EXACT)])


def test_the_tier_with_labels_counts_and_two_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    path.write_text(
        "start,end,label,tier\n0,3,neutral,face\n3,7,happy,face\n0,5,hello there,words\n", encoding="utf-8"
    )
    agreement = compare_raters(film(), [path])
    assert agreement.pairs[0].agreement.value == 1
    assert any("tier face is used; words holds no label" in each for each in agreement.remarks)
    path.write_text("start,end,label,tier\n0,3,neutral,A\n3,7,happy,B\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected one tier with labels; got A, B: name one with --tier"):
        compare_raters(film(), [path])
    (pair,) = compare_raters(film(), [path], AgreementOptions(tiers=("B",))).pairs
    assert pair.seconds == 4


def test_a_person_of_the_rows_by_number(tmp_path: Path) -> None:
    path = coded(tmp_path / "anna.csv", EXACT)
    assert compare_raters(film(), [path], AgreementOptions(person=1)).pairs[0].kappa.value == 1
    with pytest.raises(InputError, match="expected a person of the rows; got 7"):
        compare_raters(film(), [path], AgreementOptions(person=7))


def test_a_coder_who_is_given_twice_counts_once(tmp_path: Path) -> None:
    anna, link = coded(tmp_path / "anna.csv", EXACT), tmp_path / "ben.csv"
    link.symlink_to(anna)
    found = compare_raters(film(), [anna, anna, link], AgreementOptions())
    assert found.raters.names == ("mien", "anna")
    assert [remark for remark in found.remarks if "given before" in remark] == [
        f"{path} was given before; it counts once" for path in (anna, link)
    ]


@pytest.mark.parametrize(
    "values",
    [{"offsets": {"": float("nan")}}, {"offsets": {"anna": 1e300}}, {"scale": (float("-inf"), 1.0)}],
)
def test_endless_times_and_scales_are_refused(values: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        AgreementOptions(**values)


def test_a_stretch_over_many_short_ones_is_counted_where_it_is_alone() -> None:
    """In a moment: each edge against every stretch takes minutes."""
    short = [CodedStretch(n + 0.25, n + 0.5, "happy", n + 2) for n in range(10_000)]
    kept, overlaps = apart([CodedStretch(0, 10_000, "neutral", 1), *short])
    assert len(overlaps) == 10_000
    assert [each[:3] for each in kept[:2]] == [(0, 0.25, "neutral"), (0.5, 1.25, "neutral")]
    assert sum(each.end - each.start for each in kept) == 7_500


@pytest.mark.parametrize(("count", "told"), [(3, "there is no interval"), (5, "may be too narrow"), (10, "")])
def test_how_far_intervals_of_few_recordings_can_be_trusted_is_told(
    tmp_path: Path, count: int, told: str
) -> None:
    agreement = compare_raters(many(count, tmp_path / "anna"), [tmp_path / "anna"])
    remarks = [remark for remark in agreement.remarks if "interval" in remark]
    assert len(remarks) == bool(told)
    assert all(told in remark for remark in remarks)
