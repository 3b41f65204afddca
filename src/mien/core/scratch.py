"""Folders for the time being, which nobody finds afterwards: not even when a run is killed, as the next
one deletes them."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path

from mien.core.atomic import is_abandoned, locked
from mien.core.leftovers import expect, settled

_PREFIX = "mien-"
_MARK = ".mien-scratch"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A private folder in the temporary folder, for the length of a block.

    It is held while the block lasts; what runs that were killed have left is deleted when a process asks for
    its first one.

    >>> with scratch_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    _sweep_once()
    folder = Path(tempfile.gettempdir(), f"{_PREFIX}{secrets.token_hex(8)}")
    expect(folder, partial(shutil.rmtree, folder, ignore_errors=True))
    try:
        folder.mkdir(mode=0o700)
        with locked(folder):
            (folder / _MARK).touch()  # Only now may others take it for something that was left.
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        settled(folder)


def sweep_scratch(root: Path | None = None) -> None:
    """Delete what runs that were killed have left: what is certainly mien's own, and of nobody who is at
    work.

    Args:
        root: Where to look; the temporary folder by default.
    """
    root = Path(tempfile.gettempdir()) if root is None else root
    with suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    if _left(entry):
                        shutil.rmtree(entry.path)


_sweep_once = lru_cache(sweep_scratch)


def _left(entry: os.DirEntry[str]) -> bool:
    found = entry.stat(follow_symlinks=False)
    own = (
        hasattr(os, "geteuid") and found.st_uid == os.geteuid()
    )  # On Windows it cannot be known whether somebody is at work.
    return (
        own
        and stat.S_ISDIR(found.st_mode)
        and os.path.lexists(os.path.join(entry.path, _MARK))
        and is_abandoned(Path(entry.path))
    )
