"""One style for all charts: letters that can be read on every colour, names that do not run out of a chart,
files that are whole."""

from __future__ import annotations

from pathlib import Path

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
from mien.plotting.shares import Interval, Panel, draw_intervals, draw_shares
from mien.plotting.timeline import Mark, Row, Span, draw_spans

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


def test_time_without_figures_is_gray(tmp_path: Path) -> None:
    spans = [Span(0, 10, {"positive": 0.5, "negative": 0.5}), Span(10, 20)]
    marks = [Mark("1", 5, strong=True), Mark("3", 15, strong=False)]
    seen = pixels(
        draw_spans(tmp_path / "a.png", [Row("sentiment", spans, SENTIMENTS, 1)], marks, "x", "note")
    )
    counts = [
        int((seen == list(bytes.fromhex(colour[1:]))).all(axis=2).sum())
        for colour in (SENTIMENTS.colour("positive"), SENTIMENTS.colour("negative"), style.EMPTY)
    ]
    assert counts[0] == pytest.approx(counts[1], rel=0.05)
    assert counts[2] == pytest.approx(2 * counts[0], rel=0.05)
    draw_spans(tmp_path / "nothing.png", [Row("sentiment", [], SENTIMENTS, 1)], [], "x", "note")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    figure = style.new_figure(2, 2)
    with pytest.raises(InputError, match="expected a place to write"):
        style.save(figure, tmp_path / "file" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
