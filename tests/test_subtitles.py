"""Subtitles and ELAN files, read back by others' software."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import pytest
import webvtt

from mien import EXPRESSIONS, InputError, MissingExtraError
from mien.outputs.elan import write_elan
from mien.outputs.subtitles import Cue, cues, write_subtitles
from mien.tracking.blinks import Blink
from mien.tracking.segments import Segment
from tests.landmarks.measured import moving

SEGMENTS = [
    Segment(2, "sad", 1.0, 3.0, 0.7),
    Segment(1, "happy", -0.2, 2.0, 0.9),
    Segment(1, "neutral", 2.0, 2.5, 0.6),
    Segment(1, "happy", 3600.25, 3602.0, 0.6),
]
SHOWN = [
    (0.0, 1.0, "1 happy"),
    (1.0, 2.0, "1 happy\n2 sad"),
    (2.0, 2.5, "1 neutral\n2 sad"),
    (2.5, 3.0, "2 sad"),
    (3600.25, 3602.0, "1 happy"),
]


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_others_read_the_same_cues(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"talk.{form}"
    write_subtitles(path, cues(SEGMENTS))
    found: Any = webvtt.read(str(path)) if form == "vtt" else webvtt.from_srt(str(path))
    assert [(caption.start_in_seconds, caption.text) for caption in found] == [
        (int(start), text) for start, _, text in SHOWN
    ]
    # FFmpeg, which players are built on.
    with av.open(path) as container:
        [stream] = container.streams.subtitles
        packets = [packet for packet in container.demux(stream) if packet.size]
        base = stream.time_base
    assert base is not None
    times = [(float(packet.pts * base), float((packet.pts + packet.duration) * base)) for packet in packets]
    assert times == [pytest.approx(pair, abs=1e-3) for pair in [(start, end) for start, end, _ in SHOWN]]
    assert [bytes(packet).decode().strip() for packet in packets] == [text for _, _, text in SHOWN]


def test_cues_never_overlap_and_end_with_the_video() -> None:
    found = list(cues(SEGMENTS, end=3601.0))
    assert all(first.end <= second.start for first, second in pairwise(found))
    assert found[-1].end == 3601.0


def test_one_person_has_no_number_and_nobody_no_cue(tmp_path: Path) -> None:
    assert [cue.lines for cue in cues([Segment(7, "happy", 0, 1, 0.9)])] == [("happy",)]
    assert list(cues([])) == []
    for name in ("a.vtt", "a.srt"):
        write_subtitles(tmp_path / name, [])
    assert (tmp_path / "a.vtt").read_text(encoding="utf-8").startswith("WEBVTT\n")
    assert (tmp_path / "a.srt").read_text(encoding="utf-8") == ""


def test_signs_with_a_meaning_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    write_subtitles(path, [Cue(0, 1, ("1 <i>&amp; --> \n\n", ""))])
    text = path.read_text(encoding="utf-8")
    assert "1 &lt;i&gt;&amp;amp; --&gt;\n?\n" in text
    assert len(webvtt.read(str(path))) == 1


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ending in \.vtt or \.srt"):
        write_subtitles(tmp_path / "a.ass", [])
    with pytest.raises(InputError, match=r"ending in \.eaf"):
        write_elan(tmp_path / "a.xml", [], EXPRESSIONS)
    assert not list(tmp_path.iterdir())


def test_elan_tiers_read_back(tmp_path: Path) -> None:
    import pympi

    video = tmp_path / "my talk ü.mp4"
    path = tmp_path / "talk.eaf"
    path.write_text("the one before", encoding="utf-8")
    write_elan(path, SEGMENTS, EXPRESSIONS, video)
    found = pympi.Eaf(path)
    assert list(found.get_tier_names()) == ["person 1", "person 2"]
    assert found.get_annotation_data_for_tier("person 1") == [
        (0, 2000, "happy"),
        (2000, 2500, "neutral"),
        (3600250, 3602000, "happy"),
    ]
    assert found.get_annotation_data_for_tier("person 2") == [(1000, 3000, "sad")]
    [media] = found.get_linked_files()
    assert (media["MEDIA_URL"], media["RELATIVE_MEDIA_URL"], media["MIME_TYPE"]) == (
        video.resolve().as_uri(),
        "./my talk ü.mp4",
        "video/mp4",
    )
    assert [values[0][0] for values, _ in found.get_cv_entries("expressions").values()] == list(EXPRESSIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.eaf"]


BLINKS = {1: [Blink(1, 0.96, 1.16), Blink(1, 1.16, 1.3), Blink(1, 4.5, 4.7)], 2: [], 5: [Blink(5, 0.2, 0.4)]}


def test_elan_blinks_have_tiers_of_their_own(tmp_path: Path) -> None:
    import pympi

    path = tmp_path / "talk.eaf"
    write_elan(path, SEGMENTS, EXPRESSIONS, blinks=BLINKS)
    found = pympi.Eaf(path)
    # Of 5 no expression is told; nothing of 2's eyes is told where no tier stands, and an empty one says that they never blinked.
    assert list(found.get_tier_names()) == [
        "person 1",
        "person 1 blinks",
        "person 2",
        "person 2 blinks",
        "person 5 blinks",
    ]
    assert found.get_annotation_data_for_tier("person 1 blinks") == [
        (960, 1160, "blink"),
        (1160, 1300, "blink"),
        (4500, 4700, "blink"),
    ]
    assert found.get_annotation_data_for_tier("person 2 blinks") == []
    for name, kind in (("person 1", "expression"), ("person 1 blinks", "blink")):
        parameters = found.get_parameters_for_tier(name)
        assert (parameters["LINGUISTIC_TYPE_REF"], parameters["PARTICIPANT"]) == (kind, "person 1")
    write_elan(path, SEGMENTS, EXPRESSIONS)
    plain = pympi.Eaf(path)
    assert list(plain.get_tier_names()) == ["person 1", "person 2"]
    assert list(plain.get_linguistic_type_names()) == ["expression"]


def test_elan_blinks_of_a_video_are_those_that_were_counted(tmp_path: Path) -> None:
    import pympi

    video = moving()
    write_elan(tmp_path / "talk.eaf", video.segments, EXPRESSIONS, blinks=video.blinks_by_person())
    found = pympi.Eaf(tmp_path / "talk.eaf")
    assert [len(found.get_annotation_data_for_tier(f"person {track} blinks")) for track in (1, 2)] == [3, 0]
    assert [start for start, *_ in found.get_annotation_data_for_tier("person 1 blinks")] == [
        1000,
        4520,
        7200,
    ]
    # Two frames a second show no blinks, so nobody can say that there were none.
    slow = moving(rate=2)
    assert slow.blinks_by_person() == {}


@pytest.mark.parametrize("blinks", [None, BLINKS])
def test_elan_files_are_built_as_the_format_says(
    tmp_path: Path, blinks: dict[int, list[Blink]] | None
) -> None:
    """The order of parts, time slots in order, references that lead somewhere (EAF 2.8)."""
    path = tmp_path / "talk.eaf"
    write_elan(path, SEGMENTS, EXPRESSIONS, blinks=blinks)
    root = ElementTree.parse(path).getroot()
    order = [
        "HEADER",
        "TIME_ORDER",
        "TIER",
        "LINGUISTIC_TYPE",
        "LANGUAGE",
        "CONSTRAINT",
        "CONTROLLED_VOCABULARY",
    ]
    assert list(dict.fromkeys(part.tag for part in root)) == order
    slots = {slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    types = {kind.attrib["LINGUISTIC_TYPE_ID"]: kind.attrib for kind in root.iter("LINGUISTIC_TYPE")}
    vocabularies = {words.attrib["CV_ID"] for words in root.iter("CONTROLLED_VOCABULARY")}
    for tier in root.iter("TIER"):
        kind = types[tier.attrib["LINGUISTIC_TYPE_REF"]]
        assert (kind.get("CONTROLLED_VOCABULARY_REF") in vocabularies) == (
            kind["LINGUISTIC_TYPE_ID"] != "blink"
        )
        spans = [
            (slots[each.attrib["TIME_SLOT_REF1"]], slots[each.attrib["TIME_SLOT_REF2"]])
            for each in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        assert all(start < end for start, end in spans)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_without_pympi_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pympi", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[elan\]'"):
        write_elan(tmp_path / "a.eaf", SEGMENTS, EXPRESSIONS)
