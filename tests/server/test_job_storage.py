"""What the service keeps: whose it is, who may read it, when it is over, and that nothing is lost wherever
it is killed or the disk is full.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.core.atomic import translate_os_errors
from mien.core.errors import InputError, MediaError
from mien.server.clock import ServiceClock, ServiceTime, boot, uptime
from mien.server.folders import FULL, Folder, JobFolder
from mien.server.process import environment
from mien.server.resources import NO_ROOM, Space, full
from mien.server.store import Job, Store

ID = "0123456789abcdef" * 2


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All there is in a folder, with what would change if it were touched."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
    return found


def old_state(folder: Path) -> None:
    """What a service of the first versions left."""
    (folder / "videos" / ID / "results").mkdir(parents=True)
    (folder / "videos" / ID / "results" / "result.csv").write_text("rows", encoding="utf-8")
    (folder / "lock").touch()
    database = sqlite3.connect(folder / "videos.sqlite")
    database.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, options TEXT NOT NULL, "
                     "state TEXT NOT NULL, ended REAL, error TEXT NOT NULL)")  # fmt: skip
    database.execute("INSERT INTO jobs VALUES (?, 'talk.mp4', 1.0, '{}', 'done', 2.0, 'null')", [ID])
    database.commit()
    database.close()


@pytest.mark.parametrize(
    "own",
    [
        ["videos/holiday/film.mp4"],
        ["videos/" + ID + "/film.mp4"],
        ["videos.sqlite"],
        ["videos.sqlite", "videos/" + ID + "/film.mp4"],
        ["lock"],
        ["lock", "notes.txt"],
        ["notes.txt"],
        [".hidden"],
        ["mien-service.json/a"],
    ],
)
def test_a_folder_of_something_else_is_refused_and_not_touched(own: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    for name in own:
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("precious", encoding="utf-8")
    before = snapshot(state)
    with pytest.raises(InputError, match="of something else: give another one with --folder"):
        Folder(state)
    assert snapshot(state) == before


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    with sqlite3.connect(tmp_path / "videos.sqlite") as database:
        database.execute("CREATE TABLE films (name TEXT)")
    database.close()
    with pytest.raises(InputError, match="of something else"):
        Folder(tmp_path)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("before", ["nothing", "empty", "ext4", "killed", "earlier", "own"])
def test_what_it_keeps_is_for_its_user_alone(before: str, mask: int, tmp_path: Path) -> None:
    state = tmp_path / "state"
    kept = os.umask(mask)
    try:
        if before != "nothing":
            state.mkdir(mode=0o777)
        if before == "ext4":
            (state / "lost+found").mkdir()
        if before == "killed":
            (state / ".mien-service-01234567.part.json").touch()
        if before == "earlier":
            old_state(state)
        if before == "own":
            Folder(state).close()
            (state / "notes.txt").touch(
                mode=0o600
            )  # Once it is the service's own, what lies there beside is left alone.
            state.chmod(0o755)
        folder = Folder(state)
        store = Store(folder.database)
        store.add(Job("a" * 32, "secret name.mp4", 0.0))
        place = folder.job("a" * 32)
        place.make()
        place.conclude({"missing": {}}, keep=False)
        found = [path for path in [state, *state.rglob("*")] if path.name != "lost+found"]
        assert not [
            f"{path} {stat.S_IMODE(path.stat().st_mode):o}" for path in found if path.stat().st_mode & 0o077
        ]
        with pytest.raises(InputError, match="that no other service uses"):
            Folder(state)
        store.close()
        folder.close()
    finally:
        os.umask(kept)
    again = Folder(state)
    assert set(again.names()) >= {"a" * 32}
    again.close()


def test_the_list_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    old_state(tmp_path)
    folder = Folder(tmp_path)
    store = Store(folder.database)
    [job] = store.unmeasured()
    assert (job.id, job.name, job.state, job.deaths, job.age, job.bytes) == (
        ID,
        "talk.mp4",
        "done",
        0,
        None,
        None,
    )
    store.change(ID, bytes=4, age=0.0)
    assert (store.unmeasured(), store.totals().bytes) == ([], 4)
    store.close()
    folder.close()


def test_a_process_for_strangers_files_is_told_no_secret(tmp_path: Path) -> None:
    own = {
        **{"PATH": "/bin", "LC_ALL": "C.UTF-8", "HOME": "/home/me", "TMPDIR": "/tmp"},
        **{
            "MIEN_TOKEN": "t",
            "AWS_SECRET_ACCESS_KEY": "k",
            "DATABASE_URL": "u",
            "MQTT_PASSWORD": "p",
            "SSH_AUTH_SOCK": "s",
            "API_KEY": "a",
        },
    }
    given = environment(JobFolder(tmp_path), own)
    assert {name: given[name] for name in ("PATH", "LC_ALL", "HOME")} == {
        name: own[name] for name in ("PATH", "LC_ALL", "HOME")
    }
    assert given.keys() - own.keys() <= {"TMP", "TEMP"}
    assert given["TMPDIR"] == str(tmp_path / "tmp")
    assert (
        not {
            "MIEN_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
            "MQTT_PASSWORD",
            "SSH_AUTH_SOCK",
            "API_KEY",
        }
        & given.keys()
    )


def work_done(folder: Path) -> JobFolder:
    """A video that was read, a moment before the service knows."""
    place = JobFolder(folder / ID)
    for part in ("results", "checkpoint/0", "tmp"):
        (place.path / part).mkdir(parents=True)
    place.upload.write_bytes(b"film")
    place.begin()
    for name in ("result.csv", "result.vtt"):
        (place.results / name).write_text("rows", encoding="utf-8")
    (place.path / "checkpoint" / "0" / "000000.npz").write_bytes(b"results")
    return place


def killed_at(step: int, work: Callable[[], Any]) -> bool:
    """Whether a process that does something is killed before its so many-th change of the disk; False: it was
    ready before.
    """
    child = os.fork()
    if child == 0:
        seen = 0

        def watch(event: str, _: tuple[Any, ...]) -> None:
            nonlocal seen
            if event in (
                "os.rename",
                "os.remove",
                "os.rmdir",
                "os.mkdir",
                "open",
                "os.chmod",
                "sqlite3.connect",
            ):
                seen += 1
                if seen > step:
                    os._exit(9)

        sys.addaudithook(watch)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.integration
def test_wherever_it_is_killed_a_video_that_was_read_is_read_on_or_finished(tmp_path: Path) -> None:
    for step in range(200):
        place = work_done(tmp_path / str(step))
        killed = killed_at(step, lambda: place.conclude({"missing": {}}, keep=False))  # noqa: B023 - done at once.
        if place.end() is None:
            assert place.upload.read_bytes() == b"film", step
        else:
            assert [path.name for path in sorted(place.results.iterdir())] == ["result.csv", "result.vtt"], (
                step
            )
            error, size = place.conclude(place.end() or {}, keep=False)  # As the next service does.
            assert (error, size) == (None, place.size())
            assert sorted(path.name for path in place.path.iterdir()) == ["end.json", "results"], step
        if not killed:
            break
    assert step > 8
    assert place.end() == {"missing": {}}


@pytest.mark.integration
def test_wherever_it_is_killed_a_video_that_failed_is_read_on_or_failed(tmp_path: Path) -> None:
    for step in range(200):
        place = work_done(tmp_path / str(step))
        killed = killed_at(step, lambda: place.conclude({"error": FULL}, keep=False))  # noqa: B023
        if place.end() is None:
            assert place.upload.read_bytes() == b"film", step
        else:
            assert place.conclude(place.end() or {}, keep=False)[0] == FULL
            assert [path.name for path in place.path.iterdir()] == ["end.json"], step
        if not killed:
            break
    assert step > 8


@pytest.mark.integration
def test_wherever_it_is_killed_a_video_that_is_deleted_is_whole_or_gone(tmp_path: Path) -> None:
    for step in range(200):
        place = work_done(tmp_path / str(step))
        whole = len(list(place.path.rglob("*")))
        killed = killed_at(step, place.delete)
        assert not place.path.exists() or len(list(place.path.rglob("*"))) == whole, step
        for left in place.path.parent.iterdir():
            JobFolder(left).delete()  # As the next start does with what it does not know.
        assert not list(place.path.parent.iterdir())
        if not killed:
            break
    assert step > 5


def test_results_without_room_to_say_so_fail_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = work_done(tmp_path)

    def no_room(*_: object) -> None:
        raise InputError("no room")

    monkeypatch.setattr(JobFolder, "_store", no_room)
    error, size = place.conclude({"missing": {}}, keep=False)
    assert (error, size, list(place.path.iterdir())) == (FULL, 0, [])


def test_a_process_that_ended_with_its_service_counts_only_where_it_came_no_further(tmp_path: Path) -> None:
    place = work_done(tmp_path)
    assert not place.died()  # A piece was kept since.
    place.begin()
    assert place.died()
    place.leave()
    assert not place.died()
    place.leave()


class Full:
    """A database on a disk that may be full."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database, self.full = database, True
        self.in_transaction = False

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self.full and not statement.startswith("SELECT"):
            raise sqlite3.OperationalError("database or disk is full")
        return self.database.execute(statement, *values)

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Store, Full]]:
    store = Store(tmp_path / "jobs")
    for name in "abc":
        store.add(Job(name, f"{name}.mp4", 0.0))
    disk = Full(store._database)
    store._database = disk  # type: ignore[assignment]
    yield store, disk
    store.close()


def test_changes_hold_while_the_disk_is_full_and_are_written_when_there_is_room(
    stored: tuple[Store, Full], tmp_path: Path
) -> None:
    store, disk = stored
    store.change("a", state="running")
    store.change("a", state="done", age=5.0, bytes=7)
    store.remove("b")
    store.save(ServiceTime(1.0, "x", 2.0))
    assert store.trouble == "database or disk is full"
    with pytest.raises(sqlite3.OperationalError):
        store.add(Job("d", "d.mp4", 0.0))

    def seen(store: Store) -> list[Any]:
        states = [(job.id, job.state, job.age) for job in store.all()]
        return [states, store.totals(), store.ids(), store.get("b"), [job.id for job in store.unfinished()]]

    expected = [
        [("a", "done", 5.0), ("c", "waiting", None)],
        ({"waiting": 1, "running": 0, "done": 1, "failed": 0}, 7),
        {"a", "c"},
        None,
        ["c"],
    ]
    assert seen(store) == expected
    disk.full = False
    store.save()
    assert store.trouble is None
    other = Store(tmp_path / "jobs")
    assert seen(other) == expected
    other.close()


def test_a_name_that_was_deleted_is_nowhere_in_the_files(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs")
    for number in range(50):
        store.add(Job(f"{number:032}", f"a very private name {number}.mp4", 0.0))
    assert any(b"a very private name" in path.read_bytes() for path in tmp_path.iterdir())
    store.remove(*(f"{number:032}" for number in range(50)))
    assert not any(b"a very private name" in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_no_jump_of_the_computers_clock_moves_the_services_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ServiceClock()
    for jump in (10 * 365 * 24 * 3600.0, -10 * 365 * 24 * 3600.0):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda now=now, jump=jump: now + jump)
        assert 0 <= clock.now() < 60
        assert 0 <= ServiceClock(clock.moment()).now() < 60, "nor over a restart"


def test_the_services_own_time_goes_on_between_two_services_but_not_while_the_computer_is_off() -> None:
    if boot():
        assert 500.0 <= ServiceClock(ServiceTime(100.0, boot(), uptime() - 400.0)).now() < 560.0
    assert 100.0 <= ServiceClock(ServiceTime(100.0, "an earlier start", 7.0)).now() < 160.0
    assert 100.0 <= ServiceClock(ServiceTime(100.0, "", uptime() - 400.0)).now() < 160.0, (
        "where starts cannot be told apart"
    )


def test_space_counts_all_that_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    space = Space(tmp_path, 1000, "talk.mp4")
    (tmp_path / "a" / "b" / "one").write_bytes(bytes(600))
    space.check()
    (tmp_path / "two").write_bytes(bytes(600))
    time.sleep(0.05)  # It does not look all the time.
    with pytest.raises(MediaError, match="for which the service has room") as error:
        space.check()
    assert (error.value.kind, NO_ROOM in str(error.value)) == ("no_room", True)


def test_a_full_disk_is_known_behind_other_errors() -> None:
    with pytest.raises(InputError) as found, translate_os_errors("rows.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full(found.value) == errno.ENOSPC
    assert full(InputError("polars says: No space left on device (os error 28)")) == errno.ENOSPC
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert full(first) is None


def test_twenty_thousand_videos_that_have_ended_cost_next_to_nothing(tmp_path: Path) -> None:
    """In steps of the database, not in seconds: what is asked at every change must not look at every
    video.
    """
    store = Store(tmp_path / "jobs")
    rows = [
        (
            f"{number:032x}",
            f"{number}.mp4",
            float(number),
            "{}",
            "done",
            float(number),
            "null",
            0,
            float(number),
            9,
            30,
        )
        for number in range(20_000)
    ]
    store._database.execute("BEGIN")
    store._database.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    store._database.execute("COMMIT")
    store.add(Job("f" * 32, "now.mp4", 0.0))
    for plan, wanted in (
        ("SELECT state, COUNT(*), TOTAL(bytes) FROM jobs GROUP BY state", "COVERING INDEX jobs_by_state"),
        ("SELECT id FROM jobs WHERE age <= 5", "INDEX jobs_by_age"),
        ("SELECT * FROM jobs WHERE state IN ('waiting', 'reading') ORDER BY rowid", "INDEX jobs_by_state"),
    ):
        how = " ".join(str(row) for row in store._database.execute(f"EXPLAIN QUERY PLAN {plan}"))
        assert wanted in how, how
    assert store.totals() == ({"waiting": 1, "running": 0, "done": 20_000, "failed": 0}, 180_000)
    assert [job.id for job in store.unfinished()] == ["f" * 32]
    assert store.ended_before(4.0) == [f"{number:032x}" for number in range(5)]
    store.close()
    assert json.dumps(sorted(store._changes)) == "[]"
