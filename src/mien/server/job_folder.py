"""All that there is of one video, in one folder: the upload, what was read so far, results, and how it
ended."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_write, settle, settle_path
from mien.core.errors import MienError

FULL = {
    "status": 507,
    "kind": "disk_full",
    "message": "the disk of the service is full: make room there, and send the video again",
}


class JobFolder:
    """The folder of a video.

    ``end.json`` is what makes a video finished: until it is there, whole and on the disk, upload and journal
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
        self._journal, self._end, self._working = path / "journal", path / "end.json", path / "working"

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
        self._working.write_text(str(self._pieces()), encoding="utf-8")

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
        self._drop(self.scratch, self._journal, *([self.results] if "error" in end else []))
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
            os.replace(self.path, gone)
        with suppress(FileNotFoundError):
            shutil.rmtree(gone)

    def size(self) -> int:
        """Bytes of all files in it."""
        return folder_size(self.path)

    def _pieces(self) -> int:
        """How many pieces of results are kept."""
        return sum(1 for _ in self._journal.glob("*/*.npz"))

    def _store(self, end: dict[str, Any]) -> None:
        with atomic_write(self._end) as aside, open(aside, "w", encoding="utf-8") as file:
            aside.chmod(0o600)
            json.dump(end, file)
            settle(file)
        settle_path(self.path)

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
