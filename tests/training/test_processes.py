"""A run in several processes ends as one, and goes on as one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien.cli.exits import INTERRUPTED
from mien.data import write_dataset
from tests.commands import FOR_TRAINING, LOADED, become
from tests.training.stripes import stripes
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # Four starts of a training.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([*LOADED, *FOR_TRAINING])

EPOCHS = 12
TINY = ["--set", "options.widths=4,8", "--set", "options.blocks=1", "--epochs", str(EPOCHS), "--batch", "16"]
TWO = ["--device", "cpu", "--devices", "2", "--strategy", "ddp", "--threads", "1"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "stripes.parquet"
    write_dataset(stripes(560), path)
    return path


class Started:
    """``mien train`` as the leader of a session, so that its processes can be told from others: a fork of a process
    that has loaded what it needs. The second process it starts itself, as it does for users.
    """

    def __init__(self, faces: Path, run: Path, streams: Path) -> None:
        self.streams = [streams / name for name in ("stdin", "stdout", "stderr")]
        for path in self.streams:
            path.write_bytes(b"")
        wanted = {
            "words": ["train", str(faces), "--preset", "small", "--run", str(run), *TINY, *TWO],
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "streams": list(map(str, self.streams)),
        }
        self.process = FORKS.Process(target=lead, args=(wanted,))
        self.process.start()
        self.pid = self.process.pid

    def ended(self, seconds: float = 300) -> int | None:
        """Its status."""
        self.process.join(seconds)
        return self.process.exitcode

    def said(self) -> str:
        """Its errors."""
        return self.streams[2].read_text(encoding="utf-8")


def lead(wanted: dict[str, object]) -> None:
    os.setsid()
    become(wanted)


def alive(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def start(faces: Path, tmp_path: Path) -> Iterator[Callable[[str], Started]]:
    """Starts a run by its name; none is left at the end."""
    begun: list[Started] = []

    def go(run: str) -> Started:
        begun.append(Started(faces, tmp_path / run, tmp_path))
        return begun[-1]

    yield go
    for one in begun:
        if alive(one.pid):
            os.killpg(one.pid, signal.SIGKILL)


def wait_for(epochs: int, run: Path, process: Started) -> None:
    until(lambda: epochs_of(run) >= epochs or process.process.exitcode is not None)
    assert process.process.exitcode is None, process.said()


def epochs_of(run: Path) -> int:
    history = run / "history.csv"
    return history.read_text(encoding="utf-8").count("\n") - 1 if history.is_file() else 0


def test_a_signal_ends_all_processes_and_the_run_goes_on_to_the_same_weights(
    start: Callable[[str], Started], tmp_path: Path
) -> None:
    alone = start("alone")
    assert alone.ended() == 0, alone.said()
    for epochs, number in ((1, signal.SIGTERM), (3, signal.SIGINT)):
        stopped = start("stopped")
        wait_for(epochs, tmp_path / "stopped", stopped)
        os.kill(stopped.pid, number)
        assert (stopped.ended(), alive(stopped.pid)) == (INTERRUPTED, False), stopped.said()
        assert "interrupted" in stopped.said()
        assert "Traceback" not in stopped.said()
        assert epochs <= epochs_of(tmp_path / "stopped") < EPOCHS
    again = start("stopped")
    assert again.ended() == 0, again.said()
    first, second = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("alone", "stopped")
    )
    assert all(torch.equal(values, second[name]) for name, values in first.items())
    history = [(tmp_path / name / "history.csv").read_text(encoding="utf-8") for name in ("alone", "stopped")]
    assert history[0] == history[1]
    assert epochs_of(tmp_path / "alone") == EPOCHS
