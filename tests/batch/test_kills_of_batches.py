"""What may happen to a run, and what is there afterwards: the rows of a run to which nothing happened,
each once.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.batch import BatchSettings, open_input
from mien.batch.job import BatchJob
from mien.core.errors import InputError
from mien.inference.config import PipelineConfig
from tests.batch.batch_runs import Rows, batch, command, mien, rows_of
from tests.soak import kills

pytestmark = pytest.mark.slow

KILLS = kills(4)

SLOW = """
import time
from mien.media import byte_source
opened = byte_source.ByteSource.open
def slowly(self):
    time.sleep(0.02)
    return opened(self)
byte_source.ByteSource.open = slowly
"""
CRASH = """
import os, signal
from mien.media import byte_source
opened = byte_source.ByteSource.open
def crash(self):
    if self.name.endswith("deadly.png"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return opened(self)
byte_source.ByteSource.open = crash
"""
CLOCK = """
import random, time
real, chance = time.time, random.Random(3)
time.time = lambda: real() + chance.uniform(-4e8, 4e8)
"""


def begun(*words: Any, env: Any, **options: Any) -> Any:
    return subprocess.Popen(
        command(*words),
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def shards(out: Any) -> Any:
    return sorted(path.name for path in out.glob("shard-*"))


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def children(process: subprocess.Popen[Any]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def workers(process: subprocess.Popen[Any]) -> list[int]:
    return [
        pid for pid in children(process) if b"mien.batch.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


@pytest.mark.timeout(60 + 30 * KILLS)
def test_runs_killed_at_any_moment_come_to_the_same_rows(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    """Each round is killed a few times at random, with SIGKILL, a worker or all of it, until it comes to its
    end.
    """
    chance, env = random.Random(KILLS), sabotage(SLOW)
    killed = rounds = 0
    while killed < KILLS:
        out = tmp_path / f"out{rounds}"
        rounds += 1
        while True:
            process = begun(*batch(crops, out), env=env)
            try:
                process.wait(chance.uniform(0.1, 3.5))
            except subprocess.TimeoutExpired:
                at_work = workers(process)
                if at_work and chance.random() < 0.3:
                    os.kill(chance.choice(at_work), signal.SIGKILL)
                    process.wait(60)
                else:
                    process.kill()
                killed += 1
            process.communicate()
            if process.returncode == 0:
                break
        assert rows_of(out) == undisturbed
        assert sorted(path.name for path in out.iterdir() if "shard" not in path.name) == [
            *("confusion.csv", "confusion.png", "inputs.jsonl", "lock", "manifest.json", "predictions.csv")
        ]
        shutil.rmtree(out)


def test_workers_end_with_the_run_that_was_killed(
    tmp_path: Path, crops: Path, sabotage: Callable[[str], dict[str, str]]
) -> None:
    process = begun(*batch(crops, tmp_path / "out"), env=sabotage(SLOW))
    wait_for(lambda: len(workers(process)) == 2)
    left = workers(process)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), 10)


def test_ctrl_c_finishes_the_shards_at_hand_and_says_how_to_go_on(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    out = tmp_path / "out"
    process = begun(*batch(crops, out), env=sabotage(SLOW))
    wait_for(lambda: len(shards(out)) >= 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "once more stops at once" in said
    assert f"keeps {5 * len(shards(out))} of 40 inputs: the same command goes on from there" in said
    assert "Traceback" not in said
    assert 2 <= len(shards(out)) < 8
    assert not list(out.glob(".*"))
    done = mien(*batch(crops, out))
    assert done.returncode == 0
    assert "going on: " in done.stderr
    assert rows_of(out) == undisturbed


def test_two_runs_on_one_output(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    out = tmp_path / "out"
    process = begun(*batch(crops, out), env=sabotage(SLOW))
    wait_for((out / "manifest.json").exists)
    second = mien(*batch(crops, out))
    assert second.returncode == 2
    assert "another run is at work on it" in second.stderr
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert rows_of(out) == undisturbed


def test_other_settings_do_not_mix(tmp_path: Path, crops: Path) -> None:
    found = open_input(str(crops))
    usual = BatchSettings(PipelineConfig(detector="whole", largest=False)).known()
    with BatchJob(found, usual, tmp_path / "out", 5):
        pass
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    for settings, size, message in (
        (
            BatchSettings(PipelineConfig(detector="whole", largest=False, model="small")).known(),
            5,
            'settings say model "small-int8"; now it is "small"',
        ),
        (
            BatchSettings(PipelineConfig(detector="whole", largest=True)).known(),
            5,
            "settings say largest false; now it is true",
        ),
        (
            BatchSettings(PipelineConfig(detector="whole", largest=False, tta="flip")).known(),
            5,
            'settings say tta "one"; now it is "flip"',
        ),
        (replace(usual, form="csv"), 5, 'settings say format "parquet"; now it is "csv"'),
        (usual, 7, "shards say size 5; now it is 7"),
    ):
        with pytest.raises(InputError, match=message):
            BatchJob(found, settings, tmp_path / "out", size)
    with pytest.raises(InputError, match="input say path"):
        BatchJob(open_input(str(crops / "sad")), usual, tmp_path / "out", 5)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    with BatchJob(found, usual, tmp_path / "out", 5) as again:
        assert again.output.resumed


def test_what_does_not_mix_is_told_in_one_line(tmp_path: Path, crops: Path) -> None:
    first, second = sorted(crops.rglob("*.png"))[:2]
    assert mien(*batch(first, tmp_path / "out")).returncode == 0
    refused = mien(*batch(second, tmp_path / "out"))
    assert refused.returncode == 2
    assert "input say path" in refused.stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    refused = mien(*batch(first, tmp_path / "mine"))
    assert refused.returncode == 2
    assert "holds diary.txt: give another output" in refused.stderr


def test_an_image_that_crashes_its_reader_twice_is_a_row(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    source = tmp_path / "in"
    shutil.copytree(crops, source)
    (source / "sad" / "deadly.png").write_bytes(b"x")
    done = mien(*batch(source, tmp_path / "out"), env=sabotage(CRASH))
    assert done.returncode == 3, done.stderr
    assert "2 workers died and were replaced; nothing was lost" in done.stderr
    rows = rows_of(tmp_path / "out")
    [bad] = [row for row in rows if row["status"] == "error"]
    assert bad["source"] == str(source / "sad" / "deadly.png")
    assert "killed the process that read it, twice" in bad["error"]
    kept = [{**row, "item": None, "source": Path(row["source"]).name} for row in rows if row is not bad]
    assert kept == [{**row, "item": None, "source": Path(row["source"]).name} for row in undisturbed]


def test_clock_that_jumps(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    done = mien(*batch(crops, tmp_path / "out"), env=sabotage(CLOCK))
    assert done.returncode == 0, done.stderr
    assert rows_of(tmp_path / "out") == undisturbed


def test_worker_that_cannot_start_ends_the_run_in_one_line(
    tmp_path: Path, crops: Path, sabotage: Callable[[str], dict[str, str]]
) -> None:
    lines = "import sys\nif 'mien.batch.worker' in sys.orig_argv: sys.exit('no room in here')\n"
    done = mien(*batch(crops, tmp_path / "out"), env=sabotage(lines))
    assert done.returncode == 4
    assert "no room in here" in done.stderr
    assert "Traceback" not in done.stderr


def _without_root_rights() -> None:
    """Give up the right of root to read and write what the bits forbid; called in the child."""
    import ctypes

    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_permissions_lost_half_way(
    tmp_path: Path, crops: Path, undisturbed: Rows, sabotage: Callable[[str], dict[str, str]]
) -> None:
    """Images that may not be read any more are rows; an output that may not be written to any more ends the
    run, which goes on later.
    """
    source, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(crops, source)
    process = begun(*batch(source, out), env=sabotage(SLOW), preexec_fn=_without_root_rights)
    wait_for(lambda: len(shards(out)) >= 1)
    out.chmod(0o500)
    _, said = process.communicate(timeout=60)
    out.chmod(0o700)
    assert process.returncode == 2, said
    assert "Permission denied" in said
    assert "Traceback" not in said
    assert 1 <= len(shards(out)) < 8
    hidden = sorted((source / "sad").iterdir())
    for path in hidden:
        path.chmod(0)
    done = mien(*batch(source, out), preexec_fn=_without_root_rights)
    assert done.returncode in (0, 3), done.stderr
    rows = rows_of(out)
    assert [row["item"] for row in rows] == list(range(40))
    refused = [row for row in rows if row["status"] == "error"]
    assert refused
    assert all("got no permission" in row["error"] for row in refused)
    assert {row["source"] for row in refused} <= {str(path) for path in hidden}
    kept = {
        row["item"]: row["probs"] if "probs" in row else row["emotion"] for row in rows if row not in refused
    }
    assert all(undisturbed[item]["emotion"] == emotion for item, emotion in kept.items())


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Any]:
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True
        ).returncode
    ):
        pytest.skip("a small disk must be mounted, which takes root's rights")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_full_disk_ends_the_run_and_room_lets_it_go_on(
    tmp_path: Path, crops: Path, undisturbed: Rows
) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "300k"):
        out = disk / "out"
        ballast = 300 * 1024 - 5 * 4096 - 3 * 16 * 1024
        (disk / "ballast").write_bytes(bytes(ballast))
        full = mien(*batch(crops, out))
        assert full.returncode == 2, full.stderr
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
        assert len(shards(out)) < 8
        assert all(
            len(rows) == 5
            for rows in [rows_of(out)[place : place + 5] for place in range(0, 5 * len(shards(out)), 5)]
        )
        (disk / "ballast").unlink()
        done = mien(*batch(crops, out))
        assert done.returncode == 0, done.stderr
        assert rows_of(out) == undisturbed


def test_manifest_says_what_made_the_rows(tmp_path: Path, crops: Path) -> None:
    assert mien(*batch(crops, tmp_path / "out")).returncode == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["contents"]["count"] == 40
    assert len(manifest["contents"]["sha256"]) == 64
    assert all(digest.startswith("sha256 ") for digest in manifest["settings"]["networks"].values())
    [sitting] = manifest["sittings"]
    assert sitting["device"] == "cpu"
    assert {"mien", "onnxruntime", "numpy"} <= sitting["versions"].keys()
    assert manifest["result"]["items"] == {"face": 40}
    assert sum(map(sum, manifest["result"]["labels"]["confusion"])) == 40
