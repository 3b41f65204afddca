"""What a command keeps for its own run alone goes with it, and with the next run where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "HOME": str(temporary / "home"), "XDG_CACHE_HOME": ""}


def test_caches_of_a_killed_run_are_swept_by_the_next(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    killed = subprocess.Popen(
        [sys.executable, "-m", "mien", "analyze", "-"], stdin=subprocess.PIPE, env=environment(temporary)
    )
    until = time.monotonic() + 60
    while not list(temporary.glob("mien-*/.mien-scratch")) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(temporary.iterdir()), "a folder for this run"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert killed.stdin is not None
    killed.stdin.close()
    assert list(temporary.iterdir()), "nobody could tidy up"
    subprocess.run(
        [sys.executable, "-m", "mien", "models", "list"],
        env=environment(temporary),
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_that_cannot_be_used_stops_no_command(tmp_path: Path) -> None:
    code = "import sys, tempfile; tempfile.tempdir = '/dev/null/none'; sys.argv = ['mien', 'models', 'list']; from mien.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "small-int8" in done.stdout
