"""What a run keeps on disk, and that a run which was killed ends like one that was not."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mien import EXPRESSIONS, Faces, InputError, MediaError, Pipeline
from mien.core import leftovers
from mien.core.frame_result import FrameResult
from mien.video.checkpoint import CheckpointStore, Chunk
from mien.video.runner import ResumePoint, VideoOptions, process_frames
from mien.video.sources import process_sources
from tests.commands import run_mien


def some(count: int, first: int = 0) -> list[FrameResult]:
    """Results of every kind."""
    results = []
    rng = np.random.default_rng(first)
    for frame in range(first, first + count):
        number = frame % 3
        probs = rng.dirichlet(np.ones(7), number).astype(np.float32)
        boxes = rng.uniform(0, 50, (number, 4)) + np.array([0, 0, 60, 60])
        faces = Faces.empty(EXPRESSIONS)
        if number:
            faces = Faces(
                boxes,
                [0.9] * number,
                [frame] * number,
                [frame / 3] * number,
                tracks=list(range(number)),
                probs=probs,
                labels=EXPRESSIONS,
            )
        error = MediaError(f"frame {frame} ü is lost", "truncated") if frame % 5 == 4 else None
        results.append(
            FrameResult("a.mp4", frame, frame / 3, Faces.empty(EXPRESSIONS) if error else faces, error)
        )
    results.append(FrameResult("a.mp4", None, None, Faces.empty(EXPRESSIONS), MediaError("gone", "missing")))
    return results


def rows(results: list[FrameResult]) -> list[dict[str, object]]:
    return [row for result in results for row in result.rows()]


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_run_that_failed_keeps_is_noted_and_let_go(kept: bool, tmp_path: Path) -> None:
    place, before = tmp_path / "new" / "j", dict(leftovers._OPEN)
    failure = MediaError("the camera was pulled out")
    with suppress(MediaError), CheckpointStore(place, {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        if kept:
            record.add(Chunk(some(3)))
        raise failure
    told = f"{place} keeps what was read: the same command goes on from there"
    assert getattr(failure, "__notes__", []) == ([told] if kept else [])
    assert before == leftovers._OPEN, "nothing holds on to it until the process ends"
    assert sorted(tmp_path.iterdir()) == ([tmp_path / "new"] if kept else [])


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    first, second = some(7), some(5, first=7)
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        record.add(Chunk(first, state={"next": 3, "x": [0.1, None]}))
        record.add(Chunk(second, last=True))
        kept = list(record.results())
    assert rows(kept) == rows(first + second)
    assert all((a.faces.boxes == b.faces.boxes).all() for a, b in zip(kept, first + second, strict=True))
    assert kept[-1].error is not None
    assert kept[-1].error.kind == "missing"
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        again = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        assert (again.count, again.done, checkpoints.resumed) == (len(first + second), True, True)
        assert rows(list(again.results())) == rows(first + second)
        assert checkpoints.record(1, "b.mp4", EXPRESSIONS).count == 0


def test_the_state_is_that_after_the_last_piece(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        checkpoints.record(0, "a.mp4", EXPRESSIONS).add(Chunk(some(2), state={"next": 3, "x": [0.1, None]}))
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
    assert (record.state, record.done) == ({"next": 3, "x": [0.1, None]}, False)


@pytest.mark.parametrize("damage", [b"", b"not a piece"])
def test_a_damaged_piece_and_what_follows_it_is_read_anew(tmp_path: Path, damage: bytes) -> None:
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        for number in range(3):
            record.add(Chunk(some(2, first=number), state=number))
    (tmp_path / "j" / "0" / "000001.npz").write_bytes(damage)
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        assert (record.count, record.state) == (3, 0)
        record.add(Chunk(some(4), last=True))
        assert len(list(record.results())) == 3 + 5


def test_other_settings_and_other_folders_are_refused_in_one_line(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path / "j", {"min-face": 40, "file a.mp4": "3 bytes"}) as checkpoints:
        checkpoints.record(0, "a.mp4", EXPRESSIONS).add(Chunk(some(1)))
        with pytest.raises(InputError, match="another run is at work on it"):
            CheckpointStore(tmp_path / "j", {"min-face": 40, "file a.mp4": "3 bytes"})
    with pytest.raises(
        InputError,
        match="keeps a run with min-face 40; now it is 20: repeat that command, or delete the folder",
    ):
        CheckpointStore(tmp_path / "j", {"min-face": 20, "file a.mp4": "3 bytes"})
    with pytest.raises(InputError, match=r"keeps a run with file a\.mp4"):
        CheckpointStore(tmp_path / "j", {"min-face": 40, "file a.mp4": "4 bytes"})
    (tmp_path / "j" / "asked.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged, or of another version of mien"):
        CheckpointStore(tmp_path / "j", {})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").touch()
    with pytest.raises(InputError, match="is a folder of something else"):
        CheckpointStore(tmp_path / "mine", {})
    with pytest.raises(InputError, match="cannot be written"):
        CheckpointStore(tmp_path / "mine" / "diary.txt" / "inside a file", {})
    with CheckpointStore(tmp_path / "not" / "there yet", {}) as checkpoints:
        assert checkpoints.folder.is_dir()


def test_a_checkpoint_that_keeps_nothing_leaves_nothing(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path / "empty", {}):
        pass
    with CheckpointStore(tmp_path / "full", {}) as checkpoints:
        checkpoints.record(0, "a.mp4", EXPRESSIONS).add(Chunk(some(1)))
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    with CheckpointStore(tmp_path / "full", {}) as checkpoints:
        checkpoints.remove()
    assert not list(tmp_path.iterdir())


def test_going_on_gives_the_same_as_one_run(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    clip = movie(60)
    whole = [frame.result for frame in process_frames([clip], pipeline)]
    begun: list[FrameResult] = []
    state = None
    frames = process_frames([clip], pipeline, starts={0: ResumePoint(every=0)})
    for frame in frames:
        begun.append(frame.result)
        if frame.state is not None and len(begun) >= 24:
            state = json.loads(json.dumps(frame.state))
            break
    frames.close()  # type: ignore[attr-defined]  # An iterator for users, a generator in truth.
    rest = [
        frame.result for frame in process_frames([clip], pipeline, starts={0: ResumePoint(len(begun), state)})
    ]
    assert rows(begun + rest) == rows(whole)


def test_a_video_that_is_whole_is_not_read_again(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    clips = [movie(20, name="a.mp4"), movie(20, name="b.mp4")]

    def read() -> tuple[list[dict[str, object]], int]:
        followed = []

        def follow(frames):  # type: ignore[no-untyped-def]
            for frame in frames:
                followed.append(frame)
                yield frame

        with CheckpointStore(tmp_path / "j", {}) as checkpoints:
            found = [
                frame.result
                for take in process_sources(clips, pipeline, VideoOptions(), checkpoints, follow)
                for frame in take.frames
            ]
        return rows(found), len(followed)

    first, second = read(), read()
    assert (first[1], second[1]) == (40, 0)
    assert first[0] == second[0]
    plain = [
        frame.result for take in process_sources(clips, pipeline, VideoOptions()) for frame in take.frames
    ]
    assert rows(plain) == first[0]


KILLED = """
import sys
import mien.video.sources
from mien.cli import main
mien.video.sources.EVERY = 0.0  # A piece for every batch, so that there is something to kill between.
sys.argv = ["mien", *sys.argv[1:]]
main()
"""


@pytest.mark.integration
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_resumed_equals_an_uninterrupted_run(
    movie: Callable[..., Path], tmp_path: Path, kill: signal.Signals
) -> None:
    clip = movie(240)
    options = ["analyze", clip.name, "--threads", "1", "--min-face", "20", "--persons", "persons.csv"]
    outputs = ["-o", "rows.csv", "-o", "rows.json", "-o", "talk.html"]
    columns = {"COLUMNS": "120"}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return run_mien(*options, *more, cwd=tmp_path, env=columns)

    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *options, *outputs],
        cwd=tmp_path,
        env={**os.environ, **columns},
        stderr=subprocess.PIPE,
        text=True,
    )
    pieces, deadline = tmp_path / "rows.csv.checkpoint" / "0", time.monotonic() + 90
    while len(list(pieces.glob("0*.npz"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(kill)
    _, err = process.communicate()
    assert process.returncode == (130 if kill == signal.SIGINT else -signal.SIGKILL)
    assert not (tmp_path / "rows.csv").exists()
    kept = len(list(pieces.glob("0*.npz")))
    assert 4 <= kept < 30, "killed in the middle"
    if kill == signal.SIGINT:
        assert err.strip() == (
            "stopped: writing reports of what was read; stop again to leave without them\n"
            "mien: interrupted: talk.html is about what was read until then; "
            "rows.csv.checkpoint keeps what was read: the same command goes on from there"
        )
    part = tmp_path / "talk.html"
    assert part.exists() == (kill == signal.SIGINT), "what is killed can write nothing more"
    if part.exists():
        assert "Stopped before the end: all figures are about what was read, up to " in part.read_text()

    refused = run(*outputs, "--largest")
    assert refused.returncode == 2
    assert refused.stderr.strip().endswith(
        "keeps a run with largest false; now it is true: repeat that command, or delete the folder to start anew"
    )
    resumed = run(*outputs)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on with what rows.csv.checkpoint keeps" in resumed.stderr
    names = ("rows.csv", "rows.json", "persons.csv", "talk.html")
    found = {name: (tmp_path / name).read_bytes() for name in names}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([clip.name, *names]), (
        "nothing else is left"
    )
    assert run(*outputs).returncode == 0
    assert {name: (tmp_path / name).read_bytes() for name in names} == found
    table = list(csv.DictReader(found["rows.csv"].decode().splitlines()))
    assert [int(row["frame"]) for row in table] == list(range(240))


def test_pieces_after_a_lost_one_are_never_mixed_with_new_ones(tmp_path: Path) -> None:
    """What is read anew is cut otherwise."""

    def results(*frames: int) -> list[FrameResult]:
        return [FrameResult("a.mp4", frame, frame / 3, Faces.empty()) for frame in frames]

    place = tmp_path / "j"
    with CheckpointStore(place, {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        for frame in range(4):
            record.add(Chunk(results(frame)))
    (place / "0" / "000001.npz").write_bytes(b"")  # Lost with the power.
    with CheckpointStore(place, {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        assert record.count == 1
        record.add(Chunk(results(1, 2)))  # And stopped again.
    with CheckpointStore(place, {}) as checkpoints:
        record = checkpoints.record(0, "a.mp4", EXPRESSIONS)
        assert [result.frame for result in record.results()] == [0, 1, 2]


def test_a_run_killed_as_it_deletes_its_checkpoint_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "j"

    def killed(folder: Path, **_: object) -> None:
        for path in sorted(Path(folder).rglob("*.*"), reverse=True):  # In whatever order a disk gives them.
            path.unlink()
            raise KeyboardInterrupt

    checkpoints = CheckpointStore(place, {})
    checkpoints.record(0, "a.mp4", EXPRESSIONS).add(Chunk(some(1)))
    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.remove()
    monkeypatch.undo()
    checkpoints._unlock()  # With the process, which does nothing more.
    leftovers.settled(checkpoints)
    with CheckpointStore(place, {}) as checkpoints:
        assert checkpoints.resumed
        checkpoints.remove()
    assert not place.exists()


def test_a_folder_of_something_else_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="is a folder of something else"):
        CheckpointStore(tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_killed_before_it_had_said_what_it_is_goes_on(tmp_path: Path) -> None:
    place = tmp_path / "j"
    place.mkdir()
    for name in ("lock", ".asked-0123abcd.part.json"):
        (place / name).touch()
    with CheckpointStore(place, {}) as checkpoints:
        assert not checkpoints.resumed
    assert not place.exists()
