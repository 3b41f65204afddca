"""A video on its way in, written to disk as it comes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO

from mien.core.atomic import settle
from mien.server.errors import APIError
from mien.server.job_folder import JobFolder
from mien.server.limits import Room


class Upload:
    """A video that is coming in, written to disk as it comes; what it takes is counted before.

    Args:
        name: Its id.
        place: Its folder.
        most: Most bytes.
        room: How much there is for all.

    Attributes:
        size: Bytes so far.
        full: Why the disk did not take it, or None.
    """

    def __init__(self, name: str, place: JobFolder, most: int, room: Room) -> None:
        self.id, self.place, self._most, self._room = name, place, most, room
        self.name = ""
        self.kept = False
        self.size = 0
        self.full: str | None = None
        self._file: IO[bytes] | None = None

    def open(self, name: str, /) -> Upload:
        """Begin; the name is for people only."""
        if self._file is not None:
            raise APIError(
                422, "expected one video in a request; got more: send each with a request of its own"
            )
        self.name = name
        try:
            self._file = os.fdopen(
                os.open(self.place.upload, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
            )
        except OSError as error:
            raise self._refusal(error) from error
        return self

    def write(self, data: bytes, /) -> int:
        """Write some more.

        Raises:
            APIError: It is too long, or the disk is full.
        """
        if self.size + len(data) > self._most:
            raise APIError(
                413,
                f"{self.name}: expected a video of at most {self._most:,} bytes; got more: send a smaller one",
            )
        self._room.take(len(data))
        self.size += len(data)
        assert self._file is not None
        try:
            return self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from error

    def settle(self) -> None:
        """It is whole: see to it that it is on the disk.

        Raises:
            APIError: The disk is full.
        """
        assert self._file is not None
        try:
            settle(self._file)
        except OSError as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """No more will come."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _refusal(self, error: OSError) -> APIError:
        self.full = str(error.strerror)
        return APIError(
            507, f"{self.name}: the disk of the service has no room for it: {self.full}", "disk_full"
        )
