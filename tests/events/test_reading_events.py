"""Events out of files as people and programs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.events import Event, read_events
from mien.events.file import MOST_BYTES


def write(folder: Path, text: str | bytes, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def short(events: list[Event]) -> list[tuple[Any, ...]]:
    return [(each.start, each.end, each.label, each.tier, each.subject) for each in events]


@pytest.mark.parametrize(
    "text",
    [
        "start,end,label\n1.5,2.5,smile\n10,,door\n",
        "Begin;Stop;Code\n1,5;2,5;smile\n10;;door\n",
        "onset\tduration\tannotation\n1.5\t1\tsmile\n10\t0\tdoor\n",
        "label,start_ms,end_ms\nsmile,1500,2500\ndoor,10000,n/a\n",
        "Start (s),Duration (s),Label\r\n0:01.5,1,smile\r\n0:00:10,,door\r\n",
        "1.5\t2.5\tsmile\n10.0\t10.0\tdoor\n",  # Audacity's labels have no header.
        b"\xff\xfe" + "start\tend\tlabel\n10\t\tdoor\n1.5\t2.5\tsmile\n".encode("utf-16-le"),
        'label;time;end\n"smile";1.5;2.5\n\n"door";10;NA\n',
    ],
)
def test_stretches_and_moments_of_tables_of_all_kinds(tmp_path: Path, text: str | bytes) -> None:
    events, remarks = read_events(write(tmp_path, text))
    assert [(each.start, each.end, each.label) for each in events] == [
        (1.5, 2.5, "smile"),
        (10.0, None, "door"),
    ]
    assert not remarks


def test_tables_know_subjects_and_tiers_and_lines(tmp_path: Path) -> None:
    text = "tier,participant,start,end,label\nface,anna,3,4,smile\n\nvoice,ben,1,2,laughs; again\n"
    events, _ = read_events(write(tmp_path, text))
    assert events == [
        Event(1.0, 2.0, "laughs; again", "voice", "ben", 4),
        Event(3.0, 4.0, "smile", "face", "anna", 2),
    ]
    assert [each.label for each in read_events(tmp_path / "events.csv", tiers=["face"])[0]] == ["smile"]
    with pytest.raises(InputError, match=r"tier fcae: did you mean face.*voice, face"):
        read_events(tmp_path / "events.csv", tiers=["fcae"])


def test_a_table_of_elan(tmp_path: Path) -> None:
    """As its export of tab-delimited text has it."""
    header = "Tier\tParticipant\tBegin Time - hh:mm:ss.ms\tBegin Time - msec\tEnd Time - hh:mm:ss.ms\tDuration - ss.msec\tAnnotation"
    row = "face\tanna\t00:01:01.500\t61500\t00:01:03.000\t1.500\tsmile"
    events, _ = read_events(write(tmp_path, f"{header}\n{row}\n", "export.txt"))
    assert short(events) == [(61.5, 63.0, "smile", "face", "anna")]


def test_webvtt_has_ends_and_speakers(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:05.000 --> 00:10.000 align:start\n<v.loud Anna B>Hello &amp; welcome\n\n1:02:03.250 --> 1:02:03.250\nbeep\n"
    events, remarks = read_events(write(tmp_path, text, "talk.vtt"))
    assert events == [
        Event(5.0, 10.0, "Hello & welcome", "", "Anna B", 3),
        Event(3723.25, None, "beep", "", "", 6),
    ]
    assert not remarks


def test_events_of_bids(tmp_path: Path) -> None:
    text = "onset\tduration\ttrial_type\tresponse_time\n"
    text += "-0.5\t0.25\tcue\tn/a\n1.2\t0.6\tgo\t1.435\n5.6\t0\tstop\t1.739\nn/a\t1\tlost\tn/a\n7\tn/a\tn/a\tn/a\n"
    events, remarks = read_events(write(tmp_path, text, "sub-01_task-x_events.tsv"))
    assert [(each.start, each.end, each.label) for each in events] == [
        (-0.5, -0.25, "cue"),
        (1.2, pytest.approx(1.8), "go"),
        (5.6, None, "stop"),
        (7.0, None, ""),
    ]
    assert remarks == [f"{tmp_path / 'sub-01_task-x_events.tsv'}, line 5: lost has no time and is left out"]


def samples(step: float, labels: str, header: str = "time,label\n") -> str:
    return header + "".join(f"{step * number:.3f},{label}\n" for number, label in enumerate(labels))


def test_samples_become_stretches(tmp_path: Path) -> None:
    names = {"a": "happy", "b": "sad", "-": ""}
    lines = [f"{0.04 * at:.2f},{names[mark]}" for at, mark in enumerate("a" * 10 + "-" * 5 + "b" * 10)]
    path = write(tmp_path, "\n".join(["time,label", *lines]))
    events, remarks = read_events(path)
    assert [(each.start, each.end, each.label) for each in events] == [
        (0.0, pytest.approx(0.4), "happy"),
        (0.6, pytest.approx(1.0), "sad"),
    ]
    assert "25 samples at steps of 0.04 s" in remarks[0]
    assert len(read_events(path, samples=False)[0]) == 25


def test_a_gap_ends_a_run_of_samples(tmp_path: Path) -> None:
    lines = [f"{at / 10},calm" for at in [*range(20), *range(50, 60)]]
    events, _ = read_events(write(tmp_path, "\n".join(lines)))
    assert [(each.start, each.end) for each in events] == [(0.0, 2.0), (5.0, 6.0)]


@pytest.mark.parametrize(
    "text",
    [
        samples(60.0, "a" * 15 + "b" * 15),  # Slides
        samples(0.5, "abcdefghijklmnopqrstuvwxyz"),  # A cue each
        samples(0.5, "aaaaabbbbb"),  # Too few to tell
        "time,label\n" + "".join(f"{number * number / 40},a\n" for number in range(30)),  # No step
    ],
)
def test_moments_are_not_taken_for_samples(tmp_path: Path, text: str) -> None:
    events, remarks = read_events(write(tmp_path, text))
    assert all(each.end is None for each in events)
    assert not remarks


def test_samples_that_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "time,who,label\n0,anna,0.1\n2,anna,0.3\n2,anna,9\n4,anna,0.3\n0,ben,x\n1,ben,x\n")
    events, remarks = read_events(path, samples=True)
    assert short(events) == [
        (0.0, 2.0, "0.1", "", "anna"),
        (0.0, 2.0, "x", "", "ben"),
        (2.0, 6.0, "0.3", "", "anna"),
    ]
    assert any("line 4: a second sample at 2 s" in remark for remark in remarks)
    with pytest.raises(InputError, match=r"line 2: expected samples.*got an end"):
        read_events(write(tmp_path, "start,end,label\n0,1,a\n"), samples=True)
    with pytest.raises(InputError, match="got one"):
        read_events(write(tmp_path, "time,label\n0,a\n"), samples=True)
    with pytest.raises(InputError, match="samples in a CSV; got WebVTT"):
        read_events(write(tmp_path, "WEBVTT\n", "a.vtt"), samples=True)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.csv", "time,end,label\n3,2,x\n", "line 2: expected an end after the beginning, 3 s; got 2 s"),
        ("a.csv", "start,end,label\n1,later,x\n", "line 2: expected a time in seconds"),
        ("a.csv", "start,end,label\n,2,x\n", "line 2: expected a time in seconds"),
        ("a.csv", "when,what\nsoon,x\n", "header time,label"),
        ("a.csv", 'time,label\n0,y\n1,"abc\n2,b\n', "line 3: expected a quotation mark"),
        ("a.csv", 'time,label\n1,"' + "x" * 200_000, "expected a table of text"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00", "another format"),
        ("a.vtt", "WEBVTT\n\n00:05.000 --> 00:04.000\nx\n", "line 3: expected an end"),
        ("a_events.tsv", "time\tlabel\n1\tx\n", "columns onset and duration"),
        ("a_events.tsv", "onset\tduration\n1\t-2\n", "line 2: expected a duration from 0 s on"),
        ("a.eaf", "<ANNOTATION_DOCUMENT VERSION='2.8'><TIER>", "whole ELAN file"),
        ("a.TextGrid", 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n', "whole TextGrid"),
        ("a.boris", '{"observations": {"a": 3}', "whole project"),
        ("a.boris", '{"observations": {"a": 3}}', "whole project"),
        ("a.csv", b"1,a\n" * (MOST_BYTES // 4 + 1), "20 MB at most"),
    ],
)
def test_what_is_wrong_is_said_with_its_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, word: str
) -> None:
    with pytest.raises(InputError, match=word) as error:
        read_events(write(tmp_path, content, name))
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "line", "starts"),
    [
        ("a.csv", "start,end,label\n1,2,a\n5,3,b\n4,4,c\n", 3, [1, 4]),
        ("a.csv", "1,a\ninf,b\n3,c\n", 2, [1, 3]),
        ("a.csv", "start;duration;label\n1;-2;b\n3;1;a\n", 2, [3]),
        ("a.vtt", "WEBVTT\n\n00:05.000 --> 00:04.000\nx\n\n00:06.000 --> 00:07.000\ny\n", 3, [6]),
        ("a_events.tsv", "onset\tduration\n1\t-2\n2\t1\n", 2, [2]),
        (
            "boris.csv",
            "Observation id,Behavior,Behavior type,Start (s),Stop (s)\no,smile,STATE,5,2\no,smile,STATE,1,2\n",
            2,
            [1],
        ),
        (
            "boris.csv",
            "Observation id,Behavior,Behavior type,Time\no,smile,POINT,soon\no,smile,POINT,1\n",
            2,
            [1],
        ),
    ],
)
def test_a_line_that_cannot_be_used_is_left_out_and_the_others_are_read(
    tmp_path: Path, name: str, content: str, line: int, starts: list[float]
) -> None:
    events, [remark] = read_events(write(tmp_path, content, name))
    assert [event.start for event in events] == starts
    assert f"{name}, line {line}: expected" in remark
    assert remark.endswith("; the line is left out")


def test_of_many_bad_lines_the_first_are_told(tmp_path: Path) -> None:
    events, remarks = read_events(write(tmp_path, "time,label\n1,a\n" + "soon,b\n" * 30))
    assert len(events) == 1
    assert len(remarks) == 11
    assert remarks[-1].endswith("20 more lines like these are left out")


def test_a_file_that_is_not_there_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path"):
        read_events(tmp_path / "none.csv")
    assert read_events(write(tmp_path, "")) == ([], [])


SEEDS: tuple[str, ...] = (
    "",
    "WEBVTT\n\n",
    "{",
    '{"observations": {}, ',
    "<ANNOTATION_DOCUMENT ",
    "onset\tduration\n",
    "ooTextFile TextGrid\n",
)
SEEDS += ("Time\tBehavior\tStatus\n", "time,label\n")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEEDS), st.text(max_size=120))
def test_any_text_gives_events_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, seed: str, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "events.txt"
    path.write_text(seed + text, encoding="utf-8")
    told, events, remarks = "", list[Event](), list[str]()
    try:
        events, remarks = read_events(path)
    except InputError as error:
        told = str(error)
    assert not any("\n" in line for line in [told, *remarks])
    assert [each.start for each in events] == sorted(each.start for each in events)


def project(**observations: Any) -> str:
    ethogram = {
        "0": {"type": "State event", "code": "smile", "category": "face"},
        "1": {"type": "Point event", "code": "blink", "category": ""},
    }
    return json.dumps({"behaviors_conf": ethogram, "observations": observations})


def test_a_project_of_boris(tmp_path: Path) -> None:
    events = [
        [1.5, "anna", "smile", "strong|None", "", 45],
        [2.0, "", "blink", "", ""],
        [4.0, "anna", "smile", "strong|None", "", 120],
        [5.0, "ben", "smile", "", ""],
        [None, "", "blink", "", ""],
    ]
    path = write(tmp_path, project(first={"events": events, "time offset": 0.5}), "study.boris")
    found, remarks = read_events(path)
    assert short(found) == [
        (1.0, 3.5, "smile: strong", "face", "anna"),
        (1.5, None, "blink", "", ""),
    ]
    assert len(remarks) == 3
    assert "time offset of 0.5 s" in remarks[0]
    assert "event 5: blink has no time" in remarks[1]
    assert "event 4: smile starts without a stop" in remarks[2]


def test_one_of_several_observations(tmp_path: Path) -> None:
    path = write(tmp_path, project(one={"events": []}, two={"events": [[1, "", "blink", "", ""]]}), "x.boris")
    with pytest.raises(InputError, match="expected one observation; it holds one, two"):
        read_events(path)
    with pytest.raises(InputError, match="expected the observation three; it holds one, two"):
        read_events(path, observation="three")
    assert short(read_events(path, observation="two")[0]) == [(1.0, None, "blink", "", "")]


OLD_TABLE = """Observation id\tfirst\t\t\t\t\t\t\t
\t\t\t\t\t\t\t\t
Media file(s)\t\t\t\t\t\t\t\t
Player #1\ta.mp4\t\t\t\t\t\t\t
Time offset (s)\t0.0\t\t\t\t\t\t\t
variable\tvalue\t\t\t\t\t\t\t
Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus
3.300\ta.mp4\t359.960\t25.0\tanna\tsmile\tface\t\tSTART
5.000\ta.mp4\t359.960\t25.0\tNo focal subject\tblink\t\t\tPOINT
7.750\ta.mp4\t359.960\t25.0\tanna\tsmile\tface\t\tSTOP
9.000\ta.mp4\t359.960\t25.0\tanna\tsmile\tface\t\tSTOP
"""

SOURCE = "first,2024-01-15 12:00:00,,10,Media file(s),player #1:a.mp4,10,60.000,25.000"
NEW_TABLE = f"""Observation id,Observation date,Description,Observation duration,Observation type,Source,Time offset (s),\
Media duration (s),FPS,Subject,Behavior,Behavioral category,Modifier #1,Modifier #2,Behavior type,Time,Media file name,\
Image index,Image file path,Comment
{SOURCE},anna,smile,face,strong,None,START,13.3,a.mp4,82,NA,
{SOURCE},No focal subject,blink,,,,POINT,15.0,a.mp4,125,NA,
{SOURCE},anna,smile,face,strong,None,STOP,17.75,a.mp4,193,NA,
"""

AGGREGATED = (
    "Observation id\tObservation date\tDescription\tMedia file\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\t"
    "Modifiers\tBehavior type\tStart (s)\tStop (s)\tDuration (s)\tComment start\tComment stop\n"
    "first\t2016-12-01 23:01:31\t\ta.mp4\t539.920\t25.0\tanna\tsmile\tface\t\tSTATE\t3.300\t7.750\t4.450\t\t\n"
    "first\t2016-12-01 23:01:31\t\ta.mp4\t539.920\t25.0\tNo focal subject\tblink\t\t\tPOINT\t5.000\t5.000\tNA\t\t\n"
)


def test_the_table_of_events_of_older_boris(tmp_path: Path) -> None:
    events, remarks = read_events(write(tmp_path, OLD_TABLE, "events.tsv"))
    assert events == [
        Event(3.3, 7.75, "smile", "face", "anna", 8),
        Event(5.0, None, "blink", "", "", 9),
    ]
    assert remarks == [f"{tmp_path / 'events.tsv'}, line 11: smile stops without a start and is left out"]


def test_the_table_of_events_of_newer_boris(tmp_path: Path) -> None:
    events, remarks = read_events(write(tmp_path, NEW_TABLE))
    assert [
        (round(each.start, 3), each.end and round(each.end, 3), each.label, each.line) for each in events
    ] == [
        (3.3, 7.75, "smile: strong", 2),
        (5.0, None, "blink", 3),
    ]
    assert "time offset of 10 s" in remarks[0]


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_the_table_of_aggregated_events_of_boris(tmp_path: Path, delimiter: str) -> None:
    events, remarks = read_events(write(tmp_path, AGGREGATED.replace("\t", delimiter)))
    assert events == [
        Event(3.3, 7.75, "smile", "face", "anna", 2),
        Event(5.0, None, "blink", "", "", 3),
    ]
    assert not remarks


def test_elan_by_tier(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    document = pympi.Eaf(author="a coder")
    document.remove_tier("default")
    document.add_tier("face", part="anna")
    document.add_annotation("face", 1500, 2500, "smile")
    document.add_annotation("face", 4000, 4500, "frown")
    document.add_linguistic_type("notes", "Symbolic_Association")
    document.add_tier("notes", "notes", parent="face")
    document.add_ref_annotation("notes", "face", 1600, "weak")
    path = tmp_path / "coded.eaf"
    document.to_file(str(path))
    events, remarks = read_events(path)
    assert short(events) == [
        (1.5, 2.5, "smile", "face", "anna"),
        (1.5, 2.5, "weak", "notes", ""),
        (4.0, 4.5, "frown", "face", "anna"),
    ]
    assert not remarks
    assert [each.label for each in read_events(path, tiers=("notes",))[0]] == ["weak"]


def test_an_annotation_of_elan_without_a_time(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    document = pympi.Eaf(author="a coder")
    document.add_annotation("default", 1000, 2000, "smile")
    document.add_annotation("default", 3000, 4000, "frown")
    path = tmp_path / "coded.eaf"
    document.to_file(str(path))
    path.write_text(path.read_text(encoding="utf-8").replace(' TIME_VALUE="4000"', ""), encoding="utf-8")
    events, remarks = read_events(path)
    assert [each.label for each in events] == ["smile"]
    assert "1 annotation without a time" in remarks[0]


LONG_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 10
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "face"
        xmin = 0
        xmax = 10
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 2.5
            text = "a ""wide"" smile"
        intervals [3]:
            xmin = 2.5
            xmax = 10
            text = ""
    item [2]:
        class = "TextTier"
        name = "beeps"
        xmin = 0
        xmax = 10
        points: size = 1
        points [1]:
            number = 4
            mark = "beep"
"""

SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
10
<exists>
2
"IntervalTier"
"face"
0
10
3
0
1.5
""
1.5
2.5
"a ""wide"" smile"
2.5
10
""
"TextTier"
"beeps"
0
10
1
4
"beep"
"""


@pytest.mark.parametrize("text", [LONG_GRID, SHORT_GRID])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_textgrid_long_and_short(tmp_path: Path, text: str, encoding: str) -> None:
    pytest.importorskip("praatio")
    events, remarks = read_events(write(tmp_path, text.encode(encoding), "coded.TextGrid"))
    assert short(events) == [(1.5, 2.5, 'a "wide" smile', "face", ""), (4.0, None, "beep", "beeps", "")]
    assert not remarks
