"""Files that were damaged by chance, each the same at every run: no crash, no hang, no error but a
MediaError, no memory beyond a bound.

``MIEN_SOAK_FILES=100000`` (``make soak``) reads more; those of the short run are among them.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.media.fuzzed import ALL, CLIPS, damaged, read, whole

ROOT = Path(__file__).parents[2]
FILES = int(os.environ.get("MIEN_SOAK_FILES", "350"))
PIECE = 5000
LONGEST = 60.0
"""Seconds without a word after which a file has hung its reader, on the slowest machine."""
MEMORY = 600
"""Megabytes that a file of some kilobytes may take, at 4 megapixels a frame."""


@pytest.mark.parametrize("kind", CLIPS)
def test_the_whole_ones_can_be_read(kind: str) -> None:
    assert read(whole(kind)) == "whole"


def test_files_come_again_and_differ() -> None:
    made = [damaged(number) for number in range(2 * len(ALL))]
    assert made == [damaged(number) for number in range(2 * len(ALL))]
    assert sum(data != whole(ALL[number % len(ALL)]) for number, data in enumerate(made)) > len(made) * 0.9


@pytest.mark.integration
def test_damaged_files_are_told_and_nothing_else_happens() -> None:
    told: Counter[str] = Counter()
    for first in range(0, FILES, PIECE):
        told += _watched(first, min(PIECE, FILES - first))
    assert sum(told.values()) == FILES
    assert len(told) > 3, told


def _watched(first: int, count: int) -> Counter[str]:
    """What came of some files, read by another process."""
    told: Counter[str] = Counter()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.media.fuzzed", str(first), str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        output = process.stdout
        threading.Thread(target=_passed_on, args=(output, lines), daemon=True).start()
        last = "the undamaged files"
        while True:
            try:
                line = lines.get(timeout=LONGEST)
            except queue.Empty:
                process.kill()
                pytest.fail(f"{last}: nothing for {LONGEST:g} s: a hang")
            if not line:
                break
            word = json.loads(line)
            last = f"file {word.get('reading', word.get('number'))}"
            if "told" in word:
                assert not word["told"].startswith("fault"), word
                assert word["more"] < MEMORY, word
                told[word["told"]] += 1
        assert process.wait() == 0, f"{last}: the reader died with {process.returncode}"
    return told


def _passed_on(output: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in output:
        lines.put(line)
    lines.put("")
