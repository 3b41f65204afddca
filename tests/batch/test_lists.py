"""Lists as people write and export them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mien.batch import open_input
from mien.batch.inputs import read_list
from mien.core.errors import InputError

WANTED = [("a.png", "happy"), ("größe/b c.png", None), ("d,e.png", "sad")]


def plain(path: Path) -> Any:
    return [(line.path, line.label) for line in read_list(path)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("first", ["", "sep={}"])
def test_every_form_of_a_table(
    tmp_path: Path, separator: str, newline: str, encoding: str, first: str
) -> None:
    rows = [
        ["Id", "Path", "Emotion"],
        ["1", "a.png", "happy"],
        ["2", "größe/b c.png", ""],
        ["3", '"d,e.png"', "sad"],
    ]
    lines = [*([first.format(separator)] if first else []), *(separator.join(row) for row in rows), ""]
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / "list.csv").write_bytes((mark + newline.join(lines)).encode(encoding))
    assert plain(tmp_path / "list.csv") == WANTED
    assert [line.number for line in read_list(tmp_path / "list.csv")] == ([3, 4, 5] if first else [2, 3, 4])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_everything_in_quotation_marks(tmp_path: Path, separator: str, first: str) -> None:
    rows = [["path", "label"], ["a b;c,d.png", "Happy"], ["e.png", "sad"]]
    text = "".join(separator.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    (tmp_path / "list.csv").write_text(first.format(separator) + text)
    assert plain(tmp_path / "list.csv") == [("a b;c,d.png", "Happy"), ("e.png", "sad")]


def test_names_that_are_not_utf_8_in_a_list_of_paths(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.png\nRen\xe9.png\n")
    assert [os.fsencode(path) for path, _ in plain(tmp_path / "list.txt")] == [b"a.png", b"Ren\xe9.png"]
    (tmp_path / "list.csv").write_bytes(
        b"path\nRen\xe9.png\n"
    )  # Spreadsheets write names in other encodings than the disk's.
    with pytest.raises(InputError, match="UTF-8"):
        read_list(tmp_path / "list.csv")


def test_one_column_and_names_with_separators(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text('path\n"a;b.png"\nc d.png\n')
    assert plain(tmp_path / "list.csv") == [("a;b.png", None), ("c d.png", None)]
    (tmp_path / "list.csv").write_text('path;"label"\n"two\nlines.png";sad\n\n;happy\n"quo""ted.png"\n')
    assert plain(tmp_path / "list.csv") == [("two\nlines.png", "sad"), ('quo"ted.png', None)]
    (tmp_path / "list.tsv").write_text("file\tclass\nx,y;z.png\tJoy\n")
    assert plain(tmp_path / "list.tsv") == [("x,y;z.png", "Joy")]
    (tmp_path / "list.txt").write_bytes("\ufeffa;b.png\r\n\r\nc,d.png\r\n".encode("utf-16-le"))
    assert plain(tmp_path / "list.txt") == [("a;b.png", None), ("c,d.png", None)]


def test_too_many_columns_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\na.png,sad\nb,c.png,happy\n")
    with pytest.raises(
        InputError,
        match=r"list\.csv, line 3: expected 2 columns as in the header; got 3: put names with ',' into quotation marks",
    ):
        read_list(tmp_path / "list.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_unknown_labels_are_told_with_place_and_nearest(tmp_path: Path, separator: str) -> None:
    rows = ["path,label", "a.png,Happiness", "b.png,hapy", "c.png,boredom", "d.png,hapy", "e.png,7", "f.png,"]
    (tmp_path / "list.csv").write_text("\n".join(rows).replace(",", separator))
    found = open_input(str(tmp_path / "list.csv"))
    assert [part.label for part in found.parts] == ["happy", None, None, None, None, None]
    assert found.remarks == [
        "3 labels are not known, left out: 'hapy' (2, first in line 3; did you mean happy?), 'boredom' (1, first in line 4), '7' (1, first in line 6)"
    ]
    with pytest.raises(
        InputError,
        match=r"expected labels out of .* got 'hapy' \(2, .*: correct them, or leave out --strict-labels",
    ):
        open_input(str(tmp_path / "list.csv"), strict=True)


def test_list_of_which_no_label_is_known(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\nhappy/a.png,x\nsad/b.png,y\n")
    found = open_input(str(tmp_path / "list.csv"))
    assert not found.labelled
    assert "2 labels are not known" in found.remarks[0]


def test_unknown_labels_of_parquet(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    labels = ["joy", "hapy", "sad", "hapy", None]
    polars.DataFrame({"image": [b"x"] * 5, "label": labels}).write_parquet(tmp_path / "a.parquet")
    found = open_input(str(tmp_path / "a.parquet"))
    assert found.remarks == [
        "1 label is not known, left out: 'hapy' (2, first in row 1; did you mean happy?)"
    ]
    with pytest.raises(InputError, match="--strict-labels"):
        open_input(str(tmp_path / "a.parquet"), strict=True)
