"""Videos that wait, are read or have been read, kept in SQLite so that they survive a restart."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

State = Literal["waiting", "reading", "done", "failed"]


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
    """

    id: str
    name: str
    created: float
    options: dict[str, Any] = field(default_factory=dict)
    state: State = "waiting"
    ended: float | None = None
    error: dict[str, Any] | None = None


_COLUMNS = tuple(column.name for column in fields(Job))
_AS_JSON = ("options", "error")


class Store:
    """The jobs of one service. To be used by one thread at a time.

    Args:
        path: The database; made when it is not there.

    >>> store = Store(Path(":memory:"))
    >>> store.add(Job("a", "talk.mp4", 0.0))
    >>> store.change("a", state="done", ended=9.0)
    >>> store.get("a").state, store.get("b")
    ('done', None)
    >>> store.close()
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, options TEXT NOT NULL, "
            "state TEXT NOT NULL, ended REAL, error TEXT NOT NULL)"
        )

    def add(self, job: Job) -> None:
        """Keep a new job."""
        marks = ", ".join("?" * len(_COLUMNS))
        self._database.execute(f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})", [_stored(name, getattr(job, name)) for name in _COLUMNS])

    def change(self, name: str, **values: Any) -> None:
        """Change columns of a job."""
        changes = ", ".join(f"{column} = ?" for column in values)
        self._database.execute(f"UPDATE jobs SET {changes} WHERE id = ?", [*(_stored(column, value) for column, value in values.items()), name])

    def remove(self, name: str) -> None:
        """Forget a job."""
        self._database.execute("DELETE FROM jobs WHERE id = ?", [name])

    def get(self, name: str) -> Job | None:
        """A job by its id."""
        return next(iter(self._chosen("WHERE id = ?", name)), None)

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        return self._chosen("ORDER BY created, id")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _chosen(self, clause: str, *values: Any) -> list[Job]:
        rows = self._database.execute(f"SELECT {', '.join(_COLUMNS)} FROM jobs {clause}", values)
        return [Job(**{name: _loaded(name, value) for name, value in zip(_COLUMNS, row, strict=True)}) for row in rows]


def _stored(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_JSON else value


def _loaded(name: str, value: Any) -> Any:
    return json.loads(value) if name in _AS_JSON else value
