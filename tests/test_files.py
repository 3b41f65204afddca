"""What an output leaves of the file that it replaces, and what is left by runs that were killed."""

from __future__ import annotations

import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.atomic import atomic_folder, atomic_write, check_writable, remove_partials
from mien.core.errors import InputError
from mien.core.scratch import scratch_folder, sweep_scratch

OTHER = 54321  # Nobody's number.
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can give files away")


def write(path: Path, text: str = "new") -> None:
    with atomic_write(path) as aside:
        aside.write_text(text, encoding="utf-8")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o077, 0o002])
def mask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("rights", [0o600, 0o640, 0o644, 0o666, 0o755])
def test_an_output_keeps_the_mode_of_the_file_that_it_replaces(
    rights: int, mask: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")
    path.chmod(rights)
    write(path)
    assert (path.read_text(encoding="utf-8"), mode(path)) == ("new", rights)


def test_a_new_output_has_the_rights_of_any_new_file(mask: int, tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    with atomic_folder(tmp_path / "out") as aside:
        (aside / "b").touch()
    assert (mode(tmp_path / "a.csv"), mode(tmp_path / "out")) == (0o666 & ~mask, 0o777 & ~mask)


def test_a_private_file_in_its_place_gets_them_too(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "a.ckpt") as aside:
            handle, other = tempfile.mkstemp(dir=tmp_path)
            os.close(handle)
            os.replace(other, aside)
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.ckpt") == 0o644


@as_root
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    path.chmod(0o640)
    os.chown(path, OTHER, OTHER + 1)
    write(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (OTHER, OTHER + 1, 0o640)


@pytest.mark.parametrize(("rights", "left"), [(0o660, 0o600), (0o664, 0o644), (0o666, 0o666)])
def test_a_group_that_cannot_be_given_is_not_another_one(
    rights: int, left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    path.chmod(rights)
    monkeypatch.setattr("mien.core.atomic._given", lambda *_: False)
    write(path)
    assert mode(path) == left


def test_an_access_list_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    # The user and one other may read and write, the group nothing: with the list the mode's group bits are a
    # mask.
    entries = [(1, 6, -1), (2, 6, OTHER), (4, 0, -1), (16, 6, -1), (32, 0, -1)]
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", listed)
    except (OSError, AttributeError):
        pytest.skip("no access lists on this file system")
    assert mode(path) == 0o660
    write(path)
    assert os.getxattr(path, "system.posix_acl_access") == listed


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "data.csv", tmp_path / "latest.csv"
    link.symlink_to("far/data.csv")
    write(link, "first")  # As `open` does, also where the file is not there yet.
    target.chmod(0o600)
    write(link, "second")
    assert link.is_symlink()
    assert (target.read_text(encoding="utf-8"), mode(target)) == ("second", 0o600)
    assert [path.name for path in target.parent.iterdir()] == ["data.csv"]


def test_what_is_no_file_to_write_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe", "circle", "null", "folder"):
        for attempt in (check_writable, write):
            with pytest.raises(InputError, match="expected the name of a file to write"):
                attempt(tmp_path / f"{name}.csv")
    assert stat.S_ISFIFO((tmp_path / "pipe.csv").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_is_protected_from_writing_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("mine", encoding="utf-8")
    path.chmod(0o444)
    if os.geteuid() == 0:  # Who may write everything.
        monkeypatch.setattr("os.access", lambda where, how: Path(where) != path)
    with pytest.raises(InputError, match="protected from writing"):
        write(path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_what_is_being_written_is_not_swept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with atomic_write(path) as aside:
        check_writable(path)
        remove_partials(path)
        assert aside.exists()
    (tmp_path / ".a-01234567.part.csv").write_text("left by a killed run", encoding="utf-8")
    check_writable(path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.csv"]


KILLED = """
import sys, time
from pathlib import Path
from mien.core.atomic import atomic_folder, atomic_write
from mien.core.scratch import scratch_folder
with scratch_folder() as folder, atomic_write("a.csv") as aside, atomic_folder(Path("out")) as other:
    (folder / "results").write_text("of somebody"); aside.write_text("half"); (other / "face.png").touch()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.integration
def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_sweep(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    (temporary / "mien-notes.d").mkdir(parents=True)
    (temporary / "mien-notes.d" / "mine.txt").touch()
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    processes = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED], cwd=work, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        processes.append(process)
    dead, alive = processes
    assert len(list(temporary.iterdir())) == 3
    assert len(list(work.iterdir())) == 4
    dead.kill()
    dead.communicate()
    sweep_scratch(temporary)
    remove_partials(work / "a.csv")
    remove_partials(work / "out")
    assert len(list(temporary.iterdir())) == 2, "what another run has stays, and what is not mien's own"
    assert len(list(work.iterdir())) == 2
    alive.kill()
    alive.communicate()
    sweep_scratch(temporary)
    assert [path.name for path in temporary.iterdir()] == ["mien-notes.d"]
    assert [path.name for path in (temporary / "mien-notes.d").iterdir()] == ["mine.txt"]


def test_threads_that_ask_for_scratch_folders_do_not_take_each_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lost = []

    def work() -> None:
        for _ in range(50):
            with scratch_folder() as folder:
                (folder / "a").touch()
                sweep_scratch(tmp_path)
                if not (folder / "a").exists():
                    lost.append(folder)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost
    assert not list(tmp_path.iterdir())


@pytest.mark.integration
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_results_of_a_stopped_run_do_not_stay_in_the_temporary_folder(
    stop: signal.Signals, movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip, photo = movie(600), tmp_path / "photo.png"
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(photo)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [
        sys.executable,
        "-m",
        "mien",
        "analyze",
        "-",
        "--baseline",
        "median",
        "-q",
    ]  # Read twice, so kept for the time being.
    with clip.open("rb") as stdin:
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 60
    while not list(temporary.rglob("*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    process.send_signal(stop)
    process.wait(60)
    if stop == signal.SIGKILL:
        assert list(temporary.rglob("*.npz"))
        subprocess.run([*command[:4], photo, "-q"], env=environment, stdout=subprocess.DEVNULL, check=True)
    assert not [path for path in temporary.rglob("*") if path.name.startswith("mien-")]
