"""The folders whose files tools may read: whatever lies elsewhere is as if it were not there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.core.errors import InputError
from mien.core.names import can_be_name, quoted, unspelled
from mien.media.folders import natural_key

_MOST_ENTRIES = 100_000
"""Names that a search for files looks at, at most."""


class Roots:
    """Folders, links resolved.

    Args:
        folders: What may be read, with all folders inside.

    Raises:
        InputError: None is given, one is no folder, or one is the root of the file system.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Roots([Path(folder)]).file("/etc/passwd")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: /etc/passwd: expected a file in .../...; got one elsewhere: start mien mcp with --root FOLDER to allow it
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(Path(os.path.realpath(folder)) for folder in folders)
        if not self._folders:
            raise InputError("expected at least one folder to read from; got none: name one with --root")
        for folder in self._folders:
            if folder == Path(folder.anchor):
                raise InputError(
                    f"--root: expected a folder with images and videos; got {folder}, which holds everything: name a folder with --root"
                )
            if not os.path.isdir(folder):
                raise InputError(f"--root {folder}: expected a folder; there is none: name another")

    def __str__(self) -> str:
        return ", ".join(map(str, self._folders))

    def file(self, path: str) -> Path:
        """A file that may be read.

        Args:
            path: As asked for; relative to one of the folders, or absolute.

        Raises:
            InputError: It lies elsewhere, also where a link leads out, or is no file.
        """
        found = self._within(path, "a file")
        if os.path.isdir(found):
            raise InputError(f"{path}: expected a file; got a folder: use read_folder")
        if not os.path.isfile(found):  # Nor a pipe or a device, which may never end.
            raise InputError(f"{path}: expected a file; there is none: read_folder lists what there is")
        return found

    def folder(self, path: str) -> Path:
        """A folder that may be read.

        Args:
            path: As asked for; relative to one of the folders, or absolute.

        Raises:
            InputError: It lies elsewhere, also where a link leads out, or is no folder.
        """
        found = self._within(path, "a folder")
        if not os.path.isdir(found):
            raise InputError(f"{path}: expected a folder; there is none: name another")
        return found

    def files(self, folder: Path) -> Iterator[Path]:
        """Files of a folder in natural order, then those of its folders; without names that begin with a dot, folders behind
        links, and files behind links that lead out.

        Args:
            folder: What `folder` gave.

        Raises:
            InputError: There are too many.
        """
        seen = 0
        for where, folders, names in os.walk(folder):
            seen += len(folders) + len(names)
            if seen > _MOST_ENTRIES:
                raise InputError(
                    f"{folder.name}: expected a folder of at most {_MOST_ENTRIES:,} files; got more: name one further inside"
                )
            folders[:] = sorted((name for name in folders if name[0] != "."), key=natural_key)
            for name in sorted((name for name in names if name[0] != "."), key=natural_key):
                file = Path(where, name)
                if os.path.isfile(file) and self._holds(Path(os.path.realpath(file))):
                    yield file

    def _within(self, path: str, kind: str) -> Path:
        names = dict.fromkeys((path, unspelled(path)))
        if "://" in path or not path or not all(map(can_be_name, names)):
            raise InputError(
                f"{quoted(path)}: expected the path of {kind} on this machine; nothing is fetched"
            )
        places = [folder / name for name in names for folder in self._folders]
        allowed = [found for place in places if self._holds(found := Path(os.path.realpath(place)))]
        if not allowed:
            raise InputError(
                f"{path}: expected {kind} in {self}; got one elsewhere: start mien mcp with --root FOLDER to allow it"
            )
        return next((found for found in allowed if os.path.exists(found)), allowed[0])

    def _holds(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self._folders)
