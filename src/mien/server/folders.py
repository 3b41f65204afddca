"""The folder of a service, readable by its user alone, and in it one for each video: the upload, what was
read so far, results, and how it ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from mien.core.atomic import atomic_write, exclusive_lock, remove_partials, sync_file, sync_path
from mien.core.errors import InputError, MienError
from mien.core.run_folder import LOCK, is_bare_lock

FULL = {
    "status": 507,
    "kind": "disk_full",
    "message": "the disk of the service is full: make room there, and send the video again",
}


class JobFolder:
    """The folder of a video.

    ``end.json`` is what makes a video finished: until it is there, whole and on the disk, upload and checkpoint
    stay, and a service that was killed reads on; from then on nothing is read any more, and what is left of
    the work goes.

    Args:
        path: Where it is.

    Attributes:
        upload: The video.
        results: Folder of the results.
        scratch: Temporary folder of the process that reads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.upload, self.results, self.scratch = path / "upload", path / "results", path / "tmp"
        self._checkpoint, self._end, self._working = path / "checkpoint", path / "end.json", path / "working"

    def make(self) -> None:
        """Make it, for its user alone."""
        self.path.mkdir(mode=0o700)
        self.path.chmod(0o700)

    def ready(self) -> None:
        """An empty temporary folder, for a process that is about to read."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(mode=0o700, exist_ok=True)

    def begin(self) -> None:
        """Written by the process that reads: it is at work from here on, and has read so much."""
        self._working.write_text(str(self._pieces()), encoding="utf-8", newline="\n")

    def leave(self) -> None:
        """The process that reads has ended, and not by what it read."""
        with suppress(OSError):
            self._working.unlink(missing_ok=True)

    def died(self) -> bool:
        """Whether a process that read has ended together with its service before it came any further: perhaps
        it was what ended both."""
        try:
            return self._pieces() <= int(self._working.read_text(encoding="utf-8") or 0)
        except (OSError, ValueError):
            return False

    def end(self) -> dict[str, Any] | None:
        """How it ended: ``missing``, why results that were asked for are not there, or ``error``; None where
        it has not."""
        try:
            end = json.loads(self._end.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return end if isinstance(end, dict) and {"missing", "error"} & set(end) else None

    def conclude(self, end: dict[str, Any], keep: bool) -> tuple[dict[str, Any] | None, int]:
        """Store how it ended, then delete what is not needed any more; the disk may be full. It can be done
        again.

        Args:
            end: ``missing``, or ``error``.
            keep: Keep the upload.

        Returns:
            The error, if any: that which was given, or that there is no room for the results; and the bytes
            that stay.
        """
        self._drop(self.scratch, self._checkpoint, *([self.results] if "error" in end else []))
        try:
            self._store(end)
        except (OSError, MienError):
            end = end if "error" in end else {"error": FULL}
            self._drop(self.results)  # Now there may be room for the little that has to be told.
            with suppress(OSError, MienError):
                self._store(end)
        self.leave()
        if not keep:
            self._drop(self.upload)
        return end.get("error"), self.size()

    def delete(self) -> None:
        """Delete all of it. A service that is killed meanwhile finds nothing that looks like a video.

        Raises:
            OSError: It cannot be deleted.
        """
        gone = self.path if self.path.suffix else self.path.with_name(f"{self.path.name}.deleted")
        with suppress(FileNotFoundError):
            self.path.replace(gone)
        with suppress(FileNotFoundError):
            shutil.rmtree(gone)

    def size(self) -> int:
        """Bytes of all files in it."""
        return folder_size(self.path)

    def _pieces(self) -> int:
        """How many pieces of results are kept."""
        return sum(1 for _ in self._checkpoint.glob("*/*.npz"))

    def _store(self, end: dict[str, Any]) -> None:
        with atomic_write(self._end) as aside, open(aside, "w", encoding="utf-8", newline="\n") as file:
            aside.chmod(0o600)
            json.dump(end, file)
            sync_file(file)
        sync_path(self.path)

    def _drop(self, *paths: Path) -> None:
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):
                path.unlink(missing_ok=True)


def folder_size(path: Path) -> int:
    """Bytes of all files in a folder; what goes meanwhile does not count."""
    total = 0
    with suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with suppress(OSError):  # Written aside, and renamed a moment ago.
                total += (
                    folder_size(Path(entry.path))
                    if entry.is_dir(follow_symlinks=False)
                    else entry.stat(follow_symlinks=False).st_size
                )
    return total


_MARK = "mien-service.json"
_EARLIER = {
    LOCK,
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
            self._lock: IO[str] = os.fdopen(_private(path / LOCK), "w", encoding="utf-8", newline="\n")
            try:
                exclusive_lock(self._lock)
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
        return [path.name for path in self._videos.iterdir() if _JOB.fullmatch(path.name)]

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
            remove_partials(self.path / _MARK)
            for left in self.path.rglob("*"):  # Of an earlier service, which left it to the umask.
                if not left.is_symlink():
                    left.chmod(0o700 if left.is_dir() else 0o600)
            with atomic_write(self.path / _MARK) as aside:
                aside.write_text(
                    json.dumps({"format": 1, "about": "mien serve keeps videos here, and deletes them"})
                    + "\n",
                    encoding="utf-8",
                    newline="\n",
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
    path.chmod(0o600)
    return handle


def _refuse_foreign(path: Path) -> None:
    if (path / _MARK).is_file():
        return
    names = {child.name for child in path.iterdir() if not _NEVER_MIND.fullmatch(child.name)}
    strange = set() if names == {LOCK} and is_bare_lock(path / LOCK) else names
    if strange and not (strange <= _EARLIER and _is_earlier(path)):
        message = f"expected an empty folder, or one that a service keeps videos in; {path} holds {min(strange)} of something else"
        raise InputError(f"{message}: give another one with --folder")


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
