"""One style for all charts: letters that can be read on every colour, names that do not run out of a chart,
files that are whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from mien import EXPRESSIONS, InputError, Labels
from mien.core.labels import FERPLUS, text_colour
from mien.metrics.sentiment import SENTIMENTS
from mien.plotting import style
from mien.plotting.curves import draw_curves, draw_runs
from mien.plotting.evaluation import confusion_figure, draw_confusion
from mien.plotting.mark_labels import mark_labels
from mien.plotting.shares import Interval, Panel, draw_intervals, draw_shares
from mien.plotting.timeline import Mark, Row, Span, draw_spans
from mien.reports.page import stylesheet

matplotlib = pytest.importorskip(
    "matplotlib", reason="matplotlib is not installed: pip install 'mien[report]'"
)

READABLE = 4.5
"""Contrast of plain text that WCAG 2 asks for."""


def contrast(one: str, other: str) -> float:
    """WCAG 2's, with numpy."""
    rgb = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in (one, other)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    dark, light = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    return float((light + 0.05) / (dark + 0.05))


@pytest.mark.parametrize("labels", [FERPLUS, SENTIMENTS, Labels(("bored", "awake"), min_confidence=0.5)])
def test_letters_can_be_read_upon_every_colour(labels: Labels) -> None:
    for name in (*labels, "uncertain"):
        assert contrast(labels.colour(name), labels.text_colour(name)) >= READABLE, name


@given(st.integers(0, 0xFFFFFF))
@example(0x757575)  # About as far from white as from black.
def test_letters_can_be_read_upon_any_colour(value: int) -> None:
    assert contrast(f"#{value:06x}", text_colour(f"#{value:06x}")) >= READABLE


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_shares_are_as_wide_as_they_are(tmp_path: Path) -> None:
    shares = [{"happy": 0.75, "sad": 0.25}, {"happy": 0.25, "angry": 0.75}]
    path = draw_shares(tmp_path / "s.png", ["a", "b"], [Panel(EXPRESSIONS, shares)], "x")
    seen = pixels(path)
    counts = {
        name: int((seen == list(bytes.fromhex(EXPRESSIONS.colour(name)[1:]))).all(axis=2).sum())
        for name in EXPRESSIONS
    }
    assert counts["angry"] / counts["happy"] == pytest.approx(0.75, abs=0.05)
    assert counts["sad"] / counts["happy"] == pytest.approx(0.25, abs=0.05)


def drawn(figure: Any) -> list[Any]:
    return [text for axes in figure.axes for text in axes.texts if text.get_text()]


def test_numbers_of_a_matrix_can_be_read_on_every_shade() -> None:
    n = 21
    counts = np.array([[5 * step, 100 - 5 * step] for step in range(n)])
    labels = Labels(tuple(f"class {step}" for step in range(n)))
    figure = confusion_figure(np.pad(counts, ((0, 0), (0, n - 2))), labels)
    [image] = figure.axes[0].images
    shades = (image.to_rgba(image.get_array())[..., :3] * 255).round().astype(int)
    texts = drawn(figure)
    assert len(texts) == n * n
    assert len({text.get_color() for text in texts}) == 2
    for text in texts:
        column, row = (int(place) for place in text.get_position())
        shade = "#" + bytes(shades[row, column].tolist()).hex()
        assert contrast(shade, text.get_color()) >= READABLE, (text.get_text(), shade)


def test_numbers_on_bars_of_shares_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(style, "save", lambda figure, path, *_: kept.append(figure) or path)
    names = [*FERPLUS, "uncertain"]
    draw_shares(tmp_path / "a.png", names, [Panel(FERPLUS, [{name: 1.0} for name in names])], "x")
    texts = drawn(kept[0])
    assert [text.get_text() for text in texts] == ["100 %"] * len(names)
    by_row = {round(text.get_position()[1]): text.get_color() for text in texts}
    for row, name in enumerate(names):
        assert contrast(FERPLUS.colour(name), by_row[row]) >= READABLE, name


@pytest.mark.parametrize("letters", [3, 70, 300])
def test_no_title_runs_out_of_its_chart(tmp_path: Path, letters: int) -> None:
    figure = style.new_figure(6.4, 4)
    figure.subplots().plot([0, 1])
    seen = pixels(style.save(figure, tmp_path / "a.png", ("word " * letters)[:letters]))
    assert (seen[:, -5:] > 200).all(), "nothing touches the right edge"


def test_names_are_no_formulas(tmp_path: Path) -> None:
    names = ["$x^2$ and $", "_{", "\\frac", "a" * 200, "<b>&"]
    bars = [Interval(0.5, 0.4, 0.6)] * len(names)
    draw_intervals(tmp_path / "a.png", names, {"one": bars, "two": bars}, "$")
    draw_shares(tmp_path / "b.png", names, [Panel(SENTIMENTS, [{}] * len(names))] * 2, "$a")
    history = [{"epoch": 1.0, "train_a": 0.1, "validation_a": 0.2, "train_loss": 1.0, "validation_loss": 1.1}]
    draw_runs(dict.fromkeys(names, history), "a", tmp_path / "c.png", "$", training=True)
    draw_curves(history, tmp_path / "d.png")
    assert len(list(tmp_path.iterdir())) == 4


def test_time_without_figures_is_hatched_and_not_gray(tmp_path: Path) -> None:
    spans = [Span(0, 10, {"positive": 0.5, "negative": 0.5}), Span(10, 20)]
    marks = [Mark("1 one", 5, strong=True), Mark("3 three", 15, strong=False)]
    seen = pixels(
        draw_spans(tmp_path / "a.png", [Row("sentiment", spans, SENTIMENTS, 1)], marks, "x", "note")
    )
    counts = {
        name: int((seen == list(bytes.fromhex(SENTIMENTS.colour(name)[1:]))).all(axis=2).sum())
        for name in SENTIMENTS
    }
    assert counts["positive"] == pytest.approx(counts["negative"], rel=0.05)
    key = 400  # Pixels of its square in the key.
    assert counts["neutral"] < key
    rows, columns = np.nonzero((seen == list(bytes.fromhex(SENTIMENTS.colour("positive")[1:]))).all(axis=2))
    top, left = int(rows.min()), int(np.median(columns))
    width = 2 * (left - int(columns.min()))
    hatched = seen[
        top : int(rows.max()), int(columns.min()) + width + 20 : int(columns.min()) + 2 * width - 20
    ]
    ink = (hatched < 128).all(axis=2).mean()
    assert 0.05 < ink < 0.5, "lines on paper"
    draw_spans(tmp_path / "nothing.png", [Row("sentiment", [], SENTIMENTS, 1)], marks, "x", "note")


@given(
    st.lists(st.tuples(st.floats(0, 1), st.text(st.characters(categories=["L"]), max_size=200)), max_size=30),
    st.integers(20, 200),
)
def test_no_name_of_a_moment_lies_upon_another(points: list[tuple[float, str]], letters: int) -> None:
    points = sorted(points)
    labels = mark_labels([place for place, _ in points], [name for _, name in points], letters)
    taken: dict[int, list[tuple[float, float]]] = {}
    for (place, name), label in zip(points, labels, strict=True):
        start = place * letters - (len(label.text) if label.before else 0)
        end = start + len(label.text)
        assert start >= -1e-6
        assert end <= letters + 1e-6
        assert len(label.text) <= len(name)
        for other in taken.get(label.row, []) if label.text else []:
            assert end <= other[0] or other[1] <= start + 1e-6
        if label.text:
            taken.setdefault(label.row, []).append((start, end))


def test_names_of_moments_that_are_far_apart_are_whole() -> None:
    names = ["Welcome", "The new prices", "Lunch"]
    labels = mark_labels([0.1, 0.5, 0.98], names, 100)
    assert [label.text for label in labels] == names
    assert [label.row for label in labels] == [0, 0, 0]
    assert [label.before for label in labels] == [False, False, True]


@pytest.mark.parametrize(
    "name",
    [
        "x" * 200 + ".mp4",
        "M" * 200,
        "n" * 120 + " " + "w" * 90,
        "שלום_עולם.mp4",
        "مقابلة مع الجمهور.mp4",
        "a" * 60 + " b",
    ],
)
def test_no_name_runs_out_of_its_chart(tmp_path: Path, name: str) -> None:
    figure = style.new_figure(6.4, 4)
    figure.subplots().plot([0, 1])
    seen = pixels(style.save(figure, tmp_path / "a.png", name, note=name))
    assert (seen[:, -5:] > 200).all(), "nothing touches the right edge"
    assert (seen[:60, :300] < 128).any(), "there is a title"


def test_letters_from_right_to_left_turn_nothing_beside_them() -> None:
    assert style.as_text("אבג.mp4: share") == "\u200eאבג.mp4: share"
    assert style.as_text("مقابلة", 4) == "\u200eم…لة"
    assert style.as_text("hello.mp4") == "hello.mp4"


def test_charts_have_the_colours_of_reports() -> None:
    light = dict(re.findall(r"--(\w+): (#\w{6})", stylesheet().split("}")[0]))
    assert tuple(light[name] for name in ("ink", "soft", "rule", "nobody", "sheet")) == (
        style.INK,
        style.SOFT,
        style.GRID,
        style.EMPTY,
        style.PAPER,
    )


@pytest.mark.parametrize("rule", [0, 1], ids=["light", "dark"])
def test_text_of_reports_can_be_read(rule: int) -> None:
    colours = dict(re.findall(r"--(\w+): (#\w{6})", re.findall(r":root[^{]*\{([^}]*)\}", stylesheet())[rule]))
    for text in ("ink", "soft", "bad", "good", "mark"):
        for ground in ("ground", "sheet"):
            assert contrast(colours[text], colours[ground]) >= READABLE, (text, ground)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    figure = style.new_figure(2, 2)
    with pytest.raises(InputError, match="expected a place to write"):
        style.save(figure, tmp_path / "file" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


SCRIPTS = ("fâché", "שמח", "嬉しい", "مقابلة", "грустный", "$x_1$", "\U0010ffff", "n" * 200)


@pytest.mark.filterwarnings("error")
def test_labels_in_every_script_have_letters(tmp_path: Path) -> None:
    """Matplotlib warns of each letter that its font has not, which it draws as a box."""
    labels = Labels(SCRIPTS)
    share = dict.fromkeys(SCRIPTS, 1 / len(SCRIPTS))
    draw_shares(tmp_path / "a.png", SCRIPTS, [Panel(labels, [share] * len(SCRIPTS))], " ".join(SCRIPTS))
    draw_confusion(np.eye(len(SCRIPTS), dtype=int), labels, tmp_path / "b.png", "嬉しい.mp4")
    rows = [Row("嬉しい", [Span(0, 5, share), Span(5, 9)], labels, 1.0)]
    marks = [Mark(name, float(place), True) for place, name in enumerate(SCRIPTS)]
    draw_spans(tmp_path / "c.png", rows, marks, "嬉しい", "嬉しい")
    draw_runs({"嬉しい": [{"epoch": 1.0, "validation_x": 0.5}]}, "x", tmp_path / "d.png", "嬉しい")
    assert len({pixels(tmp_path / f"{name}.png").shape for name in "abcd"}) == 4


def test_names_without_letters_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "legible", lambda name, instead: instead if name > "~" else name)
    assert style.names(["happy", "嬉しい"]) == ["happy", "2 …"]
