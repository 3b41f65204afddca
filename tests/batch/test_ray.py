"""A real Ray on this machine: two workers, one of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.batch.ray_pool import RayPool
from mien.batch.settings import BatchSettings
from mien.core.errors import MissingExtraError
from tests.batch.batch_runs import Rows, batch, command, rows_of
from tests.batch.test_kills_of_batches import SLOW
from tests.empty_home import elsewhere, new_world, traced
from tests.waiting import until

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="Ray is not installed: pip install 'mien[ray]'")


def actors(process: int) -> list[int]:
    """Actors of a Ray that a process has started, wherever below it they are."""
    parents: dict[int, int] = {}
    names: dict[int, bytes] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:
            continue
    below = {process}
    for _ in range(6):
        below |= {pid for pid, parent in parents.items() if parent in below}
    return [pid for pid in sorted(below) if names[pid].startswith(b"ray::") and b"RayWorker" in names[pid]]


@pytest.mark.timeout(900)
def test_two_workers_one_of_them_killed(
    tmp_path: Path,
    crops: Path,
    undisturbed: Rows,
    sabotage: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rows are those of a run without Ray; nothing is left of Ray, nor has it looked for a host."""
    out, trace = tmp_path / "out", tmp_path / "trace"
    for name, value in sabotage(SLOW).items():
        monkeypatch.setenv(name, value)
    # Relative paths count from there for every worker.
    with new_world(crops.parent) as world:
        process = world.start(
            *traced(trace),
            # Ray's processes stand back behind all others of a machine, and so behind all other tests.
            *("env", "RAY_worker_niceness=0"),
            *command(*batch(crops.name, out, "--engine", "ray")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        until(lambda: process.poll() is not None or (list(out.glob("shard-*")) and actors(process.pid)))
        assert process.poll() is None, process.communicate()
        assert len(list(out.glob("shard-*"))) < 8
        os.kill(actors(process.pid)[0], signal.SIGKILL)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert world.left() == []
    assert rows_of(out) == [
        {**row, "source": str(Path(row["source"]).relative_to(crops.parent))} for row in undisturbed
    ]
    assert len(list(out.glob("shard-*"))) == 8
    assert not list(out.glob(".*"))
    assert not (out / "stop").exists()
    assert not trace.exists() or elsewhere(trace.read_text(errors="replace")) == []


def test_ray_is_loaded_only_when_asked_for_and_named_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys, mien.cli.batch, mien.batch.job, mien.batch.ray_pool; print('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        MissingExtraError,
        match=r"Runs on a cluster need ray, which is not installed: pip install '.*\[ray\]'",
    ):
        RayPool(BatchSettings(), tmp_path, 2)


def test_address_without_a_cluster(tmp_path: Path, crops: Path) -> None:
    done = subprocess.run(
        command(*batch(crops, tmp_path / "out", "--engine", "ray", "--address", "127.0.0.1:1")),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 2, done.stderr
    assert "expected a Ray cluster at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
