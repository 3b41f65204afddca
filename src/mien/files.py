"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import mkstemp
from typing import IO

from mien.errors import InputError


@contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """A hidden file beside ``path`` to write to; it takes the name when the block ends well, and vanishes when not.

    Raises:
        InputError: The folder is not there or cannot be written to, or ``path`` is a folder.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_aside(folder / "a.txt") as aside:
    ...     _ = aside.write_text("whole")
    ...     (folder / "a.txt").exists()
    False
    >>> [found.name for found in folder.iterdir()]
    ['a.txt']
    """
    path = Path(path)
    aside = _aside(path)
    try:
        yield aside
        # mkstemp makes files private; a result gets the rights that any new file of this user gets.
        mask = os.umask(0)
        os.umask(mask)
        aside.chmod(0o666 & ~mask)
        with told(path):
            os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def try_place(path: str | Path) -> None:
    """See whether a file can be written there, before hours of work that end in it.

    Raises:
        InputError: As in `written_aside`.
    """
    _aside(Path(path)).unlink()


def sweep(path: str | Path) -> None:
    """Delete what runs that were killed while they wrote ``path`` have left beside it; not while another run may be writing it.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = _aside(folder / "a.txt"), (folder / "a.txt.part").write_text("mine")
    >>> sweep(folder / "a.txt")
    >>> [found.name for found in folder.iterdir()]
    ['a.txt.part']
    """
    path = Path(path)
    for left in path.parent.glob(f".{escape(path.stem[:100])}-????????.part{escape(path.suffix)}"):
        left.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    if path.is_dir():
        raise InputError(f"expected the name of a file to write; {path} is a folder: give a file in it")
    try:
        handle, name = mkstemp(prefix=f".{path.stem[:100]}-", suffix=f".part{path.suffix}", dir=path.parent)
    except OSError as error:
        raise InputError(f"expected a place to write {path}; {error.strerror}: {path.parent} must be a folder that you may write to") from None
    os.close(handle)
    return Path(name)


@contextmanager
def told(path: str | Path) -> Iterator[None]:
    """Errors of the file system while writing ``path``, such as a full disk, as one line that names it.

    Raises:
        InputError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}: make room or give another place") from None


def keep_out(file: IO[str]) -> None:
    """Keep other runs out as long as the file is open, also when this one is killed.

    Raises:
        OSError: Another run has it.
    """
    try:
        import fcntl
    except ImportError:
        return  # Not on Windows, where two runs on one output are left to the user.
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
