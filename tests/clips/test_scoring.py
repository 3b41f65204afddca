"""Reference labels, names, and what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.clips.aggregate import ClipRule
from mien.clips.facts import clip_row, compared
from mien.clips.predictions import ScoreOptions, read_predictions
from mien.clips.reference import match_names, read_reference
from mien.clips.scoring import score_clips
from mien.core.errors import InputError
from mien.core.labels import FERPLUS
from mien.metrics import macro_f1, wilson
from mien.metrics.sentiment import PRESETS, open_mapping
from mien.outputs.tables import read_videos
from tests.clips.making_rows import clip, write_reference, write_table

FOUR: dict[str, list[str | None]] = {
    "a/1.mp4": ["happy"] * 4,
    "a/2.mp4": ["sad", "sad", None],
    "b/3.mp4": ["happy", "sad", "angry", "fear"],
    "b/4.mp4": [None, None],
}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_table(tmp_path / "rows.csv", [clip(name, shown) for name, shown in FOUR.items()])


def scored(rows: Path, labels: dict[str, str], options: ScoreOptions | None = None):  # type: ignore[no-untyped-def]
    return score_clips(
        read_predictions(rows, options),
        read_reference(write_reference(rows.parent / "reference.csv", labels)),
        options,
    )


REFERENCE = {"1": "Happiness", "2.avi": "happy", "b/3.mp4": "anger", "4": "neutral"}


def test_every_clip_has_a_status_and_abstentions_are_counted_apart(rows: Path) -> None:
    score = scored(rows, REFERENCE)
    assert [(one.file, one.status, one.reference) for one in score.clips] == [
        ("a/1.mp4", "right", "happy"),
        ("a/2.mp4", "wrong", "happy"),
        ("b/3.mp4", "unsure", "angry"),
        ("b/4.mp4", "no_face", "neutral"),
    ]
    assert (score.accuracy.right, score.accuracy.n, score.answered.right, score.answered.n) == (1, 4, 1, 2)
    assert (score.accuracy.facts()["low"], score.accuracy.facts()["high"]) == wilson(1, 4)
    assert score.confusion.sum() == 2
    assert score.confusion[score.classes.index("happy"), score.classes.index("sad")] == 1
    assert score.unanswered.tolist() == [1 if name in ("angry", "neutral") else 0 for name in score.classes]
    assert score.macro_f1 == pytest.approx(
        (2 / 3 + 0 + 0 + 0) / 4
    )  # happy; sad, answered wrongly; angry and neutral, missed.
    assert score.complete
    assert score.coverage == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)


def test_with_an_answer_for_every_clip_macro_f1_is_the_usual_one(rows: Path) -> None:
    score = scored(
        rows,
        {name: label for name, label in REFERENCE.items() if name != "4"},
        ScoreOptions(ClipRule(min_confidence=0)),
    )
    assert score.macro_f1 == pytest.approx(macro_f1(score.confusion))
    assert score.count("no_reference") == 1
    assert not score.complete


def test_the_papers_counts_and_totals(rows: Path) -> None:
    score = scored(rows, REFERENCE, ScoreOptions(ClipRule("count"), PRESETS["yin"]))
    row = clip_row("mtcnn", score.clips[1])
    assert {
        key: row[key]
        for key in ("file", "reference", "predicted", "positive", "neutral", "negative", "frames", "seen")
    } == {
        "file": "a/2.mp4",
        "reference": "happy",
        "predicted": "sad",
        "positive": 0,
        "neutral": 2,
        "negative": 0,
        "frames": 3,
        "seen": 2,
    }
    assert row["coverage"] == pytest.approx(2 / 3, abs=1e-6)
    assert row["frames_sad"] == 2
    assert [
        (total.name, total.clips, total.frames, total.sentiment["positive"]) for total in score.totals
    ] == [
        ("all", 4, 10, 5),
        ("a/", 2, 6, 4),
        ("b/", 2, 4, 1),
    ]
    people = scored(rows, REFERENCE, ScoreOptions(group_by="person")).totals
    assert [(total.name, total.frames) for total in people] == [
        ("all", 10),
        *((f"{name}, person 1", n) for name, n in zip(FOUR, (4, 2, 4), strict=False)),
    ]


def test_sentiments_and_expressions(rows: Path) -> None:
    score = scored(rows, {"1": "positive", "2": "Negative", "3": "neutral"})
    assert list(score.classes) == ["positive", "neutral", "negative"]
    assert [one.status for one in score.clips] == ["right", "right", "wrong", "no_reference"]
    mapped = scored(rows, REFERENCE, ScoreOptions(classes="sentiment"))
    assert [one.reference for one in mapped.clips] == ["positive", "positive", "negative", "neutral"]
    with pytest.raises(InputError, match="leave out --classes expression"):
        scored(rows, {"1": "positive"}, ScoreOptions(classes="expression"))
    halves = {**dict.fromkeys(FERPLUS, "neutral"), "happy": {"positive": 0.5, "negative": 0.5}}
    with pytest.raises(InputError, match="happy is as much positive as negative"):
        scored(rows, REFERENCE, ScoreOptions(mapping=open_mapping(halves), classes="sentiment"))


def test_a_reference_class_that_the_network_does_not_know_is_a_class_too(rows: Path) -> None:
    score = scored(rows, {"1": "contempt", "2": "sad"})
    assert "contempt" in score.classes
    assert [one.status for one in score.clips[:2]] == ["wrong", "right"]


def test_what_is_missing_is_listed_and_the_rest_scored(rows: Path) -> None:
    write_table(
        rows,
        [
            clip("a/1.mp4", ["happy"]),
            clip("b/1.mp4", ["happy"]),
            clip("2.mp4", ["sad"]),
            clip("3.mp4", ["!"]),
            clip("4.mp4", ["sad"]),
        ],
    )
    score = scored(rows, {"1": "happy", "2": "sad", "3": "sad", "9.mp4": "fear"})
    statuses = {(one.file, one.status) for one in score.clips}
    assert statuses == {
        ("a/1.mp4", "ambiguous"),
        ("b/1.mp4", "ambiguous"),
        ("1", "ambiguous"),
        ("2.mp4", "right"),
        ("3.mp4", "unreadable"),
        ("4.mp4", "no_reference"),
        ("9.mp4", "missing"),
    }
    assert score.problems == ("1 fits a/1.mp4 and b/1.mp4: write more of its path",)
    assert score.accuracy.n == 1


def test_a_folder_of_tables(tmp_path: Path) -> None:
    folder = tmp_path / "mtcnn"
    for form, name in (("csv", "1.mp4"), ("jsonl", "2.mp4"), ("parquet", "3.mp4")):
        write_table(folder / "deep" / f"{form}.{form}", [clip(name, ["happy"])])
    write_table(folder / "again.csv", [clip("1.mp4", ["sad"])])
    (folder / "persons.csv").write_text("source,track,first\n", encoding="utf-8")
    (folder / ".hidden.csv").write_text("", encoding="utf-8")
    (folder / "late.csv.checkpoint").mkdir()
    (folder / "late.csv.checkpoint" / "asked.json").write_text("{}", encoding="utf-8")
    (folder / "notes.txt").write_text("", encoding="utf-8")
    found = read_predictions(folder)
    assert sorted(one.source for one in found.clips) == ["1.mp4", "2.mp4", "3.mp4"]
    assert found.twice == {"1.mp4"}
    told = "\n".join(found.problems)
    assert "late.csv: not finished: give its mien analyze again" in told
    assert (
        "persons.csv: expected a table of rows that mien analyze writes; it has no frame, time, status"
        in told
    )
    assert f"1.mp4 stands in {folder / 'again.csv'} and in {folder / 'deep' / 'csv.csv'}" in told
    assert len(found.problems) == 3
    score = score_clips(
        found,
        read_reference(write_reference(tmp_path / "reference.csv", {"1": "happy", "2": "happy", "3": "sad"})),
    )
    assert [one.status for one in sorted(score.clips, key=lambda one: one.file)] == [
        "ambiguous",
        "right",
        "wrong",
    ]


def test_images_of_a_folder_are_one_clip(tmp_path: Path) -> None:
    shown = {
        "s/1/a.png": "sad",
        "s/1/b.png": "happy",
        "s/1/c.png": "happy",
        "s/1/d.png": None,
        "s/2/a.png": "fear",
        "s/2/b.png": "!",
    }
    rows = write_table(tmp_path / "rows.csv", [clip(name, [label]) for name, label in shown.items()])
    score = scored(rows, {"s/1": "happy", "2": "fear"}, ScoreOptions(ClipRule("count"), sequences=True))
    assert [(one.file, one.status) for one in score.clips] == [("s/1", "right"), ("s/2", "right")]
    first, second = (one.result for one in score.clips)
    assert (first.frames, first.seen, first.coverage) == (4, 3, 0.75)
    assert (second.frames, second.failures) == (1, 1)


def test_a_table_is_read_as_it_is_needed(rows: Path) -> None:
    with open(rows, "a", encoding="utf-8") as file:
        file.write("damaged\n")
    videos = read_videos(rows)
    assert next(videos).source == "a/1.mp4"
    with pytest.raises(InputError, match="expected 35 cells, as the header has; got fewer"):
        list(videos)


def test_predictions_without_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is none: mien analyze writes them"):
        read_predictions(tmp_path)
    with pytest.raises(InputError, match="expected rows of clips; got none"):
        read_predictions(write_table(tmp_path / "rows.csv", []))
    with pytest.raises(InputError, match=r"none\.csv is not there"):
        read_predictions(tmp_path / "none.csv")


def test_no_name_fits(rows: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"expected clips with reference labels; got none: the labels name 7.mp4, the rows a/1.mp4",
    ):
        scored(rows, {"7.mp4": "happy"})


def test_side_by_side(rows: Path) -> None:
    other = write_table(rows.with_name("haar.csv"), [clip("a/1.mp4", ["sad"]), clip("a/2.mp4", ["happy"])])
    both = compared(scored(rows, REFERENCE), scored(other, REFERENCE))
    assert (both.n, both.both, both.first, both.second) == (2, 0, 1, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a header with one column file .*; got nothing: name the columns file and label"),
        ("1.mp4,happy\n", "expected a header with one column file"),
        ("file,happy\n", "expected a header with one column label"),
        ("file,label,reference\n1,a,b\n", "expected a header with one column label"),
        ("file,label\n", "expected reference labels; got none"),
        (
            "file,label\n1,happy\n1,sad\n",
            "got none that can be used: .*line 3: 1 has two labels, happy and sad",
        ),
        ("file,label\n1,Freude\n2,joy\n3,Wut\n", r"got 'Freude' \(line 2\), 'Wut' \(line 4\): rename them"),
        ("file,label\n" + "".join(f"{n},mood{n}\n" for n in range(20)), "and 12 more: rename them"),
        (
            "file,label\n1,happy\n2,negative\n",
            r"expected either expressions or positive, neutral, negative; got both \(negative, happy\)",
        ),
        ('file,label\n"1,happy\n', "expected reference labels as CSV; got unexpected end of data"),
    ],
)
def test_reference_files_that_cannot_be_used(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "reference.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        read_reference(tmp_path / "reference.csv")
    assert "\n" not in str(caught.value)


def test_reference_files_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "reference.csv"
    path.write_text(
        "\ufeffrater;Clip;Emotion\nAnn;1.mp4; Happiness \n\nBob;2.mp4;\nBob;3.mp4;sad\nAnn;3.mp4;fear\nAnn;1.mp4;joy\n",
        encoding="utf-8",
    )
    reference = read_reference(path)
    assert [(one.file, one.label) for one in reference.labels] == [("1.mp4", "happy")]
    assert reference.ambiguous == ("3.mp4",)
    assert [problem.split(": ", 1)[1] for problem in reference.problems] == [
        "expected a file and its label; got Bob, 2.mp4, : left out",
        "3.mp4 has two labels, sad and fear: left out",
    ]
    path.write_text("file,label\n1,neutral\n", encoding="utf-8")
    assert read_reference(path).kind == "sentiment"
    path.write_bytes(b"file,label\n\xff,happy\n")
    with pytest.raises(InputError, match="write it as CSV in UTF-8"):
        read_reference(path)


@pytest.mark.parametrize(
    ("reference", "clips", "pairs"),
    [
        (["1"], ["/data/a/1.mp4"], {"/data/a/1.mp4": "1"}),
        (["a\\1.mp4"], ["x/a/1.mp4", "x/b/1.mp4"], {"x/a/1.mp4": "a\\1.mp4"}),
        (["/elsewhere/a/1.mp4"], ["1.mp4"], {"1.mp4": "/elsewhere/a/1.mp4"}),
        (["1.mp4"], ["1.mp4", "1.avi"], {"1.mp4": "1.mp4"}),
        (["1.mp4"], ["a/1.mp4", "1.mp4"], {"1.mp4": "1.mp4"}),
        (["v1.2"], ["v1.2.mp4", "v1.3.mp4"], {"v1.2.mp4": "v1.2"}),
        (["b/1"], ["a/1.mp4"], {}),
        (["a/1", "b/1"], ["1.mp4"], {}),
        (["a/1.mp4", "1.mp4"], ["a/1.mp4", "b/1.mp4"], {"a/1.mp4": "a/1.mp4"}),
    ],
)
def test_names(reference: list[str], clips: list[str], pairs: dict[str, str]) -> None:
    assert match_names(reference, clips).pairs == pairs


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("123")).map("/".join), unique=True, max_size=9
    ),
    st.data(),
)
def test_whole_paths_always_find_their_own_clip(clips: list[str], data: st.DataObject) -> None:
    reference = data.draw(st.permutations(clips))
    found = match_names(reference, [f"{clip}.mp4" for clip in clips])
    assert found.pairs == {f"{clip}.mp4": clip for clip in clips}
    assert not found.missing
    assert not found.ambiguous
