"""Tables read back."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien import analyze
from mien.core.errors import InputError
from mien.core.labels import EXPRESSIONS, FERPLUS
from mien.core.measures import MEASURES, REASONS
from mien.outputs.tables import FORMATS, open_table, read_videos
from mien.video.results import VideoResult
from tests.clips.making_rows import clip, write_table

SHOWN = [
    clip("a/1.mp4", [None, "happy", "sad", "!", "happy"]),
    clip("a/2.mp4", ["sad", None]),
    clip("b/1.mp4", ["!"]),
]


def same(one: VideoResult, other: VideoResult) -> bool:
    return list(one.rows()) == list(other.rows())


@pytest.mark.parametrize("form", FORMATS)
def test_rows_come_back_as_they_were(form: str, tmp_path: Path) -> None:
    back = list(read_videos(write_table(tmp_path / f"rows.{form}", SHOWN)))
    assert [video.source for video in back] == ["a/1.mp4", "a/2.mp4", "b/1.mp4"]
    for one, other in zip(back, SHOWN, strict=True):
        assert one.frames.tolist() == other.frames.tolist()
        assert one.times.tolist() == other.times.tolist()
        assert [str(failure.error) for failure in one.failures] == [
            str(failure.error) for failure in other.failures
        ]
        assert np.allclose(one.faces.boxes, other.faces.boxes)
        assert np.allclose(one.faces.probs, other.faces.probs, atol=1e-6)
        assert one.faces.labels == other.faces.labels


def smoothed_with_landmarks() -> VideoResult:
    """Three faces of which the second could not be measured, in another emotion than its most probable one."""
    video = clip("a.mp4", ["happy", "sad", "happy"])
    measures = np.linspace(-1, 1, 3 * len(MEASURES)).reshape(3, -1)
    measures[1] = np.nan
    measures[2, 3] = np.nan
    faces = video.faces.with_columns(
        smoothed_probs=video.faces.probs[[0, 0, 2]],
        smoothed_emotion_ids=[EXPRESSIONS.index("happy")] * 3,
        measures=measures,
        measure_reasons=[0, REASONS.index("too small"), 0],
        talking=[1, 0, -1],
    )
    return replace(video, faces=faces)


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_smoothed_and_measured_comes_back(form: str, tmp_path: Path) -> None:
    video = smoothed_with_landmarks()
    with open_table(tmp_path / f"rows.{form}", form, EXPRESSIONS, landmarks=True) as write:
        write(video.rows())
    (back,) = read_videos(tmp_path / f"rows.{form}")
    for found, written in zip(back.rows(), video.rows(), strict=True):
        for name in ("valence", "expressiveness"):  # Of probabilities that were rounded on the way.
            assert found.pop(name) == pytest.approx(written.pop(name), abs=1e-5)
        assert found == written
    assert [face.label for face in back.faces] == ["happy"] * 3, "the smoothed emotion is what is shown"
    assert [face.talking for face in back.faces] == [True, False, None]
    assert back.faces.measures is not None
    assert np.isnan(back.faces.measures[1]).all()


@pytest.mark.parametrize("form", FORMATS)
def test_eight_expressions_and_tables_of_nobody(form: str, tmp_path: Path) -> None:
    eight = clip("a.mp4", ["contempt"], labels=FERPLUS)
    (back,) = read_videos(write_table(tmp_path / f"rows.{form}", [eight], FERPLUS))
    assert back.faces.labels == FERPLUS
    assert back.faces.emotions == ["contempt"]
    (nobody,) = read_videos(write_table(tmp_path / f"none.{form}", [clip("a.mp4", [None, None])]))
    assert (len(nobody.faces), nobody.frames.tolist()) == (0, [0, 1])
    assert list(read_videos(write_table(tmp_path / f"empty.{form}", []))) == []


def test_what_analyze_writes_reads_back(tmp_path: Path, portrait: np.ndarray) -> None:
    results = analyze(portrait, threads=1)
    with open_table(tmp_path / "rows.json", "json", results.labels) as write:
        write(results.rows())
    (back,) = read_videos(tmp_path / "rows.json")
    (wanted,) = results
    assert [row["probs"] for row in back.rows()] == [row["probs"] for row in wanted.rows()]


def test_json_of_any_layout_and_length(tmp_path: Path) -> None:
    many = clip("a.mp4", ["happy"] * 300)
    rows = list(many.rows())
    (tmp_path / "one.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "wide.json").write_text(json.dumps(rows, indent=4), encoding="utf-8")
    for name in ("one.json", "wide.json"):
        (back,) = read_videos(tmp_path / name)
        assert len(back.faces) == 300


def _text(path: Path) -> str:
    return write_table(path, SHOWN).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("a.csv", lambda text: "", "it has no source, frame, time, status, track, x1, y1, x2, y2"),
        ("a.csv", lambda text: "file,label\nx,happy\n", "it has no source"),
        (
            "a.csv",
            lambda text: text.replace("smoothed_", "even_"),
            "expected columns of expressions, such as happy and smoothed_happy",
        ),
        ("a.csv", lambda text: text.replace("face,1,", "face,one,"), "line 3: expected numbers; .*'one'"),
        (
            "a.csv",
            lambda text: text.replace(",no_face,", ",nobody,"),
            "expected a status face, no_face or error; got 'nobody'",
        ),
        (
            "a.csv",
            lambda text: text + '"a',
            "expected a table that mien analyze writes; got unexpected end of data",
        ),
        ("a.csv", lambda text: text + text.split("\n", 1)[1].split("a/2")[0], None),
        (
            "a.csv",
            lambda text: "\n".join([*text.splitlines()[:1], *text.splitlines()[:0:-1]]),
            "in the order of its frames; 0 follows 1",
        ),
        ("a.jsonl", lambda text: text[:-40], "line 8: expected one JSON object a line; the line breaks off"),
        ("a.jsonl", lambda text: "[1]\n", "row 1: expected an object that mien analyze writes; got list"),
        ("a.jsonl", lambda text: '{"source": "a"}\n', "it has no frame, time, status, box, probs"),
        (
            "a.jsonl",
            lambda text: text.replace('"happy": 0.9', '"joyful": 0.9', 1),
            "row 3: expected probabilities of .*joyful.*; got .*happy",
        ),
        ("a.json", lambda text: text[:-40], "expected a whole JSON array of rows; it breaks off after 7"),
        (
            "a.json",
            lambda text: "<html>",
            "expected a JSON array of rows that mien analyze writes; got '<html>'",
        ),
        ("a.json", lambda text: "", "it breaks off after 0"),
        ("a.parquet", lambda text: "PAR1", "expected a whole Parquet table"),
        ("a.txt", lambda text: "", "expected a table ending in .json, .jsonl, .csv or .parquet"),
    ],
)
def test_tables_that_cannot_be_read(name: str, change, told: str | None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    text = _text(path) if path.suffix in (".csv", ".jsonl", ".json") else ""
    path.write_text(change(text), encoding="utf-8")
    if told is None:
        assert [video.source for video in read_videos(path)] == [
            "a/1.mp4",
            "a/2.mp4",
            "b/1.mp4",
            "a/1.mp4",
        ]
        return
    with pytest.raises(InputError, match=told) as caught:
        list(read_videos(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("column", ["probs", "smoothed_probs"])
@pytest.mark.parametrize("wrong", [[0.9] * 7, [1.2, -0.2, 0, 0, 0, 0, 0], [0.1] * 7])
def test_numbers_that_are_no_probabilities_are_told(
    form: str, column: str, wrong: list[float], tmp_path: Path
) -> None:
    video = smoothed_with_landmarks()
    probs = getattr(video.faces, column).copy()
    probs[1] = wrong
    changed = replace(video, faces=video.faces.with_columns(**{column: probs}))
    with pytest.raises(
        InputError, match=f"(line|row) .: expected {column} from 0 to 1 that add up to 1; got "
    ):
        list(read_videos(write_table(tmp_path / f"rows.{form}", [changed])))


@pytest.mark.parametrize("column", ["frame", "time"])
@pytest.mark.parametrize("status", ["face", "no_face"])
def test_a_frame_without_its_time_is_told(column: str, status: str, tmp_path: Path) -> None:
    rows = [dict(row) for row in SHOWN[0].rows()]
    next(row for row in rows if row["status"] == status)[column] = None
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match=r"row .: expected a frame and its time; got .*None"):
        list(read_videos(tmp_path / "rows.json"))


@pytest.mark.parametrize(
    ("cut", "comma", "mark"), [(";", ",", "\ufeff"), (";", ".", ""), ("\t", ".", ""), (",", ".", "\ufeff")]
)
def test_tables_that_a_spreadsheet_has_saved(cut: str, comma: str, mark: str, tmp_path: Path) -> None:
    written = write_table(tmp_path / "rows.csv", [*SHOWN, clip("1,5", ["happy"])])
    with open(written, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    number = re.compile(r"-?\d+\.\d+")
    with open(tmp_path / "saved.csv", "w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=cut).writerows(
            [cell.replace(".", comma) if number.fullmatch(cell) else cell for cell in line] for line in lines
        )
    before, after = list(read_videos(written)), list(read_videos(tmp_path / "saved.csv"))
    assert len(after) == len(before) == 4
    assert all(map(same, before, after))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [*lines[:2], lines[2][:9]], "line 3: expected 35 cells, as the header has; got fewer"),
        (lambda lines: [*lines[:2], [*lines[2], "x"]], "line 3: expected 35 cells, .* got more"),
        (lambda lines: [lines[0], ["a", "1.5", *lines[1][2:]]], "expected numbers; '1.5' is no whole one"),
    ],
)
def test_lines_of_other_lengths_and_kinds(change, told: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    written = write_table(tmp_path / "rows.csv", SHOWN)
    with open(written, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    with open(written, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(change(lines))
    with pytest.raises(InputError, match=told):
        list(read_videos(written))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_tables_in_another_encoding(encoding: str, tmp_path: Path) -> None:
    for ending in ("csv", "json", "jsonl"):
        written = write_table(tmp_path / f"rows.{ending}", [clip("é.mp4", ["happy"])])
        written.write_bytes(written.read_text(encoding="utf-8").replace("e.mp4", "é.mp4").encode(encoding))
        with pytest.raises(InputError, match="got text that is not UTF-8"):
            list(read_videos(written))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    for form in FORMATS:
        with pytest.raises(InputError, match=r"rows|Parquet"):
            list(read_videos(tmp_path / f"none.{form}"))
