"""Who is who corrected by hand: each change, what cannot be done, and the commands that take the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.agreement import AgreementOptions
from mien.agreement.coding import coding_of_rows
from mien.clips import ScoreOptions, read_predictions
from mien.core.drawn_face import draw_portrait
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.outputs.tables import read_videos
from mien.people import read_corrections
from mien.people.outputs import listed
from mien.studies.recordings import find_recordings
from mien.studies.study import StudyRules, measure_study
from mien.video.results import VideoResult
from tests.clips.making_rows import sure, write_table
from tests.commands import run_mien


def seen(tracks: Sequence[dict[int, str]], source: str = "talk.mp4") -> VideoResult:
    """A video with ten frames a second: of each frame who is there, and what they show."""
    results = []
    for frame, people in enumerate(tracks):
        boxes = [[100 * track, 0, 100 * track + 50, 60] for track in people]
        faces = Faces(
            boxes,
            [0.9] * len(people),
            [frame] * len(people),
            [frame / 10] * len(people),
            tracks=list(people),
            probs=[sure(name) for name in people.values()],
            labels=EXPRESSIONS,
        )
        results.append(FrameResult(source, frame, frame / 10, faces if people else Faces.empty(EXPRESSIONS)))
    return VideoResult.collect(source, results, EXPRESSIONS)


def talk() -> VideoResult:
    """Person 1 for two seconds; 2 from the second on beside; from two to three nobody but 2; then 3, who is 1 again."""
    return seen(
        [{1: "happy"}] * 10
        + [{1: "happy", 2: "sad"}] * 10
        + [{2: "sad"}] * 10
        + [{2: "sad", 3: "neutral"}] * 10
    )


def corrections(folder: Path, *lines: str, header: str = "change,person,other,start,end,name") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "corrections.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def applied(folder: Path, *lines: str, video: VideoResult | None = None) -> VideoResult:
    (changed,) = read_corrections(corrections(folder, *lines)).applied([video or talk()])
    return changed


def spans(video: VideoResult) -> dict[int, list[tuple[float, float]]]:
    """From which to which frame's time each person is seen, without breaks."""
    found: dict[int, list[tuple[float, float]]] = {}
    assert video.faces.tracks is not None
    for track in sorted({*video.faces.tracks.tolist()}):
        times = video.faces.times[video.faces.tracks == track]
        parts = np.split(times, np.flatnonzero(np.diff(times) > 0.15) + 1)
        found[track] = [(round(float(part[0]), 2), round(float(part[-1]), 2)) for part in parts]
    return found


def test_the_table_of_people_is_no_file_of_corrections(tmp_path: Path) -> None:
    path = tmp_path / "persons.csv"
    path.write_text("source,track,first,last,seconds,frames,mostly\ntalk.mp4,1,0,2,2,20,happy\n")
    with pytest.raises(InputError, match="got the table of people that mien analyze --persons writes"):
        read_corrections(path)


@pytest.mark.integration
def test_corrections_are_not_overwritten(tmp_path: Path) -> None:
    Image.fromarray(draw_portrait()).save(tmp_path / "face.png")
    path = corrections(tmp_path, "name,1,,,,Anna")
    before = path.read_bytes()
    for option in ("--persons", "-o"):
        ran = run_mien("analyze", "face.png", option, "corrections.csv", cwd=tmp_path)
        assert ran.returncode == 2
        assert "corrections.csv: expected a file that may be overwritten; it holds corrections" in ran.stderr
        assert path.read_bytes() == before
    again = [run_mien("analyze", "face.png", "--persons", "persons.csv", cwd=tmp_path) for _ in range(2)]
    assert [ran.returncode for ran in again] == [0, 0], again[1].stderr


def test_join(tmp_path: Path) -> None:
    changed = applied(tmp_path, "join,1,3,,,")
    assert spans(changed) == {1: [(0.0, 1.9), (3.0, 3.9)], 2: [(1.0, 3.9)]}
    assert changed.remarks == ()
    assert np.array_equal(changed.faces.probs, talk().faces.probs), "what they show is as it was"


def test_two_who_are_seen_at_once_are_never_one(tmp_path: Path) -> None:
    changed = applied(tmp_path, "join,1,2,,,", "join,1,3,,,")
    assert spans(changed) == {1: [(0.0, 1.9), (3.0, 3.9)], 2: [(1.0, 3.9)]}, "the next line is applied"
    (remark,) = changed.remarks
    assert "corrections.csv, line 2: talk.mp4: both are seen in 10 frames, first at 0:01.00" in remark
    changed = applied(tmp_path, "exclude,1,,1,2,", "exclude,2,,3,,", "join,1,2,,,", "join,1,3,,,")
    assert spans(changed) == {1: [(0.0, 3.9)]}


def test_split_into_somebody_new_or_somebody_else(tmp_path: Path) -> None:
    assert spans(applied(tmp_path, "split,2,,2.0,,")) == {
        1: [(0.0, 1.9)],
        2: [(1.0, 1.9)],
        3: [(3.0, 3.9)],
        4: [(2.0, 3.9)],
    }
    changed = applied(tmp_path, "split,2,1,0:02,0:03,")
    assert spans(changed)[1] == [(0.0, 2.9)]
    assert spans(changed)[2] == [(1.0, 1.9), (3.0, 3.9)]


def test_two_who_swap_are_one_line(tmp_path: Path) -> None:
    changed = applied(tmp_path, "swap,1,2,1.5,,")
    assert spans(changed) == {1: [(0.0, 3.9)], 2: [(1.0, 1.9)], 3: [(3.0, 3.9)]}
    assert [face.emotion for face in changed.faces if face.track == 1 and face.time > 1.45] == ["sad"] * 25


def test_names_follow_who_is_who_and_stand_for_numbers(tmp_path: Path) -> None:
    changed = applied(tmp_path, "name,1,,,,Anna", "name,2,,,,Ben", "join,Anna,3,,,", "exclude,Ben,,3,,")
    assert changed.names == {1: "Anna", 2: "Ben"}
    assert spans(changed) == {1: [(0.0, 1.9), (3.0, 3.9)], 2: [(1.0, 2.9)]}
    assert [(each.track, each.name, each.frames, each.mostly) for each in listed(changed)] == [
        (1, "Anna", 30, "happy"),
        (2, "Ben", 20, "sad"),
    ]
    coding = coding_of_rows(changed, "Anna")
    assert [stretch.label for stretch in coding.stretches] == ["happy", "neutral"]
    assert applied(tmp_path, "name,3,,,,Cleo", "join,2,3,,,").names == {3: "Cleo"}, "they are seen at once"
    assert applied(tmp_path, "name,3,,,,Cleo", "join,1,3,,,").names == {1: "Cleo"}


def test_excluded_persons_leave_frames_and_excluded_stretches_none(tmp_path: Path) -> None:
    changed = applied(tmp_path, "exclude,1,,,,")
    assert (len(changed.times), spans(changed)) == (40, {2: [(1.0, 3.9)], 3: [(3.0, 3.9)]})
    changed = applied(tmp_path, "exclude,,,,1,", "exclude,,,3.5,,")
    assert changed.times.tolist() == pytest.approx([place / 10 for place in range(10, 35)])
    assert spans(changed) == {1: [(1.0, 1.9)], 2: [(1.0, 3.4)], 3: [(3.0, 3.4)]}


def test_what_the_rows_have_not_is_told_by_line_and_the_rest_applied(tmp_path: Path) -> None:
    changed = applied(
        tmp_path,
        "join,1,9,,,",
        "split,2,,77,,",
        "dance,1,,,,",
        "swap,1,2,,,",
        "# a comment",
        "exclude,2,,soon,,",
        "name,1,,,,A",
    )
    told = "\n".join(changed.remarks)
    for words in (
        "line 2: talk.mp4: there is no person 9: there are 1, 2, 3",
        "line 3: talk.mp4: person 2 is not seen then",
        "line 4: expected one of join, split, swap, name, exclude as change; got 'dance'",
        "line 5: expected start for swap; got none",
        "line 7: expected start in seconds; got 'soon': write a number, mm:ss or hh:mm:ss",
    ):
        assert words in told
    assert changed.names == {1: "A"}


def test_lines_are_about_their_recordings(tmp_path: Path) -> None:
    path = corrections(
        tmp_path,
        "a/talk.mp4;name;1;;;;Anna",
        "other.mp4;name;1;;;;Ben",
        "gone.mp4;name;1;;;;Cleo",
        header="source;change;person;other;start;end;name",
    )
    one, two = read_corrections(path).applied(
        [replace(talk(), source="a/talk.mp4"), replace(talk(), source="b/other.mp4")]
    )
    assert (one.names, two.names) == ({1: "Anna"}, {1: "Ben"})
    assert two.remarks == (f"{path}, line 4: the rows have no recording gone.mp4",)


def test_nobody_was_followed_and_files_that_are_none(tmp_path: Path) -> None:
    alone = replace(talk(), faces=talk().faces.with_columns(tracks=None))
    changed = applied(tmp_path, "join,1,2,,,", "exclude,,,0,1,", video=alone)
    assert "nobody was followed" in changed.remarks[0]
    assert len(changed.times) == 30
    with pytest.raises(InputError, match="expected a header with source, change"):
        read_corrections(corrections(tmp_path, header="who,what"))
    with pytest.raises(InputError, match="No such file"):
        read_corrections(tmp_path / "gone.csv")


def test_a_cell_that_no_table_has_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text(f"change,person,name\nname,1,{'a' * 200_000}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"corrections\.csv, line 2: expected cells of a table; .*mend it$"):
        read_corrections(path)


def test_clips_are_scored_with_corrections(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "rows.csv", [talk()])
    file = corrections(tmp_path, "join,1,3,,,", "exclude,2,,,,", "name,7,,,,X")
    options = ScoreOptions(group_by="person", corrections=read_corrections(file))
    found = read_predictions(rows, options)
    assert [name for name, _ in found.people] == ["talk.mp4, person 1"]
    assert found.clips[0].seen == 30
    assert any("line 4: talk.mp4: there is no person 7" in each for each in found.remarks)
    assert AgreementOptions(person="Anna").person == "Anna"


@pytest.mark.integration
def test_the_command_lists_and_writes_rows_with_names(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "rows.csv", [talk()])
    file = corrections(tmp_path, "join,1,3,,,", "name,1,,,,=Anna")
    done = run_mien(
        "people", rows, file, "-o", tmp_path / "new.csv", "-o", tmp_path / "new.jsonl", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    assert [(each["track"], each["name"]) for each in json.loads(done.stdout)] == [(1, "=Anna"), (2, "")]
    with open(tmp_path / "new.csv", encoding="utf-8", newline="") as table:
        cells = [(row["track"], row["name"]) for row in csv.DictReader(table)]
    assert cells[0] == ("1", "'=Anna"), "no spreadsheet takes it for a formula"
    lines = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(line["track"], line["name"]) for line in lines} == {(1, "=Anna"), (2, None)}
    (back,) = read_videos(tmp_path / "new.csv")
    assert spans(back) == {1: [(0.0, 1.9), (3.0, 3.9)], 2: [(1.0, 3.9)]}
    corrections(tmp_path, "join,1,9,,,")
    done = run_mien("people", rows, file)
    assert done.returncode == 3
    assert "line 2: talk.mp4: there is no person 9" in done.stderr


def test_people_without_expressions_are_listed_too(tmp_path: Path) -> None:
    """As in what FaceLandmarkVidMulti of OpenFace writes: two faces a frame, half a second apart, and one that leaves."""
    lines = ["frame, face_id, timestamp, confidence, success, pose_Rx, pose_Ry, pose_Rz, x_0, x_1, y_0, y_1"]
    for frame in range(4):
        for face in range(1 if frame == 3 else 2):
            left = 100 + 200 * face
            lines.append(
                f"{frame + 1}, {face}, {frame / 2}, 0.98, 1, 0, 0, 0, {left}, {left + 100}, 100, 220"
            )
    table = tmp_path / "of.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (video,) = read_corrections(corrections(tmp_path, "name,1,,,,Anna")).applied(read_videos(table))
    assert [vars(person) for person in listed(video)] == [
        {
            "source": "of",
            "track": 0,
            "name": "",
            "first": 0.0,
            "end": 2.0,
            "seconds": 2.0,
            "frames": 4,
            "mostly": "",
        },
        {
            "source": "of",
            "track": 1,
            "name": "Anna",
            "first": 0.0,
            "end": 1.5,
            "seconds": 1.5,
            "frames": 3,
            "mostly": "",
        },
    ]


def test_studies_are_measured_with_corrections(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "talk.csv", [talk()])
    file = corrections(tmp_path / "file", "exclude,2,,,,", "join,1,3,,,", "name,9,,,,X")
    found = find_recordings(f"{rows.parent}/{{participant}}.csv")
    study = measure_study(found, StudyRules(corrections=read_corrections(file)))
    assert study.recordings[0].coverage == pytest.approx(0.75)
    assert any("there is no person 9" in each for each in study.remarks)


def test_numbers_and_times_that_no_table_has_are_left_out_by_line(tmp_path: Path) -> None:
    path = corrections(
        tmp_path,
        "split,1,99999999999999999999,1,,",
        "swap,1,2,nan,,",
        "exclude,1,,,inf,",
        "split,1,7,1,,",
        "name,2,,,,Ann",
        "name,3,,,,Ann",
    )
    read = read_corrections(path)
    assert [problem.split(":")[0][-1] for problem in read.problems] == ["3", "4"]
    changed = read.apply(talk())
    assert [(each.track, each.name) for each in listed(changed)] == [(1, ""), (2, "Ann"), (3, ""), (7, "")]
    huge, second = changed.remarks
    assert "line 2: talk.mp4: expected a number up to 1,000,000,000" in huge
    assert "line 7: talk.mp4: person 2 is called Ann already: join 2 and 3" in second


@pytest.mark.integration
def test_neither_rows_nor_corrections_are_overwritten(tmp_path: Path) -> None:
    rows, file = write_table(tmp_path / "rows.csv", [talk()]), corrections(tmp_path, "name,1,,,,Ann")
    (tmp_path / "link.csv").symlink_to(rows)
    before = rows.read_bytes(), file.read_bytes()
    for place in (rows, file, tmp_path / "link.csv"):
        done = run_mien("people", rows, file, "-o", place)
        assert done.returncode == 2, place
        assert "is one of the sources: give another place" in done.stderr
    assert (rows.read_bytes(), file.read_bytes()) == before
