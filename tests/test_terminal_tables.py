"""Tables of commands on terminals of any width: no number is cut, names lose their middle, columns of low
value go first, and what is piped has all of it."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.text import Text

from mien import EXPRESSIONS, Faces, FrameResult
from mien.cli.analyze_view import Summary
from mien.cli.console import Console
from mien.cli.evaluate_tables import confusion_table
from mien.cli.strips import Strips, key_line
from mien.cli.table import Table, TableColumn
from mien.video.summary import Overview

WIDTHS = (60, 80, 200)
NAMES = {
    "long": "interview-" + "x" * 180 + "-take-3.mp4",
    "right to left": "مقابلة-" + "طويلة-" * 30 + "٣.mp4",
    "wide": "会議の録画" * 20 + "最終.mp4",
    "marks": "e\u0301" * 100 + ".mp4",
}


def printed(table: object, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, height=50, color_system=None).print(table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def table(names: list[str]) -> Table:
    made = Table(
        "video",
        "frames",
        TableColumn("with a face", drop=1),
        "people",
        TableColumn("of the time", "pieces"),
        TableColumn("over time", "text", drop=2),
    )
    for name in names:
        shares = (Text("happy 75 %"), Text("neutral 21 %"), Text("surprise 4 %"))
        made.add_row(name, "1,234,567 in 41,152.2 s", "99 %", "1,040", shares, "█" * 24)
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_number_is_cut_whatever_the_name(name: str, width: int) -> None:
    lines = printed(table([name, "a.mp4"]), width)
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    for value in ("1,234,567 in 41,152.2 s", "1,040", "happy 75 %", "neutral 21 %", "surprise 4 %"):
        assert text.count(value) == 2
    assert ".mp4" in next(line for line in lines if "…" in line), "the end of a name is there"
    assert next(line for line in lines if "…" in line).startswith(name[:3]), "and its beginning"


def test_columns_of_low_value_go_first_and_are_told() -> None:
    wide, narrow, narrowest = (printed(table(["a" * 30 + ".mp4"]), width) for width in (200, 100, 60))
    assert "no room for" not in "\n".join(wide)
    assert narrow[-1] == "no room for: over time"
    assert narrowest[-1] == "no room for: with a face, over time"
    assert "█" in wide[1]
    assert "█" not in "\n".join(narrow)


def test_a_short_name_stays_and_takes_no_room() -> None:
    assert printed(table(["a.mp4"]), 200)[1].startswith("a.mp4  1,234,567")


def test_a_mark_goes_with_its_letter() -> None:
    assert not re.search("…\u0301", "\n".join(printed(table([NAMES["marks"]]), 80)))


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_never_fits_stands_below(width: int) -> None:
    counts = np.arange(49).reshape(7, 7) * 12_345
    lines = printed(confusion_table(EXPRESSIONS.names, counts), width)
    assert max(map(len, lines)) <= width
    cells = re.findall(r"[\d,]+", "\n".join(lines))
    assert sorted(cells) == sorted(f"{count:,}" for count in counts[counts > 0].tolist())
    for name in EXPRESSIONS:
        assert re.search(rf"\b{name}\b", "\n".join(lines))


def test_bars_words_and_titles() -> None:
    made = Table(
        TableColumn("a title of several words"),
        TableColumn("", "text", drop=1),
        TableColumn("prose", "words"),
    )
    made.add_row("12", ProgressBar(1.0, 0.5, width=24), "word " * 30)
    wide, narrow = printed(made, 300), printed(made, 44)
    assert wide[0].startswith("a title of several words")
    assert narrow[0].split()[0] == "a"
    assert max(map(len, narrow)) <= 44
    assert "\n".join(narrow).count("word") >= 30
    assert "━" not in "\n".join(narrow)
    assert "no room for" not in "\n".join(narrow), "a bar has no name, and its number is there"


@pytest.mark.parametrize("width", WIDTHS)
def test_titles_take_two_lines_at_most(width: int) -> None:
    lines = printed(table([NAMES["long"]]), width)
    assert [line for line in lines[:3] if "1,234,567" in line]


def test_a_cell_without_pieces_is_empty() -> None:
    made = Table("finding", "images", TableColumn("such as", "pieces"))
    made.add_row("blank", "0", ())
    assert printed(made, 80)[1] == "blank         0"


def test_a_table_without_rows_is_its_titles() -> None:
    assert printed(Table("one", "two"), 80) == ["one  two"]


def test_what_is_piped_is_not_forced_to_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    file = io.StringIO()
    Console(file=file).print(table([NAMES["long"]]))
    assert NAMES["long"] in file.getvalue()
    assert "no room for" not in file.getvalue()
    monkeypatch.setenv("COLUMNS", "80")
    assert Console(file=io.StringIO()).width == 80
    monkeypatch.setattr(sys, "stdout", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})())
    monkeypatch.delenv("COLUMNS")
    assert Console().width < 1000


def test_words_that_are_piped_have_lines_that_can_be_read() -> None:
    made = Table("of", TableColumn("", "words"), "n")
    digest = "a" * 100
    made.add_row("a.onnx", f"{'word ' * 60}{digest}", "12")
    made.add_row("b.onnx", "short", "")
    file = io.StringIO()
    Console(file=file, width=10_000).print(made)
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) == len("a.onnx") + 2 + len(digest) + 2 + 2
    assert digest in file.getvalue(), "what is one word stays whole"
    assert not [line for line in lines if line.endswith(" ")], "no line is filled up with blanks"


@pytest.mark.parametrize("colours", ["truecolor", None])
def test_what_is_shown_over_time_is_told_by_colours_or_by_letters(
    colours: Literal["truecolor"] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = Console(file=io.StringIO(), color_system=colours, force_terminal=colours is not None)
    strips = Strips(EXPRESSIONS, console)
    signs = [strips.sign(name) for name in ("sad", "surprise", "uncertain", "sad")]
    if colours:
        assert {sign.plain for sign in signs} == {"█"}
        assert len({str(sign.style) for sign in signs}) == 3
        assert not strips.key
    else:
        assert "".join(sign.plain for sign in signs) == "su?s"
        assert key_line(strips.key) == "s sad, u surprise, ? uncertain"


def crowd(people: int) -> Overview:
    """Forty people, each seen in ten frames."""
    overview = Overview("holiday/" + "n" * 200 + ".mp4", EXPRESSIONS, 1.0, 1.0)
    probs = np.random.default_rng(1).dirichlet(np.ones(7), people).astype(np.float32)
    for frame in range(10):
        faces = Faces(
            [[30 * x, 0, 30 * x + 20, 25] for x in range(people)],
            [1] * people,
            [frame] * people,
            [frame / 10] * people,
            tracks=range(1, people + 1),
            probs=probs,
            smoothed_probs=probs,
            smoothed_emotion_ids=probs.argmax(axis=1),
            labels=EXPRESSIONS,
        )
        overview.add(FrameResult("a", frame, frame / 10, faces))
    overview.end()
    return overview


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("people", [1, 12, 20, 40])
@pytest.mark.parametrize("landmarks", [False, True])
def test_a_video_of_many_people(
    people: int, width: int, landmarks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = Summary(type("Run", (), {"labels": EXPRESSIONS, "landmarks": landmarks})())
    overview = crowd(people)
    monkeypatch.setattr(summary, "_videos", [overview])
    file = io.StringIO()
    summary.show(Console(file=file, width=width, height=50, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "10 in 1." in file.getvalue()
    assert "█" not in file.getvalue(), "which says nothing where there are no colours"
    [key] = re.findall(r"^over time: (.*)", file.getvalue(), re.MULTILINE) or [""]
    without = re.findall(r"^no room for: .*over time", file.getvalue(), re.MULTILINE)
    assert bool(key) == (len(without) < 1 + (people > 1 or landmarks)), "the key goes with its column"
    letters = "".join(re.findall(r"(\w) \w+", key))
    assert not key or re.search(rf" [{letters}·]{{4,}}$", file.getvalue(), re.MULTILINE)
    assert re.search(rf"\b{people}\b", file.getvalue())
    if people > 1:
        assert ("… and 20 people in view for less time" in file.getvalue()) == (people == 40)
        for person in overview.people[:20]:
            [line] = [line for line in lines if re.match(rf" *{person.track} ", line)]
            assert f"{person.seconds:.1f} s" in line


def test_no_command_makes_a_table_of_its_own() -> None:
    root = Path(__file__).parents[1] / "src/mien/cli"
    others = [path.name for path in root.glob("*.py") if "rich.table" in path.read_text(encoding="utf-8")]
    assert others == ["table.py"]
