"""Names that text cannot hold, terminals obey, or mien or a spreadsheet could take for something else:
through every output and back.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import xml.dom.minidom
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.csv_cells import cell, plain
from mien.core.names import unspelled
from mien.media import VideoWriter
from mien.outputs.tables import read_videos

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.name == "nt", reason="such names cannot be on Windows"),
]

NAMES = [
    os.fsdecode(name)
    for name in (
        b"Ren\xe9 [bold]x :smile:.png",
        b"=1+1.png",
        b"-0.5.png",
        b"@a.png",
        b"'=a.png",
        b"a\x1b]0;T\x07\nb.png",
        b"v\xff[x] $1$\x9b.mp4",
    )
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images and a video with such names, read into every kind of file."""
    folder = tmp_path_factory.mktemp("strange")
    for name in NAMES:
        if name.endswith(".png"):
            Image.fromarray(np.full((64, 64, 3), 120, np.uint8)).save(folder / name)
        else:
            with VideoWriter(folder / name, 64, 48, rate=5) as movie:
                for number in range(3):
                    movie.write(np.full((48, 64, 3), 60 * number, np.uint8), number / 5)
    files = [f"-oout/rows.{form}" for form in ("csv", "json", "jsonl", "parquet", "spss.csv", "xlsx")]
    forms = (".vtt", ".srt", ".eaf", ".html", ".TextGrid", ".boris", "_events.tsv", ".labelstudio.json")
    files += [f"-oout/{{name}}{form}" for form in forms]
    done = _mien(folder, [*files, "--persons", "out/persons.csv", "--annotate", "out/seen", "-q"], NAMES)
    assert (done.returncode, done.stderr) == (0, b"")
    return folder


def _mien(
    folder: Path, options: list[str], names: list[str], **surroundings: str
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mien", "analyze", "--detector", "whole", *options, "--", *names]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        timeout=200,
        env={**os.environ, "PYTHONUTF8": "0", "COLUMNS": "200", **surroundings},
    )


def test_every_table_has_the_same_names_and_they_open_the_files(folder: Path) -> None:
    rows = json.loads((folder / "out" / "rows.json").read_text(encoding="utf-8"))
    names = list(dict.fromkeys(row["source"] for row in rows))
    assert len(names) == len(NAMES)
    assert all((folder / unspelled(name)).is_file() for name in names)
    assert r"a\x1b]0;T\x07\x0ab.png" in names
    for form in ("csv", "json", "jsonl", "parquet"):
        assert [video.source for video in read_videos(folder / "out" / f"rows.{form}")] == names, form


def test_nothing_that_is_written_holds_what_a_program_would_obey(folder: Path) -> None:
    written = [
        path
        for path in (folder / "out").rglob("*")
        if path.is_file() and path.suffix not in (".parquet", ".xlsx", ".png", ".mp4")
    ]
    assert len(written) == 8 + 8
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not [
            letter
            for letter in text
            if (letter < " " and letter not in "\n\t\r") or "\x7f" <= letter < "\xa0"
        ], path
        if path.suffix == ".eaf":
            media = xml.dom.minidom.parse(str(path)).getElementsByTagName("MEDIA_DESCRIPTOR")[0]
            assert media.getAttribute("MEDIA_URL").endswith("v%FF%5Bx%5D%20%241%24%9B.mp4")
    with open(folder / "out" / "rows.csv", encoding="utf-8", newline="") as file:
        cells = [
            cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))
        ]
    assert not cells


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        ("cp1252", "table"),
        ("ascii", "table"),
        ("utf-8", "table"),
        ("cp932", "json"),
        ("utf-16", "json"),
        ("ascii", "csv"),
    ],
)
def test_streams_of_any_encoding_are_written(folder: Path, encoding: str, form: str) -> None:
    done = _mien(folder, ["--format", form], [*NAMES, "no\udcff[x]\x1b.png"], PYTHONIOENCODING=encoding)
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert r"not read: no\xff[x]\x1b.png: expected a file" in done.stderr.decode(encoding)
    told = done.stdout.decode(encoding)
    assert "\x1b" not in told
    if form == "json":
        assert {unspelled(row["source"]) for row in json.loads(told)} == {*NAMES, "no\udcff[x]\x1b.png"}
    else:
        assert r"v\xff[x]" in told
        assert "[bold]x :smile:.png" in told
        assert "=1+1.png" in told


def test_text_that_a_spreadsheet_would_take_for_a_formula() -> None:
    for text in (
        "=1",
        "+x",
        "-x",
        "@x",
        "'=1",
        "''=1",
        "'tis",
        "x=1",
        "",
        "-",
        "-0.5",
        "+1e5",
        "./=1",
        "=",
        "-1_0",
        "--",
        "-inf",
    ):
        for path in (False, True):
            written = cell(text, path)
            assert plain(written, path) == (text if text != "./=1" or not path else "=1")
            assert written in ("-", "+", "-0.5", "+1e5") or not written.startswith(("=", "+", "-", "@"))
    assert cell(-0.5) == -0.5
    assert cell(None) is None
