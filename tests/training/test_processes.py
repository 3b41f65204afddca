"""A run in several processes ends as one, and goes on as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien.cli.exits import INTERRUPTED
from mien.data import write_dataset
from tests.training.stripes import stripes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # Eight starts of a training.

EPOCHS = 12
TINY = ["--set", "options.widths=4,8", "--set", "options.blocks=1", "--epochs", str(EPOCHS), "--batch", "16"]
TWO = ["--device", "cpu", "--devices", "2", "--strategy", "ddp", "--threads", "1"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "stripes.parquet"
    write_dataset(stripes(560), path)
    return path


def start(faces: Path, run: Path) -> subprocess.Popen[str]:
    """In a session of its own, so that its processes can be told from others."""
    command = [
        sys.executable,
        "-m",
        "mien",
        "train",
        str(faces),
        "--preset",
        "small",
        "--run",
        str(run),
        *TINY,
        *TWO,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def alive(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def to_the_end(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors


def wait_for(epochs: int, run: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while epochs_of(run) < epochs:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def epochs_of(run: Path) -> int:
    history = run / "history.csv"
    return history.read_text(encoding="utf-8").count("\n") - 1 if history.is_file() else 0


def test_a_signal_ends_all_processes_and_the_run_goes_on_to_the_same_weights(
    faces: Path, tmp_path: Path
) -> None:
    to_the_end(start(faces, tmp_path / "alone"))
    for epochs, number in ((1, signal.SIGTERM), (3, signal.SIGINT)):
        process = start(faces, tmp_path / "stopped")
        wait_for(epochs, tmp_path / "stopped", process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, alive(process.pid)) == (INTERRUPTED, False), errors
        assert "interrupted" in errors
        assert "Traceback" not in errors
        assert epochs <= epochs_of(tmp_path / "stopped") < EPOCHS
    to_the_end(start(faces, tmp_path / "stopped"))
    first, second = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("alone", "stopped")
    )
    assert all(torch.equal(values, second[name]) for name, values in first.items())
    history = [(tmp_path / name / "history.csv").read_text(encoding="utf-8") for name in ("alone", "stopped")]
    assert history[0] == history[1]
    assert epochs_of(tmp_path / "alone") == EPOCHS
