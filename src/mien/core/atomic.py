"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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

    A folder that is not there is made, and vanishes with the file.

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
    with atomic_files(path) as [aside]:
        yield aside


@contextmanager
def atomic_files(*paths: str | Path) -> Iterator[list[Path]]:
    """The same of files that belong together: they take their names once all of them are whole, or none does.

    >>> import tempfile
    >>> table, syntax = (Path(tempfile.mkdtemp(), "new") / name for name in ("a.csv", "a.sps"))
    >>> with suppress(ZeroDivisionError), atomic_files(table, syntax) as [aside, other]:
    ...     _ = aside.write_text("whole"), 1 / 0
    >>> table.parent.exists()
    False
    """
    places = [_landing(Path(path)) for path in paths]
    with ExitStack() as opened:
        asides = [opened.enter_context(_aside(Path(path), _new_file)) for path in paths]
        made = [aside.stat() for aside in asides]
        yield asides
        for path, place, aside, new in zip(paths, places, asides, made, strict=True):
            with translate_os_errors(path):
                # Some libraries put a private file of their own in its place.
                if not os.path.samestat(new, aside.stat()):
                    aside.chmod(stat.S_IMODE(new.st_mode))
                _like(place, aside)
        with _together(places):
            for path, place, aside in zip(paths, places, asides, strict=True):
                with translate_os_errors(path):
                    aside.replace(place)


@contextmanager
def _together(places: list[Path]) -> Iterator[None]:
    """Of several files that are moved to their places in the block, none stays that was not there before if it is cut off."""
    new, what = [place for place in places if len(places) > 1 and not place.exists()], object()
    expect(what, partial(_unlink, new))
    try:
        yield
    except BaseException:
        _unlink(new)
        raise
    finally:
        settled(what)


def _unlink(places: list[Path]) -> None:
    for place in places:
        place.unlink(missing_ok=True)


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
def made_folder(folder: Path) -> Iterator[None]:
    """See to it that a folder is there, for the length of a block; those that were made for it and are still empty at its end
    are deleted.

    Raises:
        OSError: It cannot be made.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> with made_folder(place / "a" / "b"):
    ...     (place / "a" / "mine").touch()
    >>> [found.name for found in sorted(place.rglob("*"))]
    ['a', 'mine']
    """
    made, what = missing_folders(folder), object()
    expect(what, partial(remove_empty, made))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        remove_empty(made)
        settled(what)


def missing_folders(folder: Path) -> list[Path]:
    """A folder and those around it, the innermost first, as far as they are not there."""
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    return missing


def remove_empty(folders: list[Path]) -> None:
    """Delete folders that lie within each other, the innermost first, as far as they are empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextmanager
def _aside(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Something new and hidden beside a place, held as long as the block lasts; gone at its end."""
    with ExitStack() as opened:
        aside = _made_aside(path, make, opened)
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


def _made_aside(path: Path, make: Callable[[Path], None], opened: ExitStack) -> Path:
    folder = _beside(path)
    try:
        while True:
            opened.enter_context(made_folder(folder))
            aside = folder / f".{cut_to(path.stem, 100)}-{secrets.token_hex(4)}.part{path.suffix}"
            expect(aside, partial(_delete, aside))
            try:
                make(aside)
                return aside
            except OSError as error:
                settled(aside)
                # Another thread may have made the folder, and deleted it again.
                if not isinstance(error, FileExistsError) and folder.is_dir():
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
