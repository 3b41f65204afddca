"""``mien study``: from recordings to tables, comparison, page and paragraphs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.cli.study import CompareOptions, MeasureOptions, _tables
from mien.core.drawn_face import draw_portrait
from mien.core.errors import InputError
from mien.media import VideoWriter
from mien.studies.recordings import find_recordings
from mien.studies.study import StudyRules, measure_study
from tests.commands import run_mien
from tests.studies.making_studies import happiness, save, smiling

PATTERN = "rows/{participant}/{condition}.csv"
pytestmark = pytest.mark.integration
QUICK = ("--draws", 499)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Six participants under two conditions, the second happier by 0.3."""
    for person in range(6):
        for condition, happy in (("calm", 0.2), ("funny", 0.5)):
            save(
                tmp_path / f"rows/p{person}/{condition}.csv",
                smiling(happy + 0.02 * person, source=f"{person}.mp4"),
            )
    return tmp_path


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def facts(folder: Path) -> Any:
    return json.loads((folder / "study.json").read_text(encoding="utf-8"))


def test_a_study_of_saved_rows(rows: Path) -> None:
    ran = run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows)
    assert ran.returncode == 0, ran.stderr
    out = rows / "out"
    assert {path.name for path in out.iterdir()} >= {
        *("long.csv", "wide.csv", "comparison.csv", "comparison.json", "study.json", "paragraphs.md"),
    }
    happy = [line for line in read(out / "long.csv") if line["measure"] == "happy"]
    assert len(happy) == 12
    assert float(happy[0]["mean"]) == pytest.approx(0.2)
    assert (happy[0]["event"], happy[0]["start"], happy[0]["end"], happy[0]["coverage"]) == (
        "whole",
        "0.0",
        "10.0",
        "1.0",
    )
    wide = read(out / "wide.csv")
    assert [line["participant"] for line in wide] == [f"p{person}" for person in range(6)]
    assert float(wide[5]["funny_happy"]) == pytest.approx(0.6)
    compared = {line["measure"]: line for line in read(out / "comparison.csv")}
    assert float(compared["happy"]["difference"]) == pytest.approx(0.3)
    assert (compared["happy"]["a"], compared["happy"]["b"], compared["happy"]["paired"]) == (
        "calm",
        "funny",
        "1",
    )
    assert float(compared["happy"]["p"]) == pytest.approx(2 / 64)  # All six the same way: exact.
    assert "funny - calm" in ran.stdout
    assert "not an emotion that a person feels" in ran.stdout
    assert "## Methods" in (out / "paragraphs.md").read_text(encoding="utf-8")
    assert facts(out)["participants"] == 6
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Saved rows of 12 recordings of 6 participants" in page
    assert "data:image/png" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_one_table_of_all_recordings_is_told_apart_by_the_pattern(rows: Path) -> None:
    videos = [
        smiling(0.2 + 0.3 * (c == "funny") + 0.01 * n, source=f"v/p{n}/{c}.mp4")
        for n in range(3)
        for c in ("calm", "funny")
    ]
    save(rows / "all.jsonl", *videos, smiling(0.4, source="v/elsewhere.mp4"))
    ran = run_mien(
        "study", "run", "{participant}/{condition}.mp4", "--rows", "all.jsonl", "-o", "out", *QUICK, cwd=rows
    )
    assert ran.returncode == 3
    assert "1 source of the rows is no recording" not in ran.stderr  # Folders before may be others: it fits.
    assert "p2" in (rows / "out/wide.csv").read_text()
    table = rows / "list.csv"
    table.write_text(
        "file,participant,condition\n"
        + "".join(f"v/p{n}/{c}.mp4,p{n},{c}\n" for n in range(4) for c in ("calm", "funny"))
    )
    ran = run_mien("study", "run", table, "--rows", "all.jsonl", "-o", "listed", *QUICK, cwd=rows)
    assert ran.returncode == 3
    assert "1 source of the rows is no recording of" in ran.stderr
    assert "v/elsewhere.mp4" in ran.stderr
    assert "v/p3/calm.mp4: there are no rows of it" in ran.stderr
    assert len(read(rows / "listed/wide.csv")) == 3


def test_events_baselines_and_what_is_amiss(rows: Path) -> None:
    (rows / "events.csv").write_text(
        "start,end,label,subject\n1,3,joke,\n5,8,film,\n9,9.5,own,p0\n40,41,late,\n"
    )
    ran = run_mien(
        *(
            "study",
            "run",
            PATTERN,
            "-o",
            "out",
            "--events",
            "events.csv",
            "--baseline-window",
            "-1:0",
            *QUICK,
        ),
        cwd=rows,
    )
    assert ran.returncode == 3, ran.stderr
    assert "rows/p0/calm.csv: events.csv, line 5, late at 40 s: outside the recording" in ran.stderr
    lines = read(rows / "out/long.csv")
    assert {line["event"] for line in lines if line["participant"] == "p0"} == {"joke", "film", "own"}
    assert {line["event"] for line in lines if line["participant"] == "p1"} == {"joke", "film"}
    joke = next(line for line in lines if line["event"] == "joke")
    assert [float(joke[name]) for name in ("start", "end", "baseline_start", "baseline_end", "change")] == [
        1,
        3,
        0,
        1,
        0,
    ]
    assert facts(rows / "out")["rules"]["baseline-window"] == [-1.0, 0.0]
    again = run_mien(
        "study", "compare", "out", "--by", "event", "--statistic", "mean", "-o", "events", *QUICK, cwd=rows
    )
    assert again.returncode == 3
    assert "5 of 6 participants have no event own" in again.stderr
    assert {(line["a"], line["b"]) for line in read(rows / "events/comparison.csv")} == {("film", "joke")}


def test_a_baseline_in_which_nobody_was_read_is_told(rows: Path) -> None:
    away = [None] * 10 + [0.5] * 10
    for person in range(2):
        for condition in ("calm", "funny"):
            seen = away if (person, condition) == (1, "funny") else [0.5] * 20
            save(rows / f"b/p{person}/{condition}.csv", happiness(seen, source="v.mp4"))
    (rows / "e.csv").write_text("time,label\n5,joke\n")
    command = ("study", "run", "b/{participant}/{condition}.csv", "-o", "out", "--events", "e.csv")
    ran = run_mien(*command, "--baseline-window", "-2:0", *QUICK, cwd=rows)
    assert ran.returncode == 3
    assert (
        "b/p1/funny.csv: nobody was read in the baseline of joke at 5 s: what changes is not known"
        in ran.stderr
    )
    assert "nothing was compared" in ran.stderr  # One participant is left.


def test_events_about_one_participant_are_of_no_other_also_in_rows(tmp_path: Path) -> None:
    videos = [smiling(0.3, source=f"p{person}/calm.mp4") for person in range(2)]
    save(tmp_path / "all.csv", *videos)
    (tmp_path / "e.csv").write_text("start,end,label,subject\n1,2,both,\n2,3,own,p1\n3,4,cheer,the child\n")
    found = find_recordings("{participant}/{condition}.mp4", on_disk=False)
    study = measure_study(found, StudyRules(events=str(tmp_path / "e.csv")), [tmp_path / "all.csv"])
    events = {(row.participant, row.window.event) for row in study.rows}
    assert events == {("p0", "both"), ("p0", "cheer"), ("p1", "both"), ("p1", "own"), ("p1", "cheer")}
    assert study.problems == []


def test_files_of_events_by_participant(rows: Path) -> None:
    for person in range(5):
        (rows / f"p{person}.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\njoke\n")
    ran = run_mien("study", "run", PATTERN, "-o", "out", "--events", "{participant}.vtt", *QUICK, cwd=rows)
    assert ran.returncode == 3
    assert "rows/p5/calm.csv: left out" in ran.stderr
    assert len(read(rows / "out/wide.csv")) == 5
    wrong = run_mien("study", "run", PATTERN, "-o", "two", "--events", "{who}.vtt", *QUICK, cwd=rows)
    assert wrong.returncode == 2
    assert "expected fields such as participant, condition" in wrong.stderr


@pytest.mark.parametrize(
    "name", ["{}.vtt", "{who}.vtt", "{participant.name}.vtt", "{participant[x]}.vtt", "{participant:d}.vtt"]
)
def test_names_of_files_of_events_have_fields_of_recordings(rows: Path, name: str) -> None:
    with pytest.raises(InputError, match="expected fields such as participant, condition"):
        measure_study(find_recordings(str(rows / PATTERN)), StudyRules(events=name))


def test_a_manifest_is_that_of_shards_beside_it(rows: Path) -> None:
    (rows / "rows/manifest.json").write_text('{"name": "a site"}')
    tables, settings = _tables([rows / "rows"])
    assert {table.suffix for table in tables} >= {".csv"}
    assert settings == {}
    (rows / "rows/shard-000000.csv").touch()
    with pytest.raises(InputError, match=r"manifest\.json: expected the manifest of a run"):
        _tables([rows / "rows"])


def test_an_edited_table_is_compared_and_its_broken_lines_are_told(rows: Path) -> None:
    assert run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows).returncode == 0
    table = rows / "out/long.csv"
    lines = table.read_text().splitlines()
    lines[0] = lines[0].replace("condition", "group")
    lines = [line.replace("p0,calm", "p0,none") for line in lines]
    lines[20] = lines[20].replace("10.0", "ten", 1)
    table.write_text("\n".join(lines) + "\n")
    ran = run_mien(
        "study", "compare", "out/long.csv", "--by", "group", "--measures", "happy,valence", *QUICK, cwd=rows
    )
    assert ran.returncode == 3
    page = (rows / "out/report.html").read_text(encoding="utf-8")
    assert "12 recordings</summary>" in page  # What study.json says of them stays on the page.
    assert "long.csv, line 21: left out: expected a number as end; got 'ten'" in ran.stderr
    assert "participants has no group calm and is left out of its comparisons: p0" in ran.stderr
    assert {line["measure"] for line in read(rows / "out/comparison.csv")} == {"happy", "valence"}


def test_a_participant_who_is_taken_out_of_the_table_is_in_no_figure(rows: Path) -> None:
    assert run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows).returncode == 0
    table = rows / "out/long.csv"
    kept = [line for line in table.read_text().splitlines() if not line.startswith("p3,")]
    table.write_text("\n".join(kept) + "\n")
    ran = run_mien("study", "compare", "out", *QUICK, cwd=rows)
    assert ran.returncode == 0, ran.stderr
    assert "Saved rows of 10 recordings of 5 participants" in (rows / "out/paragraphs.md").read_text()
    page = (rows / "out/report.html").read_text(encoding="utf-8")
    assert "10 recordings</summary>" in page
    assert "rows/p3/calm.csv" not in page
    assert "the smallest p-value that the test can have is 0.062, adjusted for 9" in ran.stderr


def test_a_study_without_conditions_is_measured_all_the_same(tmp_path: Path) -> None:
    for person in range(2):
        save(tmp_path / f"p{person}.csv", smiling(0.3))
    ran = run_mien("study", "run", "{participant}.csv", "-o", "out", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "nothing was compared: expected a field with two levels" in ran.stderr
    assert (tmp_path / "out/wide.csv").exists()
    assert not (tmp_path / "out/comparison.csv").exists()
    asked = run_mien("study", "run", "{participant}.csv", "-o", "out", "--by", "condition", cwd=tmp_path)
    assert asked.returncode == 2
    assert "--by: expected one of event; got condition" in asked.stderr


@pytest.mark.parametrize("option", ["--by", "--each"])
def test_a_field_that_is_none_is_told_before_anything_is_measured(rows: Path, option: str) -> None:
    ran = run_mien("study", "run", PATTERN, "-o", "out", option, "condtion", *QUICK, cwd=rows)
    assert ran.returncode == 2
    assert f"{option}: expected one of condition, event; got condtion: did you mean condition?" in ran.stderr
    assert not (rows / "out").exists()


def test_a_broken_recording_costs_no_other(rows: Path) -> None:
    (rows / "rows/p3/calm.csv").write_text("source,frame\n")
    table = (rows / "rows/p4/calm.csv").read_text().splitlines()
    table[9] = table[9].replace("face", "fase", 1)
    (rows / "rows/p4/calm.csv").write_text("\n".join(table))
    save(rows / "rows/p5/calm.csv", happiness([None] * 5, source="5.mp4"))
    ran = run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows)
    assert ran.returncode == 3
    for what in ("rows/p3/calm.csv", "rows/p4/calm.csv, line 10", "rows/p5/calm.csv: nobody was seen in it"):
        assert what in ran.stderr, ran.stderr
    happy = next(line for line in read(rows / "out/comparison.csv") if line["measure"] == "happy")
    assert happy["n_a"] == "3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (MeasureOptions(event_window="soon"), "--event-window as seconds from and to"),
        (MeasureOptions(event_window="5:1"), "ends after it begins"),
        (MeasureOptions(baseline_window="0:-2"), "ends after it begins"),
        (MeasureOptions(person="first"), "longest, largest, all"),
        (CompareOptions(statistic="median"), "expected a statistic out of mean"),
        (CompareOptions(statistic="peek"), "did you mean peak"),
    ],
)
def test_impossible_options_are_told(options: MeasureOptions | CompareOptions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        options.rules()


def test_videos_are_analyzed_once(tmp_path: Path) -> None:
    portrait = draw_portrait()
    for name in ("p1/calm", "p1/funny", "p2/calm", "p2/funny"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with VideoWriter(tmp_path / f"{name}.mp4", 240, 240, rate=5) as movie:
            for index in range(5):
                movie.write(np.roll(portrait, index, axis=1), index / 5)
    command = ("study", "run", "{participant}/{condition}.mp4", "-o", "out", "--workers", 1, *QUICK)
    ran = run_mien(*command, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = facts(tmp_path / "out")
    assert told["settings"]["networks"]["small-int8"].startswith("sha256 ")
    assert told["settings"]["networks"]["small-int8"] in (tmp_path / "out/paragraphs.md").read_text()
    before = (tmp_path / "out/long.csv").read_bytes()
    again = run_mien(*command, "--baseline-window", "0:0.4", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "going on: 4 of 4 inputs are read already" in again.stderr
    assert (tmp_path / "out/long.csv").read_bytes() != before
    assert run_mien(*command, cwd=tmp_path).returncode == 0
    assert (tmp_path / "out/long.csv").read_bytes() == before
    shutil.copy(tmp_path / "p1/calm.mp4", tmp_path / "p2/sad.mp4")
    more = run_mien(*command, cwd=tmp_path)
    assert "1 new input: it comes after the others" in more.stderr
    other = run_mien(*command, "--fps", 2, cwd=tmp_path)
    assert other.returncode == 2
    assert "fps" in other.stderr


def test_a_comparison_of_other_rows_does_not_stay(rows: Path) -> None:
    assert run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows).returncode == 0
    assert (rows / "out/comparison.csv").is_file()
    for person in range(1, 6):
        shutil.rmtree(rows / f"rows/p{person}")
    ran = run_mien("study", "run", PATTERN, "-o", "out", *QUICK, cwd=rows)
    assert "nothing was compared" in ran.stderr
    assert [path.name for path in (rows / "out").glob("comparison*")] == []


def test_what_was_hardly_read_is_left_out_of_the_comparison_and_told_everywhere(tmp_path: Path) -> None:
    """One recording of which too little was read, then all of a condition: what was measured is there all the same."""
    seen: list[float | None] = [0.2] * 10
    thin: list[float | None] = [0.2] * 3 + [None] * 5
    for person in range(3):
        save(tmp_path / f"rows/p{person}/calm.csv", happiness(thin if person == 0 else seen))
        save(tmp_path / f"rows/p{person}/funny.csv", happiness([0.5 + 0.1 * person] * 10))
    command = ("study", "run", PATTERN, "-o", "out", "--measures", "happy,valence", *QUICK)
    ran = run_mien(*command, cwd=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert "funny - calm" in ran.stdout
    little = "1 window of which less than 50 % was read is left out: rows/p0/calm.csv, whole 1"
    assert facts(tmp_path / "out")["left_out"][0] == little
    for person in range(3):
        save(tmp_path / f"rows/p{person}/calm.csv", happiness(thin))
    ran = run_mien(*command, cwd=tmp_path)
    assert ran.returncode == 3, ran.stderr
    little = "3 windows of which less than 50 % was read are left out: rows/p0/calm.csv, whole 1"
    assert "nothing was compared: expected two levels of condition" in ran.stderr
    assert little in ran.stderr
    assert "--min-coverage" in ran.stderr
    assert facts(tmp_path / "out")["left_out"][0].startswith(little)
    assert little in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert little in (tmp_path / "out/paragraphs.md").read_text(encoding="utf-8")
    assert not (tmp_path / "out/comparison.csv").exists()
    again = run_mien("study", "compare", "out", "--min-coverage", 0.3, *QUICK, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert facts(tmp_path / "out")["left_out"] == []


def test_a_file_without_events_is_told(rows: Path) -> None:
    (rows / "none.csv").write_text("time,label\n", encoding="utf-8")
    ran = run_mien("study", "run", PATTERN, "-o", "out", "--events", "none.csv", cwd=rows)
    assert ran.returncode == 2
    assert "none.csv: expected events" in ran.stderr
