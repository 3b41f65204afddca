"""What docs/clips.md says is true: its examples run, its mapping opens, its presets are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.clips.aggregate import LEAST
from mien.metrics.sentiment import PRESETS, open_mapping
from tests.clips.making_rows import clip, write_reference, write_table

PAGE = (Path(__file__).parents[2] / "docs" / "clips.md").read_text(encoding="utf-8")


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("rows.csv"), [clip("1.mp4", ["happy"])])
    write_reference(Path("reference.csv"), {"1": "happy"})
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, {})
    assert "1.mp4 right happy happy" in capsys.readouterr().out


def test_the_mapping_of_the_page_opens(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    assert open_mapping(tmp_path / "ours.toml").table()["surprise"] == {
        "positive": 0.5,
        "neutral": 0.5,
        "negative": 0.0,
    }


def test_the_presets_are_those_of_the_code() -> None:
    rows = re.findall(
        r"^\| ([a-z, ]+) \| ([^|]+) \| ([^|]+) \|$",
        PAGE.split("## Positive")[1].split("```toml")[0],
        re.MULTILINE,
    )
    told = {name: cells for names, *cells in rows if names != "expression" for name in names.split(", ")}
    assert {*told} == {*PRESETS["valence"].weights}
    for column, preset in enumerate(("valence", "yin")):
        for name, weights in PRESETS[preset].table().items():
            parts = [
                sentiment if share == 1 else f"{share:g} {sentiment}"
                for sentiment, share in weights.items()
                if share
            ]
            assert told[name][column].split(" (")[0] == ", ".join(parts), name


def test_the_least_confidences_are_those_of_the_code() -> None:
    assert f"it is {LEAST['expression']} for expressions and {LEAST['sentiment']} for sentiments" in " ".join(
        PAGE.split()
    )
