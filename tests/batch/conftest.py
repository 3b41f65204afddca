"""Images to read by the dozen, a run over them to which nothing happened, and ways to make things
happen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.batch.batch_runs import Rows, batch, mien, rows_of


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 face-like crops in three class folders, each of its own."""
    folder = tmp_path_factory.mktemp("crops")
    chance = np.random.default_rng(7)
    for number in range(40):
        place = folder / ("happy", "sad", "Surprised")[number % 3] / f"face{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (48, 48), np.uint8)).save(place)
    return folder


@pytest.fixture(scope="session")
def undisturbed(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What a run over `crops` comes to when nothing happens to it."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = mien(*batch(crops, out))
    assert done.returncode == 0, done.stderr
    return rows_of(out)


@pytest.fixture
def sabotage(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """An environment in which every Python process runs some lines first, as a broken decoder or disk would
    make itself felt.
    """

    def prepare(lines: str) -> dict[str, str]:
        folder = tmp_path / "sabotage"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(lines)
        return {"PYTHONPATH": os.pathsep.join([str(folder), *_paths()])}

    return prepare


def _paths() -> Sequence[str]:
    return [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
