"""Files for programs of annotation, spreadsheets and statistics, read back by others' software or by mien."""

from __future__ import annotations

import csv
import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from praatio import textgrid

from mien import EXPRESSIONS, InputError, MissingExtraError
from mien.cli.app import app
from mien.core.frame_result import flat_keys
from mien.core.labels import NOTICE, Labels
from mien.core.output_names import output_paths
from mien.events import read_events
from mien.inference.pipeline import Pipeline
from mien.outputs.base import Writer
from mien.outputs.bids import BidsEvents
from mien.outputs.boris import Boris
from mien.outputs.formats import FORMATS, beside, writer_of
from mien.outputs.label_studio import LabelStudio
from mien.outputs.spec import OutputSpec
from mien.outputs.stretches import all_stretches, tiers
from mien.outputs.tables import workbook
from mien.outputs.tables.persons import person_keys
from mien.outputs.tables.spss import SPSSRows
from mien.outputs.tables.workbook import Workbook
from mien.outputs.textgrid import TextGrid
from mien.tracking.segments import Segment
from mien.video.results import VideoResult
from mien.video.summary import Overview
from tests.clips.making_rows import clip
from tests.landmarks.measured import moving

Asked = dict[str, Any]
SEGMENTS = [
    Segment(1, "happy", -0.2, 2.0, 0.9),
    Segment(2, "sad", 1.0, 3.0, 0.7),
    Segment(1, "neutral", 2.0, 2.5, 0.6),
    Segment(1, "happy", 9.25, 9.75, 0.5),
]
SHOWN = [
    (0.0, 2.0, "happy", 1),
    (1.0, 3.0, "sad", 2),
    (2.0, 2.5, "neutral", 1),
    (9.25, 9.75, "happy", 1),
]


def overview(segments: list[Segment]) -> Overview:
    video = Overview("talk.mp4", EXPRESSIONS)
    video.segments = segments
    video._last, video.frames = 9.96, 250
    return video


def written(
    kind: type[Writer],
    path: Path,
    video: Overview,
    *,
    rate: float | None = 25.0,
    labels: Labels = EXPRESSIONS,
) -> Writer:
    """The file of one video."""
    run: Any = SimpleNamespace(labels=labels, landmarks=False)
    source: Any = SimpleNamespace(
        position=0, source=Path("films/talk.mp4"), media=SimpleNamespace(frame_rate=rate)
    )
    with kind([path], run) as writer:
        writer.finish(source, video)
    return writer


WRITERS = [
    (TextGrid, "talk.TextGrid"),
    (Boris, "talk.boris"),
    (BidsEvents, "talk_events.tsv"),
    (LabelStudio, "talk.labelstudio.json"),
]


@pytest.mark.parametrize(("kind", "name"), WRITERS)
def test_what_was_shown_reads_back(kind: type[Writer], name: str, tmp_path: Path) -> None:
    written(kind, tmp_path / name, overview(SEGMENTS))
    events, _ = read_events(tmp_path / name)
    assert sorted((each.start, each.end, each.label) for each in events) == [
        (pytest.approx(start, abs=0.021), pytest.approx(end, abs=0.021), label)
        for start, end, label, _ in SHOWN
    ]
    people = {str(each.subject or each.tier).removeprefix("person ") for each in events}
    assert people == {"1", "2"}


@pytest.mark.parametrize(("kind", "name"), WRITERS)
def test_a_video_without_anybody_has_its_file(kind: type[Writer], name: str, tmp_path: Path) -> None:
    written(kind, tmp_path / name, overview([]))
    assert read_events(tmp_path / name)[0] == []


def test_stretches_of_a_tier_never_overlap_and_blinks_have_their_own() -> None:
    close = [
        Segment(1, "happy", 0, 1.0004, 0.9),
        Segment(1, "a\nb\x1b", 0.9, 2, 0.8),
        Segment(1, "sad", 2, 2.0004, 1),
    ]
    [(name, own)] = tiers(overview(close)).items()
    assert name == "person 1"
    assert [(each.start, each.end, each.label) for each in own] == [(0, 1, "happy"), (1, 2, r"a b\x1b")]
    found = tiers(moving())
    assert list(found) == ["person 1", "person 1 blinks", "person 2", "person 2 blinks"]
    assert [len(found[f"person {track} blinks"]) for track in (1, 2)] == [3, 0]
    starts = [each.start for each in all_stretches(moving())]
    assert starts == sorted(starts)


def test_textgrid_is_whole_to_praats_eyes(tmp_path: Path) -> None:
    written(TextGrid, tmp_path / "a.TextGrid", moving())
    grid = textgrid.openTextgrid(
        str(tmp_path / "a.TextGrid"), includeEmptyIntervals=True, reportingMode="error"
    )
    assert list(grid.tierNames) == ["person 1", "person 1 blinks", "person 2", "person 2 blinks"]
    for tier in grid.tiers:
        assert (tier.minTimestamp, tier.maxTimestamp) == (grid.minTimestamp, grid.maxTimestamp)
        ends = [tier.entries[0].start, *(entry.end for entry in tier.entries)]
        assert ends[0] == 0
        assert ends[-1] == grid.maxTimestamp
        assert all(entry.start == before for entry, before in zip(tier.entries, ends, strict=False)), (
            "no holes"
        )
    written(TextGrid, tmp_path / "none.TextGrid", overview([]))
    assert list(textgrid.openTextgrid(str(tmp_path / "none.TextGrid"), True).tierNames) == ["expressions"]


def test_a_project_of_boris_holds_what_it_refers_to(tmp_path: Path) -> None:
    written(Boris, tmp_path / "a.boris", moving(), labels=Labels(EXPRESSIONS.names, min_confidence=0.5))
    project = json.loads((tmp_path / "a.boris").read_text(encoding="utf-8"))
    codes = {each["code"]: each for each in project["behaviors_conf"].values()}
    people = {each["name"] for each in project["subjects_conf"].values()}
    assert {"uncertain", "blink", *EXPRESSIONS} == set(codes)
    assert {each["type"] for each in codes.values()} == {"State event"}
    [(name, observation)] = project["observations"].items()
    assert name == "films/talk.mp4"
    assert observation["file"]["1"] == [str(Path("films/talk.mp4").absolute())]
    times = [event[0] for event in observation["events"]]
    assert times == sorted(times)
    assert all(person in people and code in codes for _, person, code, *_ in observation["events"])
    assert all(event[5] == round(event[0] * 25) for event in observation["events"])
    assert project["project_description"] == NOTICE


def test_events_of_bids_are_described_beside_them(tmp_path: Path) -> None:
    writer = written(BidsEvents, tmp_path / "sub-01_events.tsv", moving())
    assert [path.name for path in writer.written] == ["sub-01_events.json", "sub-01_events.tsv"]
    with open(tmp_path / "sub-01_events.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    about = json.loads((tmp_path / "sub-01_events.json").read_text(encoding="utf-8"))
    assert list(rows[0]) == list(about)
    assert list(rows[0])[:2] == ["onset", "duration"]
    assert {row["trial_type"] for row in rows} <= set(about["trial_type"]["Levels"])
    assert {row["confidence"] for row in rows if row["trial_type"] == "blink"} == {"n/a"}
    assert about["trial_type"]["Description"] == NOTICE
    onsets = [float(row["onset"]) for row in rows]
    assert onsets == sorted(onsets)


def test_a_task_of_label_studio_fits_the_labels_beside_it(tmp_path: Path) -> None:
    writer = written(LabelStudio, tmp_path / "a.labelstudio.json", overview(SEGMENTS))
    assert {path.name for path in writer.written} == {"a.labelstudio.json", "a.labelstudio.xml"}
    assert not writer.remarks
    [task] = json.loads((tmp_path / "a.labelstudio.json").read_text(encoding="utf-8"))
    view = ElementTree.parse(tmp_path / "a.labelstudio.xml").getroot()
    video, labels = view.find("Video"), view.find("TimelineLabels")
    assert task["data"] == {"video": "/data/local-files/?d=talk.mp4", "fps": 25.0}
    assert (video.get("value"), video.get("frameRate")) == ("$video", "$fps")
    regions = task["predictions"][0]["result"]
    assert {region["from_name"] for region in regions} == {labels.get("name")}
    assert {region["to_name"] for region in regions} == {video.get("name"), labels.get("toName")}
    names = [label.get("value") for label in labels]
    assert names == [*EXPRESSIONS, "blink"]
    assert regions[0]["value"] == {"ranges": [{"start": 1, "end": 50}], "timelinelabels": ["happy"]}
    assert regions[2]["value"]["ranges"] == [{"start": 51, "end": 63}], "the next frame"
    assert len({region["id"] for region in regions}) == len(regions)
    unknown = written(LabelStudio, tmp_path / "b.labelstudio.json", overview(SEGMENTS), rate=None)
    assert "24 are taken" in unknown.remarks[0]


def test_what_people_annotated_in_label_studio_counts(tmp_path: Path) -> None:
    def region(label: str, start: int, end: int) -> Asked:
        value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}
        return {"type": "timelinelabels", "from_name": "faces", "value": value}

    task: Asked = {
        "data": {"video": "a.mp4"},
        "annotations": [
            {"result": [region("smile", 1, 24), {"type": "choices", "from_name": "x", "value": {}}]},
            {"result": [region("frown", 49, 72)]},
            {"result": [region("no", 1, 2)], "was_cancelled": True},
        ],
        "predictions": [{"result": [region("guess", 1, 2)]}],
    }
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    events, remarks = read_events(path)
    assert [(each.start, each.end, each.label, each.tier) for each in events] == [
        (0.0, 1.0, "smile", "faces, annotation 1"),
        (2.0, 3.0, "frown", "faces, annotation 2"),
    ]
    assert "24 are taken" in remarks[0]
    other: Asked = {
        "data": {"video": "b.mp4", "fps": 10},
        "predictions": [{"result": [region("guess", 1, 20)]}],
    }
    path.write_text(json.dumps([task, other]), encoding="utf-8")
    with pytest.raises(InputError, match=r"expected one video; it holds a\.mp4, b\.mp4"):
        read_events(path)
    [event] = read_events(path, observation="b.mp4")[0]
    assert (event.start, event.end, event.label) == (0.0, 2.0, "guess")
    other["data"]["fps"] = "0"
    path.write_text(json.dumps([other]), encoding="utf-8")
    with pytest.raises(InputError, match=r"another form \(ValueError 0 frames a second\)"):
        read_events(path)
    path.write_text('[{"timelinelabels": 1}]', encoding="utf-8")
    with pytest.raises(InputError, match="expected tasks of Label Studio"):
        read_events(path)


def table(kind: type[Writer], path: Path, videos: list[VideoResult]) -> Writer:
    """A table of all rows, and of all people."""
    run: Any = SimpleNamespace(labels=EXPRESSIONS, landmarks=False)
    with kind([path], run) as writer:
        for video in videos:
            for result in video.results():
                writer.write(SimpleNamespace(rows=list(result.rows())))  # type: ignore[arg-type]
            writer.finish(None, video.overview())
    return writer


def test_a_workbook_has_rows_and_people(tmp_path: Path) -> None:
    videos = [clip("=1+1.mp4", ["happy", None, "!"]), clip("b.mp4", ["sad"] * 3)]
    path = tmp_path / "rows.xlsx"
    writer = table(Workbook, path, videos)
    assert writer.written == [path]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["rows", "persons", "about"]
    head, *rows = book["rows"].iter_rows(values_only=True)
    assert [key for key in flat_keys(EXPRESSIONS) if key not in ("box", "probs", "smoothed_probs")] == list(
        head
    )
    wanted = [row for video in videos for row in video.rows()]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["source"], row["frame"], row["status"], row["emotion"]) for row in found] == [
        (row["source"], row["frame"], row["status"], row["emotion"]) for row in wanted
    ]
    assert book["rows"]["A2"].data_type == "s", "a name is no formula"
    assert found[0]["happy"] == pytest.approx(0.9)
    assert found[1]["happy"] is None
    head, *people = book["persons"].iter_rows(values_only=True)
    assert list(head) == person_keys(EXPRESSIONS)
    assert [person[0] for person in people] == ["=1+1.mp4", "b.mp4"]
    assert book["about"]["A1"].value == NOTICE


def test_a_sheet_that_is_full_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    writer = table(Workbook, tmp_path / "rows.xlsx", [clip("a.mp4", ["happy"] * 7)])
    book = openpyxl.load_workbook(tmp_path / "rows.xlsx")
    assert [name for name in book.sheetnames if name.startswith("rows")] == ["rows", "rows 2", "rows 3"]
    sizes = [book[name].max_row for name in ("rows", "rows 2", "rows 3")]
    assert sizes == [4, 4, 2], "with a header each"
    frames = [cells[1].value for name in ("rows", "rows 2", "rows 3") for cells in list(book[name].rows)[1:]]
    assert frames == list(range(7))
    assert "3 sheets of rows" in writer.remarks[0]


def test_a_workbook_is_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        table(Workbook, tmp_path / name, [clip("a.mp4", ["happy", "sad"])])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("kind", "name", "call", "at"),
    [
        (BidsEvents, "talk_events.tsv", "write_text", 2),
        (BidsEvents, "talk_events.tsv", "replace", 2),
        (LabelStudio, "talk.labelstudio.json", "write_text", 2),
        (LabelStudio, "talk.labelstudio.json", "replace", 2),
        (SPSSRows, "talk.spss.csv", "write_text", 1),
        (SPSSRows, "talk.spss.csv", "replace", 2),
    ],
)
def test_of_two_files_that_belong_together_none_is_left_alone(
    kind: type[Writer], name: str, call: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, real = [], getattr(Path, call)

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        calls.append(path)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, call, full)
    make: Any = table if kind is SPSSRows else written
    with pytest.raises(InputError, match="No space left on device"):
        make(
            kind, tmp_path / "new" / name, [clip("a.mp4", ["happy"])] if make is table else overview(SEGMENTS)
        )
    assert list(tmp_path.iterdir()) == [], "nor is the folder that was made for them"


def test_rows_for_spss_and_the_syntax_that_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "anna's.spss.csv"
    writer = table(SPSSRows, path, [clip("a.mp4", ["happy", None, "!", "angry"])])
    syntax = (tmp_path / "anna's.spss.sps").read_text(encoding="utf-8-sig")
    assert [one.name for one in writer.written] == ["anna's.spss.csv", "anna's.spss.sps"]
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf"
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["1", "0", "2", "1"]
    assert [row["emotion"] for row in rows] == ["4", "", "", "1"]
    assert rows[1]["happy"] == ""
    assert not {"box", "probs"} & set(rows[0])
    declared = syntax.split("/VARIABLES=\n")[1].split("\n  .")[0].split("\n")
    assert [line.split()[0] for line in declared] == list(rows[0]), "each column in its order"
    assert "FILE='anna''s.spss.csv'" in syntax
    assert "  /emotion 0 'uncertain' 1 'angry' 2 'disgust'" in syntax
    assert "  status 0 'no_face' 1 'face' 2 'error'" in syntax
    assert "happy 'probability of happy'" in syntax
    error = next(line for line in declared if line.split()[0] == "error")
    assert int(error.split()[1][1:]) >= len(rows[2]["error"].encode())
    assert syntax.count("\n  .\n") == 3
    assert syntax.endswith("EXECUTE.\n")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("a.TextGrid", "praatio", "praat"), ("a.xlsx", "xlsxwriter", "xlsx")],
)
def test_missing_packages_are_told(
    name: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    kind = writer_of(Path(name))
    with pytest.raises(MissingExtraError, match=rf"pip install '.*\[{extra}\]'"):
        written(kind, tmp_path / name, overview(SEGMENTS))
    assert list(tmp_path.iterdir()) == []


def test_a_name_for_what_is_written_beside_is_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a_events\.json is asked for twice"):
        OutputSpec((tmp_path / "a_events.tsv", tmp_path / "a_events.json"))
    asked = OutputSpec((tmp_path / "{name}_events.tsv", tmp_path / "talk_events.json"))
    with pytest.raises(InputError, match=r"talk_events\.json is asked for twice"):
        asked.check([Path("talk.mp4")])
    (tmp_path / "a_events.json").touch()
    with pytest.raises(InputError, match=r"a_events\.json is one of the sources"):
        OutputSpec((tmp_path / "a_events.tsv",)).check([tmp_path / "a_events.json"])
    twice = output_paths(Path("{name}_events.tsv"), ["a.mp4", "a.mp4"])
    assert [path.name for path in twice] == ["a_events.tsv", "a-2_events.tsv"], "the ending stays"


def test_analyze_writes_all_of_them(
    pipeline: Pipeline, movie: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.cli.options.NetworkOptions.pipeline", lambda _: pipeline)
    monkeypatch.chdir(tmp_path)
    movie(20, name="a.mp4")
    (tmp_path / "out").mkdir()
    names = [Path("out") / f"talk{ending}" for ending in FORMATS if ending != ".html"]
    words = [word for name in names for word in ("-o", str(name))]
    assert app(["analyze", "a.mp4", *words, "-q"], standalone_mode=False) in (0, None)
    further = [more for name in names if (more := beside(name)) is not None]
    assert set(Path("out").iterdir()) == {*names, *further}
    found = [
        sorted((each.start, each.label) for each in read_events(name)[0])
        for name in names
        if name.suffix in (".eaf", ".TextGrid", ".boris", ".tsv")
    ]
    assert found[0]
    assert all(one == found[0] for one in found)
    rows = openpyxl.load_workbook("out/talk.xlsx")["rows"]
    assert rows.max_row == 1 + len(Path("out/talk.jsonl").read_text(encoding="utf-8").splitlines())
