"""Key points out of files as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.audience.keypoints import read_key_points
from mien.core.errors import InputError

VTT = """WEBVTT - a talk

STYLE
::cue { color: red }

NOTE not --> this
nor this

intro
00:05.000 --> 00:10.000 align:start
<v Anna>Welcome</v> &amp; hello,
everybody

1:02:03.250 --> 1:02:04.000
Questions
"""


def write(folder: Path, text: str | bytes, name: str = "points.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "time,label\n12.5,Welcome\n90,Prices\n",
        "12.5,Welcome\n90,Prices\n",
        "label;time\nWelcome;12,5\nPrices;1:30\n",
        "\ufeffTime\tName\n0:12.5\tWelcome\n00:01:30\tPrices\n",
        'start,label,who\n12.5,"Welcome",x\n\n90,Prices\n',
    ],
)
def test_tables_of_all_kinds(tmp_path: Path, text: str) -> None:
    points, remarks = read_key_points(write(tmp_path, text))
    assert [(point.time, point.label) for point in points] == [(12.5, "Welcome"), (90.0, "Prices")]
    assert not remarks


def test_webvtt(tmp_path: Path) -> None:
    points, remarks = read_key_points(write(tmp_path, VTT, "talk.vtt"))
    assert [(point.time, point.label) for point in points] == [
        (5.0, "Welcome & hello, everybody"),
        (3723.25, "Questions"),
    ]
    assert not remarks


def test_what_is_amiss_is_put_right_and_said(tmp_path: Path) -> None:
    points, remarks = read_key_points(write(tmp_path, "time,label\n90,B\n10,A\n90,C\n95\n"))
    assert [(point.time, point.label) for point in points] == [(10, "A"), (90, "B / C"), (95, "key point 3")]
    assert len(remarks) == 2
    assert "order" in remarks[0]
    assert "joined" in remarks[1]
    points, [remark] = read_key_points(write(tmp_path, "time,label\n10,A\nsoon,B\n"))
    assert [(point.time, point.label) for point in points] == [(10, "A")]
    assert "line 3: expected a time" in remark


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "got none"),
        ("time,label\n", "got none"),
        ("when,what\nsoon,Prices\n", "header time,label"),
        ("time,label\nsoon,B\n", "line 2: expected a time"),
        ("time,label\n-5,A\n", "line 2: expected a time"),
        ("1\n00:00:05,000 --> 00:00:10,000\nhello\n", "WEBVTT"),
        ("WEBVTT\n\n00:05.000 -> 00:10.000\nhello\n", "line 3: expected a cue"),
        ("WEBVTT\n\nsoon --> later\nhello\n", "line 3: expected a time"),
        (b"PK\x03\x04\x00\x00\xff\xfe", "another format"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: str | bytes, word: str) -> None:
    with pytest.raises(InputError, match=word) as error:
        read_key_points(write(tmp_path, content))
    assert "points.csv" in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path"):
        read_key_points(tmp_path / "none.csv")


@given(st.text(max_size=200))
def test_any_text_gives_points_or_one_clear_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("points") / "points.csv"
    path.write_text(text, encoding="utf-8")
    told = ""
    try:
        points, _ = read_key_points(path)
    except InputError as error:
        told, points = str(error), []
    assert bool(points) != bool(told)
    assert "\n" not in told
    assert [point.time for point in points] == sorted({point.time for point in points})
