"""``mien analyze`` killed at random moments comes to what a run comes to that nothing happens to, byte for
byte, and leaves nothing else.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.soak import killed, kills

pytestmark = pytest.mark.slow

KILLS = kills(3)
OFTEN = """
import sys
import mien.video.sources
from mien.cli import main
mien.video.sources.EVERY = 0.0  # A piece for every batch, so that there is something to kill between.
sys.argv = ["mien", *sys.argv[1:]]
main()
"""


@pytest.mark.timeout(120 + 40 * KILLS)
def test_runs_killed_at_any_moment_come_to_the_same_files(
    tmp_path: Path, movie: Callable[..., Path], portrait: np.ndarray
) -> None:
    clips = [movie(60, name="a.mp4"), movie(30, name="b.mp4")]
    Image.fromarray(portrait).save(tmp_path / "c.png")
    outputs = ["-o", "rows.csv", "-o", "rows.jsonl", "--persons", "persons.csv"]
    words = [*(clip.name for clip in clips), "c.png", "--threads", "1", "--min-face", "20", *outputs]

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", OFTEN, "analyze", *words]
        return subprocess.Popen(
            command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def found() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name not in given}

    given = {path.name for path in tmp_path.iterdir()}
    began, process = time.monotonic(), begin()
    _, said = process.communicate()
    assert process.returncode == 0, said
    longest, undisturbed = 1.2 * (time.monotonic() - began), found()
    assert undisturbed.keys() == {"rows.csv", "rows.jsonl", "persons.csv"}
    chance, count = random.Random(KILLS), 0
    while count < KILLS:
        for name in undisturbed:
            (tmp_path / name).unlink()
        while killed(process := begin(), chance, longest):
            count += 1
            assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} <= {
                *given,
                *undisturbed,
                "rows.csv.checkpoint",
            }
        assert process.returncode == 0
        assert found() == undisturbed
