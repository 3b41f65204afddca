"""Participants and conditions out of paths and tables, and windows around events."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.events import Event
from mien.studies.recordings import PathPattern, StudyRecording, find_recordings
from mien.studies.windows import WindowRule, lay_windows


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_fields_come_from_paths(tmp_path: Path) -> None:
    touched(tmp_path, "p2/calm_1.mp4", "p10/calm_1.mp4", "p2/funny_1.mp4", "p2/funny_1.txt", "p2/other.mp4")
    found = find_recordings(f"{tmp_path}/{{participant}}/{{condition}}_{{session}}.mp4")
    assert found.fields == ("participant", "condition", "session")
    assert [tuple(one.fields.values()) for one in found.recordings] == [
        ("p2", "calm", "1"),
        ("p2", "funny", "1"),
        ("p10", "calm", "1"),
    ]
    [problem] = found.problems
    assert "1 video does not fit" in problem
    assert "p2/other.mp4" in problem


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("**/{participant}/*_{condition}.mp4", "a/b/p1/2026_calm.mp4", ("p1", "calm")),
        ("**/{participant}/*_{condition}.mp4", "p1/2026_calm.mp4", ("p1", "calm")),
        ("{participant}/{participant}_{condition}.mp4", "p1/p1_calm.mp4", ("p1", "calm")),
        ("{participant}/{participant}_{condition}.mp4", "p1/p2_calm.mp4", None),
        ("{condition}/sub-{participant}.mp4", "calm/sub-07.mp4", ("07", "calm")),
        ("v (1) [x]+/{participant}.{condition}.mp4", "v (1) [x]+/p.calm.mp4", ("p", "calm")),
        ("{participant}/{condition}.mp4", "x/p1/calm.mp4", None),
        ("{participant}/?{condition}.mp4", "p1/_calm.mp4", ("p1", "calm")),
    ],
)
def test_patterns(pattern: str, path: str, fields: tuple[str, str] | None) -> None:
    found = PathPattern(pattern).match(path)
    assert (None if found is None else (found["participant"], found["condition"])) == fields


def test_folders_before_a_pattern_may_be_others() -> None:
    pattern = PathPattern("{participant}/{condition}.mp4")
    assert pattern.match("/data/x/p1/calm.mp4", anywhere=True) == {"participant": "p1", "condition": "calm"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("videos/{subject}/{condition}.mp4", "expected a field {participant}"),
        ("videos/{participant}/{mean}.mp4", "got mean"),
        ("videos/{participant}/{a-b}.mp4", "letters, digits"),
        ("videos/{participant", "close the braces"),
        ("videos/*.mp4", "put the participant's place in braces"),
        ("nowhere/{participant}.mp4", "no file fits"),
    ],
)
def test_what_is_no_pattern_is_told(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_recordings(given)


def test_a_pattern_that_nothing_fits_tells_what_is_there(tmp_path: Path) -> None:
    touched(tmp_path, "p1/deep/calm.mp4")
    with pytest.raises(InputError, match=r"p1/deep/calm\.mp4, for instance"):
        find_recordings(f"{tmp_path}/{{participant}}.mp4")


def test_names_that_fit_in_two_ways_are_left_out_by_name(tmp_path: Path) -> None:
    touched(tmp_path, "p_1_calm.mp4", "p2_calm.mp4")
    found = find_recordings(f"{tmp_path}/{{participant}}_{{condition}}.mp4")
    assert [one.fields["participant"] for one in found.recordings] == ["p2"]
    assert "participant=p, condition=1_calm or participant=p_1, condition=calm" in found.problems[0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_says_how_each_is_read(tmp_path: Path, separator: str) -> None:
    touched(tmp_path, "a.mp4", "b.mp4")
    lines = [
        ["file", "participant", "group", "offset", "start", "end", "person", "events"],
        ["a.mp4", "p1", "young", "1.5" if separator == "," else "1,5", "2", "50", "2", "a.vtt"],
        ["b.mp4", "p2", "old", "", "", "", "", ""],
    ]
    table = tmp_path / "study.csv"
    table.write_text("\n".join(separator.join(line) for line in lines), encoding="utf-8-sig")
    found = find_recordings(str(table))
    first, second = found.recordings
    assert found.fields == ("participant", "group")
    assert (first.offset, first.start, first.end, first.person) == (1.5, 2.0, 50.0, 2)
    assert first.events == tmp_path / "a.vtt"
    assert (second.offset, second.events, second.person) == (0.0, None, None)
    assert first.fields == {"participant": "p1", "group": "young"}


def test_lines_that_cannot_be_used_are_told_and_the_rest_is(tmp_path: Path) -> None:
    touched(tmp_path, *(f"{name}.mp4" for name in "abcdefg"))
    table = tmp_path / "study.csv"
    table.write_text(
        "file,participant,condition,offset,start,end,person\n"
        "a.mp4,p1,calm,,,,\nb.mp4,,calm,,,,\nnone.mp4,p3,calm,,,,\na.mp4,p4,calm,,,,\n"
        "c.mp4,p5,calm,soon,,,\nd.mp4,p6,calm,,9,3,\ne.mp4,p7,calm,,,,me\nf.mp4,p8,,,,,\n,p9,calm,,,,\n"
    )
    found = find_recordings(str(table))
    assert [one.file for one in found.recordings] == ["a.mp4", "f.mp4"]
    told = "\n".join(found.problems)
    for line, what in [
        (3, "expected a participant"),
        (4, "there is none at"),
        (5, "stands in a line before"),
        (6, "expected offset in seconds; got 'soon'"),
        (7, "expected start before end"),
        (8, "the number of a person; got 'me'"),
        (9, "f.mp4 has no condition"),
        (10, "the cell is empty"),
    ]:
        assert any(f"line {line}" in problem and what in problem for problem in found.problems), (what, told)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,participant\na.mp4,p1\n", "there is no file"),
        ("file,who\na.mp4,p1\n", "there is no participant"),
        ("file,participant,mean\na.mp4,p1,3\n", "got mean"),
        ("", "there is no file"),
        ("file,participant\nnone.mp4,p1\n", "none that can be used"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "study.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=message):
        find_recordings(str(table))


RECORDING = StudyRecording("a.mp4", "a.mp4", {"participant": "p1"})


def test_windows_lie_around_events() -> None:
    events = [Event(5.0, 8.0, "film"), Event(20.0, None, "press"), Event(30.0, 31.0, "film")]
    windows, problems = lay_windows(RECORDING, (0.0, 60.0), events, WindowRule())
    assert [(one.event, one.number, one.start, one.end) for one in windows] == [
        ("film", 1, 5.0, 8.0),
        ("press", 1, 20.0, 25.0),
        ("film", 2, 30.0, 31.0),
    ]
    assert problems == []
    around, _ = lay_windows(RECORDING, (0.0, 60.0), events[:1], WindowRule((-1, 4), (-3, -1)))
    assert (around[0].zero, around[0].start, around[0].end, around[0].baseline) == (5.0, 4.0, 9.0, (2.0, 4.0))


def test_without_events_a_recording_is_one() -> None:
    [window], _ = lay_windows(RECORDING, (2.0, 60.0), None, WindowRule())
    assert (window.event, window.start, window.end) == ("whole", 2.0, 60.0)
    [part], _ = lay_windows(RECORDING, (2.0, 60.0), None, WindowRule((10, 20), (0, 10)))
    assert (part.start, part.end, part.baseline) == (12.0, 22.0, (2.0, 12.0))


def test_cameras_of_one_session_have_one_clock() -> None:
    late = StudyRecording("b.mp4", "b.mp4", {"participant": "p1"}, offset=4.0)
    [window], _ = lay_windows(late, (0.0, 60.0), [Event(10.0, 12.0, "film")], WindowRule())
    assert (window.start, window.end) == (6.0, 8.0)
    [whole], _ = lay_windows(late, (0.0, 60.0), None, WindowRule())
    assert (whole.start, whole.end) == (0.0, 60.0)


def test_baselines_by_their_label() -> None:
    events = [
        Event(0.0, 4.0, "rest"),
        Event(5.0, 8.0, "a"),
        Event(10.0, 14.0, "rest"),
        Event(15.0, None, "b"),
    ]
    windows, problems = lay_windows(RECORDING, (0.0, 60.0), events, WindowRule(None, "rest"))
    assert [(one.event, one.baseline) for one in windows] == [("a", (0.0, 4.0)), ("b", (10.0, 14.0))]
    assert problems == []
    windows, problems = lay_windows(RECORDING, (0.0, 60.0), events[1:2], WindowRule(None, "rest"))
    assert windows[0].baseline is None
    assert problems == ["a.mp4: no event rest to be a baseline: what changes is not known there"]


def test_what_is_amiss_with_events_is_told_by_line() -> None:
    events = [
        Event(-9.0, -8.0, "early", line=2),
        Event(0.5, 3.0, "a", line=3),
        Event(2.0, 5.0, "b", line=4),
        Event(58.0, 64.0, "cut", line=5),
        Event(70.0, None, "late", line=6),
    ]
    windows, problems = lay_windows(RECORDING, (0.0, 60.0), events, WindowRule(None, (-2, -1)), "e.csv")
    assert [one.event for one in windows] == ["a", "b", "cut"]
    told = "\n".join(problems)
    assert "a.mp4: e.csv, line 2, early at -9 s: outside the recording, which begins at 0 s" in told
    assert "e.csv, line 3, a at 0.5 s: its baseline is not in the recording" in told
    assert "e.csv, line 5, cut at 58 s: 4 s of its 6 s are not in the recording" in told
    assert "line 6, late at 70 s: outside the recording, which ends at 60 s" in told
    assert "windows that begin before the one before has ended: 1, first b at 2 s after a at 0.5 s" in told
    _, near = lay_windows(
        RECORDING, (0.0, 60.0), [Event(10, 20, "a"), Event(21, 25, "b")], WindowRule(None, (-3, 0))
    )
    assert near == [
        "a.mp4: baselines that lie in the window of the event before: 1, first b at 21 s after a at 10 s: each is measured as it is"
    ]


def test_a_window_must_have_a_length() -> None:
    with pytest.raises(InputError, match="ends after it begins; got 5:0"):
        WindowRule((5, 0))


def test_many_events_are_laid_with_the_last_baseline_before_each() -> None:
    """In a moment: each against every baseline takes minutes."""
    events = [Event(float(n), None, "rest" if n % 2 == 0 else "joke", line=n) for n in range(60_000)]
    recording = StudyRecording("a.mp4", "a.mp4", {"participant": "p1"})
    windows, _ = lay_windows(recording, (0.0, 60_000.0), events, WindowRule((0, 1), "rest"))
    assert len(windows) == 30_000
    assert all(window.baseline == (window.zero - 1, window.zero + 4) for window in windows)


@pytest.mark.parametrize("span", [(float("nan"), 5.0), (0.0, float("inf"))])
def test_endless_windows_are_refused(span: tuple[float, float]) -> None:
    for rule in ({"window": span}, {"baseline": span}):
        with pytest.raises(InputError, match="expected a window in seconds"):
            WindowRule(**rule)


def test_one_recording_under_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("rows", encoding="utf-8")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "t.csv").write_text("file,participant\na.csv,p1\nb.csv,p1\n./a.csv,p1\n", encoding="utf-8")
    found = find_recordings(str(tmp_path / "t.csv"))
    assert [one.file for one in found.recordings] == ["a.csv"]
    assert [problem.split(": left out: ")[1] for problem in found.problems] == [
        "b.csv stands in a line before, as a.csv: give it once",
        "./a.csv stands in a line before, as a.csv: give it once",
    ]


def test_times_of_a_table_are_those_of_events(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    table = tmp_path / "t.csv"
    table.write_text("file,participant,offset,start,end\na.csv,p1,-0:02.5,1:05,1:00:00\n", encoding="utf-8")
    [one] = find_recordings(str(table)).recordings
    assert (one.offset, one.start, one.end) == (-2.5, 65.0, 3600.0)
    for text in ("nan", "inf", "soon"):
        table.write_text(f"file,participant,offset\na.csv,p1,{text}\n", encoding="utf-8")
        with pytest.raises(InputError, match=f"line 2: left out: expected offset in seconds.*got '{text}'"):
            find_recordings(str(table))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "t.csv").write_text("file,participant,group,group\na.csv,p1,x,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="each column once; group stands there twice"):
        find_recordings(str(tmp_path / "t.csv"))


def test_values_that_differ_in_spelling_alone_are_told(tmp_path: Path) -> None:
    lines = [
        "file,participant,condition",
        "a.csv,Zo\u00eb,calm",
        "b.csv,Zoe\u0308,calm",
        "c.csv,p 1,Calm",
        "d.csv,P1,joke",
    ]
    for name in "abcd":
        (tmp_path / f"{name}.csv").touch()
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    found = find_recordings(str(tmp_path / "t.csv"))
    assert [one.fields["participant"] for one in found.recordings] == ["Zo\u00eb", "Zo\u00eb", "p 1", "P1"]
    assert found.problems == (
        "participant p 1 and P1 differ in spelling alone: they count as different; write them alike if they are one",
        "condition calm and Calm differ in spelling alone: they count as different; write them alike if they are one",
    )
