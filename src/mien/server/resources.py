"""What a process may take: how much it may write before it ends, and how memory that it does not use any
more goes back to the system."""

from __future__ import annotations

import ctypes
import errno
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mien.core.errors import MediaError
from mien.server.folders import folder_size

NO_ROOM = "expected results for which the service has room; they would take more: ask for fewer, or delete other videos"
"""What is told of results that would take too much."""

_FAST = 1e9  # Bytes a second that no disk is expected to take.
_SHARE = 20  # It looks for at most so small a part of the time.
_LONGEST = 1.0  # Seconds between two looks.


class Space:
    """The bytes that a folder may come to hold.

    It looks as often as it would take a fast disk to fill what is left, so that a full gigabyte costs nothing
    and the last kilobytes are counted.

    Args:
        folder: Everything that is written lies in it.
        most: Bytes.
        name: What is read, for people.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> space = Space(folder, 9, "a.mp4")
    >>> space.check()
    >>> _ = (folder / "result.csv").write_text("much more")
    >>> space.check()
    >>> _ = (folder / "result.vtt").write_text("and more")
    >>> space.check()
    Traceback (most recent call last):
    ...
    mien.core.errors.MediaError: a.mp4: expected results for which the service has room; they would take more: ask for fewer, or delete other videos
    """

    def __init__(self, folder: Path, most: int, name: str) -> None:
        self._folder, self._most, self._name = folder, most, name
        self._next = 0.0

    def check(self) -> None:
        """Look, where it is time to.

        Raises:
            MediaError: It is more than there may be.
        """
        began = time.monotonic()
        if began < self._next:
            return
        left = self._most - folder_size(self._folder)
        if left < 0:
            raise self.exceeded()
        now = time.monotonic()
        self._next = now + min(_LONGEST, max(left / _FAST, _SHARE * (now - began) if left > 2**24 else 0.0))

    def exceeded(self) -> MediaError:
        """What is told of it."""
        return MediaError(f"{self._name}: {NO_ROOM}", "no_room")

    def watch(self, over: Callable[[MediaError], None]) -> None:
        """Look from a thread as well, as what is not written by Python cannot be stopped in another way.

        Args:
            over: Is called when it is more than there may be.
        """

        def looking() -> None:
            while True:
                time.sleep(min(_LONGEST, max(0.005, self._next - time.monotonic())))
                try:
                    self.check()
                except MediaError as error:
                    over(error)
                    return

        threading.Thread(target=looking, daemon=True).start()


def full(error: BaseException) -> int | None:
    """The number of the system's error, where it is one of a full disk, or because of one."""
    chain: list[BaseException] = []
    reason: BaseException | None = error
    while reason is not None and reason not in chain:  # Reasons may lead in a circle.
        if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return reason.errno
        chain.append(reason)
        reason = reason.__cause__ or reason.__context__
    return errno.ENOSPC if "No space left on device" in str(error) else None


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # As glibc's malloc.h numbers them.


def give_back(large: int) -> None:
    """Have blocks of so many bytes or more go back as soon as they are free.

    Otherwise the C library, once a large block was freed, keeps the next ones of its size. Smaller blocks stay, up to twice
    so many bytes, as it does itself where it finds its bounds: asked for one bound alone it gives back the least it can at
    every chance, and each image would have the system find its memory anew.
    """
    with suppress(OSError, AttributeError, TypeError):  # The C library of another system.
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, large)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * large)
