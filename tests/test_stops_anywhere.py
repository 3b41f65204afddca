"""A stop may come at any line, and a second one while the first is heeded: what the command says of what is left is
true."""

from __future__ import annotations

import io
import os
import pty
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from mien.cli.audience import _ended_by_hand
from mien.cli.console import Console
from mien.cli.marking import _keys
from mien.cli.work import _stopping
from mien.core import atomic, leftovers, run_folder, scratch
from mien.core.atomic import atomic_files, atomic_folder, atomic_write
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.core.leftovers import tidy_up
from mien.core.scratch import scratch_folder
from mien.core.stops import stops
from mien.video import checkpoint
from mien.video.checkpoint import CheckpointStore, Chunk

TRACED = {module.__file__ for module in (atomic, leftovers, run_folder, scratch, checkpoint)}


class Stop(BaseException):
    """Somebody presses Ctrl-C."""


@contextmanager
def stopped_at(*lines: int) -> Iterator[tuple[list[int], list[BaseException]]]:
    """Stop at such lines, counted as they are run; gives how many were, and the stop that came out."""
    count, stops = [0], list[BaseException]()
    before = sys.gettrace()

    def see(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in TRACED or frame.f_code.co_name == "__del__":
            return None
        if event == "line":
            count[0] += 1
            if count[0] in lines:
                raise Stop
        return see

    sys.settrace(see)
    try:
        yield count, stops
    except Stop as stop:
        stops.append(stop)
    finally:
        sys.settrace(before)


def run(folder: Path) -> None:
    """Keeps what it reads, writes a file, two that belong together and a folder, and is done with what it kept."""
    with scratch_folder(), CheckpointStore(folder / "rows.csv.checkpoint", {}) as store:
        kept = store.record(0, "a.mp4", EXPRESSIONS)
        kept.add(Chunk([FrameResult("a.mp4", 0, 0.0, Faces.empty())], last=True))
        with atomic_write(folder / "rows.csv") as aside:
            aside.write_text("whole")
        with atomic_files(folder / "a.tsv", folder / "a.json") as asides:
            for aside in asides:
                aside.write_text("whole")
        if not (folder / "charts").exists():
            with atomic_folder(folder / "charts") as aside:
                (aside / "chart.png").touch()
        store.remove()


def check(folder: Path, temporary: Path, stop: BaseException) -> None:
    """What is there is whole, or told; what was made and is empty is gone."""
    remarks, left = tidy_up(stop), {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert folder.exists() == bool(left)
    assert list(temporary.iterdir()) == []
    assert [name for name in left if name.startswith(".")] == []
    told = [f"{folder / 'rows.csv.checkpoint'} keeps what was read: the same command goes on from there"]
    assert remarks == (told if "rows.csv.checkpoint" in left else [])
    assert "rows.csv" not in left or (folder / "rows.csv").read_text() == "whole"
    assert len(left & {"a.tsv", "a.json"}) != 1
    assert "charts" not in left or (folder / "charts" / "chart.png").exists()
    run(folder)  # The same command goes on.
    assert {path.name for path in folder.iterdir()} == {"rows.csv", "a.tsv", "a.json", "charts"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: some five hundred runs would keep the disk busy."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Files that a stop left open.
@pytest.mark.parametrize("further", [None, 2])
def test_what_is_left_is_told_wherever_a_run_is_stopped(
    further: int | None, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = place / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("os.fsync", lambda _: None)  # Some five hundred runs would wait for the disk.
    tidy_up()
    line, ended = 0, False
    while not ended:
        line += 1
        folder = place / str(line)  # The run makes it.
        with stopped_at(line, line + further if further else line) as (count, stops):
            run(folder)
            ended = True
        assert ended == (count[0] < line)
        if not ended:
            check(folder, temporary, stops[0])
    assert not leftovers._OPEN
    assert line > 100


def test_the_end_of_the_terminal_is_a_stop_like_others_unless_it_is_ignored() -> None:
    before = {stop: signal.getsignal(stop) for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert stops() == [signal.SIGINT, signal.SIGTERM]
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert stops() == list(before)
        engine: Any = SimpleNamespace(stop=lambda: None)
        for block in (_stopping(engine, Console(file=io.StringIO())), _ended_by_hand()):
            with block:
                [handler] = {signal.getsignal(stop) for stop in before}
                assert callable(handler)
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


def test_a_second_stop_leaves_a_terminal_that_shows_what_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)

    def stopped(*_: object) -> None:
        raise Stop

    with open(theirs, encoding="ascii") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("threading.Thread.join", stopped)
        with pytest.raises(Stop), _keys(lambda _: None):
            assert termios.tcgetattr(theirs) != before
        assert termios.tcgetattr(theirs) != before, "the stop came in time"
        monkeypatch.undo()
        assert tidy_up() == []
        assert termios.tcgetattr(theirs) == before
        for thread in threading.enumerate():
            if thread.name == "mien-keys":
                thread.join(30)  # It looks at the terminal, which is closed now.
    os.close(ours)
