"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from glob import escape
from pathlib import Path
from typing import IO, Any

from mien.core.errors import InputError
from mien.core.leftovers import expect, settled
from mien.core.output_names import cut_to

_ACL = "system.posix_acl_access"
_FOLDERS_OPEN = hasattr(os, "O_DIRECTORY")
"""Whether the system opens folders, as all but Windows do."""


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A hidden file beside ``path`` to write to; it takes the name when the block ends well, and vanishes
    when not.

    A file that is replaced leaves its mode, its owner and group where this user may give them, and its access
    list to the new one. Behind a symbolic link it is the file that is replaced; the link stays.

    A folder that is not there is made.

    Raises:
        InputError: The folder cannot be made or written to; or ``path`` is no plain file, or one that this
            user may not write to.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "a.txt") as aside:
    ...     _ = aside.write_text("whole")
    ...     (folder / "a.txt").exists()
    False
    >>> [found.name for found in folder.iterdir()]
    ['a.txt']
    """
    place = _landing(Path(path))
    with _aside(Path(path), _new_file) as aside:
        made = aside.stat()
        yield aside
        with translate_os_errors(path):
            if not os.path.samestat(
                made, aside.stat()
            ):  # Some libraries put a private file of their own in its place.
                aside.chmod(stat.S_IMODE(made.st_mode))
            _like(place, aside)
            aside.replace(place)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A hidden folder beside ``path`` to fill; it takes the name when the block ends well, and vanishes when
    not.

    Raises:
        InputError: ``path`` is there already and not an empty folder, or its parent cannot be written to.
    """
    require_new_folder(path)
    remove_partials(path)
    with _aside(path, _new_folder) as aside:
        yield aside
        with translate_os_errors(path):
            _like(path, aside)
            place = Path(os.path.realpath(path))
            if not _FOLDERS_OPEN and place.is_dir():
                place.rmdir()  # Windows replaces no folder, not even an empty one.
            aside.replace(place)


def require_new_folder(path: Path) -> None:
    """Make sure that nothing is at a place but, perhaps, an empty folder.

    Raises:
        InputError: Something is.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise InputError(
            f"expected a new folder to write; {path} is there already: give another name or delete it"
        )


def check_writable(path: str | Path) -> None:
    """See whether a file can be written there, before hours of work that end in it; and `remove_partials`.

    Raises:
        InputError: As in `atomic_write`.
    """
    _landing(Path(path))
    with _aside(Path(path), _new_file):
        remove_partials(path)


def remove_partials(path: str | Path) -> None:
    """Delete what runs that were killed while they wrote ``path`` have left beside it; what a run is writing
    is locked, and stays.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / ".a-0123abcd.part.txt").write_text("left"), (folder / "a.txt.part").write_text("mine")
    >>> with atomic_write(folder / "a.txt") as aside:
    ...     remove_partials(folder / "a.txt")
    ...     aside.exists()
    True
    >>> sorted(found.name for found in folder.iterdir())
    ['a.txt', 'a.txt.part']
    """
    path = Path(path)
    for left in _beside(path).glob(f".{escape(cut_to(path.stem, 100))}-????????.part{escape(path.suffix)}"):
        with suppress(OSError):
            if is_abandoned(left):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def is_abandoned(path: Path) -> bool:
    """Whether no process has a file or folder `locked` that one that is at work would have; never where that
    cannot be known."""
    handle = _lock(path)
    if handle is None:
        return False
    os.close(handle)
    return True


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a file or folder, so that it is not `is_abandoned` before the block or this process ends.

    Yields:
        Whether that was possible: neither on Windows, nor on disks that cannot lock, nor while another one
        holds it.
    """
    handle = _lock(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def translate_os_errors(path: str | Path) -> Iterator[None]:
    """Errors of the file system while writing ``path``, such as a full disk, as one line that names it.

    Raises:
        InputError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}: make room or give another place"
        ) from None


def sync_file(file: IO[Any]) -> None:
    """See to it that what was written to an open file is on the disk, so that a name never stands for less
    than all of it."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """The same for a file that is closed, or for the names in a folder, where the system has a way to
    that."""
    if not _FOLDERS_OPEN and path.is_dir():
        return
    # Windows puts on the disk only what was opened to be written.
    handle = os.open(path, os.O_RDONLY if _FOLDERS_OPEN else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def exclusive_lock(file: IO[str]) -> None:
    """Keep other runs out as long as the file is open, also when this one is killed.

    Raises:
        OSError: Another run has it.
    """
    try:
        import fcntl
    except ImportError:
        return  # Not on Windows, where two runs on one output are left to the user.
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _landing(path: Path) -> Path:
    """Where a file goes: behind links, which stay."""
    place = Path(os.path.realpath(path))
    message = f"expected the name of a file to write; {path}"
    if os.path.isdir(place):
        raise InputError(f"{message} is a folder: give a file in it")
    if os.path.lexists(place) and not os.path.isfile(place):
        raise InputError(f"{message} is a device, a pipe or a link in a circle: give another name")
    if os.path.exists(place) and not os.access(place, os.W_OK):
        raise InputError(
            f"{message} is protected from writing: give another name, or the right to write to it"
        )
    return place


@contextmanager
def _aside(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Something new and hidden beside a place, held as long as the block lasts; gone at its end."""
    aside = _made_aside(path, make)
    try:
        with locked(aside):
            yield aside
    finally:
        _delete(aside)
        settled(aside)


def _delete(aside: Path) -> None:
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


def _made_aside(path: Path, make: Callable[[Path], None]) -> Path:
    folder = _beside(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            aside = folder / f".{cut_to(path.stem, 100)}-{secrets.token_hex(4)}.part{path.suffix}"
            expect(aside, partial(_delete, aside))
            try:
                make(aside)
                return aside
            except OSError as error:
                settled(aside)
                if not isinstance(error, FileExistsError):
                    raise
    except OSError as error:
        raise InputError(
            f"expected a place to write {path}; {error.strerror}: {folder} must be a folder that you may write to"
        ) from None


def _beside(path: Path) -> Path:
    """The folder of what a name stands for: behind links."""
    return Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent


def _new_file(path: Path) -> None:
    """An empty file with the rights that any new file of this user gets."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _new_folder(path: Path) -> None:
    path.mkdir()


def _like(before: Path, new: Path) -> None:
    """Give what replaces a file or folder its rights; never more than that had, where its group or access
    list cannot be given."""
    try:
        old = before.stat()
    except FileNotFoundError:
        return
    mode = stat.S_IMODE(old.st_mode)
    if not (_given(new, old.st_uid, old.st_gid) and _listed(before, new)):
        mode &= ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3  # The group may do what everybody may.
    new.chmod(mode)


def _given(path: Path, owner: int, group: int) -> bool:
    """Whether a file could be given to a group; to the owner, where this user may."""
    found = path.stat()
    if not hasattr(os, "chown") or (found.st_uid, found.st_gid) == (owner, group):
        return True
    for wanted in (owner, -1):
        with suppress(PermissionError):
            os.chown(path, wanted, group)
            return True
    return False


def _listed(before: Path, new: Path) -> bool:
    """Whether a file has the access list of another now, if that has one."""
    if not hasattr(os, "getxattr"):
        return True
    try:
        entries = os.getxattr(before, _ACL)
    except OSError:
        return True
    try:
        os.setxattr(new, _ACL, entries)
    except OSError:
        return False
    return True


def _lock(path: Path) -> int | None:
    """A handle that holds a file or folder; None where it cannot be held."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
