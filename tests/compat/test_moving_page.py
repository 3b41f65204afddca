"""The page on moving over: its examples run, and every import that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.media import VideoWriter

PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text(encoding="utf-8")


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray) -> None:
    pytest.importorskip("pandas", reason="mien[pandas] is not installed")
    monkeypatch.chdir(tmp_path)
    with VideoWriter("talk.mp4", 240, 240) as movie:
        for index in range(5):
            movie.write(portrait, index / 5)
    Image.fromarray(portrait).save("photo.jpg")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert len(names["faces"]) == len(names["results"]) == 1  # type: ignore[arg-type]
    assert len(names["rows"]) == len(names["table"]) == 5  # type: ignore[arg-type]
    assert 0 <= names["happy"] <= 5  # type: ignore[operator]


def test_the_imports_are_there() -> None:
    named = re.findall(r"\| `(from mien[^`]*)` \|", PAGE)
    assert len(named) == 4
    for statement in named:
        exec(statement, {})
