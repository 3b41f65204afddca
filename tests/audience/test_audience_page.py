"""What docs/audience.md says is true: its example runs, its figures and statuses are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from mien.audience.changes import BLOCK, LEAST_CHANGE
from mien.audience.keypoints import read_key_points
from mien.audience.options import SMALLEST, AudienceOptions
from mien.audience.result import ChangeStatus, WindowStatus
from mien.media import VideoWriter

PAGE = (Path(__file__).parents[2] / "docs" / "audience.md").read_text(encoding="utf-8")


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], portrait: np.ndarray
) -> None:
    monkeypatch.chdir(tmp_path)
    with VideoWriter("talk.mp4", 480, 240, rate=1) as writer:
        for second in range(4):
            writer.write(np.tile(portrait[::2, ::2], (2, 4, 1)), second)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, {})
    assert "0.0 reported 8 {'angry':" in capsys.readouterr().out


def test_the_key_points_of_the_page_are_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```\n(time,label\n.*?)```", PAGE, re.DOTALL)
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    assert [point.time for point in read_key_points(tmp_path / "points.csv")[0]] == [30, 255]


def test_figures_and_statuses_are_those_of_the_code() -> None:
    statuses = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(statuses) == sorted([*get_args(WindowStatus), *get_args(ChangeStatus)])
    text, defaults = " ".join(PAGE.split()), AudienceOptions()
    assert f"windows of {defaults.window:g} s" in text
    assert f"the {defaults.context:g} s before and after" in text
    assert f"at least {['no', 'one', 'two', 'three', 'four'][SMALLEST]} people" in text
    assert f"at least {LEAST_CHANGE * 100:g} points of a hundred" in text
    assert f"blocks of {BLOCK:g} s" in text
