"""The folder of a service: its own and nobody else's, and readable by its user alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

from mien.core.atomic import atomic_write, keep_out, sweep
from mien.core.errors import InputError
from mien.server.job_folder import JobFolder

_MARK = "mien-service.json"
_EARLIER = {
    "lock",
    "videos",
    "videos.sqlite",
    "videos.sqlite-journal",
}  # What services had before they marked their folders.
_NEVER_MIND = re.compile(
    r"lost\+found|\.mien-service-.{8}\.part\.json"
)  # Of a disk that was just formatted, and of a start that was killed.
_JOB = re.compile(r"[0-9a-f]{32}(\.deleted)?")


class Folder:
    """Where a service keeps what is its own; locked as long as it is open.

    Args:
        path: Made where it is not there; an empty folder becomes the service's own.

    Attributes:
        database: Where the list of videos lies.

    Raises:
        InputError: It is a folder of something else, cannot be used, or another service is at work in it.
            Nothing was touched then.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.database, self._videos = path, path / "videos.sqlite", path / "videos"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(path)
            with suppress(
                PermissionError
            ):  # Of a volume that belongs to another user; what lies in it is private all the same.
                path.chmod(0o700)
            self._lock: IO[str] = os.fdopen(_private(path / "lock"), "w")
            try:
                keep_out(self._lock)
                self._claim()
            except BaseException:
                self._lock.close()
                raise
        except OSError as error:
            raise unusable(path, error.strerror or str(error)) from None

    def job(self, name: str) -> JobFolder:
        """The folder of a video."""
        return JobFolder(self._videos / name)

    def names(self) -> list[str]:
        """Names of the folders of all videos, those that are being deleted too; nothing else that lies among
        them."""
        return [name for name in os.listdir(self._videos) if _JOB.fullmatch(name)]

    def delete(self, names: Iterable[str]) -> None:
        """Delete all files of videos.

        Raises:
            OSError: They cannot be deleted.
        """
        for name in names:
            self.job(name).delete()

    def free(self) -> int:
        """Bytes that the disk has left."""
        return shutil.disk_usage(self._videos).free

    def close(self) -> None:
        """Let others in."""
        self._lock.close()

    def _claim(self) -> None:
        """Make it the service's own."""
        if not (self.path / _MARK).exists():
            sweep(self.path / _MARK)
            for left in self.path.rglob("*"):  # Of an earlier service, which left it to the umask.
                if not left.is_symlink():
                    left.chmod(0o700 if left.is_dir() else 0o600)
            with atomic_write(self.path / _MARK) as aside:
                aside.write_text(
                    json.dumps({"format": 1, "about": "mien serve keeps videos here, and deletes them"})
                    + "\n",
                    encoding="utf-8",
                )
                aside.chmod(0o600)
        self._videos.mkdir(mode=0o700, exist_ok=True)
        self._videos.chmod(0o700)
        os.close(_private(self.database))  # What SQLite puts beside it gets the same rights.


def unusable(path: Path, reason: str) -> InputError:
    """Why a folder is not taken."""
    return InputError(
        f"{path}: expected a folder for videos that no other service uses; {reason}: give another one with --folder"
    )


def _private(path: Path) -> int:
    """A file opened, and made where it is not there; for its user alone whatever the umask."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    os.chmod(path, 0o600)
    return handle


def _refuse_foreign(path: Path) -> None:
    if (path / _MARK).is_file():
        return
    names = {child.name for child in path.iterdir() if not _NEVER_MIND.fullmatch(child.name)}
    strange = names - {"lock"} if names <= {"lock"} and _is_empty(path / "lock") else names
    if strange and not (strange <= _EARLIER and _is_earlier(path)):
        told = f"expected an empty folder, or one that a service keeps videos in; {path} holds {min(strange)} of something else"
        raise InputError(f"{told}: give another one with --folder")


def _is_empty(path: Path) -> bool:
    """Whether it is a lock that a service was killed right after, rather than anything with content."""
    return not path.exists() or (path.is_file() and not path.is_symlink() and path.stat().st_size == 0)


def _is_earlier(path: Path) -> bool:
    """Whether a service made it that did not mark its folder yet."""
    videos, database = path / "videos", path / "videos.sqlite"
    if not (
        videos.is_dir()
        and database.is_file()
        and all(_JOB.fullmatch(child.name) for child in videos.iterdir())
    ):
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True)) as found:
            found.execute("SELECT id, name, created, options, state, ended, error FROM jobs LIMIT 0")
    except sqlite3.Error:
        return False
    return True
