"""Videos that wait, are read or have been read, kept in SQLite so that they survive a restart."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mien.server.clock import ServiceTime

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class Job:
    """A video that was handed in.

    Args:
        id: Random, so that nobody can guess another's.
        name: As sent, for people.
        created: Seconds since 1970.
        options: What was asked for, as plain values.
        state: Where it stands.
        ended: Seconds since 1970, or None.
        error: Why it failed: ``status``, ``kind``, ``message``; or None.
        deaths: How many processes have ended in the middle of reading it.
        age: When it ended by the service's own time (`Clock`), or None.
        bytes: What is kept of it; None where that has to be measured.
        frames: How many were read, once all were; else None.
    """

    id: str
    name: str
    created: float
    options: dict[str, Any] = field(default_factory=dict)
    state: State = "waiting"
    ended: float | None = None
    error: dict[str, Any] | None = None
    deaths: int = 0
    age: float | None = None
    bytes: int | None = 0
    frames: int | None = None


class Totals(NamedTuple):
    """How many videos there are by state, and the bytes of all that have ended."""

    counts: dict[str, int]
    bytes: int


STATES: tuple[State, ...] = ("waiting", "running", "done", "failed")
_COLUMNS = tuple(column.name for column in fields(Job))
_AS_JSON = ("options", "error")
_LATER = {
    "deaths": "INTEGER NOT NULL DEFAULT 0",
    "age": "REAL",
    "bytes": "INTEGER",
    "frames": "INTEGER",
}  # Columns that earlier versions did not have.


class Store:
    """The jobs of one service. To be used by one thread at a time.

    A change holds at once, also where the disk has no room for it: it is then written as soon as there is
    some (`save`).

    Args:
        path: The database; made when it is not there.

    Attributes:
        trouble: Why the last attempt to write failed, or None.

    >>> store = Store(Path(":memory:"))
    >>> store.add(Job("a", "talk.mp4", 0.0))
    >>> store.change("a", state="done", ended=9.0, bytes=7)
    >>> store.get("a").state, store.get("b"), store.totals().bytes
    ('done', None, 7)
    >>> store.close()
    """

    def __init__(self, path: Path) -> None:
        self.trouble: str | None = None
        self._changes: dict[str, dict[str, Any]] = {}
        self._removed: set[str] = set()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def add(self, job: Job) -> None:
        """Keep a new job.

        Raises:
            sqlite3.Error: The disk has no room for it.
        """
        marks = ", ".join("?" * len(_COLUMNS))
        values = [_stored(name, getattr(job, name)) for name in _COLUMNS]
        self._written([(f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})", values)])

    def change(self, name: str, **values: Any) -> None:
        """Change columns of a job."""
        self._changes.setdefault(name, {}).update(values)
        self.save()

    def remove(self, *names: str) -> None:
        """Forget jobs."""
        self._removed.update(names)
        self.save()

    def save(self, now: ServiceTime | None = None) -> None:
        """Write what the disk had no room for, and what time it is; where there still is none, `trouble` says
        so.

        Args:
            now: The service's own time.
        """
        steps: list[tuple[str, list[Any]]] = [
            ("DELETE FROM jobs WHERE id = ?", [name]) for name in self._removed
        ]
        for name, values in self._changes.items():
            columns = ", ".join(f"{column} = ?" for column in values)
            steps.append(
                (
                    f"UPDATE jobs SET {columns} WHERE id = ?",
                    [*(_stored(column, value) for column, value in values.items()), name],
                )
            )
        if now is not None:
            steps.append(("INSERT OR REPLACE INTO clock VALUES (0, ?, ?, ?)", list(astuple(now))))
        with suppress(sqlite3.Error):
            self._written(steps)
            self._removed.clear()
            self._changes.clear()

    def get(self, name: str) -> Job | None:
        """A job by its id."""
        return next(iter(self._chosen("WHERE id = ?", name)), None)

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        return self._chosen("ORDER BY rowid")

    def unfinished(self) -> list[Job]:
        """Those that wait or are read, the oldest first."""
        return [
            job
            for job in self._chosen("WHERE state IN ('waiting', 'running') ORDER BY rowid")
            if job.state in ("waiting", "running")
        ]

    def unmeasured(self) -> list[Job]:
        """Those of an earlier version, of which neither size nor age are known."""
        return self._chosen("WHERE bytes IS NULL")

    def ended_before(self, age: float) -> list[str]:
        """Ids of those that ended before a moment of the service's own time."""
        return [
            name
            for (name,) in self._database.execute("SELECT id FROM jobs WHERE age <= ?", [age])
            if name not in self._removed
        ]

    def ids(self) -> set[str]:
        """Ids of all jobs."""
        return {name for (name,) in self._database.execute("SELECT id FROM jobs")} - self._removed

    def totals(self) -> Totals:
        """How many there are, and what they take."""
        counts: dict[str, int] = dict.fromkeys(STATES, 0)
        total = 0
        stored = self._database.execute(
            "SELECT state, COUNT(*), TOTAL(bytes) FROM jobs GROUP BY state"
        ).fetchall()
        for state, count, size in stored:
            counts[state] += count
            total += int(size) if state in ("done", "failed") else 0
        for name in self._changes.keys() | self._removed:
            for state, size in self._database.execute("SELECT state, bytes FROM jobs WHERE id = ?", [name]):
                counts[state] -= 1
                total -= (size or 0) if state in ("done", "failed") else 0
            if (job := self.get(name)) is not None:
                counts[job.state] += 1
                total += (job.bytes or 0) if job.state in ("done", "failed") else 0
        return Totals(counts, total)

    def moment(self) -> ServiceTime | None:
        """What time it was when it was last saved."""
        return next(
            (ServiceTime(*row) for row in self._database.execute("SELECT age, boot, uptime FROM clock")), None
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA secure_delete = ON")  # Of a name that was deleted nothing stays.
        run("PRAGMA journal_mode = TRUNCATE")
        run("PRAGMA temp_store = MEMORY")
        run(
            "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, options TEXT NOT NULL, "
            "state TEXT NOT NULL, ended REAL, error TEXT NOT NULL)"
        )
        known = {name for _, name, *_ in run("PRAGMA table_info(jobs)")}
        for column, kind in _LATER.items():
            if column not in known:
                run(f"ALTER TABLE jobs ADD COLUMN {column} {kind}")
        run("CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, bytes)")
        run("CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (age)")
        run("CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, age REAL, boot TEXT, uptime REAL)")

    def _written(self, steps: list[tuple[str, list[Any]]]) -> None:
        """Do all of it, or nothing."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in steps:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self.trouble = str(error)
            if self._database.in_transaction:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
            raise
        self.trouble = None

    def _chosen(self, clause: str, *values: Any) -> list[Job]:
        rows = self._database.execute(f"SELECT {', '.join(_COLUMNS)} FROM jobs {clause}", values)
        jobs = [
            Job(**{name: _loaded(name, value) for name, value in zip(_COLUMNS, row, strict=True)})
            for row in rows
        ]
        return [replace(job, **self._changes.get(job.id, {})) for job in jobs if job.id not in self._removed]


def _stored(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_JSON else value


def _loaded(name: str, value: Any) -> Any:
    return json.loads(value) if name in _AS_JSON else value
